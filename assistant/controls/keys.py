"""Name keys alike on a keyboard and on a remote, and say which key does what."""

from __future__ import annotations

import difflib
import string
from collections.abc import Mapping
from typing import Final

from assistant.controls.actions import Action

_TERMINAL: Final = (
    "space enter tab esc backspace insert delete home end pageup pagedown up down left right "
    "f1 f2 f3 f4 f5 f6 f7 f8 f9 f10 f11 f12 plus minus equal question comma dot slash semicolon"
).split()
_REMOTE: Final = (
    "playpause play pause stop nextsong previoussong fastforward rewind volumeup volumedown mute camera "
    "select ok back menu homepage red green yellow blue channelup channeldown btn_0 btn_1 btn_2 btn_a btn_b btn_x "
    "btn_y btn_tl btn_tr btn_select btn_start"
).split()
KEYS: Final = (*string.ascii_lowercase, *string.digits, *_TERMINAL, *_REMOTE)
"""Names of the keys that can be given an action."""

DEFAULTS: Final[Mapping[Action, str]] = {
    Action.HERE: "enter w pagedown camera ok",
    Action.REPEAT: "r pageup previoussong",
    Action.STOP: "space s esc stop",
    Action.MORE: "plus equal volumeup",
    Action.LESS: "minus volumedown",
    Action.PAUSE: "p playpause play pause",
    Action.MUTE_CUE: "m mute",
    Action.NEXT_PERSON: "n nextsong right",
    Action.SPELL: "l",
    Action.UNDO: "u",
    Action.PAIR_CODE: "c",
    Action.SESSIONS: "i",
    Action.HELP: "h question",
}
"""Keys of each action, apart by spaces; the first is the one that the help names."""


def check(names: str) -> str:
    """Return the names of keys as they are written, once each of them is known.

    Raises:
        ValueError: one is not in `KEYS`; the message has the nearest.
    """
    for name in names.split():
        if name not in KEYS:
            near = difflib.get_close_matches(name.lower(), KEYS, 1, 0.5)
            hint = f"the nearest is {near[0]!r}" if near else f"keys are {', '.join(KEYS)}"
            raise ValueError(f"there is no key {name!r}; {hint}")
    return names


def key_map(chosen: Mapping[Action, str]) -> dict[str, Action]:
    """Return the action of every key.

    Args:
        chosen: names of keys by action, apart by spaces; an action that is missing keeps its `DEFAULTS`. Who gives a
            key to one action takes it from the action that has it by default.

    Raises:
        ValueError: a key is given to two actions, or is unknown.
    """
    own = {action: names for action, names in chosen.items() if names.split() != DEFAULTS[action].split()}
    found = {key: action for action, names in DEFAULTS.items() if action not in own for key in names.split()}
    given: dict[str, Action] = {}
    for action, names in own.items():
        for key in check(names).split():
            if given.setdefault(key, action) is not action:
                raise ValueError(f"the key {key!r} is given to both {given[key]} and {action}")
    return {**found, **given}


def spoken_name(key: str) -> str:
    """Return a key's name as it is said."""
    return _SPOKEN.get(key, key)


_SPOKEN: Final = {
    "pageup": "page up",
    "pagedown": "page down",
    "question": "question mark",
    "equal": "equals",
    "playpause": "play",
    "nextsong": "next",
    "previoussong": "previous",
    "volumeup": "volume up",
    "volumedown": "volume down",
}
