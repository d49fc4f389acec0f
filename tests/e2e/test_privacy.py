"""A run over a real face opens no socket, writes nothing that was not asked for, and leaves no picture anywhere.

The program runs as a process of its own, with the voice's process, under strace where there is one. Python's audit hook
watches the same run, also where there is none; it sees Python's own calls only.
"""

from __future__ import annotations

import base64
import json
import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import cv2
import numpy as np
import pytest

from benchmarks import playback
from tests.app_builders import ROOT, face_clip, tiny_models

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the system calls looked for are Linux's")

_CHILD = """
import json, os, sys
from pathlib import Path
models, audit, *arguments = sys.argv[1:]
seen = []
def hook(event, args):
    if event.startswith("socket.") and event not in ("socket.gethostname",):
        seen.append([event, str(args[-1])])
    elif event == "open" and isinstance(args[0], (str, bytes, os.PathLike)):
        path, mode, flags = args
        if (mode and set(mode) & set("wax+")) or (mode is None and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)):
            seen.append(["write", os.fsdecode(path)])
sys.addaudithook(hook)
from assistant import locate
from assistant.__main__ import main
shipped = locate.shipped
locate.shipped = lambda name: Path(models) if name == "models" else shipped(name)
if os.environ.get("BREAK_AT"):
    from assistant.vision.blazeface import BlazeFaceDetector
    detect, count = BlazeFaceDetector.detect, [0]
    def broken(self, frame):
        count[0] += 1
        if count[0] == int(os.environ["BREAK_AT"]):
            if os.environ.get("BY_SIGNAL"):
                os.kill(os.getpid(), int(os.environ["BY_SIGNAL"]))
            raise RuntimeError("a fault that nobody foresaw")
        return detect(self, frame)
    BlazeFaceDetector.detect = broken
try:
    status = main(arguments)
finally:
    if audit:
        Path(audit).write_text(json.dumps(seen))
sys.exit(status)
"""
CALLS = "trace=socket,connect,bind,sendto,open,openat,openat2,creat,rename,renameat,renameat2,link,symlink,mkdir"
WRITING = re.compile(
    r'\b(?:open|openat|openat2|creat)\((?:AT_FDCWD, |\d+, )?"([^"]*)", [^)]*(?:O_WRONLY|O_RDWR|O_CREAT)'
)
HARMLESS = ("/dev/null", "/dev/tty", "/dev/snd/", "/dev/dsp", "/dev/shm/")
"""/dev/shm holds semaphores of native libraries; a test below looks into every file that is left."""


@dataclass
class Traced:
    """One run, seen from outside."""

    status: int
    out: str
    err: str
    folder: Path
    clip: Path
    calls: list[str]
    audited: list[tuple[str, str]]

    def sockets(self) -> list[str]:
        return [line for line in self.calls if re.search(r"\b(socket|connect|bind|sendto)\(", line)]

    def written(self) -> set[str]:
        """Return the files that were opened for writing, those of the system's own devices left out."""
        found = {match[1] for line in self.calls if (match := WRITING.search(line)) and "= -1" not in line}
        found |= {path for event, path in self.audited if event == "write"}
        return {path for path in found if not path.startswith(HARMLESS)}

    def left(self) -> list[Path]:
        """Return every file that the run left behind."""
        before = {self.clip, self.folder / "trace", self.folder / "audit"}
        models = self.folder / "installed"
        return [p for p in self.folder.rglob("*") if p.is_file() and p not in before and models not in p.parents]


def run(
    folder: Path,
    *outputs: str | Path,
    strace: bool = False,
    how: Sequence[str] = ("--mute", "--speed", "max"),
    seconds: float = 2.0,
    **environment: str,
) -> Traced:
    """Run the program on a clip of a real face, everything it may want to keep pointing into the folder."""
    clip = face_clip(folder / "c.mp4", seconds)
    models = tiny_models(folder / "installed")
    trace = ["strace", "-f", "-qq", "-e", CALLS, "-o", str(folder / "trace")] if strace else []
    command = [*trace, sys.executable, "-c", _CHILD, str(models), str(folder / "audit")]
    command += ["run", "--source", str(clip), *how, *map(str, outputs)]
    homes = {
        name: str(folder / name.lower()) for name in ("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME")
    }
    (folder / "home").mkdir()
    settings = {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1", "TMPDIR": str(folder)}
    done = subprocess.run(
        command,
        env=os.environ | homes | settings | environment,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE, (-1, -1)),  # as generous as can be
    )
    calls = (folder / "trace").read_text(errors="replace").splitlines() if strace else []
    audit = folder / "audit"
    audited = [tuple(row) for row in json.loads(audit.read_text())] if audit.exists() else []
    return Traced(done.returncode, done.stdout, done.stderr, folder, clip, calls, audited)


