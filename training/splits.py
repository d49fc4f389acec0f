"""Keep people apart: group what belongs together, assign groups to splits, and refuse a leak.

Models recognise people. A person, or a copy of a picture, in two splits makes every figure too good, so it is an
error here and is checked again before training and before measuring.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Final

import numpy as np
import numpy.typing as npt

from assistant.errors import FacecueError

SPLITS: Final = ("train", "valid", "test")
_TRAIN_BELOW: Final = 0.70
_VALID_BELOW: Final = 0.82

Strings = npt.NDArray[np.str_]


class LeakError(FacecueError):
    """A person or a copy of a picture is in two splits, or a written split was changed."""

    exit_status: ClassVar[int] = 10


class Groups:
    """Join names into groups (union-find); a group is called after its smallest member, in whatever order it grew."""

    def __init__(self) -> None:
        self._parent: dict[str, str] = {}

    def name_of(self, member: str) -> str:
        """Return the group of a member; one that was never joined is a group of its own."""
        path = []
        while (above := self._parent.get(member, member)) != member:
            path.append(member)
            member = above
        for passed in path:
            self._parent[passed] = member
        return member

    def join(self, one: str, other: str) -> bool:
        """Put two members into one group; return False when they were already."""
        low, high = sorted((self.name_of(one), self.name_of(other)))
        if low != high:
            self._parent[high] = low
        return low != high


def split_of(group: str, seed: int = 0) -> str:
    """Return the split of a group: 70 % train, 12 % valid, 18 % test of the groups, by a hash of the name alone.

    So a group stays where it is when data are added, on every machine and in every version of Python.

    Args:
        group: name of the group.
        seed: 0 hashes the name as it is; other seeds shuffle.
    """
    key = group if seed == 0 else f"{seed}:{group}"
    place = int(hashlib.sha256(key.encode()).hexdigest()[:8], 16) / 2**32
    return "train" if place < _TRAIN_BELOW else "valid" if place < _VALID_BELOW else "test"


def assign(groups: Sequence[str], held_out: Sequence[bool], seed: int = 0) -> Strings:
    """Return the split of each row; a group with a held-out member goes to test as a whole."""
    kept = {group for group, out in zip(groups, held_out, strict=True) if out}
    return np.array(["test" if group in kept else split_of(group, seed) for group in groups], dtype="<U5")


def check_disjoint(names: Iterable[str], groups: Iterable[str], splits: Iterable[str]) -> None:
    """Make sure that no group and no name is in two splits, and that every split is one of `SPLITS`.

    Raises:
        LeakError: one is; do not train or measure on this.
    """
    of_group: dict[str, tuple[str, str]] = {}
    of_name: dict[str, str] = {}
    for name, group, split in zip(names, groups, splits, strict=True):
        if split not in SPLITS:
            raise LeakError(f"{name} is in the unknown split {split!r}.", "Run python -m training prepare again.")
        first, before = of_group.setdefault(group, (name, split))
        if before != split:
            raise LeakError(
                f"{first} ({before}) and {name} ({split}) are the same person or copies of one picture ({group}).",
                "Put them into one split, or run python -m training prepare again.",
            )
        if of_name.setdefault(name, split) != split:
            raise LeakError(f"{name} is in two splits.", "Run python -m training prepare again.")


def write_lists(folder: Path, names: Strings, splits: Strings) -> dict[str, str]:
    """Write train.txt, valid.txt and test.txt, one name a line, sorted; return the sha256 of each by split.

    Raises:
        OSError: the folder cannot be written.
    """
    hashes = {}
    for split in SPLITS:
        text = "".join(f"{name}\n" for name in sorted(names[splits == split].tolist()))
        (folder / f"{split}.txt").write_text(text, encoding="utf-8", newline="\n")
        hashes[split] = hashlib.sha256(text.encode()).hexdigest()
    return hashes


def check_lists(folder: Path, hashes: Mapping[str, str], names: Strings, splits: Strings) -> None:
    """Make sure that the written lists are unchanged and are those of the table.

    Raises:
        LeakError: a list is missing, was changed, or disagrees with the table.
    """
    remedy = "Restore the file, or run python -m training prepare again."
    for split in SPLITS:
        path = folder / f"{split}.txt"
        try:
            stored = path.read_bytes()
        except OSError as error:
            raise LeakError(f"The split {path} cannot be read: {error.strerror}.", remedy) from error
        if hashlib.sha256(stored).hexdigest() != hashes.get(split):
            raise LeakError(f"The split {path} was changed: its sha256 is not the manifest's.", remedy)
        if stored.decode().split("\n")[:-1] != sorted(names[splits == split].tolist()):
            raise LeakError(f"The split {path} is not the one in table.npz.", remedy)
