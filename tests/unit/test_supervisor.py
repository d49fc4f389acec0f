"""What parts of a run tell becomes health."""

import pytest

from assistant.camera import watch
from assistant.clock import ManualClock
from assistant.errors import BackendError, SpeechError
from assistant.speech.speaker import Recovered, Trouble
from assistant.supervisor import Supervisor


@pytest.fixture
def supervisor():
    return Supervisor(ManualClock())


@pytest.mark.parametrize("state", [state for state in watch.STATES if state != watch.BACK])
def test_a_camera_that_does_not_see_is_a_problem_with_a_remedy_until_it_is_back(supervisor, state):
    supervisor.camera_state(state)
    report = supervisor.health.report()
    assert report.stages["camera"].state == "lost"
    assert report.problems[0].message == f"{state}."
    assert report.problems[0].remedy
    supervisor.camera_state(watch.BACK)
    assert supervisor.health.report().well


@pytest.mark.parametrize("what", ["voice", "sound"])
def test_voice_and_sound_fail_and_recover(supervisor, what):
    supervisor.heard(Trouble(0.0, SpeechError("It hangs.", "Restart it."), f"the {what}"))
    assert supervisor.health.report().stages[what].state == "lost"
    supervisor.heard(Recovered(1.0, f"the {what}"))
    assert supervisor.health.report().stages[what].state == "working"


def test_a_lost_accelerator_names_what_computes_now(supervisor):
    supervisor.lost_accelerator(BackendError("It was unplugged.", "Plug it in."), "litert")
    report = supervisor.health.report()
    assert (report.backend, report.stages["sight"].state) == ("litert", "replaced")


def test_what_is_not_missing_is_no_problem(supervisor):
    supervisor.missing("sound", "")
    assert supervisor.health.report().problems == ()
    supervisor.missing("sound", "No sound: no card.")
    assert supervisor.health.report().stages["sound"].state == "lost"
