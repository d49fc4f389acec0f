"""Keys have one action each, chosen or by default; spelling names every letter."""

import pytest

from assistant.controls.actions import Action
from assistant.controls.keys import DEFAULTS, KEYS, check, key_map, spoken_name
from assistant.controls.spelling import spelled
from assistant.errors import SettingsError
from assistant.settings import Settings, parse


def test_every_action_has_a_key_and_no_key_two():
    every = [key for names in DEFAULTS.values() for key in names.split()]
    assert set(DEFAULTS) == set(Action)
    assert len(every) == len(set(every))
    assert set(every) <= set(KEYS)
    assert key_map({}) == {key: action for action, names in DEFAULTS.items() for key in names.split()}


def test_a_chosen_key_is_taken_from_the_action_that_had_it():
    keys = key_map({Action.HERE: "space", Action.STOP: DEFAULTS[Action.STOP]})
    assert keys["space"] is Action.HERE
    assert keys["s"] is Action.STOP
    assert "enter" not in keys


def test_an_action_may_have_no_key():
    assert Action.SPELL not in key_map({Action.SPELL: ""}).values()


def test_a_key_given_twice_is_refused():
    with pytest.raises(ValueError, match="'x' is given to both here and repeat"):
        key_map({Action.HERE: "x", Action.REPEAT: "x r"})


@pytest.mark.parametrize(("wrong", "nearest"), [("page_up", "pageup"), ("Enter", "enter"), ("spacebar", "space")])
def test_an_unknown_key_is_refused_with_the_nearest(wrong, nearest):
    with pytest.raises(ValueError, match=f"no key '{wrong}'; the nearest is '{nearest}'"):
        check(f"a {wrong}")


def test_a_key_like_none_is_refused_with_the_list():
    with pytest.raises(ValueError, match="keys are a, b, c"):
        check("äöüß")


def test_keys_are_said_as_people_say_them():
    assert spoken_name("pageup") == "page up"
    assert spoken_name("r") == "r"


@pytest.mark.parametrize(
    ("text", "letters"),
    [
        ("Smiling.", "S, m, i, l, i, n, g."),
        ("At one o'clock, 12 m.", "A, t. o, n, e. o, c, l, o, c, k. 1, 2. m."),
        ("né", "n, é."),
        ("हिन", "हि, न."),
        ("", ""),
        ("...", ""),
    ],
)
def test_spelling(text, letters):
    assert spelled(text) == letters


def test_settings_have_the_same_keys_and_actions():
    assert Settings().controls.key_map() == key_map({})
    assert parse('[controls]\nhere = "space"\n', "mine").controls.key_map()["space"] is Action.HERE


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('here = "spacebar"', ["line 2", "[controls] here = 'spacebar'", "there is no key 'spacebar'", "'space'"]),
        ('hear = "space"', ["line 2", "there is no key 'hear' in [controls]", "The nearest is 'here'"]),
        ('here = "x"\nstop = "x"', ["line 3", "the key 'x' is given to both here and stop"]),
    ],
)
def test_a_wrong_key_or_action_is_told_with_line_and_nearest(line, told):
    with pytest.raises(SettingsError) as wrong:
        parse(f"[controls]\n{line}\n", "mine")
    for part in told:
        assert part in str(wrong.value)
