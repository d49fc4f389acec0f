"""Name what the wearer can ask for by hand."""

from __future__ import annotations

from enum import StrEnum


class Action(StrEnum):
    """One thing that a key does; `docs/controls.md` has the table."""

    HERE = "here"
    REPEAT = "repeat"
    STOP = "stop"
    MORE = "more"
    LESS = "less"
    PAUSE = "pause"
    MUTE_CUE = "mute_cue"
    NEXT_PERSON = "next_person"
    SPELL = "spell"
    UNDO = "undo"
    PAIR_CODE = "pair_code"
    SESSIONS = "sessions"
    HELP = "help"
