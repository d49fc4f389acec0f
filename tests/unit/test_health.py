"""What is known of a run's health, and what a board tells."""

import json

import pytest

from assistant import board
from assistant.clock import ManualClock
from assistant.health import BUDGETS_S, Health


@pytest.fixture
def clock():
    return ManualClock(100.0)


@pytest.fixture
def health(clock):
    return Health(clock, lambda: 81.0, lambda: 55.5)


def test_before_anything_ran_nothing_is_claimed(health):
    report = health.report()
    assert {stage.state for stage in report.stages.values()} == {"not started"}
    assert report.fps is None
    assert report.problems == ()
    assert report.well


def test_frames_a_second_are_of_the_last_frames_and_end_with_them(health, clock):
    for number in range(31):
        clock.set(100.0 + number / 10)
        health.beat("loop")
    assert health.report().fps == 10.0
    clock.set(clock.now_s() + BUDGETS_S["loop"] + 0.1)
    assert health.report().fps is None


def test_a_stage_is_late_after_its_budget_and_working_after_a_beat(health, clock):
    health.beat("camera")
    clock.set(100.0 + BUDGETS_S["camera"])
    assert health.report().stages["camera"].state == "working"
    clock.set(100.1 + BUDGETS_S["camera"])
    assert health.report().stages["camera"].state == "late"
    assert not health.report().well
    health.beat("camera")
    assert health.report().stages["camera"].state == "working"


def test_a_stage_that_rests_is_not_late(health, clock):
    health.beat("voice")
    health.rest("voice")
    clock.set(200.0)
    assert health.report().stages["voice"].state == "working"


def test_a_problem_is_noted_once_while_it_lasts_and_ends_when_all_is_well(health, clock):
    for _ in range(3):
        health.trouble("camera", "camera lost.", "Check its cable.")
    clock.set(130.0)
    assert [(p.time_s, p.over_s, p.remedy) for p in health.report().problems] == [(100.0, None, "Check its cable.")]
    assert health.report().stages["camera"].state == "lost"
    health.well_again("camera")
    report = health.report()
    assert [p.over_s for p in report.problems] == [130.0]
    assert report.stages["camera"].state == "working"
    assert report.well


def test_what_was_replaced_is_counted_and_over(health):
    health.trouble("sight", "The accelerator failed.", "Plug it in.", "replaced")
    report = health.report()
    assert report.stages["sight"].restarts == 1
    assert report.problems[0].over_s == 100.0


def test_a_day_of_problems_keeps_the_last_twenty(health):
    for number in range(1_000):
        health.trouble("output", f"Problem {number}.")
    assert [p.message for p in health.report().problems][:2] == ["Problem 999.", "Problem 998."]
    assert len(health.report().problems) == 20


def test_the_report_is_json_and_names_what_is_used(health):
    health.name(camera="the demo", sound="none", voice="espeak-ng", model="compact", backend="litert")
    document = json.loads(json.dumps(health.report().as_json()))
    assert document["model"] == "compact"
    assert document["battery_percent"] == 81.0
    assert document["temperature_c"] == 55.5
    assert document["stages"]["camera"]["budget_s"] == BUDGETS_S["camera"]
    assert document["well"] is True


def test_an_unknown_name_is_a_mistake_of_ours(health):
    with pytest.raises(ValueError, match="knows no person"):
        health.name(person="x")


def supply(root, name, **files):
    folder = root / "power_supply" / name
    folder.mkdir(parents=True)
    for file, text in files.items():
        (folder / file).write_text(text + "\n")


def test_the_battery_is_the_boards_own(tmp_path):
    supply(tmp_path, "AC", type="Mains", online="1")
    supply(tmp_path, "BAT0", type="Battery", capacity="64")
    supply(tmp_path, "BAT1", type="Battery", capacity="41")
    supply(tmp_path, "hid-mouse", type="Battery", scope="Device", capacity="3")
    supply(tmp_path, "BAT2", type="Battery", capacity="unknown")
    assert board.battery_percent(tmp_path) == 41.0


def test_the_hottest_zone_counts_and_nonsense_does_not(tmp_path):
    for number, text in enumerate(["48000", "61500", "0", "65535000", "n/a"]):
        folder = tmp_path / "thermal" / f"thermal_zone{number}"
        folder.mkdir(parents=True)
        (folder / "temp").write_text(text)
    assert board.temperature_c(tmp_path) == 61.5


def test_a_board_that_tells_nothing_is_none(tmp_path):
    assert board.battery_percent(tmp_path) is None
    assert board.temperature_c(tmp_path) is None
    assert board.resident_mb(tmp_path / "none") is None


def test_memory_is_megabytes(tmp_path):
    status = tmp_path / "status"
    status.write_text("Name:\tpython\nVmRSS:\t  100000 kB\n")
    assert board.resident_mb(status) == pytest.approx(102.4)
