"""Start the page's process from the device's, and answer what it asks."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from assistant.clock import Clock
from assistant.errors import DependencyError, FacecueError, OutputError
from assistant.settings.file import parse
from assistant.settings.keys import keys
from assistant.settings.store import Change, Store, announcement
from assistant.web.link import LONGEST, encoded
from assistant.web.pairing import new_code

_START_S: Final = 20.0
_AGAIN_S: Final = 10.0  # within which a second press of the key ends all sessions
_PREVIEW_S: Final = 2.0  # between two previews: nobody can talk the wearer deaf
_SEND_S: Final = 0.05  # longer than the page's process ever takes; the loop's thread waits no longer
_PACKAGES: Final = ("starlette", "uvicorn", "jinja2", "itsdangerous", "python_multipart")


@dataclass(frozen=True, slots=True)
class Words:
    """Hold what the device shall say.

    Attributes:
        text: what is spoken.
        reason: why, for the transcript.
        written: what is written in its place where `text` is a secret, or "".
    """

    text: str
    reason: str
    written: str = ""


class Facts(Protocol):
    """Tell what the device knows of itself, in plain values."""

    def health(self) -> Mapping[str, Any] | None:
        """Return `HealthReport.as_json()`, or None where nothing runs."""
        ...

    def words(self) -> Sequence[Mapping[str, Any]]:
        """Return the last utterances, newest first, each with ago_s, text, spoken and reason."""
        ...

    def offers(self) -> Mapping[str, Mapping[str, str]]:
        """Return by key the values that are known to work, with their names, where the schema cannot count them."""
        ...


class Sentences(Protocol):
    """Find what is said, in the wearer's language."""

    def text(self, key: str, **fields: str) -> str:
        """Return a sentence by its key in the section [page] of the phrase files."""
        ...

    def example(self, path: str, value: object, written: str) -> str:
        """Return what lets one hear a setting at a value; `written` is the schema's example, in English."""
        ...

    def changed(self, changes: tuple[Change, ...]) -> str:
        """Return who changed what."""
        ...


