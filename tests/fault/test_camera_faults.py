"""Check that bad input gives a clear sentence and no noise."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from assistant.camera.live import Patience
from assistant.camera.pictures import read_picture
from assistant.camera.sources import open_source
from assistant.camera.watch import LOST
from assistant.errors import SourceError
from tests.camera_builders import SharedClock, bgr, coloured, mjpeg_server, write_clip, write_picture


def _error(path: Path) -> SourceError:
    """Return the error that opening a path gives."""
    with pytest.raises(SourceError) as caught:
        list(open_source(str(path), SharedClock(), "max").frames())
    assert str(path) in caught.value.cause
    assert caught.value.remedy
    return caught.value


@pytest.mark.parametrize("name", ["text.mp4", "text.avi", "text.webm", "text", "text.jpg"])
def test_a_text_file(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text("These are words, not pictures.\n" * 100)
    assert "is not a video" in _error(path).cause


@pytest.mark.parametrize("name", ["empty.mp4", "empty.jpg"])
def test_an_empty_file(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.touch()
    assert "0 bytes" in _error(path).cause


def test_an_empty_picture_read_alone(tmp_path: Path) -> None:
    (tmp_path / "empty.png").touch()
    with pytest.raises(SourceError, match="0 bytes"):
        read_picture(tmp_path / "empty.png")


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_a_truncated_picture(tmp_path: Path, suffix: str) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (100, 100, 3), dtype=np.uint8)
    path = write_picture(tmp_path / f"cut{suffix}", noise)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert "damaged" in _error(path).cause


def test_a_missing_picture(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="There is no picture"):
        read_picture(tmp_path / "nowhere.png")


def test_a_folder_read_as_a_picture(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="cannot be read"):
        read_picture(tmp_path)


def test_a_clip_cut_short_plays_what_there_is(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = write_clip(tmp_path / "cut.avi", 40)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with caplog.at_level(logging.WARNING):
        frames = list(open_source(str(path), SharedClock(), "max").frames())
    assert 10 <= len(frames) <= 25
    assert "was cut short" in caplog.text
    assert "of 40 frames" in caplog.text


def test_a_clip_cut_before_its_index(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "cut.mp4", 40)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    error = _error(path)
    assert "cut off" in error.cause
    assert error.exit_status == 3


def test_an_address_without_video() -> None:
    with mjpeg_server() as address, pytest.raises(SourceError, match="gives no video"):
        open_source(address.replace("/video", "/page"), SharedClock())


def test_a_stream_that_ends_is_lost() -> None:
    clock = SharedClock()
    states: list[str] = []
    patience = Patience(retry_s=1.0, give_up_s=2.5, poll_s=0.01)
    with mjpeg_server(frames=30) as address:
        camera = open_source(address, clock, on_state=states.append, patience=patience, wait=clock.advance)
        frames = camera.frames()
        next(frames)
    with pytest.raises(SourceError, match="did not come back"):
        for _ in frames:
            pass
    camera.close()
    assert states.count(LOST) <= 1


def test_a_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_clip(tmp_path / "secret.avi")

    def refuse(self: Path, *_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(SourceError, match="Permission denied"):
        open_source(str(path), SharedClock())


def test_four_channels_and_one_channel_play(tmp_path: Path) -> None:
    write_picture(tmp_path / "1.png", np.dstack([bgr(coloured()), np.full((48, 64), 255, np.uint8)]))
    write_picture(tmp_path / "2.png", coloured()[:, :, 0])
    shapes = [frame.image_rgb.shape for frame in open_source(str(tmp_path), SharedClock(), "max").frames()]
    assert shapes == [(48, 64, 3), (48, 64, 3)]


_QUIET = """
import sys
from pathlib import Path
import numpy as np
from assistant.camera.overlay import OverlayVideo
from assistant.camera.sources import open_source
from assistant.clock import ManualClock
from assistant.errors import SourceError
from assistant.types import Frame, Scene

for name in sys.argv[2:]:
    try:
        list(open_source(name, ManualClock(), "max").frames())
    except SourceError:
        print("refused")
with OverlayVideo(Path(sys.argv[1])) as video:
    video.write(Frame(0, 0.0, np.zeros((48, 64, 3), np.uint8)), Scene(0.0, 64, 48, ()))
"""


def test_vendors_write_nothing_on_standard_error(tmp_path: Path) -> None:
    """Run in a process of its own, because FFmpeg takes its level once."""
    (tmp_path / "text.mp4").write_text("words " * 100)
    (tmp_path / "text.jpg").write_bytes(b"\xff\xd8\xff" + b"words " * 100)
    cut_mp4 = write_clip(tmp_path / "cut.mp4", 40)
    cut_avi = write_clip(tmp_path / "cut.avi", 40)
    noise = np.random.default_rng(0).integers(0, 256, (100, 100, 3), dtype=np.uint8)
    cut_png, cut_jpg = write_picture(tmp_path / "cut.png", noise), write_picture(tmp_path / "cut.jpg", noise)
    for path in (cut_mp4, cut_avi, cut_png, cut_jpg):
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    refused = [tmp_path / "text.mp4", tmp_path / "text.jpg", cut_mp4, cut_png, cut_jpg]
    run = subprocess.run(
        [
            sys.executable,
            "-W",
            "error",
            "-c",
            _QUIET,
            str(tmp_path / "seen.webm"),
            *map(str, refused),
            str(cut_avi),
            "http://127.0.0.1:1/",
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=Path(__file__).parents[2],
        env={key: value for key, value in os.environ.items() if not key.startswith("OPENCV")},
    )
    assert run.stdout.split() == ["refused"] * 6
    assert run.stderr.splitlines() == [
        f"{cut_avi} was cut short: it holds 16 of 40 frames. Copy it again if you need the rest."
    ]
    assert run.returncode == 0
    assert (tmp_path / "seen.webm").stat().st_size > 0
