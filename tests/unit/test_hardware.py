from __future__ import annotations

import json
from pathlib import Path

import pytest

from assistant.inference import hardware


def test_a_fingerprint_is_the_same_twice_and_fits_json() -> None:
    one = hardware.fingerprint()
    assert json.loads(json.dumps(one)) == hardware.fingerprint()
    assert "numpy" in one["packages"]  # type: ignore[operator]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("processor : 0\nmodel name\t: Fast CPU @ 2 GHz\nflags : a b\n", "Fast CPU @ 2 GHz"),
        ("processor : 0\nHardware\t: BCM2835\nModel\t\t: Raspberry Pi 5\n", "Raspberry Pi 5"),
        ("Hardware : BCM2835\n", "BCM2835"),
    ],
)
def test_the_processor_is_named(tmp_path: Path, text: str, name: str) -> None:
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/cpuinfo").write_text(text)
    assert hardware.cpu_name(tmp_path) == name


def test_no_cpuinfo_is_no_error(tmp_path: Path) -> None:
    assert isinstance(hardware.cpu_name(tmp_path), str)


def plug(root: Path, place: str, vendor: str, product: str) -> None:
    folder = root / "sys/bus/usb/devices" / place
    folder.mkdir(parents=True)
    (folder / "idVendor").write_text(vendor + "\n")
    (folder / "idProduct").write_text(product + "\n")


def test_a_coral_is_the_same_before_and_after_its_firmware(tmp_path: Path) -> None:
    before, after = tmp_path / "before", tmp_path / "after"
    plug(before, "1-1", "1a6e", "089a")
    plug(after, "2-1", "18d1", "9302")
    plug(after, "2-2", "046d", "c52b")  # a mouse
    assert hardware.fingerprint(before)["accelerators"] == ["usb coral"]
    assert hardware.fingerprint(after)["accelerators"] == ["usb coral"]


def test_device_files_count(tmp_path: Path) -> None:
    for name in ("dev/dri/renderD128", "dev/accel/accel0", "dev/apex_0"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    assert hardware.fingerprint(tmp_path)["accelerators"] == ["dev/accel/accel0", "dev/apex_0", "dev/dri/renderD128"]


def test_a_half_seen_usb_device_is_passed_over(tmp_path: Path) -> None:
    plug(tmp_path, "1-1", "1a6e", "089a")
    (tmp_path / "sys/bus/usb/devices/1-1/idProduct").unlink()
    assert hardware.fingerprint(tmp_path)["accelerators"] == []
