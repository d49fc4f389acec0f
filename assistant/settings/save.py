"""Write a small file so that whatever happens meanwhile it holds either the old or the new."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

from assistant.errors import OutputError


def save(path: Path, text: str) -> None:
    """Replace a file's content at once: a power cut at any moment leaves the old or the new, never a part.

    The folder is made where it is missing; a link is followed; only the owner may read a new file.

    Raises:
        OutputError: the disk is full, or the folder may not be written to; the old content is still there.
    """
    path = path.resolve()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, part = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            _write(descriptor, text.encode("utf-8"))
            Path(part).replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                Path(part).unlink()
            raise
        _sync_folder(path.parent)
    except OSError as error:
        raise OutputError(
            f"{path} cannot be written: {error.strerror}.", "Check the folder's rights, or free some space."
        ) from error


def _write(descriptor: int, content: bytes) -> None:
    """Write all of it to the disk itself, and close."""
    try:
        while content:
            content = content[os.write(descriptor, content) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync_folder(folder: Path) -> None:
    """Make the new name last, where the system can."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
