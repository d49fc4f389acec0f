"""A full disk ends an output with a clear error, and leaves what was written before valid."""

from __future__ import annotations

import errno
import json
import os
import wave
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assistant.errors import OutputError
from assistant.speech.transcript import Transcript
from assistant.speech.wavmix import WavMix
from assistant.types import Speech
from tests.speech_builders import utterance

LINE_BYTES = 141  # of one row of `utterance()`
SOUND = Speech(np.full(1_000, 5, np.int16), 1_000)


class Disk:
    """A file on a disk with `room` bytes: it takes what fits, then raises ENOSPC."""

    def __init__(self, file: Any, room: int) -> None:
        self._file, self._room = file, room

    def write(self, data: Any) -> int:
        fits = bytes(data)[: max(self._room - self._file.tell(), 0)]
        if len(data) and not fits:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return int(self._file.write(fits))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


@pytest.fixture
def small_disk(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    def shrink(room: int) -> None:
        real = Path.open

        def opened(path: Path, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
            file = real(path, mode, *args, **kwargs)
            return Disk(file, room) if "w" in mode else file

        monkeypatch.setattr(Path, "open", opened)

    return shrink


def test_a_wav_stays_valid(tmp_path: Path, small_disk: Callable[[int], None]) -> None:
    small_disk(44 + 4 * 1_500)
    mix = WavMix(tmp_path / "a.wav", 1_000)
    mix.add(0.0, SOUND)
    with pytest.raises(OutputError, match="No space left"):
        mix.add(1.0, SOUND)
    mix.close()
    with wave.open(str(tmp_path / "a.wav")) as sound:
        assert sound.getnframes() == 1_000
        assert set(np.frombuffer(sound.readframes(1_000), "<i2")) == {5}


def test_a_wav_without_room_for_its_header_is_told(tmp_path: Path, small_disk: Callable[[int], None]) -> None:
    small_disk(10)
    with pytest.raises(OutputError, match="No space left"):
        WavMix(tmp_path / "a.wav")


@pytest.mark.parametrize("room", [120, 200, 300])
def test_a_transcript_keeps_whole_lines(tmp_path: Path, small_disk: Callable[[int], None], room: int) -> None:
    small_disk(room)
    transcript = Transcript(tmp_path / "t.jsonl")
    for second in range(room // LINE_BYTES):
        transcript.spoken(utterance(), float(second))
    with pytest.raises(OutputError, match="No space left"):
        transcript.spoken(utterance(), 9.0)
    transcript.close()
    text = (tmp_path / "t.jsonl").read_bytes()
    assert len(text) == room // LINE_BYTES * LINE_BYTES
    assert all(json.loads(line)["text"] == "Smiling." for line in text.splitlines())


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_the_system_s_own_full_device_is_told() -> None:
    with pytest.raises(OutputError, match="No space left"):
        WavMix(Path("/dev/full"))
    with closing(Transcript(Path("/dev/full"))) as transcript, pytest.raises(OutputError, match="No space left"):
        transcript.spoken(utterance(), 0.0)
