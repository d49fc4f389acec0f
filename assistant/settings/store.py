"""Hold the settings of a running device: changed by people, followed in the file, undone by the wearer."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, time
from pathlib import Path
from typing import Any, Final

from assistant import locate
from assistant.errors import OutputError, SettingsError
from assistant.settings.commented import commented
from assistant.settings.edit import with_values, without
from assistant.settings.file import override, parse, read_document, read_text, resolve
from assistant.settings.keys import Key, keys
from assistant.settings.layers import source
from assistant.settings.save import save
from assistant.settings.schema import Settings

_KEPT: Final = 50  # changes that can be undone
YOU: Final = "You"
A_FILE: Final = "The settings file"
"""Who changed a setting where nobody gave a name."""
QUIET_BEGINS: Final = "Quiet hours begin"
QUIET_ENDS: Final = "Quiet hours end"
"""What changed settings where it was the clock."""


@dataclass(frozen=True, slots=True)
class Change:
    """Hold one key's change, and who made it."""

    key: Key
    old: Any
    new: Any
    by: str


def announcement(changes: tuple[Change, ...]) -> str:
    """Return changes by one person, or the clock, in words: "Anna's phone set verbosity to 2."."""
    if changes[0].by in (QUIET_BEGINS, QUIET_ENDS):
        return f"{changes[0].by}."
    said = [change.key.said(change.new) for change in changes[:3]]
    more = len(changes) - len(said)
    said += [f"changed {more} more"] if more else []
    return f"{changes[0].by} {' and '.join(filter(None, [', '.join(said[:-1]), said[-1]]))}."


def differences(old: Settings, new: Settings, by: str) -> tuple[Change, ...]:
    """Return what differs, in the schema's order."""
    return tuple(Change(key, key.of(old), key.of(new), by) for key in keys().values() if key.of(old) != key.of(new))


def in_quiet_hours(settings: Settings, at: time) -> bool:
    """Tell whether the quiet hours hold at a time of the day; they may pass midnight, and an empty span never holds."""
    hours, now = settings.quiet_hours, at.strftime("%H:%M")
    if not hours.enabled:
        return False
    if hours.start <= hours.end:
        return hours.start <= now < hours.end
    return now >= hours.start or now < hours.end


