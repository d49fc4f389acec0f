"""Play speech through the first sound output that works, and say which that is and why."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import threading
from collections.abc import Callable
from typing import Any, Final, Protocol

from assistant.errors import SpeechError
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

    def play(self, speech: Speech) -> None:
        """Start to play, cutting what is being played. Never raises: see `trouble`."""
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


class SoundDevicePlayer:
    """Play through PortAudio.

    PortAudio's own thread fetches the samples; a lock guards what it reads. No method waits for sound.

    Raises:
        SpeechError: the package, its library PortAudio or a sound device is missing; try the next player.
    """

    name = "sounddevice"

    def __init__(self) -> None:
        try:
            import sounddevice
        except ImportError as error:
            raise SpeechError("sounddevice is not installed.", "Run `pip install sounddevice`.") from error
        except OSError as error:  # what it raises where the library is missing
            raise SpeechError(
                "The library PortAudio is missing.", "Install it: `sudo apt install libportaudio2` on Debian."
            ) from error
        self._library: Any = sounddevice
        self._lock = threading.Lock()
        self._pending = memoryview(b"")
        self._stream: Any = None
        self._rate_hz = 0
        self._trouble: str | None = None
        try:
            sounddevice.query_devices(kind="output")
        except (sounddevice.PortAudioError, ValueError) as error:
            raise SpeechError(
                f"PortAudio finds no sound output ({error}).", "Connect a headset or a loudspeaker."
            ) from error

    @property
    def busy(self) -> bool:
        """Whether samples wait to be fetched."""
        with self._lock:
            return len(self._pending) > 0

    def play(self, speech: Speech) -> None:
        """Start to play."""
        try:
            self._open(speech.rate_hz)
            with self._lock:
                self._pending = memoryview(speech.pcm.astype("<i2").tobytes())
            if not self._stream.active:
                self._stream.start()
        except self._library.PortAudioError as error:
            self._trouble = f"PortAudio: {error}"
            self._drop_stream()

    def stop(self) -> None:
        """Cut what is being played; returns within a millisecond."""
        with self._lock:
            self._pending = memoryview(b"")
        if self._stream is not None:
            try:
                self._stream.abort()
            except self._library.PortAudioError as error:
                self._trouble = f"PortAudio: {error}"
                self._drop_stream()

    def trouble(self) -> str | None:
        """Return the last failure, once."""
        trouble, self._trouble = self._trouble, None
        return trouble

    def describe(self) -> tuple[str, str]:
        """Return the name and the reason."""
        return self.name, "PortAudio found a sound output"

    def close(self) -> None:
        """Release the device."""
        self._drop_stream()

    def _open(self, rate_hz: int) -> None:
        if self._stream is not None and self._rate_hz == rate_hz:
            return
        self._drop_stream()
        self._stream = self._library.RawOutputStream(
            samplerate=rate_hz, channels=1, dtype="int16", latency="low", callback=self._fetch
        )
        self._rate_hz = rate_hz

    def _fetch(self, out: Any, _frames: int, _time: Any, _status: Any) -> None:
        """Fill PortAudio's buffer, with silence after the end: an open stream starts the next words in 3 to 5 ms."""
        with self._lock:
            part = self._pending[: len(out)]
            self._pending = self._pending[len(out) :]
        out[: len(part)] = part
        out[len(part) :] = bytes(len(out) - len(part))

    def _drop_stream(self) -> None:
        stream, self._stream = self._stream, None
        with self._lock:
            self._pending = memoryview(b"")
        if stream is not None:
            stream.close(ignore_errors=True)


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
        self._trouble: str | None = None
        self._path = shutil.which(name)
        if self._path is None:
            package = {"aplay": "alsa-utils", "paplay": "pulseaudio-utils"}.get(name, name)
            raise SpeechError(f"{name} is not installed.", f"Install it: `sudo apt install {package}` on Debian.")
        try:
            subprocess.run(
                self._command(22_050), input=bytes(882), capture_output=True, check=True, timeout=_PROBE_S
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

    def play(self, speech: Speech) -> None:
        """Start to play."""
        self.stop()
        try:
            with tempfile.TemporaryFile() as samples:
                samples.write(speech.pcm.astype("<i2").tobytes())
                samples.seek(0)
                self._process = subprocess.Popen(
                    self._command(speech.rate_hz),
                    stdin=samples,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    start_new_session=True,  # Ctrl-C is for Facecue, which then stops it
                )
        except OSError as error:  # the program went away, or the temporary folder is full
            self._trouble = f"{self.name}: {error.strerror}"

    def stop(self) -> None:
        """Cut what is being played."""
        self._collect()
        if self._process is not None:
            self._process.kill()
            self._process.wait()
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

    def _collect(self) -> None:
        if self._process is not None and self._process.poll() is not None:
            if self._process.returncode != 0:
                self._trouble = f"{self.name} ended with status {self._process.returncode}"
            self._process = None

    def _command(self, rate_hz: int) -> list[str]:
        assert self._path is not None
        if self.name == "paplay":
            return [self._path, "--raw", "--format=s16le", f"--rate={rate_hz}", "--channels=1"]
        return [self._path, "-q", "-t", "raw", "-f", "S16_LE", "-c", "1", "-r", str(rate_hz)]


class SilentPlayer:
    """Play nothing: speech is then only in the transcript and the WAV file.

    Args:
        reason: why there is no sound, for reports.
    """

    name = "none"
    busy = False

    def __init__(self, reason: str = "sound is switched off") -> None:
        self._reason = reason

    def play(self, speech: Speech) -> None:
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
