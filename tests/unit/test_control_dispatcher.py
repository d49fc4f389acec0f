"""What the wearer asks for is done and answered, whatever came before."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.controls.actions import Action
from assistant.controls.dispatcher import PAUSED, RESUMED
from tests.control_builders import ACTIONS, dispatcher

PAUSED_SOUND, RESUMED_SOUND = f"<{PAUSED}>", f"<{RESUMED}>"

ANSWERS = [
    # action, paused before, what is heard
    (Action.HERE, "", ["2 seen."]),
    (Action.HERE, "key", ["2 seen."]),
    (Action.REPEAT, "", ["Smiling."]),
    (Action.REPEAT, "cover", ["Smiling."]),
    (Action.STOP, "", ["cut"]),
    (Action.STOP, "key", ["cut"]),
    (Action.MORE, "", ["Three: also movements."]),
    (Action.MORE, "key", ["Three: also movements."]),
    (Action.LESS, "", ["One: who comes and goes."]),
    (Action.LESS, "key", ["One: who comes and goes."]),
    (Action.PAUSE, "", ["hushed", PAUSED_SOUND, "Paused."]),
    (Action.PAUSE, "key", ["free", RESUMED_SOUND, "Resumed."]),
    (Action.PAUSE, "cover", ["free", RESUMED_SOUND, "Resumed."]),
    (Action.MUTE_CUE, "", ["Smiles off."]),
    (Action.MUTE_CUE, "key", ["Smiles off."]),
    (Action.NEXT_PERSON, "", ["Person 1."]),
    (Action.NEXT_PERSON, "key", ["Person 1."]),
    (Action.SPELL, "", ["S, m, i, l, i, n, g."]),
    (Action.SPELL, "cover", ["S, m, i, l, i, n, g."]),
    (Action.UNDO, "", ["That is not available."]),
    (Action.PAIR_CODE, "", ["That is not available."]),
    (Action.SESSIONS, "key", ["That is not available."]),
]


@pytest.mark.parametrize(("action", "paused", "heard"), ANSWERS)
def test_every_action_in_every_state(action, paused, heard):
    hand, voice, _, _ = dispatcher(people=2)
    hand.heard("Smiling.", "smile")
    hand.paused = paused
    hand.act(action, 0.0)
    assert voice.take() == heard


def test_the_table_has_every_action():
    assert {action for action, _, _ in ANSWERS} | {Action.HELP} == set(Action)


@pytest.mark.parametrize("action", [Action.HERE, Action.NEXT_PERSON])
def test_blind_it_says_so(action):
    hand, voice, _, _ = dispatcher(people=None)
    hand.act(action, 0.0)
    assert voice.take() == ["I cannot see now."]


@pytest.mark.parametrize("action", [Action.REPEAT, Action.SPELL])
def test_before_anything_was_said(action):
    hand, voice, _, _ = dispatcher()
    hand.act(action, 0.0)
    assert voice.take() == ["Nothing was said yet."]


def test_there_is_no_kind_of_news_to_switch_off_before_any_though_something_was_answered():
    hand, voice, _, _ = dispatcher()
    hand.act(Action.HERE, 0.0)
    hand.act(Action.MUTE_CUE, 1.0)
    assert voice.take()[1:] == ["There was no news yet."]


def test_next_person_goes_by_nearness_and_round():
    hand, voice, _, _ = dispatcher(people=3)
    for at_s in range(4):
        hand.act(Action.NEXT_PERSON, float(at_s))
    assert voice.take() == ["Person 1.", "Person 2.", "Person 3.", "Person 1."]


def test_next_person_begins_at_the_nearest_after_a_while_and_after_the_whole_scene():
    hand, voice, _, _ = dispatcher(people=3)
    hand.act(Action.NEXT_PERSON, 0.0)
    hand.act(Action.NEXT_PERSON, 10.5)
    hand.act(Action.NEXT_PERSON, 11.0)
    hand.act(Action.HERE, 11.5)
    hand.act(Action.NEXT_PERSON, 12.0)
    assert voice.take() == ["Person 1.", "Person 1.", "Person 2.", "3 seen.", "Person 1."]


def test_next_person_of_nobody():
    hand, voice, _, _ = dispatcher(people=0)
    hand.act(Action.NEXT_PERSON, 0.0)
    assert voice.take() == ["0 seen."]


def test_a_muted_cue_is_unmuted_by_the_same_key():
    hand, voice, tuning, _ = dispatcher()
    hand.heard("Smiling.", "smile")
    hand.act(Action.MUTE_CUE, 0.0)
    assert tuning.cues == {"arrival"}
    hand.act(Action.HERE, 0.5)  # an answer between does not change what the key means
    hand.act(Action.MUTE_CUE, 1.0)
    assert tuning.cues == {"arrival", "smile"}
    assert voice.take() == ["Smiles off.", "1 seen.", "Smiles on."]


def test_what_is_no_cue_cannot_be_muted():
    hand, voice, tuning, _ = dispatcher()
    hand.heard("Camera lost.", "alert")
    before = tuning.cues
    hand.act(Action.MUTE_CUE, 0.0)
    assert voice.take() == ["That has no switch."]
    assert tuning.cues == before


@pytest.mark.parametrize(
    ("action", "start", "levels"),
    [(Action.MORE, 2, [3, 4, 4, 4]), (Action.LESS, 3, [2, 1, 1, 1])],
)
def test_verbosity_goes_by_steps_to_its_ends(action, start, levels):
    hand, voice, tuning, _ = dispatcher(verbosity=start)
    found = []
    for _ in levels:
        hand.act(action, 0.0)
        found.append(tuning.verbosity)
    assert found == levels
    assert voice.take()[-1] in ("That is the most.", "That is the least.")


def test_repeat_and_spell_are_of_the_last_thing_told():
    hand, voice, _, _ = dispatcher()
    hand.heard("Smiling.", "smile")
    hand.act(Action.HERE, 0.0)
    hand.act(Action.MORE, 0.5)  # "Three: ..." tells nothing of the world
    hand.act(Action.REPEAT, 1.0)
    hand.act(Action.SPELL, 2.0)
    assert voice.take()[2:] == ["1 seen.", "1. s, e, e, n."]


def test_a_hand_over_the_lens_pauses_and_resumes():
    hand, voice, _, _ = dispatcher()
    hand.cover(True)
    assert hand.paused == "cover"
    hand.cover(False)
    assert not hand.paused
    assert voice.take() == ["hushed", PAUSED_SOUND, "Camera covered. Paused.", "free", RESUMED_SOUND, "Resumed."]


def test_what_a_key_paused_a_hand_does_not_resume():
    hand, voice, _, _ = dispatcher()
    hand.act(Action.PAUSE, 0.0)
    hand.cover(True)
    hand.cover(False)
    assert hand.paused == "key"
    assert voice.take() == ["hushed", PAUSED_SOUND, "Paused."]


def test_others_do_their_actions():
    hand, voice, _, _ = dispatcher(more={Action.UNDO: lambda: "Voice back to normal."})
    hand.act(Action.UNDO, 0.0)
    assert voice.take() == ["Voice back to normal."]


def test_the_help_names_every_action_once_with_its_first_key():
    hand, voice, _, _ = dispatcher()
    hand.act(Action.HELP, 0.0)
    (text,) = voice.take()
    assert text.startswith("enter: what is here. r: repeat. space: stop talking.")
    assert text.count(":") == len(ACTIONS)


STEP = st.one_of(
    st.sampled_from(ACTIONS),
    st.booleans(),
    st.sampled_from(["smile", "arrival", "alert", "unheard of"]),
    st.none() | st.integers(0, 5).map(str),
)


@given(st.lists(st.tuples(STEP, st.floats(0.0, 20.0)), max_size=40))
def test_no_order_of_actions_raises_or_pauses_silently(steps):
    hand, voice, tuning, sight = dispatcher()
    now_s = 0.0
    for step, seconds in steps:
        now_s += seconds
        paused = hand.paused
        if isinstance(step, Action):
            hand.act(step, now_s)
            heard = voice.take()
            assert heard != []  # every action is answered
        elif isinstance(step, bool):
            hand.cover(step)
            heard = voice.take()
        elif step is None or step.isdigit():
            sight.people = None if step is None else int(step)
            continue
        else:
            hand.heard(f"About {step}.", step)
            continue
        assert (bool(paused) != bool(hand.paused)) == (PAUSED_SOUND in heard or RESUMED_SOUND in heard)
        if not paused and hand.paused:
            assert heard[:2] == ["hushed", PAUSED_SOUND]
        assert tuning.verbosity in range(1, 5)
        assert tuning.cues <= tuning.all_cues
