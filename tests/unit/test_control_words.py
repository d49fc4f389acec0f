"""Every action, cue and level has words."""

import pytest

from assistant.controls.actions import Action
from assistant.settings.schema import CueSettings
from tests.speech_builders import phrases


@pytest.mark.parametrize("action", Action)
def test_every_action_has_a_name(action):
    assert phrases().action(action.value)


@pytest.mark.parametrize("cue", CueSettings.model_fields)
def test_every_cue_has_a_name(cue):
    assert phrases().cue(cue)


def test_every_level_of_verbosity_has_words():
    assert len(set(phrases().control.levels)) == 4
