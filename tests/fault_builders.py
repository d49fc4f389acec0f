"""Run the real loop with a scripted camera and a fake clock, and keep what is heard, logged and known of its health."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from assistant import app, supervisor
from assistant import run as composition
from assistant.camera.live import LiveCamera, Patience
from assistant.camera.watch import LOST
from assistant.errors import SourceError
from assistant.facs import AU_ORDER
from assistant.health import Health
from assistant.inference.choose import Choice
from assistant.settings.store import Store
from assistant.sight import Sight
from assistant.types import ActionUnits, Face, Frame
from assistant.vision.scene import SceneReader
from tests.app_builders import FixedUnits, PlainClassifier
from tests.camera_builders import SharedClock, bgr, coloured
from tests.speech_builders import FakePlayer, FakeVoice

SETTINGS = "# my own settings\n[speech]\nwords_per_minute = 300\n"
BUSY_S = 1.0
"""A busy machine may start a program, or give a thread its turn, so much later; the bar itself is 2 s."""
UNKNOWN = ActionUnits((0.1,) * len(AU_ORDER), (False,) * len(AU_ORDER))


@dataclass(frozen=True)
class Shot:
    """A picture that the camera gives `after_s` after the one before."""

    image_bgr: npt.NDArray[Any]
    after_s: float = 0.1


@dataclass(frozen=True)
class Gone:
    """The camera fails, and cannot be opened again for so long."""

    for_s: float


@dataclass(frozen=True)
class Hung:
    """The driver does not return, and opens again only so long after that was noticed."""

    opens_after_s: float = 0.0


HUNG_S = 1.8
"""What passes while nobody does anything about it."""


@dataclass(frozen=True)
class Do:
    """Something happens between two pictures."""

    what: Callable[[], object]


class Mark:
    """Remember when it was reached."""

    def __init__(self, clock: SharedClock) -> None:
        self._clock = clock
        self.at_s = float("nan")

    def __call__(self) -> None:
        self.at_s = self._clock.now_s()


Step = Shot | Gone | Hung | Do


def shots(seconds: float, after_s: float = 0.1, size: tuple[int, int] = (64, 48)) -> list[Step]:
    """A working camera for so long: every picture differs by its noise."""
    count = round(seconds / after_s)
    return [Shot(bgr(coloured((120, 130, 140), size, seed)), after_s) for seed in range(count)]


class ScriptedDriver:
    """Play a script as a camera's driver would, one picture for each frame that the loop asks for."""

    def __init__(self, clock: SharedClock, script: Sequence[Step], ended: Callable[[], object]) -> None:
        self._clock, self._script, self._ended = clock, iter(script), ended
        self._gone_until_s = 0.0
        self.asked = threading.Semaphore(0)
        self.told = threading.Event()
        self.test_over = threading.Event()

    def connect(self) -> ScriptedDriver:
        if self._clock.now_s() < self._gone_until_s:
            raise SourceError("It is not there.", "Plug it in.")
        return self

    def pause(self, seconds: float) -> None:
        """Let the loop notice, then let the time pass."""
        self.told.wait(20.0)
        self._clock.advance(seconds)

    def read(self) -> tuple[bool, npt.NDArray[Any]]:
        for step in self._script:
            if isinstance(step, Do):
                step.what()
                continue
            if isinstance(step, Shot):
                picture = step.image_bgr.shape[2:] == (3,) and step.image_bgr.size
                if picture:
                    self.asked.acquire(timeout=20.0)
                self._clock.advance(step.after_s)
                return True, step.image_bgr
            if isinstance(step, Gone):
                self._gone_until_s = self._clock.now_s() + step.for_s
                return False, np.empty(0)
            self._gone_until_s = self._clock.now_s() + HUNG_S + step.opens_after_s if step.opens_after_s else 0.0
            self._clock.advance(HUNG_S)
            self.test_over.wait(20.0)
            return False, np.empty(0)
        self._ended()
        return False, np.empty(0)

    def release(self) -> None:
        pass


class LockstepCamera:
    """A live camera whose driver gives one picture for each frame that is asked for."""

    live, name = True, "a camera"

    def __init__(self, clock: SharedClock, script: Sequence[Step], on_state: Callable[[str], None]) -> None:
        self.driver = ScriptedDriver(clock, script, lambda: self._camera.close())

        def told(state: str) -> None:
            on_state(state)
            (self.driver.told.set if state == LOST else self.driver.told.clear)()

        self.driver.asked.release()
        patience = Patience(poll_s=0.002)
        self._camera = LiveCamera("a camera", self.driver.connect, clock, told, patience, self.driver.pause)
        self._clock = clock
        self.frames_s: list[float] = []
        self.most_pictures = 0

    def frames(self) -> Iterator[Frame]:
        alive: list[weakref.ref[Any]] = []
        for frame in self._camera.frames():
            self.frames_s.append(self._clock.now_s())
            alive.append(weakref.ref(frame.image_rgb))
            alive = [picture for picture in alive if picture() is not None]
            self.most_pictures = max(self.most_pictures, len(alive))
            yield frame
            self.driver.asked.release()

    def close(self) -> None:
        self.driver.test_over.set()
        self._camera.close()


