"""Speak through speech-dispatcher, the speech service of Linux desktops, in its own protocol SSIP."""

from __future__ import annotations

import contextlib
import getpass
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np

from assistant.errors import SpeechError
from assistant.speech.budget import count_words
from assistant.speech.players import Player
from assistant.speech.prosody import Prosody
from assistant.types import Speech, Synthesiser

_USUAL: Final = Prosody()
_TIMEOUT_S: Final = 0.5  # it answers in a millisecond; a daemon that hangs must not hold the loop up
_RATE_HZ: Final = 8_000  # of the silence that stands for its words
_PAUSE_S: Final = 0.3  # around the words
_SLOW_WPM, _MIDDLE_WPM, _FAST_WPM = 80, 175, 450  # what SSIP's -100, 0 and 100 mean to its espeak-ng; others differ


class SpeechDispatcher:
    """Let speech-dispatcher speak; use it with a `DispatchingPlayer`, which says when.

    What it speaks is not ours to mix: words come from the middle, a WAV file holds silence in their place, and their
    length is estimated. It is spoken to through a socket of this machine's own user, and only where the settings ask
    for it.

    Args:
        language: such as "en".
        prosody: how it speaks.
        path: of the daemon's socket.

    Raises:
        SpeechError: the daemon does not run; the caller falls back.
    """

    name = "speech-dispatcher"

    def __init__(self, language: str = "en", prosody: Prosody = _USUAL, path: Path | None = None) -> None:
        self._language, self._prosody = language, prosody
        self._path = path or default_path()
        self._socket: socket.socket | None = None
        self._text = ""
        self._trouble: str | None = None
        try:
            self._connect()
        except OSError as error:
            self.close()
            raise SpeechError(
                f"speech-dispatcher cannot be reached at {self._path} ({error.strerror or error}).",
                "Start it with `spd-say hello` (Debian: `sudo apt install speech-dispatcher`), or set speech.engine to "
                "auto.",
            ) from error

    def synthesise(self, text: str) -> Speech:
        """Keep the text for `speak`, and return silence for about as long as it takes."""
        self._text = text
        seconds = count_words(text) * 60 / self._prosody.words_per_minute + _PAUSE_S if text.strip() else 0.0
        return Speech(np.zeros(round(seconds * _RATE_HZ), np.int16), _RATE_HZ)

    def speak(self) -> None:
        """Cut what is being said, and let the text that was kept be said, once."""
        text, self._text = self._text, ""
        body = "\r\n".join(f".{line}" if line.startswith(".") else line for line in text.splitlines())
        self._try("CANCEL SELF", *(["SPEAK", f"{body}\r\n."] if text.strip() else []))

    def cancel(self) -> None:
        """Cut what is being said."""
        self._try("CANCEL SELF")

    def louder(self, gain: float) -> None:
        """Set the loudness of the next words, as far as it can be raised."""
        self._try(f"SET SELF VOLUME {_volume(self._prosody.volume * gain)}")

    def trouble(self) -> str | None:
        """Return the last failure, once."""
        trouble, self._trouble = self._trouble, None
        return trouble

    def close(self) -> None:
        """Leave the daemon. May be called twice."""
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.sendall(b"QUIT\r\n")
            self._socket.close()
            self._socket = None

    # SSIP

    def _connect(self) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(_TIMEOUT_S)
        self._socket.connect(str(self._path))
        how = self._prosody
        for command in (
            f"SET SELF CLIENT_NAME {getpass.getuser()}:facecue:main",
            f"SET SELF LANGUAGE {self._language}",
            f"SET SELF RATE {_rate(how.words_per_minute)}",
            f"SET SELF PITCH {how.pitch * 2 - 100}",
            f"SET SELF VOLUME {_volume(how.volume)}",
            f"SET SELF PUNCTUATION {how.punctuation}",
            "SET SELF PRIORITY MESSAGE",  # the order of our own words is ours; those of others go on as they would
        ):
            self._ask(command)

    def _try(self, *commands: str) -> None:
        """Send commands, connecting anew where the daemon has gone; note what fails."""
        for last in (False, True):
            try:
                if self._socket is None:
                    self._connect()
                for command in commands:
                    self._ask(command)
                return
            except OSError as error:
                if self._socket is not None:
                    self._socket.close()
                    self._socket = None
                if last:
                    self._trouble = f"speech-dispatcher: {error.strerror or error}"

    def _ask(self, command: str) -> None:
        """Send one command and take its answer, which ends with a line of a code and a space.

        Raises:
            OSError: the daemon is gone, hangs or refuses.
        """
        assert self._socket is not None
        self._socket.sendall(f"{command}\r\n".encode("utf-8", "replace"))
        answer = b""
        while not answer.endswith(b"\r\n") or answer.splitlines()[-1][3:4] != b" ":
            part = self._socket.recv(4096)
            if not part:
                raise OSError("it has gone")
            answer += part
        code = answer.splitlines()[-1][:1]
        if code not in b"12":
            raise OSError(f"it refuses {command.split()[0]}: {answer.decode('utf-8', 'replace').strip()}")


