"""Read the keys of Bluetooth remotes and other key devices, on Linux, through evdev."""

from __future__ import annotations

import contextlib
import os
import select
import string
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Protocol

from assistant.controls.keys import KEYS
from assistant.controls.reader import Reader
from assistant.errors import DependencyError

AUTO: Final = "auto"
INSTALL: Final = 'pip install "facecue[remote]"'
_LOOK_AGAIN_S: Final = 2.0  # how soon a remote that was switched on is found
_PRESSED: Final = 1  # of an event's value; 0 is released, 2 repeated while held
_FOLDER: Final = "/dev/input"
RIGHTS: Final = (
    "Let yourself read them: `sudo usermod -aG input $USER`, then log in again; or give one device to who sits at it: "
    'write `KERNEL=="event*", SUBSYSTEM=="input", ATTRS{name}=="NAME", TAG+="uaccess"` to '
    "/etc/udev/rules.d/70-facecue.rules, and connect it again."
)


class Event(Protocol):
    """One thing that happened to a device."""

    type: int
    code: int
    value: int


class Device(Protocol):
    """A key device: what `evdev.InputDevice` offers and this module uses."""

    path: Any
    name: str

    def fileno(self) -> int:
        """Return what can be waited for."""
        ...

    def capabilities(self) -> Mapping[int, Sequence[Any]]:
        """Return the codes it can send, by type of event."""
        ...

    def read(self) -> Iterable[Event]:
        """Return what has happened; OSError when it is gone."""
        ...

    def grab(self) -> None:
        """Keep its keys from everybody else; OSError when somebody did before."""
        ...

    def close(self) -> None:
        """Let it go."""
        ...


class Bus(Protocol):
    """Find key devices."""

    def paths(self) -> list[str]:
        """Return where devices are that may be read."""
        ...

    def forbidden(self) -> list[str]:
        """Return where devices are that may not be read."""
        ...

    def open(self, path: str) -> Device:
        """Open one; OSError when it is gone."""
        ...

    def key(self, event: Event) -> str:
        """Return the name, as in `keys.KEYS`, of the key that was pressed; "" for anything else."""
        ...

    def names(self, device: Device) -> frozenset[str]:
        """Return the names of the keys that a device has."""
        ...


class Evdev:
    """Find devices through the package evdev.

    Raises:
        DependencyError: it is not installed, or this is not Linux.
    """

    def __init__(self) -> None:
        try:
            import evdev
        except ImportError as error:
            raise DependencyError(
                "Remotes are read through the package evdev, which is not installed (it is for Linux only).",
                f"Install it: {INSTALL}",
            ) from error
        self._evdev: Any = evdev

    def paths(self) -> list[str]:
        """Return where devices are that may be read."""
        return list(map(str, self._evdev.list_devices(_FOLDER, writable=False)))

    def forbidden(self) -> list[str]:
        """Return where devices are that may not be read."""
        every = (str(path) for path in Path(_FOLDER).glob("event*"))
        return sorted(path for path in every if not os.access(path, os.R_OK))

    def open(self, path: str) -> Device:
        """Open one."""
        device: Device = self._evdev.InputDevice(path, readonly=True)
        return device

    def key(self, event: Event) -> str:
        """Return the pressed key's name."""
        if event.type != self._evdev.ecodes.EV_KEY or event.value != _PRESSED:
            return ""
        return self._name(event.code)

    def names(self, device: Device) -> frozenset[str]:
        """Return the names of a device's keys."""
        codes = device.capabilities().get(self._evdev.ecodes.EV_KEY, ())
        return frozenset(filter(None, map(self._name, codes)))

    def _name(self, code: int) -> str:
        found = self._evdev.ecodes.keys.get(code, ())
        for each in (found,) if isinstance(found, str) else found:
            name = each.lower().removeprefix("key_")
            name = _ALIASES.get(name, name)
            if name in KEYS:
                return str(name)
        return ""


_ALIASES: Final = {
    "kpplus": "plus",
    "kpminus": "minus",
    "kpenter": "enter",
    "playcd": "play",
    "stopcd": "stop",
    "pausecd": "pause",
}
"""Linux' names of keys (input-event-codes.h) that mean a key of ours."""