def allowed(traced: Traced, *outputs: Path) -> set[str]:
    """Return what may be written: what was asked for, the measured back ends, and this test's own file."""
    cache = traced.folder / "xdg_cache_home" / "facecue" / "backends.json"
    mine = traced.folder / "audit"
    return {str(path) for path in (*outputs, cache, cache.with_name("backends.json.part"), mine)}


def own_settings(folder: Path, text: str) -> Path:
    """Write a person's own settings where the run looks for them."""
    path = folder / "xdg_config_home" / "facecue" / "settings.toml"
    path.parent.mkdir(parents=True)
    path.write_text(text, encoding="utf-8")
    return path


def can_trace() -> bool:
    """Tell whether strace is there, and the system lets it trace; some containers do not."""
    strace = shutil.which("strace")
    return strace is not None and subprocess.run([strace, "-qq", "-o/dev/null", "true"], check=False).returncode == 0


traceable = pytest.mark.skipif(
    not can_trace(), reason="strace is not installed, or may not trace: apt-get install strace"
)


@traceable
def test_a_run_opens_no_socket_and_writes_only_what_was_asked_for(tmp_path: Path) -> None:
    said, sound = tmp_path / "t.jsonl", tmp_path / "t.wav"
    traced = run(tmp_path, "--transcript", said, "--wav", sound, strace=True)
    assert traced.status == 0, traced.err
    assert "One person" in traced.out, "a face was there to be kept"
    assert any("espeak" in line for line in traced.calls), "the voice's process was watched too"
    assert traced.sockets() == []
    assert traced.written() <= allowed(traced, said, sound)
    assert str(said) in traced.written(), "the test sees what is written"


@traceable
def test_a_copy_of_the_settings_is_all_that_is_written_beside_them(tmp_path: Path) -> None:
    settings = own_settings(tmp_path, "[speech]\nverbosity = 3\n")
    traced = run(tmp_path, strace=True)
    assert traced.status == 0, traced.err
    copy = settings.with_name("settings.last-good.toml")
    written = {re.sub(r"(\.settings\.last-good\.toml)\.\w+$", r"\1", path) for path in traced.written()}
    assert written <= allowed(traced, copy.with_name(".settings.last-good.toml"))
    assert copy.read_text() == settings.read_text() == "[speech]\nverbosity = 3\n"


@traceable
@pytest.mark.slow
def test_the_page_that_was_asked_for_listens_on_this_machine_alone(tmp_path: Path) -> None:
    pytest.importorskip("uvicorn", reason="the page is not installed: pip install 'facecue[page]'")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    own_settings(tmp_path, f"[web]\nenabled = true\nport = {port}\n")
    traced = run(tmp_path, strace=True, how=("--mute",), seconds=12.0)
    assert traced.status == 0, traced.err
    bound = [line for line in traced.sockets() if " bind(" in line]
    assert bound, "the test sees what is bound"
    assert all('inet_addr("127.0.0.1")' in line for line in bound), bound
    reached = [line for line in traced.sockets() if " connect(" in line or " sendto(" in line]
    assert all("AF_UNIX" in line or '"127.0.0.1"' in line or "AF_" not in line for line in reached), reached


@traceable
@pytest.mark.slow
@pytest.mark.skipif(
    any(shutil.which(name) is None for name in playback.NEEDED),
    reason="needs PulseAudio: apt install pulseaudio pulseaudio-utils libportaudio2 libasound2-plugins",
)
def test_sound_goes_to_this_machine_s_own_sound_server_alone(tmp_path: Path) -> None:
    server = tmp_path / "pulse"
    server.mkdir()
    with patch.dict(os.environ), playback.SoundServer(server):
        traced = run(tmp_path, strace=True, how=(), seconds=3.0)
    assert traced.status == 0, traced.err
    opened = [line for line in traced.sockets() if " socket(" in line]
    assert opened, "it plays"
    assert all("socket(AF_UNIX" in line for line in opened), opened
    reached = {match[1] for line in traced.sockets() if (match := re.search(r'sun_path="([^"]*)"', line))}
    assert str(server / "socket") in reached
    assert [
        path for path in reached if path != str(server / "socket") and "/jack" not in path
    ] == []  # JACK is asked too
    assert {path for path in traced.written() if not path.startswith(str(server))} <= allowed(traced)


