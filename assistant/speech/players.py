"""Play speech through the first sound output that works, and say which that is and why."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import threading
from collections.abc import Callable
from typing import Final, Protocol

import numpy as np

from assistant.errors import SpeechError
from assistant.speech.mixer import LOWERED
from assistant.speech.portaudio import SoundDevicePlayer
from assistant.speech.stereo import panned
from assistant.types import Speech

_PROBE_S: Final = 2.0  # a working sound server answers in 25 ms


class Player(Protocol):
    """Play one speech at a time, without blocking."""

    @property
    def name(self) -> str:
        """Name of the output."""
        ...

    @property
    def busy(self) -> bool:
        """Whether something is being played."""
        ...

    def play(self, speech: Speech, pan: float = 0.0) -> None:
        """Start to play, cutting earlier words; `pan` is -1 left to 1 right. Never raises: see `trouble`."""
        ...

    def chime(self, sound: Speech, pan: float = 0.0) -> None:
        """Play an earcon beside the words. Never raises; any thread may call it, all else belongs to one at a time."""
        ...

    def volume(self, gain: float) -> None:
        """Set the loudness of the next words: 1 is that of the voice itself."""
        ...

    def stop(self) -> None:
        """Cut what is being played."""
        ...

    def trouble(self) -> str | None:
        """Return why speech was not heard, once; None when all was well since the last call."""
        ...

    def describe(self) -> tuple[str, str]:
        """Return the output's name and why it was chosen."""
        ...

    def close(self) -> None:
        """Release the sound device. May be called twice."""
        ...


