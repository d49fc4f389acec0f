"""Every key of the terminal is answered within a tenth of a second, on a real run that is listened to."""

from __future__ import annotations

from typing import Any

import pytest

from assistant.controls.actions import Action
from tests.contract.test_real_playback import benchmark, pytestmark  # noqa: F401  needs the same

NOTHING = "Nothing was said yet."


@pytest.fixture(scope="module")
def measured() -> dict[str, Any]:
    return benchmark("benchmarks.keys", "--rounds", "1")


def test_every_key_is_heard_within_a_tenth_of_a_second(measured: dict[str, Any]) -> None:
    assert set(measured["slowest_ms"]) == set(Action)
    assert measured["key_to_sound_ms"]["100"] <= 100


def test_the_answers_are_those_of_a_person_in_view(measured: dict[str, Any]) -> None:
    answers = {action: [line.partition(": ")[2] for line in lines] for action, lines in measured["answers"].items()}
    assert answers["repeat"][0] == NOTHING
    assert answers["here"][0].startswith("One person, close, ahead")
    assert answers["repeat"][1] == answers["here"][0]
    assert answers["next_person"][0].startswith("One person, close, ahead")
    assert answers["spell"][0].startswith("O, n, e. p, e, r, s, o, n.")
    assert answers["more"] == ["Three: also movements."]
    assert answers["undo"] == ["You set verbosity to 2."]
    assert answers["less"] == ["One: who comes and goes."]
    assert answers["mute_cue"] == ["There was no news yet."]
    assert answers["pause"] == ["Paused.", "Resumed."]
    assert answers["stop"] == []
    assert answers["pair_code"] == ["The settings page is off."]
    assert answers["sessions"] == ["Nobody is paired."]
    assert answers["help"][0].startswith("enter: what is here.")