class Finder:
    """Find the given faces in every picture that is not dark."""

    def __init__(self, faces: Callable[[Frame], Sequence[Face]]) -> None:
        self._faces = faces

    def detect(self, frame: Frame) -> tuple[Face, ...]:
        return tuple(self._faces(frame)) if frame.image_rgb.mean() > 30 else ()


class Units(FixedUnits):
    thresholds = (0.5,) * len(AU_ORDER)


@dataclass
class Outcome:
    """What a run was like from outside.

    Attributes:
        heard: seconds and words, in order, without the greeting.
        logged: standard error.
        health: the report at the end.
        error: what ended it, or None.
        report: what the program printed of itself.
        frames_s: when each frame was taken by the loop.
        most_pictures: how many frames' pictures were in memory at once, at most.
    """

    heard: list[tuple[float, str]]
    logged: str
    health: Any
    error: Exception | None
    report: dict[str, Any]
    frames_s: list[float]
    most_pictures: int

    def words(self) -> list[str]:
        return [text for _, text in self.heard]

    def first_frame_after(self, at_s: float) -> float:
        """Return how long after a moment the loop had a frame again."""
        return next(frame_s for frame_s in self.frames_s if frame_s > at_s) - at_s


class Room:
    """Hold a scripted world around the real program, which runs with a settings file of its own.

    Args:
        monkeypatch: pytest's.
        capsys: pytest's.
        folder: for the settings.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], folder: Path) -> None:
        self._monkeypatch, self._capsys = monkeypatch, capsys
        self.settings_file = folder / "settings.toml"
        self.settings_file.write_text(SETTINGS, encoding="utf-8")
        self._runs: list[Any] = []
        self.clock = SharedClock()
        self.voice: FakeVoice | None = FakeVoice()
        """None for what is really installed."""
        self.player = FakePlayer()
        self.units = Units(UNKNOWN)
        self.faces: Callable[[Frame], Sequence[Face]] = lambda frame: ()

    def run(self, *script: Step, change: Mapping[str, Any] | None = None, **request: Any) -> Outcome:
        """Run the program until the script ends; whatever happens, no setting may be lost.

        Args:
            script: what the camera does.
            change: settings by path, beside those of the file.
            request: outputs of the run.
        """
        runs = self._runs = []
        made: list[LockstepCamera] = []
        self._patch(script, runs, made)
        heard: list[tuple[float, str]] = []
        error: Exception | None = None
        report: dict[str, Any] = {}

        def show(line: str) -> None:
            at, _, text = line.partition(": ")
            heard.append((float(at.removeprefix("at ").split()[0]), text))

        store = Store(self.settings_file)
        store.change(dict(change or {}), "A test")
        before = self.settings_file.read_bytes()
        try:
            report = app.watch(store.settings, app.Request(store=store, **request), show)
        except Exception as ended:
            error = ended
        finally:
            for camera in made:
                camera.driver.test_over.set()
        assert self.settings_file.read_bytes() == before, "no setting is lost"
        logged = self._capsys.readouterr().err
        words = [(at_s, text) for at_s, text in heard if text != "Facecue is on."]
        return Outcome(words, logged, runs[0].health.report(), error, report, made[0].frames_s, made[0].most_pictures)

    @property
    def health(self) -> Health:
        """The health of the run that goes on."""
        health: Health = self._runs[0].health
        return health

    def _patch(self, script: Sequence[Step], runs: list[Any], made: list[LockstepCamera]) -> None:
        patch = self._monkeypatch.setattr
        time = SimpleNamespace(sleep=self.clock.advance)
        for module in (composition, supervisor):
            patch(module, "SystemClock", lambda: self.clock)
            patch(module, "time", time)
        choice = Choice("litert", "compact", Path(), 1.0, "a test", ())
        sight = Sight(
            Finder(lambda frame: self.faces(frame)),
            (),
            self.units,
            PlainClassifier(),
            choice,
            2.0,
            SceneReader(),  # type: ignore[arg-type]
        )
        patch(composition, "build_sight", lambda *_: sight)
        if self.voice is not None:
            patch(composition, "voice_or_text", lambda *_: (self.voice, ""))
        patch(composition, "sound_or_silence", lambda *_: (self.player, ""))

        def open_source(_spec: Any, _clock: Any, _speed: Any, on_state: Any) -> LockstepCamera:
            made.append(LockstepCamera(self.clock, script, on_state))
            return made[0]

        patch(composition, "open_source", open_source)
        init = composition.Run.__init__

        def remember(run: Any, *arguments: Any) -> None:
            runs.append(run)
            init(run, *arguments)

        patch(composition.Run, "__init__", remember)