class PageHost:
    """Hold the page's process, from the device's side. Methods may be called from any thread; none waits but `start`.

    Args:
        store: the settings.
        facts: health and words.
        say: takes words to be spoken; called from any thread.
        clock: tells seconds.
        words: returns the sentences of the language that is set.
        on_change: told that settings have changed, after the words about it were handed to `say`.
    """

    def __init__(
        self,
        store: Store,
        facts: Facts,
        say: Callable[[Words], None],
        clock: Clock,
        words: Callable[[], Sentences],
        on_change: Callable[[], None] = lambda: None,
    ) -> None:
        self._store, self._facts, self._say, self._clock, self._on_change = store, facts, say, clock, on_change
        self._words = words
        self._names: tuple[str, ...] = ()
        self._asked_at_s = -_AGAIN_S
        self._preview_at_s = -_PREVIEW_S
        self._sending = threading.Lock()
        self._ready = threading.Event()
        self._failure = ""
        self._process: subprocess.Popen[bytes] | None = None
        self._end: socket.socket | None = None
        self._host = ""
        self.port = 0

    @property
    def address(self) -> str:
        """Return what a browser is told to open, once it listens; by name where the local network may come in."""
        host = f"{socket.gethostname()}.local" if self._host in ("0.0.0.0", "::") else self._host
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}/"

    def start(self, host: str, port: int) -> None:
        """Start the process, and wait until it listens.

        Raises:
            DependencyError: a package of the extra `page` is not installed.
            OutputError: the address cannot be had.
        """
        missing = [name for name in _PACKAGES if importlib.util.find_spec(name) is None]
        if missing:
            raise DependencyError(f"The page needs {', '.join(missing)}.", "Install it: pip install 'facecue[page]'")
        self._host = host
        ours, theirs = socket.socketpair()
        self._end = ours
        with theirs:
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "assistant.web",
                    f"--device={theirs.fileno()}",
                    f"--host={host}",
                    f"--port={port}",
                ],
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
            )
        threading.Thread(target=self._follow, args=(ours,), name="page", daemon=True).start()
        self._ready.wait(_START_S)
        if self._failure or not self.port:
            self.close()
            raise OutputError(
                self._failure or "The page does not start.", "Choose another --port, or end what uses it."
            )

    def open_code(self) -> None:
        """Make a new code, have it spoken, and let it be typed for two minutes."""
        code = new_code()
        if self._tell({"told": "code", "code": code}):
            digits = ", ".join(code)
            self._say(Words(self._words().text("code", code=digits), "answer", "Pairing code spoken."))
        else:
            self._say(Words(self._words().text("off"), "answer"))

    def sessions(self) -> None:
        """Say who is paired; asked again within ten seconds, end all of it."""
        now_s = self._clock.now_s()
        again, self._asked_at_s = now_s - self._asked_at_s < _AGAIN_S, now_s
        if not self._names:
            self._say(Words(self._words().text("nobody"), "answer"))
        elif not again:
            self._say(Words(self._words().text("names", names=", ".join(self._names)), "answer"))
        elif self._tell({"told": "end sessions"}):
            self._names, self._asked_at_s = (), -_AGAIN_S
            self._say(Words(self._words().text("ended"), "answer"))

    def answer(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Return the answer to one line of the page's process, with the number of its question."""
        what = {key: value for key, value in asked.items() if key not in ("question", "number")}
        question, number = asked.get("question", ""), asked.get("number", 0)
        known: dict[str, Callable[..., dict[str, Any]]] = {
            "state": self._state,
            "change": self._change,
            "undo": self._undo,
            "preview": self._preview,
            "export": lambda: {"text": self._store.export()},
            "import": self._import,
            "paired": self._paired,
            "sessions": self._learn_sessions,
            "listening": self._listening,
            "failed": self._fail,
        }
        try:
            answer = known[question](**what)
        except FacecueError as error:
            answer = {"error": str(error)}
        except (KeyError, TypeError, ValueError):
            answer = {"error": "The device does not understand."}
        return {"number": number, **answer}

    def close(self) -> None:
        """End the process. May be called twice."""
        end, self._end = self._end, None
        if end is not None:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
        if self._process is not None:
            try:
                self._process.wait(3.0)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None

    def _follow(self, end: socket.socket) -> None:
        """Answer line by line, in a thread of its own, until the page's process ends."""
        with contextlib.suppress(OSError, ValueError), end.makefile("rb") as lines:
            while line := lines.readline(LONGEST):
                answer = encoded(self.answer(json.loads(line)))
                with self._sending:
                    end.sendall(answer)
        self._ready.set()

    def _state(self) -> dict[str, Any]:
        settings = self._store.settings
        return {
            "values": {path: key.of(settings) for path, key in keys().items()},
            "sources": self._store.sources(),
            "health": self._facts.health(),
            "words": list(self._facts.words()),
            "offers": self._facts.offers(),
            "names": self._names,
            "problem": self._store.problem,
        }

    def _change(self, values: dict[str, Any], by: str) -> dict[str, Any]:
        """Change what the page may change; the page's own check is repeated here, where it counts."""
        if not all(keys()[path].remote for path in values):
            return {"error": "That can be changed on the device only."}
        return self._announced(self._store.change(values, by) if values else ())

    def _undo(self, by: str) -> dict[str, Any]:
        return self._announced(self._store.undo(by))

    def _import(self, text: str, by: str) -> dict[str, Any]:
        """Take over what a file says, but for what can be changed on the device only.

        With another profile every value is written: that profile would change others than those that differ now.
        """
        wanted, now = parse(text, "The file"), self._store.settings
        every = wanted.profile != now.profile
        values = {path: key.of(wanted) for path, key in keys().items() if key.remote}
        return self._change(
            {path: value for path, value in values.items() if every or value != keys()[path].of(now)}, by
        )

    def _announced(self, changes: tuple[Change, ...]) -> dict[str, Any]:
        if not changes:
            return {"said": ""}
        self._say(Words(self._words().changed(changes), "settings"))
        self._on_change()
        return {"said": announcement(changes)}  # the page is in English, whatever the wearer's language is

    def _preview(self, path: str, value: object, text: str) -> dict[str, Any]:
        now_s, words = self._clock.now_s(), self._words()
        example = words.text("example", text=words.example(path, value, text[:300]))  # else it would be taken for true
        paused = bool((self._facts.health() or {}).get("paused"))
        if paused or now_s - self._preview_at_s < _PREVIEW_S:
            return {"spoken": False, "paused": paused, "said": example}
        self._preview_at_s = now_s
        self._say(Words(example, "preview"))
        return {"spoken": True, "said": example}

    def _paired(self, name: str, names: Sequence[str]) -> dict[str, Any]:
        self._names = tuple(names)
        self._say(Words(self._words().text("paired", name=name), "settings"))
        return {}

    def _learn_sessions(self, names: Sequence[str]) -> dict[str, Any]:
        self._names = tuple(names)
        return {}

    def _listening(self, port: int) -> dict[str, Any]:
        self.port = port
        self._ready.set()
        return {}

    def _fail(self, why: str) -> dict[str, Any]:
        self._failure = why
        self._ready.set()
        return {}

    def _tell(self, message: dict[str, Any]) -> bool:
        """Send what was not asked for; return False where the page has ended."""
        end = self._end
        if end is None or not self._sending.acquire(timeout=_SEND_S):
            return False
        try:
            end.sendall(encoded(message))
        except OSError:
            return False
        finally:
            self._sending.release()
        return True