class Remotes(Reader):
    """Read devices in a thread of its own, and tell their keys' names from there; find them again when they return.

    A device's keys are kept from other programs while it is read.

    Args:
        wanted: part of a device's name, or its path; `AUTO` takes every device with a usable key that is no keyboard.
        press: told each key's name.
        tell: told in a sentence what a person should know; once each time.
        lost: told whether a device was lost (True) or is back.
        bus: finds devices.
        look_again_s: how often new devices are looked for.
    """

    def __init__(
        self,
        wanted: str,
        press: Callable[[str], None],
        tell: Callable[[str], None],
        lost: Callable[[bool], None],
        bus: Bus,
        look_again_s: float = _LOOK_AGAIN_S,
    ) -> None:
        self._wanted, self._press, self._tell, self._tell_lost, self._bus = wanted, press, tell, lost, bus
        self._look_again_s = look_again_s
        self._devices: dict[str, Device] = {}
        self._others: dict[str, str] = {}
        self._missing: set[str] = set()
        self._told = ""
        super().__init__("remotes")
        self._thread.start()

    def _let_go(self) -> None:
        """Let the devices go."""
        for device in self._devices.values():
            _close(device)

    def _read(self) -> None:
        """Run the thread."""
        while not self._closed.is_set():
            self._find()
            self._listen()

    def _find(self) -> None:
        """Open the devices that have come, and say what stands in the way of having one."""
        paths = self._bus.paths()
        for gone in self._others.keys() - set(paths):
            del self._others[gone]
        for path in paths:
            if path not in self._devices and path not in self._others:
                self._open(path)
        if not self._devices and not self._missing:
            self._say_once(self._why_none())

    def _open(self, path: str) -> None:
        try:
            device = self._bus.open(path)
        except OSError:  # gone again, or not ready yet
            return
        if not self._suits(device):
            self._others[path] = device.name
            _close(device)
            return
        with contextlib.suppress(OSError):  # somebody else has it to himself: then nothing comes, and nothing breaks
            device.grab()
        known = self._has(device.name)  # one remote is often several devices
        self._devices[path] = device
        if known:
            return
        if device.name in self._missing:
            self._missing.discard(device.name)
            self._tell(f"The remote {device.name} is back.")
            self._tell_lost(False)
        else:
            self._tell(f"The remote {device.name} is used.")

    def _has(self, name: str) -> bool:
        return any(device.name == name for device in self._devices.values())

    def _suits(self, device: Device) -> bool:
        names = self._bus.names(device)
        if self._wanted == AUTO:
            return bool(names) and not names.issuperset(string.ascii_lowercase)
        return self._wanted == str(device.path) or (bool(names) and self._wanted.casefold() in device.name.casefold())

    def _why_none(self) -> str:
        forbidden = self._bus.forbidden()
        if forbidden and not self._others:
            return f"No remote: the devices in {_FOLDER} may not be read. {RIGHTS}"
        there = ", ".join(sorted(set(self._others.values()))) or "none"
        hint = f" Some may not be read. {RIGHTS}" if forbidden else ""
        named = "that suits" if self._wanted == AUTO else f"called {self._wanted!r}"
        return f"There is no remote {named} yet; it is waited for. Devices here: {there}.{hint}"

    def _say_once(self, sentence: str) -> None:
        if sentence != self._told:
            self._told = sentence
            self._tell(sentence)

    def _listen(self) -> None:
        """Pass keys on until it is time to look for devices again."""
        fds = {device.fileno(): path for path, device in self._devices.items()}
        for fd in select.select([*fds, self._wake_read], (), (), self._look_again_s)[0]:
            if fd in fds:
                self._take(fds[fd])

    def _take(self, path: str) -> None:
        device = self._devices[path]
        try:
            names = [self._bus.key(event) for event in device.read()]
        except BlockingIOError:
            return
        except OSError:  # switched off, out of reach, unplugged
            del self._devices[path]
            _close(device)
            if self._has(device.name) or device.name in self._missing:
                return
            self._missing.add(device.name)
            self._tell(f"The remote {device.name} is lost; it is waited for.")
            self._tell_lost(True)
            return
        for name in filter(None, names):
            self._press(name)


def _close(device: Device) -> None:
    with contextlib.suppress(OSError):
        device.close()
