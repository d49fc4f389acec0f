"""Say what a remembered timing depends on: processor, accelerators, packages."""

from __future__ import annotations

import os
import platform
from importlib import metadata
from pathlib import Path
from typing import Final

_PACKAGES: Final = ("ai-edge-litert", "tflite-runtime", "openvino", "numpy")
# USB ids of a Coral accelerator before and after its firmware is loaded; both are the same device.
_CORAL_USB: Final = {("1a6e", "089a"), ("18d1", "9302")}
_DEVICE_FILES: Final = ("dev/dri/renderD*", "dev/accel/accel*", "dev/apex_*")


def fingerprint(root: Path = Path("/")) -> dict[str, object]:
    """Return what distinguishes this device and its packages from another, ready for JSON.

    Loads no vendor package, so that a start with a remembered choice stays quick.

    Args:
        root: of the file system; tests give their own.
    """
    return {
        "cpu": cpu_name(root),
        "cores": os.cpu_count() or 1,
        "machine": platform.machine(),
        "accelerators": _accelerators(root),
        "packages": {name: version for name in _PACKAGES if (version := _version(name))},
    }


def cpu_name(root: Path = Path("/")) -> str:
    """Return the processor's name as the system tells it, or "" where it does not."""
    try:
        lines = (root / "proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return platform.processor()
    named = dict(line.split(":", 1) for line in lines if ":" in line)
    values = {key.strip(): value.strip() for key, value in named.items()}
    return values.get("model name") or values.get("Model") or values.get("Hardware") or platform.processor()


def _accelerators(root: Path) -> list[str]:
    found = [str(path.relative_to(root)) for pattern in _DEVICE_FILES for path in root.glob(pattern)]
    for vendor in root.glob("sys/bus/usb/devices/*/idVendor"):
        try:
            product = vendor.with_name("idProduct").read_text(encoding="ascii", errors="replace").strip()
            if (vendor.read_text(encoding="ascii", errors="replace").strip(), product) in _CORAL_USB:
                found.append("usb coral")
        except OSError:
            continue  # unplugged while being read
    return sorted(found)


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""