class Store:
    """Hold the settings that are in force, and their file.

    Any thread may call any method. All but reading `settings` wait for the disk: call them in a thread of their own.

    Args:
        path: the device's file, which need not exist yet; None for the person's own.
        options: lays the command line over what the file says.
        wall: tells the time of the day, for the quiet hours.

    Raises:
        SettingsError: an option of the command line is wrong. A wrong file is never an error here: see `problem`.
    """

    def __init__(
        self,
        path: Path | None = None,
        options: Callable[[Settings], Settings] = lambda settings: settings,
        wall: Callable[[], time] = lambda: datetime.now().time(),
    ) -> None:
        self.path = path or locate.user_settings()
        self._options, self._wall = options, wall
        self._lock = threading.RLock()
        self._undo: list[tuple[str, frozenset[str]]] = []
        self._freed: frozenset[str] = frozenset()  # keys of the command line that somebody has changed since
        self.problem = ""
        """What is wrong with the file now, "" for nothing; while something is, the last good settings hold."""
        self._stamp = self._seen = self._look()
        self._text = self._first_text()
        self._quiet = False
        self._settings = self._in_force()

    @property
    def settings(self) -> Settings:
        """Return what is in force: all layers, quiet hours and command line included."""
        return self._settings

    def sources(self) -> dict[str, str]:
        """Return for each key the layer its value comes from: "default", "device", "profile NAME", "command line"."""
        with self._lock:
            document = read_document(self._text, str(self.path))
            overridden = self._overridden()
            return {
                path: "command line" if path in overridden else source(path, document, self._quiet) for path in keys()
            }

    def change(self, values: Mapping[str, Any], by: str) -> tuple[Change, ...]:
        """Set keys, in the file too; return what differs now. What the command line said of them holds no longer.

        Raises:
            SettingsError: a value is wrong, or the file on the disk is; nothing is changed.
            OutputError: it cannot be written; nothing is changed.
        """
        with self._lock:
            text = with_values(self._text, values, str(self.path))
            return self._replace(text, by, self._freed | (self._overridden() & values.keys()))

    def reset(self, paths: set[str], by: str) -> tuple[Change, ...]:
        """Give keys their defaults again; return what differs now.

        Raises:
            OutputError: it cannot be written; nothing is changed.
        """
        with self._lock:
            text = without(self._text, paths, str(self.path))
            return self._replace(text, by, self._freed | (self._overridden() & paths))

    def undo(self, by: str = YOU) -> tuple[Change, ...]:
        """Take back the last change, whoever made it; return what differs now, nothing where there is none.

        Raises:
            OutputError: it cannot be written; nothing is changed.
        """
        with self._lock:
            if not self._undo:
                return ()
            text, freed = self._undo.pop()
            changes = self._replace(text, by, freed)
            del self._undo[-1:]  # taking back is no change to take back
            return changes

    def follow(self) -> tuple[Change, ...]:
        """Take in what was changed in the file by another program, and the hour; return what differs now.

        Call it a few times a second. A file that is wrong changes nothing but `problem`.
        """
        with self._lock:
            stamp, seen = self._look(), self._seen
            self._seen = stamp
            if stamp not in (None, self._stamp) and stamp == seen:  # an editor may still be writing, or have moved it
                self._stamp = stamp
                return self._reread()
            if in_quiet_hours(self._settings, self._wall()) != self._quiet:
                return self._adopt(self._text, QUIET_ENDS if self._quiet else QUIET_BEGINS)
            return ()

    def export(self) -> str:
        """Return what is in force as a commented file."""
        return commented(self._settings)

    def _replace(self, text: str, by: str, freed: frozenset[str]) -> tuple[Change, ...]:
        if text == self._text and freed == self._freed:
            return ()
        if self.problem:  # somebody's work, though wrong: keep it beside
            with contextlib.suppress(OSError):
                self.path.rename(self.path.with_name(f"{self.path.stem}.broken.toml"))
        save(self.path, text)
        self.problem = ""
        self._stamp = self._seen = self._look()
        self._remember(text)
        self._freed = freed
        return self._adopt(text, by)

    def _reread(self) -> tuple[Change, ...]:
        try:
            text = read_text(self.path)
            parse(text, str(self.path))
        except SettingsError as error:
            self.problem = str(error)
            return ()
        self.problem = ""
        if text == self._text:
            return ()
        self._remember(text)
        return self._adopt(text, A_FILE)

    def _remember(self, text: str) -> None:
        self._undo = [*self._undo, (self._text, self._freed)][-_KEPT:]
        self._keep_good(text)

    def _keep_good(self, text: str) -> None:
        """Keep a copy for the day when the file is broken; do without where there is no room for one."""
        with contextlib.suppress(OutputError):
            save(self._good_path, text)

    def _adopt(self, text: str, by: str) -> tuple[Change, ...]:
        before, self._text = self._settings, text
        self._settings = self._in_force()
        return differences(before, self._settings, by)

    def _in_force(self) -> Settings:
        name = str(self.path)
        document = read_document(self._text, name)
        settings = resolve(document, self._text, name)
        self._quiet = in_quiet_hours(settings, self._wall())
        below = resolve(document, self._text, name, True) if self._quiet else settings
        above = self._options(below)
        for key in (keys()[path] for path in self._freed):
            above = override(above, key.section, **{key.name: key.of(below)})
        return above

    def _overridden(self) -> set[str]:
        """Return the keys of which the command line says something else than the layers below."""
        document = read_document(self._text, str(self.path))
        below = resolve(document, self._text, str(self.path), self._quiet)
        return {path for path, key in keys().items() if key.of(below) != key.of(self._settings)}

    def _first_text(self) -> str:
        """Return the file's text, or the last that was good, or that of the defaults."""
        if self._stamp is None:
            return ""
        try:
            text = read_text(self.path)
            parse(text, str(self.path))
        except SettingsError as error:
            self.problem = str(error)
            return self._last_good()
        if not self._good_path.is_file() or text != self._last_good():
            self._keep_good(text)
        return text

    def _last_good(self) -> str:
        try:
            text = read_text(self._good_path)
            parse(text, str(self._good_path))
        except SettingsError:
            return ""
        return text

    @property
    def _good_path(self) -> Path:
        return self.path.with_name(f"{self.path.stem}.last-good.toml")

    def _look(self) -> tuple[int, int, int] | None:
        """Return what changes with the file; None where there is none."""
        try:
            status = self.path.stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_size, status.st_ino
