"""Say and stop ten thousand times on the real voice, and tell whether anything hangs, dies or grows.

    python -m benchmarks.voice_cycles --cycles 10000 --save

Every cycle says a sentence through espeak-ng's own process, the scheduler and a mixer that is rendered as a sound
device would, and stops it; some cycles kill the voice first, as a crash would. Memory, open handles, threads and child
processes are looked at before and after; the first hundredth of the cycles warms up. Linux only. Ends with status 1
where a bar is not held.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import time
from datetime import date
from pathlib import Path
from typing import Any, Final

import numpy as np

from assistant.clock import SystemClock
from assistant.inference.hardware import fingerprint
from assistant.speech.espeak import EspeakSynthesiser
from assistant.speech.mixer import Mixer
from assistant.speech.players import SilentPlayer
from assistant.speech.scheduler import Scheduler
from assistant.speech.speaker import QueueSpeaker, SpeechEvent, Spoken, Trouble
from assistant.speech.stereo import panned
from assistant.types import Priority, Speech, Utterance

ROOT: Final = Path(__file__).resolve().parents[1]
MOST_GROWTH_MB: Final = 2.0
LONGEST_S: Final = 2.0
"""What one cycle may take: a killed voice is started again meanwhile."""
_SENTENCES: Final = ("They left.", "One person, close, ahead.", "Smiling.", "Brows raised.", "Camera lost.")


class RenderedPlayer(SilentPlayer):
    """Mix as the real player does, and fetch a few milliseconds of it, without a device."""

    def __init__(self) -> None:
        super().__init__()
        self._mixer = Mixer(22_050)

    def play(self, speech: Speech, pan: float = 0.0) -> None:
        """Start words, and render their first 20 ms."""
        self._mixer.speak(panned(speech.pcm, pan))
        self._mixer.render(441)

    def stop(self) -> None:
        """Cut, and render the fade."""
        self._mixer.silence()
        self._mixer.render(441)


def look(voice_pid: int | None) -> dict[str, float]:
    """Return what could grow: in this process, in the voice's, and the children that nobody has collected."""
    return {
        "rss_mb": _resident_mb(os.getpid()),
        "voice_rss_mb": _resident_mb(voice_pid) if voice_pid else 0.0,
        "handles": len(os.listdir("/proc/self/fd")),  # noqa: PTH208
        "threads": len(os.listdir("/proc/self/task")),  # noqa: PTH208
        "children": len(_children()),
        "zombies": sum(state == "Z" for state in _children().values()),
    }


def cycles(count: int, kill_every: int = 500) -> dict[str, Any]:
    """Say and stop so many times; return what was counted and measured."""
    voice, clock = EspeakSynthesiser(), SystemClock()
    events: list[SpeechEvent] = []
    speaker = QueueSpeaker(voice, RenderedPlayer(), clock, events.append, scheduler=Scheduler(gap_s=0.0))
    spoken = troubles = kills = 0
    took_s: list[float] = []
    before: dict[str, float] = {}
    start_s = time.monotonic()
    for cycle in range(count):
        if cycle == count // 100:
            before = look(voice.pid)
        if kill_every and cycle % kill_every == kill_every - 1 and voice.pid is not None:
            os.kill(voice.pid, signal.SIGKILL)
            kills += 1
        begun_s = time.monotonic()
        now_s = clock.now_s()
        text = _SENTENCES[cycle % len(_SENTENCES)]
        speaker.say(Utterance(text, Priority.MESSAGE, now_s, now_s + 9, "answer"), now_s)
        speaker.stop()
        took_s.append(time.monotonic() - begun_s)
        spoken += sum(isinstance(event, Spoken) for event in events)
        troubles += sum(isinstance(event, Trouble) for event in events)
        events.clear()
    after = look(voice.pid)
    speaker.close()
    end = look(None)
    return {
        "cycles": count,
        "spoken": spoken,
        "kills": kills,
        "troubles": troubles,
        "real_seconds": round(time.monotonic() - start_s, 1),
        "cycle_ms": {str(p): round(float(np.percentile(took_s, p)) * 1e3, 1) for p in (50, 95, 99, 100)},
        "before": before,
        "after": after,
        "closed": end,
        "bars": judge(count, spoken, troubles, max(took_s), before, after, end),
    }


def judge(
    count: int,
    spoken: int,
    troubles: int,
    longest_s: float,
    before: dict[str, float],
    after: dict[str, float],
    end: dict[str, float],
) -> dict[str, dict[str, Any]]:
    """Return each bar with what was measured."""

    def bar(measured: float, most: float) -> dict[str, Any]:
        return {"measured": round(measured, 2), "bar": most, "held": measured <= most}

    return {
        "unsaid": bar(count - spoken, 0),
        "troubles": bar(troubles, 0),
        "longest_cycle_s": bar(longest_s, LONGEST_S),
        "rss_growth_mb": bar(after["rss_mb"] - before["rss_mb"], MOST_GROWTH_MB),
        "handles_growth": bar(after["handles"] - before["handles"], 0),
        "threads_growth": bar(after["threads"] - before["threads"], 0),
        "children": bar(after["children"] - before["children"], 0),
        "zombies": bar(after["zombies"], 0),
        "left_behind": bar(end["children"] - before["children"] + 1, 0),
    }


def _resident_mb(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return round(pages * os.sysconf("SC_PAGE_SIZE") / 1e6, 2)


def _children() -> dict[int, str]:
    """Return the state of each child process, by id."""
    found = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = path.read_text().rsplit(")", 1)[1].split()[:2]
        except OSError:  # ended meanwhile
            continue
        if int(parent) == os.getpid():
            found[int(path.parent.name)] = state
    return found


def main() -> int:
    """Run, print, and end with 1 where a bar is not held."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--cycles", type=int, default=10_000)
    parser.add_argument("--kill-every", type=int, default=500, help="cycles between two killed voices; 0 for none")
    parser.add_argument("--save", action="store_true", help="write benchmarks/results/DATE-voice-cycles.json")
    options = parser.parse_args()
    load = os.getloadavg()[0]
    outcome = {
        "date": date.today().isoformat(),
        "command": " ".join(["python -m benchmarks.voice_cycles", *sys.argv[1:]]),
        "device": fingerprint(),
        "load_before": load,
        **cycles(options.cycles, options.kill_every),
    }
    if options.save:
        path = ROOT / "benchmarks" / "results" / f"{outcome['date']}-voice-cycles.json"
        path.write_text(json.dumps(outcome, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(outcome, indent=1))
    return 0 if all(bar["held"] for bar in outcome["bars"].values()) else 1


if __name__ == "__main__":
    sys.exit(main())