class CommandPlayer:
    """Play through a program that reads raw samples: `aplay` (ALSA) or `paplay` (PulseAudio, PipeWire).

    One process an utterance, about 25 ms to start. Samples go through an unnamed temporary file: a pipe would block.

    Args:
        name: "aplay" or "paplay".

    Raises:
        SpeechError: the program is missing or cannot reach a sound device; try the next player.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._process: subprocess.Popen[bytes] | None = None
        self._chimes: list[subprocess.Popen[bytes]] = []
        self._chimes_lock = threading.Lock()
        self._gain = 1.0
        self._trouble: str | None = None
        self._path = shutil.which(name)
        if self._path is None:
            package = {"aplay": "alsa-utils", "paplay": "pulseaudio-utils"}.get(name, name)
            raise SpeechError(f"{name} is not installed.", f"Install it: `sudo apt install {package}` on Debian.")
        try:
            subprocess.run(
                self._command(22_050), input=bytes(1764), capture_output=True, check=True, timeout=_PROBE_S
            )  # 20 ms of silence
        except subprocess.CalledProcessError as error:
            said = error.stderr.decode("utf-8", "replace").strip().splitlines()
            raise SpeechError(
                f"{name} cannot play: {said[-1] if said else f'status {error.returncode}'}.", "Check the sound device."
            ) from error
        except subprocess.TimeoutExpired as error:
            raise SpeechError(f"{name} hangs.", "Check the sound server.") from error
        except OSError as error:
            raise SpeechError(f"{name} cannot be run: {error.strerror}.", "Install it again.") from error

    @property
    def busy(self) -> bool:
        """Whether the program is still running."""
        self._collect()
        return self._process is not None

    def play(self, speech: Speech, pan: float = 0.0) -> None:
        """Start to play."""
        self._end(self._process)
        self._process = self._run(speech, pan, self._gain)

    def chime(self, sound: Speech, pan: float = 0.0) -> None:
        """Play an earcon beside the words; the sound server mixes them."""
        process = self._run(sound, pan, LOWERED if self._process else 1.0)
        with self._chimes_lock:
            self._chimes += [process] if process else []

    def volume(self, gain: float) -> None:
        """Set the loudness of the next words."""
        self._gain = gain

    def stop(self) -> None:
        """Cut what is being played."""
        self._collect()
        with self._chimes_lock:
            chimes, self._chimes = self._chimes, []
        for process in (self._process, *chimes):
            self._end(process)
        self._process = None

    def trouble(self) -> str | None:
        """Return the last failure, once."""
        self._collect()
        trouble, self._trouble = self._trouble, None
        return trouble

    def describe(self) -> tuple[str, str]:
        """Return the name and the reason."""
        return self.name, f"{self.name} reaches a sound device"

    def close(self) -> None:
        """Cut what is being played."""
        self.stop()

    def _run(self, sound: Speech, pan: float, gain: float) -> subprocess.Popen[bytes] | None:
        samples = np.clip(panned(sound.pcm, pan) * gain, -32_768, 32_767).astype("<i2").tobytes()
        try:
            with tempfile.TemporaryFile() as file:
                file.write(samples)
                file.seek(0)
                return subprocess.Popen(
                    self._command(sound.rate_hz),
                    stdin=file,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    start_new_session=True,  # Ctrl-C is for Facecue, which then stops it
                )
        except OSError as error:  # the program went away, or the temporary folder is full
            self._trouble = f"{self.name}: {error.strerror}"
            return None

    def _end(self, process: subprocess.Popen[bytes] | None) -> None:
        if process is not None:
            process.kill()
            process.wait()

    def _collect(self) -> None:
        with self._chimes_lock:
            self._chimes = [chime for chime in self._chimes if chime.poll() is None]
        if self._process is not None and self._process.poll() is not None:
            if self._process.returncode != 0:
                self._trouble = f"{self.name} ended with status {self._process.returncode}"
            self._process = None

    def _command(self, rate_hz: int) -> list[str]:
        assert self._path is not None
        if self.name == "paplay":
            return [self._path, "--raw", "--format=s16le", f"--rate={rate_hz}", "--channels=2", "--latency-msec=20"]
        return [self._path, "-q", "-t", "raw", "-f", "S16_LE", "-c", "2", "-r", str(rate_hz)]


class SilentPlayer:
    """Play nothing: speech is then only in the transcript and the WAV file.

    Args:
        reason: why there is no sound, for reports.
    """

    name = "none"
    busy = False

    def __init__(self, reason: str = "sound is switched off") -> None:
        self._reason = reason

    def play(self, speech: Speech, pan: float = 0.0) -> None:
        """Do nothing."""

    def chime(self, sound: Speech, pan: float = 0.0) -> None:
        """Do nothing."""

    def volume(self, gain: float) -> None:
        """Do nothing."""

    def stop(self) -> None:
        """Do nothing."""

    def trouble(self) -> str | None:
        """Return None: silence was foreseen."""
        return None

    def describe(self) -> tuple[str, str]:
        """Return the name and the reason."""
        return self.name, self._reason

    def close(self) -> None:
        """Do nothing."""


OUTPUTS: Final[dict[str, Callable[[], Player]]] = {
    "sounddevice": SoundDevicePlayer,
    "aplay": lambda: CommandPlayer("aplay"),
    "paplay": lambda: CommandPlayer("paplay"),
}
"""In the order they are tried: the quickest first."""


def open_player(kind: str = "auto") -> Player:
    """Open a sound output. Blocks up to a few seconds where a sound server hangs.

    Args:
        kind: "auto" for the first that works, "none" for silence, or one of `OUTPUTS`.

    Returns:
        A player; a `SilentPlayer` that knows the reasons where none works: losing sound must not end the program.

    Raises:
        ValueError: `kind` is unknown.
    """
    if kind == "none":
        return SilentPlayer()
    if kind != "auto" and kind not in OUTPUTS:
        raise ValueError(f"{kind!r} is no sound output; use auto, none, {', '.join(OUTPUTS)}")
    reasons = []
    for name in OUTPUTS if kind == "auto" else (kind,):
        try:
            return OUTPUTS[name]()
        except SpeechError as error:
            reasons.append(f"{error.cause} {error.remedy}")
    return SilentPlayer("No sound: " + " ".join(reasons))


def describe_sound() -> list[tuple[str, bool, str]]:
    """Try every output; return (name, usable, reason or remedy) of each, in the order they are tried."""
    rows = []
    for name, opener in OUTPUTS.items():
        try:
            player = opener()
        except SpeechError as error:
            rows.append((name, False, f"{error.cause} {error.remedy}"))
        else:
            rows.append((name, True, player.describe()[1]))
            player.close()
    return rows