def test_python_itself_opens_no_socket_and_writes_only_what_was_asked_for(tmp_path: Path) -> None:
    said = tmp_path / "t.jsonl"
    traced = run(tmp_path, "--transcript", said)
    assert traced.status == 0, traced.err
    assert [event for event, _ in traced.audited if event.startswith("socket.")] == []
    assert traced.written() <= allowed(traced, said)
    assert str(said) in traced.written()


def test_without_outputs_nothing_but_the_measured_back_ends_is_left(tmp_path: Path) -> None:
    traced = run(tmp_path)
    assert [str(path) for path in traced.left()] == [str(tmp_path / "xdg_cache_home" / "facecue" / "backends.json")]


def traces(clip: Path) -> list[bytes]:
    """Return pieces of every frame, raw as RGB, BGR and grey, and as text would carry them."""
    capture = cv2.VideoCapture(str(clip))
    pieces: list[bytes] = []
    while True:
        given, bgr = capture.read()
        if not given:
            return pieces
        grey = cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY)
        for image in (bgr, bgr[:, :, ::-1], grey):
            row = np.ascontiguousarray(image[110, 250:282]).tobytes()
            numbers = ", ".join(map(str, image[110, 250:256].ravel().tolist()))
            encoded = base64.b64encode(row)[4:-4]
            pieces += [row, encoded, numbers.encode(), " ".join(numbers.split(", ")).encode()]


def holds_a_frame(clip: Path, contents: Sequence[bytes]) -> bool:
    pieces = traces(clip)
    assert pieces
    return any(piece in content for piece in pieces for content in contents)


def test_this_test_would_find_a_frame(tmp_path: Path) -> None:
    clip = face_clip(tmp_path / "c.mp4", 0.2)
    capture = cv2.VideoCapture(str(clip))
    _, bgr = capture.read()
    assert holds_a_frame(clip, [b"core" + bgr.tobytes()])
    assert holds_a_frame(clip, [base64.b64encode(bgr[110, 250:400].tobytes())])
    assert holds_a_frame(clip, [str(bgr[110, 250:256].ravel().tolist()).encode()])
    assert not holds_a_frame(clip, [b"One person, close."])


def test_a_crash_tells_of_no_frame_even_with_every_detail(tmp_path: Path) -> None:
    said = tmp_path / "t.jsonl"
    traced = run(tmp_path, "--transcript", said, "--debug", BREAK_AT="5")
    assert traced.status == 70
    assert "a fault that nobody foresaw" in traced.err
    contents = [path.read_bytes() for path in traced.left()] + [traced.out.encode(), traced.err.encode()]
    assert not holds_a_frame(traced.clip, contents)


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGABRT])
def test_a_process_that_dies_leaves_no_core_dump(tmp_path: Path, number: signal.Signals) -> None:
    traced = run(tmp_path, BREAK_AT="5", BY_SIGNAL=str(int(number)))
    assert traced.status == -number
    left = [path.name for path in traced.left() if path.name != "backends.json"]
    assert left == []


def test_the_limits_hold_inside_the_process() -> None:
    code = (
        "import ctypes, resource; from assistant.dumps import forbid_dumps; forbid_dumps(); "
        "print(resource.getrlimit(resource.RLIMIT_CORE), ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "(0, 0) 0"


def test_openvino_is_loaded_without_its_telemetry(tmp_path: Path) -> None:
    pytest.importorskip("openvino", reason="OpenVINO is not installed: pip install 'facecue[openvino]'")
    code = (
        "import sys; from assistant.inference.backends import openvino; openvino.devices(); "
        "print([name for name, module in sys.modules.items() if 'openvino_telemetry' in name and module])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"HOME": str(tmp_path)},
    )
    assert done.stdout.strip().splitlines()[-1] == "[]"
    assert list(tmp_path.iterdir()) == []
