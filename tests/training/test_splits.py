import hashlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.splits import SPLITS, Groups, LeakError, assign, check_disjoint, check_lists, split_of, write_lists

pairs = st.lists(st.tuples(st.sampled_from("abcdefgh"), st.sampled_from("abcdefgh")), max_size=12)


def test_a_group_keeps_its_split_for_ever() -> None:
    for group in (f"person{n}" for n in range(50)):
        place = int(hashlib.sha256(group.encode()).hexdigest()[:8], 16) / 2**32
        assert split_of(group) == ("train" if place < 0.70 else "valid" if place < 0.82 else "test")


def test_splits_have_their_shares_and_a_seed_shuffles_them() -> None:
    groups = [f"person{n}" for n in range(4000)]
    for seed in (0, 1):
        shares = {split: np.mean(assign(groups, [False] * 4000, seed) == split) for split in SPLITS}
        assert shares == pytest.approx({"train": 0.70, "valid": 0.12, "test": 0.18}, abs=0.025)
    assert any(split_of(group, 0) != split_of(group, 1) for group in groups)


def test_a_group_with_a_held_out_picture_goes_to_test() -> None:
    groups = ["a", "b", "a", "c"]
    assert assign(groups, [False, False, True, False]).tolist()[0::2] == ["test", "test"]


@given(pairs)
def test_joining_does_not_depend_on_the_order(links: list[tuple[str, str]]) -> None:
    forwards, backwards = Groups(), Groups()
    for one, other in links:
        forwards.join(one, other)
    for one, other in reversed(links):
        backwards.join(other, one)
    for member in "abcdefgh":
        assert forwards.name_of(member) == backwards.name_of(member) <= member
    for one, other in links:
        assert forwards.name_of(one) == forwards.name_of(other)


@given(st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=40), st.integers(0, 5))
def test_what_is_assigned_never_leaks(groups: list[str], seed: int) -> None:
    names = [f"picture{n}" for n in range(len(groups))]
    check_disjoint(names, groups, assign(groups, [False] * len(groups), seed).tolist())


def test_a_leak_names_both_pictures() -> None:
    with pytest.raises(LeakError, match=r"one\.jpg \(train\) and two\.jpg \(test\) are the same person"):
        check_disjoint(["one.jpg", "two.jpg"], ["p", "p"], ["train", "test"])
    with pytest.raises(LeakError, match=r"one\.jpg is in two splits"):
        check_disjoint(["one.jpg", "one.jpg"], ["p", "q"], ["train", "test"])
    with pytest.raises(LeakError, match="unknown split 'spare'"):
        check_disjoint(["one.jpg"], ["p"], ["spare"])


def test_changed_lists_are_noticed(tmp_path: Path) -> None:
    names, splits = np.array(["b", "a", "c", "d"]), np.array(["train", "train", "valid", "test"])
    hashes = write_lists(tmp_path, names, splits)
    assert (tmp_path / "train.txt").read_text(encoding="utf-8") == "a\nb\n"
    check_lists(tmp_path, hashes, names, splits)
    with pytest.raises(LeakError, match="is not the one in"):
        check_lists(tmp_path, hashes, names, np.array(["train", "train", "test", "valid"]))
    (tmp_path / "train.txt").write_text("a\nb\nd\n", encoding="utf-8")
    with pytest.raises(LeakError, match="was changed"):
        check_lists(tmp_path, hashes, names, splits)
    (tmp_path / "train.txt").unlink()
    with pytest.raises(LeakError, match="cannot be read"):
        check_lists(tmp_path, hashes, names, splits)
