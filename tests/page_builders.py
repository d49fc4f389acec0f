"""Run Facecue with its page as a process of its own, hear what it says, press its keys, and open it in Chromium."""

from __future__ import annotations

import json
import os
import pty
import re
import shutil
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from tests.app_builders import ROOT, photograph

# The device as it is, but for two things: its voice writes each sentence into a file as it is spoken (the wearer's
# ear), and its page takes any free port.
_DEVICE = """
import fcntl, sys, termios, time
import numpy as np
from pathlib import Path
from assistant import voice
from assistant.__main__ import main
from assistant.types import Speech
from assistant.web.host import PageHost

fcntl.ioctl(0, termios.TIOCSCTTY, 0)
ear = Path(sys.argv[1]).open("a", buffering=1, encoding="utf-8")

class Ear:
    name = "ear"
    def __init__(self, *_):
        pass
    def synthesise(self, text):
        print(f"{time.time():.3f} {text}", file=ear)
        return Speech(np.zeros(2205 * len(text.split()), np.int16), 22_050)
    def close(self):
        pass

voice.EspeakSynthesiser = Ear
start = PageHost.start
def start_and_tell(self, host, port):
    start(self, host, 0)
    print(f"port {self.port}", file=ear)
PageHost.start = start_and_tell
sys.exit(main(sys.argv[2:]))
"""


class Device:
    """Hold a running device: its ear, its keys, its transcript."""

    def __init__(self, process: subprocess.Popen[bytes], keyboard: int, ear: Path, transcript: Path) -> None:
        self._process, self._keyboard, self._ear, self._transcript = process, keyboard, ear, transcript

    def press(self, key: str) -> None:
        """Press a key of the wearer's keyboard: c for a pairing code, u to undo, i for who is paired."""
        os.write(self._keyboard, key.encode())

    def heard(self, pattern: str, after: int = 0, within_s: float = 60.0) -> str:
        """Wait until a sentence is spoken that matches; return what the pattern's group holds, or all of it."""
        found = self._wait(lambda: re.search(pattern, "\n".join(self.lines()[after:])), within_s, pattern)
        return found[1] if found.groups() else found[0]

    def lines(self) -> list[str]:
        """Return all that was spoken."""
        return self._ear.read_text(encoding="utf-8").splitlines() if self._ear.exists() else []

    def code(self) -> str:
        """Press the pairing key, and return the digits that are heard."""
        after = len(self.lines())
        self._wait(lambda: not termios.tcgetattr(self._keyboard)[3] & termios.ICANON, 60.0, "the keyboard")
        self.press("c")
        return self.heard(r"Pairing code: ([\d, ]+)\.", after).replace(", ", "")

    def transcript(self) -> list[dict[str, Any]]:
        """Return the transcript's rows so far."""
        return [json.loads(line) for line in self._transcript.read_text(encoding="utf-8").splitlines()]

    def _wait(self, look: Callable[[], Any], within_s: float, what: str) -> Any:
        end_s = time.monotonic() + within_s
        while time.monotonic() < end_s:
            if found := look():
                return found
            if self._process.poll() is not None:
                break
            time.sleep(0.05)
        raise AssertionError(f"not heard: {what!r}; heard: {self.lines()}; ended with {self._process.poll()}")

    @property
    def address(self) -> str:
        """Return where the page is."""
        return "http://127.0.0.1:" + self.heard(r"port (\d+)")


@contextmanager
def device(folder: Path, clip: Path, toml: str = "") -> Iterator[Device]:
    """Run `facecue run` on a clip with its page, and end it."""
    settings, ear, transcript = folder / "settings.toml", folder / "ear.txt", folder / "said.jsonl"
    settings.write_text(f"[web]\nenabled = true\n{toml}", encoding="utf-8")
    arguments = ["run", "--mute", "--source", clip, "--settings", settings, "--transcript", transcript]
    keyboard, terminal = pty.openpty()
    with (folder / "output.txt").open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-c", _DEVICE, str(ear), *map(str, arguments)],
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdin=terminal,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    os.close(terminal)
    with process:
        try:
            yield Device(process, keyboard, ear, transcript)
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
            os.close(keyboard)


@contextmanager
def served(folder: Path) -> Iterator[tuple[str, str, Path]]:
    """Run `facecue settings serve` without sound; yield its address, the code that it prints, and its settings file."""
    settings = folder / "settings.toml"
    settings.write_text("", encoding="utf-8")
    command = [sys.executable, "-m", "assistant", "settings", "serve", "--port", "0", "--mute", "--settings"]
    process = subprocess.Popen(
        [*command, str(settings)],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with process:
        assert process.stdout is not None
        told = process.stdout.readline() + process.stdout.readline()
        address, code = re.search(r"http://\S+/", told), re.search(r"Pairing code: ([\d, ]+)", told)
        assert address, told
        assert code, told
        try:
            yield address[0], code[1].replace(", ", ""), settings
        finally:
            process.terminate()


def coming_and_going(path: Path, seconds: float) -> Path:
    """Write a clip, 640x480 at 5 frames a second, in which a person is there for eight seconds and away for four."""
    empty = np.full((480, 640, 3), 160, np.uint8)
    person = empty.copy()
    person[:, 80:560] = photograph()[:480, :480, ::-1]
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*"mp4v"), 5.0, (640, 480))
    for index in range(round(seconds * 5)):
        writer.write(np.roll(person, index % 3, axis=1) if index % 60 < 40 else empty)
    writer.release()
    return path


def chromium() -> str:
    """Return Chromium's path, or skip with the reason."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return path
    pytest.skip("Chromium is not installed: apt-get install chromium")
    raise AssertionError


def axe() -> str:
    """Return axe-core's script, or skip with the reason."""
    folders = [Path(os.environ.get("AXE_CORE", ROOT / ".ci" / "cache" / "node" / "node_modules" / "axe-core"))]
    for folder in folders:
        if (folder / "axe.min.js").is_file():
            return (folder / "axe.min.js").read_text(encoding="utf-8")
    pytest.skip("axe-core is not installed: npm install --prefix .ci/cache/node axe-core@4")
    raise AssertionError
