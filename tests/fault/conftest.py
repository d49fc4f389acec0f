"""Give every test of a fault a scripted world of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fault_builders import Room


@pytest.fixture
def room(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Room:
    return Room(monkeypatch, capsys, tmp_path)
