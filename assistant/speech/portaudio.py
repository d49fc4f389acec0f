"""Play through PortAudio: one stream, open from start to end, into which words and earcons are mixed."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from typing import Any, Final

from assistant.errors import SpeechError
from assistant.speech.alsa import quieten_alsa
from assistant.speech.mixer import Mixer
from assistant.speech.stereo import at_rate, panned
from assistant.types import Speech

_RATE_HZ: Final = 22_050  # espeak-ng's, so that nothing is resampled by us
_LATENCY_S: Final = 0.02  # asked of the device: "low" is 9 ms at some and starves on a busy small board
_DEAD_AFTER_S: Final = 1.0  # a device that has asked for nothing so long is gone: it asks every few milliseconds
_SETTLES_S: Final = 2.0  # a sound server that has just been opened may take that much at once, and then pauses
_RETRY_S: Final = 1.0


class SoundDevicePlayer:
    """Play through PortAudio.

    The stream is opened once and plays silence between words, so that words need not wait for a device to wake.
    PortAudio's own thread fetches the samples. No method waits for sound; looking for a lost device again takes
    some tens of milliseconds, at most once a second.

    Args:
        monotonic_s: real time.

    Raises:
        SpeechError: the package, its library PortAudio or a sound device is missing; try the next player.
    """

    name = "sounddevice"

    def __init__(self, monotonic_s: Callable[[], float] = time.monotonic) -> None:
        quieten_alsa()
        try:
            import sounddevice
        except ImportError as error:
            raise SpeechError("sounddevice is not installed.", "Run `pip install sounddevice`.") from error
        except OSError as error:  # what it raises where the library is missing
            raise SpeechError(
                "The library PortAudio is missing.", "Install it: `sudo apt install libportaudio2` on Debian."
            ) from error
        self._library: Any = sounddevice
        self._monotonic_s = monotonic_s
        self._mixer = Mixer(_RATE_HZ)
        self._volume = 1.0
        self._stream: Any = None
        self._trouble: str | None = None
        self._fetched_s = self._tried_s = self._settled_s = monotonic_s()
        try:
            self._open()
        except (sounddevice.PortAudioError, ValueError, MemoryError) as error:  # the last: no executable memory allowed
            raise SpeechError(
                f"PortAudio finds no sound output ({error}).", "Connect a headset or a loudspeaker."
            ) from error

    @property
    def busy(self) -> bool:
        """Whether samples wait to be fetched."""
        return self._mixer.busy

    def play(self, speech: Speech, pan: float = 0.0) -> None:
        """Start to play, cutting earlier words."""
        self._check()
        self._mixer.speak(panned(at_rate(speech, self._mixer.rate_hz), pan))

    def chime(self, sound: Speech, pan: float = 0.0) -> None:
        """Play an earcon beside the words, lower while there are any. Any thread may call it."""
        mixer = self._mixer
        mixer.chime(panned(at_rate(sound, mixer.rate_hz), pan))

    def volume(self, gain: float) -> None:
        """Set the loudness of the next words: 1 is that of the voice itself."""
        self._volume = self._mixer.volume = gain

    def stop(self) -> None:
        """Cut what is being played; returns at once, and what the device holds already is some milliseconds."""
        self._mixer.silence()

    def trouble(self) -> str | None:
        """Return the last failure, once; a device that is gone is looked for again."""
        self._check()
        trouble, self._trouble = self._trouble, None
        return trouble

    def describe(self) -> tuple[str, str]:
        """Return the name and the reason."""
        return self.name, "PortAudio found a sound output"

    def close(self) -> None:
        """Release the device."""
        self._drop()

    def _check(self) -> None:
        """Note that the device is gone, and look for one again."""
        now_s = self._monotonic_s()
        if self._stream is not None and (
            not self._stream.active or now_s - max(self._fetched_s, self._settled_s) > _DEAD_AFTER_S
        ):
            self._trouble = "PortAudio: the sound device is gone"
            self._drop()
        if self._stream is None and now_s - self._tried_s >= _RETRY_S:
            self._tried_s = now_s
            unheard = self._mixer.busy  # words that began while there was no device, and ended in no stream
            try:
                self._find_devices_again()
                self._open()
                if unheard:
                    self._trouble = "PortAudio: the sound device was gone"
            except (self._library.PortAudioError, ValueError) as error:
                self._trouble = f"PortAudio: {error}"
                self._drop()

    def _open(self) -> None:
        """Open the default output; at its own rate where it takes no other."""
        try:
            self._start(_RATE_HZ)
        except self._library.PortAudioError:
            self._drop()
            rate_hz = int(self._library.query_devices(kind="output")["default_samplerate"])
            if rate_hz == _RATE_HZ:
                raise
            self._start(rate_hz)

    def _start(self, rate_hz: int) -> None:
        mixer = Mixer(rate_hz)
        mixer.volume = self._volume

        def fetch(out: Any, frames: int, _time: Any, _status: Any) -> None:
            self._fetched_s = self._monotonic_s()
            out[:] = mixer.render(frames).tobytes()

        self._stream = self._library.RawOutputStream(
            samplerate=rate_hz, channels=2, dtype="int16", latency=_LATENCY_S, callback=fetch
        )
        self._stream.start()
        self._mixer = mixer
        self._settled_s = self._monotonic_s() + _SETTLES_S

    def _find_devices_again(self) -> None:
        """Let PortAudio list the devices anew: it does so only when it starts."""
        with contextlib.suppress(self._library.PortAudioError):
            self._library._terminate()
        self._library._initialize()

    def _drop(self) -> None:
        stream, self._stream = self._stream, None
        self._mixer.silence()
        if stream is not None:
            stream.close(ignore_errors=True)
