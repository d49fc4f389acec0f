"""Build fakes for what the wearer's hand reaches: a voice, tuning, sight, a bus of key devices."""

from __future__ import annotations

import os
from collections import namedtuple

from assistant.controls.actions import Action
from assistant.controls.dispatcher import Dispatcher
from assistant.controls.keys import key_map
from tests.speech_builders import person, phrases, scene

ALL_CUES = frozenset({"arrival", "smile", "eyes_closed"})


class HeardVoice:
    """Keep what is heard, in order: words as they are, sounds in brackets, a cut as "cut"; "hushed" and "free"."""

    def __init__(self):
        self.heard: list[str] = []

    def answer(self, text: str) -> None:
        assert text
        self.heard.append(text)

    def sound(self, earcon: str) -> None:
        self.heard.append(f"<{earcon}>")

    def stop(self) -> None:
        self.heard.append("cut")

    def hush(self, on: bool) -> None:
        self.heard.append("hushed" if on else "free")

    def take(self) -> list[str]:
        heard, self.heard = self.heard, []
        return heard


class FixedTuning:
    def __init__(self, verbosity: int = 2, cues: frozenset[str] = ALL_CUES - {"eyes_closed"}):
        self.verbosity, self.cues, self.all_cues = verbosity, cues, ALL_CUES

    def tune(self, verbosity: int, cues: frozenset[str]) -> None:
        assert 1 <= verbosity <= 4
        self.verbosity, self.cues = verbosity, cues


class FixedSight:
    """See so many people; None is blind."""

    def __init__(self, people: int | None = 1):
        self.people = people

    def scene(self):
        if self.people is None:
            return None
        return scene(*(person(track=number, width=200.0 / number) for number in range(1, self.people + 1)))

    def describe(self, scene):
        return f"{len(scene.people)} seen."

    def describe_person(self, person):
        return f"Person {person.face.track}."


def dispatcher(people: int | None = 1, verbosity: int = 2, more=None):
    """Return a dispatcher with English words, and the fakes behind it."""
    voice, tuning, sight = HeardVoice(), FixedTuning(verbosity), FixedSight(people)
    words = phrases()
    return Dispatcher(voice, tuning, sight, lambda: words, key_map({}), more), voice, tuning, sight


Pressed = namedtuple("Pressed", "type code value")


class FakeDevice:
    """A key device behind a pipe; a code is the key's name."""

    def __init__(self, path: str, name: str, keys: frozenset[str] = frozenset({"enter", "playpause"})):
        self.path, self.name, self.keys = path, name, keys
        self.grabbed = self.closed = self.gone = False
        self._read, self._write = os.pipe()
        self._events: list[Pressed] = []

    def press(self, key: str, value: int = 1) -> None:
        self._events.append(Pressed(1, key, value))
        os.write(self._write, b"x")

    def unplug(self) -> None:
        self.gone = True
        os.write(self._write, b"x")

    def fileno(self) -> int:
        return self._read

    def capabilities(self):
        return {1: sorted(self.keys)}

    def read(self):
        os.read(self._read, 1)
        if self.gone:
            raise OSError(19, "No such device")
        events, self._events = self._events, []
        return events

    def grab(self) -> None:
        self.grabbed = True

    def close(self) -> None:
        if not self.closed:
            self.closed = True
            os.close(self._read)
            os.close(self._write)


class FakeBus:
    """Hold devices by path; a path with None may not be read."""

    def __init__(self, *devices: FakeDevice, forbidden: tuple[str, ...] = ()):
        self.devices = {device.path: device for device in devices}
        self._forbidden = list(forbidden)

    def paths(self) -> list[str]:
        return list(self.devices)

    def forbidden(self) -> list[str]:
        return self._forbidden

    def open(self, path: str) -> FakeDevice:
        return self.devices[path]

    def key(self, event) -> str:
        return event.code if event.value == 1 else ""

    def names(self, device: FakeDevice) -> frozenset[str]:
        return device.keys


ACTIONS = tuple(Action)
