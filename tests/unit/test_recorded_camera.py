"""Check the time of recordings: clips, folders and the demo."""

from __future__ import annotations

import logging
import threading
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from assistant.camera.clip import ClipCamera
from assistant.camera.folder import FolderCamera, list_pictures
from assistant.camera.recorded import RecordedCamera, Shot
from assistant.errors import SourceError
from tests.camera_builders import SharedClock, bgr, coloured, write_clip, write_picture


def recording(clock: SharedClock, count: int = 10, speed: str = "real") -> RecordedCamera:
    image = coloured()

    def each():  # type: ignore[no-untyped-def]
        for number in range(count):
            yield Shot(number * 0.1, 0.1, lambda: image, "test")

    return RecordedCamera("test", each, clock, speed, clock.advance)  # type: ignore[arg-type]


def test_real_time_waits_for_each_frame() -> None:
    clock = SharedClock()
    clock.advance(50.0)
    times = [(frame.captured_at_s, clock.now_s()) for frame in recording(clock).frames()]
    assert [captured for captured, _ in times] == pytest.approx([50.0 + 0.1 * number for number in range(10)])
    assert [now for _, now in times] == pytest.approx([captured for captured, _ in times])


def test_real_time_drops_late_frames() -> None:
    clock = SharedClock()
    indices = []
    for frame in recording(clock, 20).frames():
        indices.append(frame.index)
        clock.advance(0.35)  # a slow loop
        assert clock.now_s() - frame.captured_at_s < 0.56
    assert indices[0] == 0
    assert 5 <= len(indices) <= 8
    assert all(later - earlier >= 2 for earlier, later in pairwise(indices[1:]))


def test_max_gives_every_frame_in_its_own_time() -> None:
    clock = SharedClock()
    frames = []
    for frame in recording(clock, 20, "max").frames():
        frames.append(frame)
        clock.advance(3.0)
    assert [frame.index for frame in frames] == list(range(20))
    assert [frame.captured_at_s for frame in frames] == pytest.approx([0.1 * number for number in range(20)])


def test_max_loads_the_next_picture_while_this_one_is_looked_at() -> None:
    loaded = [threading.Event() for _ in range(3)]

    def each():  # type: ignore[no-untyped-def]
        for number in range(3):
            yield Shot(number * 0.1, 0.1, lambda number=number: loaded[number].set() or coloured(), "test")

    frames = RecordedCamera("test", each, SharedClock(), "max").frames()
    assert next(frames).index == 0
    assert loaded[1].wait(5.0)
    assert not loaded[2].is_set()  # one ahead, not the whole clip: memory
    assert [frame.index for frame in frames] == [1, 2]


def test_max_tells_a_failure_after_the_frames_before_it() -> None:
    def each():  # type: ignore[no-untyped-def]
        yield Shot(0.0, 0.1, coloured, "test")
        raise SourceError("It broke off.", "Copy it again.")

    frames = RecordedCamera("test", each, SharedClock(), "max").frames()
    assert next(frames).index == 0
    with pytest.raises(SourceError, match="broke off"):
        next(frames)


@pytest.mark.parametrize("suffix", [".avi", ".mp4"])
def test_clip_times_come_from_the_file(tmp_path: Path, suffix: str) -> None:
    clip = ClipCamera(write_clip(tmp_path / f"c{suffix}", 12, 8.0), SharedClock(), "max")
    times = [frame.captured_at_s for frame in clip.frames()]
    assert times == pytest.approx([number / 8.0 for number in range(12)], abs=0.002)
    clip.close()


def test_whole_clip_gives_no_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    clip = ClipCamera(write_clip(tmp_path / "c.avi", 12), SharedClock(), "max")
    assert len(list(clip.frames())) == 12
    assert not caplog.records
    clip.close()


def test_folder_is_in_natural_order(tmp_path: Path) -> None:
    for name in ("img10.png", "img2.png", "Img1.png", "other.png"):
        write_picture(tmp_path / name, bgr(coloured()))
    (tmp_path / "notes.txt").write_text("no picture")
    (tmp_path / ".hidden.png").write_bytes(b"")
    assert [file.name for file in list_pictures(tmp_path)] == ["Img1.png", "img2.png", "img10.png", "other.png"]


def test_folder_skips_unreadable_pictures_and_names_them(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    write_picture(tmp_path / "1.png", bgr(coloured()))
    (tmp_path / "2.jpg").write_bytes(b"no picture")
    write_picture(tmp_path / "3.png", bgr(coloured()))
    with caplog.at_level(logging.WARNING):
        frames = list(FolderCamera(tmp_path, SharedClock(), "max").frames())
    assert [Path(frame.source).name for frame in frames] == ["1.png", "3.png"]
    assert [frame.captured_at_s for frame in frames] == [0.0, 2.0]
    assert len(caplog.records) == 1
    assert "2.jpg" in caplog.text


def test_folder_without_a_readable_picture_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "1.jpg").write_bytes(b"no picture")
    (tmp_path / "2.jpg").write_bytes(b"")
    with pytest.raises(SourceError, match="Not one of the 2 pictures"):
        list(FolderCamera(tmp_path, SharedClock(), "max").frames())


def test_folder_without_pictures_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(SourceError, match="holds no pictures"):
        FolderCamera(tmp_path, SharedClock())


def test_pictures_of_different_sizes_keep_them(tmp_path: Path) -> None:
    write_picture(tmp_path / "1.png", np.zeros((10, 20, 3), np.uint8))
    write_picture(tmp_path / "2.png", np.zeros((30, 20, 3), np.uint8))
    frames = FolderCamera(tmp_path, SharedClock(), "max").frames()
    assert [frame.image_rgb.shape[:2] for frame in frames] == [(10, 20), (30, 20)]
