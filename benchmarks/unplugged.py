"""Unplug the sound device in the middle of a sentence: `python -m benchmarks.unplugged`.

The device is PulseAudio's null sink, see `benchmarks.playback`; it is killed while an alert is said, and started again
some seconds later. Measured are the time until the loss is told, the longest time that the loop was held up meanwhile,
and the time from the device's return until words are heard. The result is printed as JSON.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks.playback import NEEDED, Recorder, SoundServer

_ALERT: Final = "Camera lost. I will go on looking for it as long as it takes."
_GONE_S: Final = 3.0
_PATIENCE_S: Final = 20.0


class Loop:
    """Pump a speaker as the frames' loop does, and note what it tells and how long it took."""

    def __init__(self) -> None:
        from assistant.clock import SystemClock
        from assistant.speech.espeak import EspeakSynthesiser
        from assistant.speech.portaudio import SoundDevicePlayer
        from assistant.speech.speaker import QueueSpeaker
        from assistant.types import Priority, Utterance

        self.clock = SystemClock()
        self.told: list[tuple[float, str, Any]] = []
        self.longest_s = 0.0
        self.speaker = QueueSpeaker(
            EspeakSynthesiser(),
            SoundDevicePlayer(),
            self.clock,
            lambda event: self.told.append((time.monotonic(), type(event).__name__, event)),
        )
        now_s = self.clock.now_s()
        self.speaker.say(Utterance(_ALERT, Priority.IMPORTANT, now_s, now_s + 60, "alert"), now_s)

    def go(self, until: Callable[[], object]) -> None:
        """Pump until something is so, or patience ends."""
        end_s = time.monotonic() + _PATIENCE_S
        while not until() and time.monotonic() < end_s:
            begun_s = time.monotonic()
            self.speaker.pump(self.clock.now_s())
            self.longest_s = max(self.longest_s, time.monotonic() - begun_s)
            time.sleep(0.01)

    def first(self, name: str) -> float:
        """Return when an event of this name was told first, or infinity."""
        return min((at_s for at_s, each, _ in self.told if each == name), default=float("inf"))


def measure(folder: Path) -> dict[str, Any]:
    """Say, unplug, wait, plug in; return what was measured."""
    server = SoundServer(folder).__enter__()
    loop, start_s = Loop(), time.monotonic()
    loop.go(lambda: time.monotonic() - start_s > 0.8)
    gone_s = time.monotonic()
    server.kill()
    loop.go(lambda: time.monotonic() - gone_s > _GONE_S)
    held_s = loop.longest_s
    (folder / "socket").unlink(missing_ok=True)
    with SoundServer(folder):
        recorder, back_s = Recorder(), time.monotonic()
        loop.go(lambda: loop.speaker.idle)
        time.sleep(2.5)  # a sound server that has just started plays up to two seconds later
        heard = recorder.audible(back_s)
        recorder.close()
    loop.speaker.close()
    return {
        "told_after_ms": round((loop.first("Trouble") - gone_s) * 1e3),
        "troubles_told": sum(name == "Trouble" for _, name, _ in loop.told),
        "loop_held_up_ms": round(held_s * 1e3),
        "heard_again_after_ms": round((float(np.min(heard)) - back_s) * 1e3) if len(heard) else None,
        "heard_again_for_ms": round(float(np.ptp(heard)) * 1e3) if len(heard) else 0,
        "recovered_told": sum(name == "Recovered" for _, name, _ in loop.told),
    }


def main() -> int:
    """Measure and print."""
    missing = [name for name in NEEDED if shutil.which(name) is None]
    if missing:
        print(f"Missing: {', '.join(missing)}. Run `sudo apt install pulseaudio pulseaudio-utils`.", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="facecue-") as folder:
        print(json.dumps(measure(Path(folder)), indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
