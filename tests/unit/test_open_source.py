"""Check what each way to name a source leads to."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

import pytest

from assistant.camera import device, sources, stream
from assistant.camera.clip import ClipCamera
from assistant.camera.folder import FolderCamera
from assistant.camera.live import LiveCamera
from assistant.camera.sources import open_source
from assistant.camera.stream import without_password
from assistant.errors import SourceError
from tests.camera_builders import FakeCapture, SharedClock, bgr, coloured, write_clip, write_picture


class FakeDevices:
    """Stand for `cv2.VideoCapture`: only some devices open."""

    def __init__(self, present: tuple[int | str, ...]) -> None:
        self._present = present
        self.asked: list[int | str] = []

    def __call__(self, which: int | str, *options: Any) -> Any:
        self.asked.append(which)
        opened = which in self._present

        class Capture(FakeCapture):
            def isOpened(self) -> bool:  # noqa: N802
                return opened

            def set(self, key: int, value: float) -> bool:
                return True

        return Capture(SharedClock(), [bgr(coloured()), bgr(coloured(seed=1))])


@pytest.fixture
def devices(monkeypatch: pytest.MonkeyPatch) -> FakeDevices:
    fake = FakeDevices((2, "/dev/video7"))
    monkeypatch.setattr(device.cv2, "VideoCapture", fake)
    return fake


def test_none_is_the_first_camera_that_opens(devices: FakeDevices) -> None:
    camera = open_source(None, SharedClock())
    assert camera.live
    assert devices.asked == [0, 1, 2, 2]
    camera.close()


@pytest.mark.parametrize(("spec", "asked"), [("2", 2), ("/dev/video7", "/dev/video7")])
def test_opens_a_named_device(devices: FakeDevices, spec: str, asked: int | str) -> None:
    camera = open_source(spec, SharedClock())
    assert isinstance(camera, LiveCamera)
    assert spec in camera.name
    assert devices.asked == [asked]
    camera.close()


def test_a_missing_device_is_named(devices: FakeDevices) -> None:
    with pytest.raises(SourceError, match="The camera 9 cannot be opened") as caught:
        open_source("9", SharedClock())
    assert "demo" in caught.value.remedy


def test_no_camera_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device.cv2, "VideoCapture", FakeDevices(()))
    with pytest.raises(SourceError, match="No camera was found") as caught:
        open_source(None, SharedClock())
    assert caught.value.spoken == "I find no camera."


def test_files_and_folders(tmp_path: Path) -> None:
    clip = open_source(str(write_clip(tmp_path / "clip.avi")), SharedClock())
    assert isinstance(clip, ClipCamera)
    clip.close()
    picture = write_picture(tmp_path / "face.png", bgr(coloured()))
    assert isinstance(open_source(str(picture), SharedClock()), FolderCamera)
    assert isinstance(open_source(str(tmp_path), SharedClock()), FolderCamera)


def test_a_file_called_like_a_device(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_picture(tmp_path / "0.png", bgr(coloured())).rename(tmp_path / "0")
    monkeypatch.chdir(tmp_path)
    assert isinstance(open_source("./0", SharedClock()), FolderCamera)


@pytest.mark.parametrize("spec", ["", "  "])
def test_an_empty_source_says_what_is_possible(spec: str) -> None:
    with pytest.raises(SourceError, match="The source is empty") as caught:
        open_source(spec, SharedClock())
    assert "/dev/video0" in caught.value.remedy


def test_a_missing_file_suggests_the_nearest(tmp_path: Path) -> None:
    write_clip(tmp_path / "holiday.avi")
    with pytest.raises(SourceError, match="There is no file") as caught:
        open_source(str(tmp_path / "holidya.avi"), SharedClock())
    assert "holiday.avi" in caught.value.remedy


def test_a_missing_folder_is_said(tmp_path: Path) -> None:
    with pytest.raises(SourceError) as caught:
        open_source(str(tmp_path / "nowhere" / "clip.mp4"), SharedClock())
    assert "nowhere" in caught.value.remedy


@pytest.mark.parametrize("spec", ["ftp://host/clip.mp4", "file:///tmp/clip.mp4"])
def test_other_addresses_are_refused_without_a_socket(spec: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "create_connection", lambda *_: pytest.fail("opened a socket"))
    with pytest.raises(SourceError, match="addresses are not read"):
        open_source(spec, SharedClock())


@pytest.mark.parametrize("spec", ["http://", "http://host:port/", "rtsp://[::1/x"])
def test_incomplete_addresses_are_refused(spec: str) -> None:
    with pytest.raises(SourceError, match="not a complete address"):
        open_source(spec, SharedClock())


@pytest.mark.parametrize("scheme", ["http", "rtsp"])
def test_an_address_that_refuses_is_said(scheme: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: nobody else gets the port
        address = f"{scheme}://ann:secret@127.0.0.1:{taken.getsockname()[1]}/video"
        with pytest.raises(SourceError, match="the connection is refused") as caught:
            open_source(address, SharedClock())
    assert "secret" not in str(caught.value)


def test_an_unknown_host_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: Any) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(stream.socket, "create_connection", unknown)
    with pytest.raises(SourceError, match="the name is not known"):
        open_source("http://nobody.invalid/video", SharedClock())


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("http://a:b@host/x", "http://host/x"),
        ("rtsp://host:554/x@y", "rtsp://host:554/x@y"),
        ("http://a:p@ss@h", "http://h"),
    ],
)
def test_passwords_are_not_shown(address: str, shown: str) -> None:
    assert without_password(address) == shown


def test_reading_files_opens_no_socket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "socket", lambda *_, **__: pytest.fail("opened a socket"))
    camera = sources.open_source(str(write_clip(tmp_path / "clip.avi")), SharedClock(), "max")
    assert len(list(camera.frames())) == 10
    camera.close()


@pytest.mark.parametrize("spec", ["a" * 5000, "~nobody-of-this-name/clip.mp4", "a\0b"])
def test_impossible_paths_are_said(spec: str) -> None:
    with pytest.raises(SourceError, match=r"cannot be reached|There is no file"):
        open_source(spec, SharedClock())


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes on this system")
def test_a_pipe_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(SourceError, match="neither a file nor a folder"):
        open_source(str(tmp_path / "pipe"), SharedClock())