class DispatchingPlayer:
    """Play earcons through another output, and let speech-dispatcher speak where words are to be played.

    Args:
        player: plays earcons; closed with this.
        voice: returns the voice of the moment, which may have been changed.
    """

    def __init__(self, player: Player, voice: Callable[[], Synthesiser]) -> None:
        self._player, self._voice = player, voice
        self.name = f"{player.name}, {SpeechDispatcher.name}"

    @property
    def busy(self) -> bool:
        """Whether an earcon is played; the words are not ours to know."""
        return self._player.busy

    def play(self, speech: Speech, pan: float = 0.0) -> None:
        """Play the earcon, if there is one, and let the words be spoken."""
        self._player.play(speech, pan)
        for dispatcher in self._dispatcher():
            dispatcher.speak()

    def chime(self, sound: Speech, pan: float = 0.0) -> None:
        """Play an earcon."""
        self._player.chime(sound, pan)

    def volume(self, gain: float) -> None:
        """Set the loudness of the next words."""
        self._player.volume(gain)
        for dispatcher in self._dispatcher():
            dispatcher.louder(gain)

    def stop(self) -> None:
        """Cut words and earcons."""
        self._player.stop()
        for dispatcher in self._dispatcher():
            dispatcher.cancel()

    def trouble(self) -> str | None:
        """Return the last failure, once."""
        return next(filter(None, (each.trouble() for each in self._dispatcher())), None) or self._player.trouble()

    def describe(self) -> tuple[str, str]:
        """Return the name and the reason."""
        return self.name, f"speech-dispatcher speaks; for the other sounds: {self._player.describe()[1]}"

    def close(self) -> None:
        """Release the other output."""
        self._player.close()

    def _dispatcher(self) -> list[SpeechDispatcher]:
        """Return it, where it is the voice."""
        voice = self._voice()
        return [voice] if isinstance(voice, SpeechDispatcher) else []


def default_path() -> Path:
    """Return where the daemon listens: SPEECHD_ADDRESS, else its own folder of the user's runtime folder."""
    address = os.environ.get("SPEECHD_ADDRESS", "")
    if address.startswith("unix_socket:"):
        return Path(address.removeprefix("unix_socket:"))
    return Path(os.environ.get("XDG_RUNTIME_DIR", "/run/user/0")) / "speech-dispatcher" / "speechd.sock"


def _rate(words_per_minute: int) -> int:
    """Return SSIP's rate, -100 to 100."""
    reach = _FAST_WPM - _MIDDLE_WPM if words_per_minute > _MIDDLE_WPM else _MIDDLE_WPM - _SLOW_WPM
    return min(max(round((words_per_minute - _MIDDLE_WPM) / reach * 100), -100), 100)


def _volume(percent: float) -> int:
    """Return SSIP's volume, -100 to 100, of which 100 is the most."""
    return min(max(round(percent * 2 - 100), -100), 100)
