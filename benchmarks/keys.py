"""Measure how soon a key is answered: `python -m benchmarks.keys` runs Facecue in a pseudo-terminal and listens.

A clip of a smiling face plays, every kind of news is switched off, so that nothing is heard but answers. Each action's
key is pressed in turn, as a person would at the terminal; what PulseAudio's null sink plays is recorded. It needs what
`benchmarks.playback` needs. Measured is the time from the key to the first audible sample, the recorder's own delay
included. The result is printed as JSON, with what was said to each key.
"""

from __future__ import annotations

import argparse
import json
import os
import pty
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np

from assistant.camera.demo import DemoCamera
from assistant.clock import ManualClock
from assistant.controls.actions import Action
from assistant.controls.keys import DEFAULTS
from assistant.speech.claims import CUES
from benchmarks.playback import Recorder, SoundServer, lacking

_BYTES: Final = {"enter": "\n", "space": " ", "plus": "+", "minus": "-"}
_BETWEEN_S: Final = 3.5  # the longest answer but the help, at 450 words a minute
_HELP_S: Final = 20.0
_FPS: Final = 15.0
_START_S: Final = 60.0
ORDER: Final = (
    *(Action.REPEAT, Action.HERE, Action.REPEAT, Action.NEXT_PERSON, Action.SPELL, Action.MORE, Action.UNDO),
    *(Action.LESS, Action.MUTE_CUE, Action.PAUSE, Action.HERE, Action.PAUSE, Action.STOP, Action.PAIR_CODE),
    *(Action.SESSIONS, Action.HELP),
)


def measure(rounds: int, folder: Path) -> dict[str, Any]:
    """Press every key in several rounds; return milliseconds and answers by action."""
    clip = still_clip(folder / "clip.avi", _START_S + rounds * (len(ORDER) * _BETWEEN_S + _HELP_S))
    settings = folder / "settings.toml"
    switches = "".join(f"{cue} = false\n" for cue in sorted(CUES))
    settings.write_text(f"version = 2\n[speech]\nwords_per_minute = 450\n[cues]\n{switches}", encoding="utf-8")
    recorder = Recorder()
    terminal, inside = pty.openpty()
    run = subprocess.Popen(
        [sys.executable, "-m", "assistant", "run", "--source", str(clip), "--settings", str(settings)],
        stdin=inside,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        preexec_fn=_take_terminal,
    )
    lines: list[tuple[float, str]] = []
    threading.Thread(target=_read, args=(run, lines), daemon=True).start()
    _wait_until_it_answers(terminal, lines)
    waits: dict[str, list[float]] = {}
    answers: dict[str, list[str]] = {}
    try:
        for action in ORDER * rounds:
            pressed_s = time.monotonic()
            os.write(terminal, _byte(action))
            time.sleep(_HELP_S if action is Action.HELP else _BETWEEN_S)
            heard = recorder.audible(pressed_s)
            waits.setdefault(action, []).append((float(heard.min()) - pressed_s) * 1e3 if len(heard) else float("inf"))
            answers.setdefault(action, []).extend(line for at_s, line in tuple(lines) if at_s > pressed_s)
    finally:
        run.terminate()
        run.wait()
        recorder.close()
        os.close(terminal)
        os.close(inside)
    every = [wait for each in waits.values() for wait in each]
    return {
        "presses": len(every),
        "key_to_sound_ms": {str(p): round(float(np.percentile(every, p)), 1) for p in (50, 95, 100)},
        "slowest_ms": {action: round(max(each), 1) for action, each in waits.items()},
        "answers": answers,
    }


def _wait_until_it_answers(terminal: int, lines: list[tuple[float, str]]) -> None:
    """Ask who is paired, which changes nothing, until that is answered; then let the face become known."""
    until_s = time.monotonic() + _START_S
    while not any(line.startswith("at ") for _, line in tuple(lines)) and time.monotonic() < until_s:
        os.write(terminal, _byte(Action.SESSIONS))
        time.sleep(0.5)
    time.sleep(_BETWEEN_S)


def still_clip(path: Path, seconds: float) -> Path:
    """Write a clip of the demo's photograph that goes on for long."""
    camera = DemoCamera(ManualClock(), "max")
    frames = camera.frames()
    frame = next(each for each in frames if each.captured_at_s > 6.0)
    height_px, width_px = frame.image_rgb.shape[:2]
    video = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), _FPS, (width_px, height_px))
    for _ in range(round(seconds * _FPS)):
        video.write(cv2.cvtColor(frame.image_rgb, cv2.COLOR_RGB2BGR))
    video.release()
    camera.close()
    return path


def _byte(action: Action) -> bytes:
    key = DEFAULTS[action].split()[0]
    return _BYTES.get(key, key).encode()


def _take_terminal() -> None:
    """Make standard input the terminal that controls the new process, as a login shell would."""
    import fcntl
    import termios

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def _read(run: subprocess.Popen[str], lines: list[tuple[float, str]]) -> None:
    assert run.stdout is not None
    for line in run.stdout:
        lines.append((time.monotonic(), line.rstrip()))


def main() -> int:
    """Start the sound server, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    if lacking():
        return 2
    with tempfile.TemporaryDirectory(prefix="facecue-") as folder, SoundServer(Path(folder)):
        print(json.dumps(measure(options.rounds, Path(folder)), indent=2, ensure_ascii=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())
