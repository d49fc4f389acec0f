import time

import pytest

from benchmarks import check

EPYC = "processor : 0\nmodel name : AMD EPYC\ncpu family : 25\nmodel : 17\nflags : fpu\n\nprocessor : 1\n"


def burn(milliseconds):
    def work():
        end_s = time.process_time() + milliseconds / 1e3
        while time.process_time() < end_s:
            pass

    return work


@pytest.mark.parametrize(
    ("now", "words"),
    [
        (10.0, None),
        (11.9, None),
        (8.4, None),  # 10 / 8.4 is 1.19: the same bound the other way round
        (12.1, "slower than the reference by 21 %"),
        (8.3, "less than the reference"),
        (0.1, "less than the reference"),
    ],
)
def test_a_change_in_either_direction_is_told(now, words):
    said = check.differences({"find": 10.0}, {"find": now}, 0.2)
    assert len(said) == (words is not None)
    assert words is None or words in said[0]


def test_work_that_was_left_out_or_added_is_told():
    said = check.differences({"find": 10.0}, {"read": 3.0}, 0.2)
    assert any("find" in line and "not measured" in line for line in said)
    assert any("read" in line and "no reference" in line for line in said)


def test_work_is_measured_in_yardsticks():
    found = check.measure({"triple": burn(15), "same": burn(5)}, 3, burn(5))
    assert found["triple"].multiple == pytest.approx(3.0, rel=0.25)
    assert found["same"].multiple == pytest.approx(1.0, rel=0.25)
    assert found["triple"].cpu_ms == pytest.approx(15.0, rel=0.25)


def test_a_reference_is_found_again_by_its_kind_of_machine_alone(tmp_path):
    kind, other = check.machine_kind(EPYC), check.machine_kind(EPYC.replace("17", "1"))
    assert kind != other
    assert check.load_reference(kind, tmp_path) is None
    found = {"find": check.Measured(10.0, 0.01, 40.0)}
    first = check.save_reference(kind, found, tmp_path)
    assert check.load_reference(other, tmp_path) is None
    reference = check.load_reference(kind, tmp_path)
    assert reference is not None
    assert reference["work"]["find"]["multiple"] == 10.0
    assert check.save_reference(kind, found, tmp_path) == first


def test_every_reference_that_is_kept_can_be_read():
    kinds = [check.json.loads(path.read_text(encoding="utf-8"))["kind"] for path in check.REFERENCES.glob("*.json")]
    assert kinds
    for kind in kinds:
        reference = check.load_reference(kind)
        assert reference is not None
        assert all(each["multiple"] > 0 for each in reference["work"].values())
