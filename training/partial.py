"""Keep what `prepare` has cut so far, so that a kill, a bad picture or a full disk costs no finished work."""

from __future__ import annotations

import errno
import io
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final, Self

import numpy as np
import numpy.typing as npt

from assistant.errors import OutputError

SIZE_PX: Final = 144
MARGIN: Final = 1 / 7
"""Side and margin of a cached crop: 112 pixels of plain crop, and 16 around it to rotate and shift in."""

_HEADER_BYTES: Final = 128  # of a .npy file whose shape has three numbers; asserted when it is written
_CROP_BYTES: Final = SIZE_PX * SIZE_PX
_FLUSH_EVERY: Final = 64
_UNREADABLE: Final = "unreadable"

Crops = npt.NDArray[np.uint8]


class Partial:
    """Append crops, thumbnails and scores to three files in step; on opening, cut them back to what is whole in all.

    Use as a context manager. Not thread-safe.

    Args:
        folder: where the files are; made if it is not there.
        request: what is being prepared; files of another request are removed first.

    Raises:
        OutputError: the folder cannot be written.
    """

    def __init__(self, folder: Path, request: str) -> None:
        self._folder = folder
        self.crops_path = folder / "crops.npy"
        self._thumbs_path, self._rows_path = folder / "thumbs.raw", folder / "rows.tsv"
        self.rows: list[tuple[str, float | None]] = []
        with writing(folder):
            if _text(folder / "request") != request:
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir(parents=True)
                (folder / "request").write_text(request, encoding="utf-8")
            self._files = [path.open("ab") for path in (self.crops_path, self._thumbs_path, self._rows_path)]
            whole = self._read_rows()
            sizes = [(file.tell() - start) // each for file, start, each in self._shapes()]
            while sum(score is not None for _, score in whole) > max(0, min(sizes)):
                whole.pop()
            self.keep(whole)

    def keep(self, rows: list[tuple[str, float | None]]) -> None:
        """Forget all but these first rows: name, and detector's score or None for a picture that cannot be read."""
        cut = sum(score is not None for _, score in rows)
        crops, _, table = self._files
        with writing(self._folder):
            for file, start, each in self._shapes():
                file.truncate(start + cut * each)
                file.seek(0, io.SEEK_END)
            if crops.tell() < _HEADER_BYTES or not cut:
                crops.truncate(0)
                crops.seek(0)
                crops.write(bytes(_HEADER_BYTES))
            table.truncate(0)
            table.seek(0)
            table.write("".join(_line(name, score) for name, score in rows).encode())
            self.flush()
        self.rows = list(rows)

    def add(self, name: str, crop: Crops, thumb: Crops, score: float) -> None:
        """Append one crop, (144, 144) uint8, with its thumbnail, (12, 12) uint8.

        Raises:
            OutputError: the disk is full; all that was added before stays.
        """
        with writing(self._folder):
            self._files[0].write(crop.tobytes())
            self._files[1].write(thumb.tobytes())
            self._note(name, score)

    def skip(self, name: str) -> None:
        """Append a picture that cannot be read."""
        with writing(self._folder):
            self._note(name, None)

    def flush(self) -> None:
        """Hand all that was added to the operating system."""
        for file in self._files:
            file.flush()

    def finish(self) -> Crops:
        """Write the header that makes `crops_path` a NumPy file, and return the thumbnails, (N, 12, 12) uint8."""
        count = sum(score is not None for _, score in self.rows)
        self.close()
        header = io.BytesIO()
        shape = {"descr": "|u1", "fortran_order": False, "shape": (count, SIZE_PX, SIZE_PX)}
        np.lib.format.write_array_header_1_0(header, shape)
        if len(header.getvalue()) != _HEADER_BYTES:
            raise AssertionError("NumPy changed the length of its header")
        with writing(self._folder), self.crops_path.open("r+b") as file:
            file.write(header.getvalue())
        return np.fromfile(self._thumbs_path, np.uint8).reshape(count, 12, 12)

    def remove(self) -> None:
        """Delete the files."""
        self.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def close(self) -> None:
        """Close the files; they stay. May be called twice."""
        for file in self._files:
            with writing(self._folder):
                file.close()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        self.close()

    def _note(self, name: str, score: float | None) -> None:
        self._files[2].write(_line(name, score).encode())
        self.rows.append((name, score))
        if len(self.rows) % _FLUSH_EVERY == 0:
            self.flush()

    def _shapes(self) -> list[tuple[BinaryIO, int, int]]:
        """Return file, bytes before the first record and bytes a record."""
        return [(self._files[0], _HEADER_BYTES, _CROP_BYTES), (self._files[1], 0, 144)]

    def _read_rows(self) -> list[tuple[str, float | None]]:
        rows: list[tuple[str, float | None]] = []
        for line in _text(self._rows_path).split("\n")[:-1]:
            score, _, name = line.partition("\t")
            rows.append((name, None if score == _UNREADABLE else float(score)))
        return rows


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn the operating system's refusal to write into an `OutputError` that says what to do."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise OutputError(
                f"The disk of {path} is full.", "Free some space and run the same command again: it continues."
            ) from error
        raise OutputError(f"{path} cannot be written: {error.strerror or error}.", "Give another folder.") from error


def _line(name: str, score: float | None) -> str:
    return f"{_UNREADABLE if score is None else repr(score)}\t{name}\n"


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""
