"""Read what a board tells of itself: charge, temperature, memory.

Linux only; None elsewhere, and where it may not be read.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

_SYS: Final = Path("/sys/class")
_HOTTEST_C: Final = 150.0  # some zones report nonsense such as 0 or 65535


def battery_percent(root: Path = _SYS) -> float | None:
    """Return the charge of the board's own battery in percent, the lowest of several.

    Args:
        root: stands for /sys/class in tests.
    """
    supplies = (folder for folder in _folders(root / "power_supply") if _text(folder / "type") == "Battery")
    # A battery of scope "Device" is a mouse's or a headset's.
    own = (_number(folder / "capacity") for folder in supplies if _text(folder / "scope") != "Device")
    return min((charge for charge in own if charge is not None), default=None)


def temperature_c(root: Path = _SYS) -> float | None:
    """Return the temperature of the hottest thermal zone, in degrees Celsius.

    Args:
        root: stands for /sys/class in tests.
    """
    zones = (
        _number(folder / "temp") for folder in _folders(root / "thermal") if folder.name.startswith("thermal_zone")
    )
    return max((c for zone in zones if zone is not None and 0 < (c := zone / 1000) < _HOTTEST_C), default=None)


def resident_mb(status: Path = Path("/proc/self/status")) -> float | None:
    """Return the memory this process occupies, in megabytes of 1,000,000 bytes."""
    for line in (_text(status) or "").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024 / 1e6
    return None


def _folders(parent: Path) -> Iterator[Path]:
    try:
        yield from sorted(parent.iterdir())
    except OSError:
        return


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return None


def _number(path: Path) -> float | None:
    try:
        return float(_text(path) or "")
    except ValueError:
        return None
