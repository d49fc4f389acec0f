"""Measure real playback: `python -m benchmarks.playback` plays through PulseAudio's null sink and listens to it.

It needs Debian's packages pulseaudio, pulseaudio-utils, libportaudio2 and libasound2-plugins: PortAudio plays through
ALSA, and ALSA's plug-in hands over to the sound server that PULSE_SERVER names. The server is its own, on a socket in
a temporary folder, and ends with it; no sound card is used.

What is measured includes the recorder's own delay: each figure is an upper bound. The result is printed as JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import wave
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from assistant.inference.hardware import fingerprint

RATE_HZ: Final = 22_050
NEEDED: Final = ("pulseaudio", "parec", "pactl")
ALIKE: Final = 0.99  # correlation; a stretch in which the sound server ran dry has a hole and is less
_FIRST_REACHES_S: Final = ((9.0, 3.0),)  # before and after: nobody knows when the recorder began
_REACHES_S: Final = ((0.3, 0.3), (0.3, 3.0))
_AUDIBLE: Final = 100  # of 32,767: a voice's first consonant, -50 dB
_SENTENCES: Final = ("They left.", "One person, close, ahead.", "Smiling.", "Brows raised.")
_LONG: Final = "Three people. The nearest is close, at one o'clock, smiling broadly at you and talking all the time."


class SoundServer:
    """Run PulseAudio with one null sink, for this process and its children."""

    def __init__(self, folder: Path) -> None:
        os.environ.update(
            PULSE_SERVER=f"unix:{folder}/socket", XDG_RUNTIME_DIR=str(folder), PULSE_COOKIE=str(folder / "cookie")
        )
        command = ["pulseaudio", "-n", "--exit-idle-time=-1", "--use-pid-file=no", "--daemonize=no", "--system=no"]
        modules = (
            f"module-native-protocol-unix socket={folder}/socket auth-anonymous=1",
            f"module-null-sink sink_name=ears rate={RATE_HZ} channels=2 format=s16le",
        )
        self._process = subprocess.Popen(
            [*command, *(part for each in modules for part in ("-L", each))],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "HOME": str(folder)},
        )

    def __enter__(self) -> SoundServer:
        deadline_s = time.monotonic() + 20
        while subprocess.run(["pactl", "info"], capture_output=True, check=False).returncode:
            if time.monotonic() > deadline_s or self._process.poll() is not None:
                self.kill()
                raise SystemExit("PulseAudio does not start.")
            time.sleep(0.05)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    def kill(self) -> None:
        """End the server, as when a sound device is unplugged."""
        self._process.kill()
        self._process.wait()


class Recorder:
    """Record what the sink plays, with the time at which each part arrived."""

    def __init__(self) -> None:
        self._parts: list[tuple[float, bytes]] = []
        self._process = subprocess.Popen(
            ["parec", "-d", "ears.monitor", "--format=s16le", f"--rate={RATE_HZ}", "--channels=2", "--latency-msec=5"],
            stdout=subprocess.PIPE,
        )
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        while part := os.read(self._process.stdout.fileno(), 65_536):
            self._parts.append((time.monotonic(), part))

    def sound(self, from_s: float = 0.0) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int16]]:
        """Return the time at which each frame was there, and the (N, 2) frames, of what arrived since."""
        parts = [each for each in tuple(self._parts) if each[0] > from_s]
        pcm = np.frombuffer(b"".join(part for _, part in parts), "<i2").reshape(-1, 2)
        times = [np.full(len(part) // 4, at_s) - np.arange(len(part) // 4)[::-1] / RATE_HZ for at_s, part in parts]
        return np.concatenate(times) if times else np.zeros(0), pcm

    def audible(self, from_s: float) -> npt.NDArray[np.float64]:
        """Return the times after `from_s` at which something is heard."""
        times, pcm = self.sound(from_s)
        return times[(np.abs(pcm.astype(int)).max(1, initial=0) > _AUDIBLE) & (times > from_s)]

    def close(self) -> None:
        """End the recording."""
        self._process.kill()
        self._process.wait()
        self._thread.join()
        assert self._process.stdout is not None
        self._process.stdout.close()


def measure(trials: int, wav: Path) -> dict[str, Any]:
    """Play and listen; return what was measured."""
    from assistant.clock import SystemClock
    from assistant.speech.espeak import EspeakSynthesiser
    from assistant.speech.portaudio import SoundDevicePlayer
    from assistant.speech.scheduler import Scheduler
    from assistant.speech.speaker import QueueSpeaker
    from assistant.speech.wavmix import WavMix
    from assistant.types import Priority, Utterance

    clock, recorder = SystemClock(), Recorder()
    speaker = QueueSpeaker(
        EspeakSynthesiser(), SoundDevicePlayer(), clock, wav=WavMix(wav), scheduler=Scheduler(gap_s=0.0)
    )
    for _ in range(100):  # until the recorder has begun
        time.sleep(0.05)
        if len(recorder.sound()[0]) > RATE_HZ // 10:
            break

    def say(text: str, pan: float = 0.0) -> None:
        now_s = clock.now_s()
        speaker.say(Utterance(text, Priority.MESSAGE, now_s, now_s + 9, "answer", pan=pan), now_s)

    first_ms, silence_ms = [], []
    for trial in range(trials):
        decided_s = time.monotonic()
        say(_SENTENCES[trial % len(_SENTENCES)])
        time.sleep(0.3)
        speaker.drain(time.sleep)
        time.sleep(0.15)
        first_ms.append((float(min([*recorder.audible(decided_s), np.inf])) - decided_s) * 1e3)
    for _ in range(trials):
        say(_LONG)
        time.sleep(0.4)
        stopped_s = time.monotonic()
        speaker.stop()
        time.sleep(0.35)
        silence_ms.append(max((float(at) - stopped_s) * 1e3 for at in [stopped_s, *recorder.audible(stopped_s)]))
    balance_db = {}
    for pan in (-0.8, 0.8):
        begun_s = time.monotonic()
        say(_SENTENCES[1], pan)
        speaker.drain(time.sleep)
        time.sleep(0.3)
        times, pcm = recorder.sound(begun_s)
        left, right = np.sqrt((pcm[times > begun_s].astype(float) ** 2).mean(0)) + 1e-9
        balance_db[str(pan)] = round(float(20 * np.log10(right / left)), 1)
    speaker.close()
    heard = recorder.sound()[1]
    recorder.close()
    return {
        "trials": trials,
        "first_audible_ms": {str(p): round(float(np.percentile(first_ms, p)), 1) for p in (50, 95, 100)},
        "stop_to_silence_ms": {str(p): round(float(np.percentile(silence_ms, p)), 1) for p in (50, 95, 100)},
        "right_over_left_db": balance_db,
        "wav": compare(wav, heard),
    }


def compare(wav: Path, heard: npt.NDArray[np.int16]) -> dict[str, Any]:
    """Find each stretch of sound of the WAV file in what was heard; return how many are there, and how exactly."""
    with wave.open(str(wav)) as file:
        kept = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, 2).astype(np.float64)
    listened = np.pad(heard.astype(np.float64), ((0, 9 * RATE_HZ), (0, 0)))
    found = []
    later = 0  # by how many frames the recording lags; sentences are the same again and again, so it is kept in mind
    reaches_s: tuple[tuple[float, float], ...] = _FIRST_REACHES_S
    for start, end in spoken(kept):
        part = kept[start : min(end, start + RATE_HZ)]
        best = max((find(part, listened, start + later, *reach_s) for reach_s in reaches_s), key=lambda each: each[0])
        found.append(best)
        if best[0] > ALIKE:
            later, reaches_s = best[2] - start, _REACHES_S
    likeness, gains, _ = zip(*found, strict=True)
    return {
        "stretches": len(found),
        "alike": round(float(np.mean(np.array(likeness) > ALIKE)), 3),
        "correlation": {"least": round(min(likeness), 4), "median": round(float(np.median(likeness)), 4)},
        "gain": [round(min(gains), 3), round(max(gains), 3)],
    }


def find(
    part: npt.NDArray[np.float64], listened: npt.NDArray[np.float64], about: int, before_s: float, after_s: float
) -> tuple[float, float, int]:
    """Look for a part near a frame; return its correlation with what is there, its gain, and the frame."""
    low = max(about - round(before_s * RATE_HZ), 0)
    window = listened[low : max(about, 0) + round(after_s * RATE_HZ) + len(part)]
    size = 1 << int(np.ceil(np.log2(len(window) + len(part))))
    at = sum(
        np.fft.irfft(np.fft.rfft(window[:, ear], size) * np.conj(np.fft.rfft(part[:, ear], size))) for ear in (0, 1)
    )
    best = int(np.argmax(at[: max(len(window) - len(part), 1)]))
    match = np.pad(window, ((0, len(part)), (0, 0)))[best : best + len(part)]  # may have been cut off
    loudness = float(np.linalg.norm(match))
    likeness = float((match * part).sum()) / (loudness * float(np.linalg.norm(part)) + 1e-9)
    return likeness, loudness / float(np.linalg.norm(part)), low + best


def spoken(kept: npt.NDArray[np.float64]) -> list[tuple[int, int]]:
    """Return (start, end) of what lies between silences of a tenth of a second or more."""
    loud = np.flatnonzero(np.abs(kept).max(1) > 0)
    breaks = np.flatnonzero(np.diff(loud) > RATE_HZ // 10)
    return list(
        zip(loud[np.r_[0, breaks + 1]].tolist(), (loud[np.r_[breaks, len(loud) - 1]] + 1).tolist(), strict=True)
    )


def lacking() -> bool:
    """Tell whether programs that are needed are missing, and print which."""
    missing = [name for name in NEEDED if shutil.which(name) is None]
    if missing:
        print(f"Missing: {', '.join(missing)}. Run `sudo apt install pulseaudio pulseaudio-utils`.", file=sys.stderr)
    return bool(missing)


def main() -> int:
    """Start the server, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=30)
    parser.add_argument("--save", action="store_true", help="write benchmarks/results/DATE-playback.json")
    options = parser.parse_args()
    if lacking():
        return 2
    with tempfile.TemporaryDirectory(prefix="facecue-") as folder, SoundServer(Path(folder)):
        load = os.getloadavg()[0]
        outcome = {
            "date": date.today().isoformat(),
            "command": " ".join(["python -m benchmarks.playback", *sys.argv[1:]]),
            "device": fingerprint(),
            "load_before": load,
            **measure(options.trials, Path(folder) / "spoken.wav"),
        }
    text = json.dumps(outcome, indent=1)
    if options.save:
        path = Path(__file__).parent / "results" / f"{outcome['date']}-playback.json"
        path.write_text(text + "\n", encoding="utf-8")
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
