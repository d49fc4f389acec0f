"""Declare every phrase once: what a phrase file in `config/phrases` must hold, and which braces it keeps."""

from __future__ import annotations

import string
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from assistant.speech.grammar import Category


def _with_braces(needed: str = "", allowed: str = "") -> AfterValidator:
    """Refuse a phrase whose braces could not be filled in later, while somebody is listening."""

    def check(phrase: str) -> str:
        try:
            found = {name for _, name, _, _ in string.Formatter().parse(phrase) if name is not None}
        except ValueError:
            found = {"?"}
        if not set(needed.split()) <= found <= set(f"{needed} {allowed}".split()):
            wanted = " ".join(f"{{{name}}}" for name in needed.split()) or "no braces"
            raise ValueError(f"{phrase!r} has the wrong words in braces; it needs {wanted}")
        return phrase

    return AfterValidator(check)


def _with_other(forms: dict[Any, str]) -> dict[Any, str]:
    """Refuse plural forms without the one that is taken where another is missing."""
    if "other" not in forms:
        raise ValueError("the plural form 'other' is missing")
    return forms


_Text = Annotated[str, Field(min_length=1)]
_Words = Annotated[_Text, _with_braces()]
_WithPlace = Annotated[_Text, _with_braces("place")]
Plural = Annotated[dict[Category, Annotated[_Text, _with_braces(allowed="n")]], AfterValidator(_with_other)]
"""A phrase about a number, one form for each of the language's categories; {n} is the number in words."""
PluralBy = Annotated[dict[Category, Annotated[_Text, _with_braces("by", allowed="n")]], AfterValidator(_with_other)]
"""The same about what somebody did."""


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Language(_Section):
    """Say which language this is, and which voice of espeak-ng speaks it."""

    code: str = Field(pattern=r"^[a-z]{2,3}$")
    voice: _Words


class People(_Section):
    """Count people, and tell one from the others."""

    none: _Words
    count: Plural
    numbers: list[_Words] = Field(min_length=10, max_length=10)
    more: _Words
    another: _Words
    one: _WithPlace
    nearest: _WithPlace


class Distance(_Section):
    """Say how far away somebody is."""

    close: _Words
    metres: list[_Words] = Field(min_length=10, max_length=10)
    far: _Words


class Direction(_Section):
    """Say where somebody is."""

    hours: list[_Words] = Field(min_length=12, max_length=12)


class Sentence(_Section):
    """Hold the sentences about people and light, and what they are put together from."""

    whole: Annotated[_Text, _with_braces("words")]
    placed: Annotated[_Text, _with_braces("who place")]
    place: Annotated[_Text, _with_braces("distance direction")]
    doing: Annotated[_Text, _with_braces("distance direction movement")]
    change: Annotated[_Text, _with_braces("movement")]
    change_of: Annotated[_Text, _with_braces("direction movement")]
    both: Annotated[_Text, _with_braces("movement other")]
    left: _Words
    some_left: Plural
    all_left: _Words
    because: Annotated[_Text, _with_braces("movement unit")]
    because_both: Annotated[_Text, _with_braces("movement unit other")]
    dark: _Words
    light: _Words


class Manner(_Section):
    """Say what somebody does with head, mouth and feet."""

    facing: _Words
    away: _Words
    nodding: _Words
    shaking: _Words
    talking: _Words
    approaching: _Words
    leaving: _Words
    eyes_closed: _Words


class MovementWords(_Section):
    """Name the movements of `assistant.speech.movements`."""

    laughing: _Words
    smiling_broadly: _Words
    smiling: _Words
    brows_raised_mouth_open: _Words
    mouth_corners_down: _Words
    nose_wrinkled: _Words
    brows_lowered: _Words
    brows_raised: _Words
    eyes_closed: _Words
    eyes_wide: _Words
    upper_lip_raised: _Words
    inner_brows_raised: _Words
    lips_stretched: _Words
    mouth_open: _Words
    lips_pressed: _Words
    chin_raised: _Words


class UnitWords(_Section):
    """Name the Action Units, as reasons for an emotion word."""

    AU01: _Words
    AU02: _Words
    AU04: _Words
    AU05: _Words
    AU06: _Words
    AU07: _Words
    AU09: _Words
    AU10: _Words
    AU12: _Words
    AU14: _Words
    AU15: _Words
    AU17: _Words
    AU20: _Words
    AU23: _Words
    AU24: _Words
    AU25: _Words
    AU26: _Words
    AU43: _Words


class Emotion(_Section):
    """Hedge the names of expressions; an expression without words here is never named."""

    happiness: _Words
    surprise: _Words
    sadness: _Words
    anger: _Words
    disgust: _Words
    fear: _Words
    contempt: _Words


class State(_Section):
    """Tell what Facecue itself is doing."""

    started: _Words
    camera_lost: _Words
    camera_back: _Words
    camera_black: _Words
    camera_frozen: _Words
    camera_blurred: _Words


class Trouble(_Section):
    """Tell what went wrong: one sentence for each key of `assistant.errors.SPOKEN`."""

    problem: _Words
    settings: _Words
    source: _Words
    no_camera: _Words
    no_picture: _Words
    camera_lost: _Words
    no_video: _Words
    no_answer: _Words
    model: _Words
    output: _Words
    dependency: _Words
    no_demo: _Words
    no_voice: _Words
    no_microphone: _Words
    speech: _Words
    accelerator: _Words


class Control(_Section):
    """Answer the wearer's keys."""

    paused: _Words
    resumed: _Words
    covered: _Words
    blind: _Words
    nothing_said: _Words
    no_news: _Words
    muted: Annotated[_Text, _with_braces("cue")]
    unmuted: Annotated[_Text, _with_braces("cue")]
    unmutable: _Words
    levels: list[_Words] = Field(min_length=4, max_length=4)
    most: _Words
    least: _Words
    unavailable: _Words
    remote_lost: _Words
    remote_back: _Words
    help: Annotated[_Text, _with_braces("key action")]


class Cue(_Section):
    """Name the kinds of news, as they are switched off and on."""

    arrival: _Words
    departure: _Words
    facing: _Words
    smile: _Words
    movement: _Words
    gesture: _Words
    talking: _Words
    approach: _Words
    eyes_closed: _Words


class Action(_Section):
    """Name what a key does."""

    here: _Words
    repeat: _Words
    stop: _Words
    more: _Words
    less: _Words
    pause: _Words
    mute_cue: _Words
    next_person: _Words
    spell: _Words
    undo: _Words
    pair_code: _Words
    sessions: _Words
    help: _Words


class Key(_Section):
    """Name the keys whose names are words."""

    enter: _Words
    space: _Words
    esc: _Words
    tab: _Words
    plus: _Words
    minus: _Words
    up: _Words
    down: _Words
    left: _Words
    right: _Words


class Page(_Section):
    """Tell what the settings page does."""

    code: Annotated[_Text, _with_braces("code")]
    example: Annotated[_Text, _with_braces("text")]
    quiet_begins: _Words
    quiet_ends: _Words
    voice: _Words
    off: _Words
    nobody: _Words
    paired: Annotated[_Text, _with_braces("name")]
    names: Annotated[_Text, _with_braces("names")]
    ended: _Words
    nothing: _Words
    you: _Words
    a_file: _Words
    wrong_file: _Words
    changed: PluralBy


class Sound(_Section):
    """Tell what each sound of `assistant.speech.earcons` says."""

    started: _Words
    paused: _Words
    resumed: _Words
    person_arrived: _Words
    person_left: _Words
    smiled: _Words
    camera_lost: _Words
    low_light: _Words
    error: _Words
    key: _Words


class Rules(_Section):
    """List words for the lint: what is never said, and what hedges. "old*" stands for all words that begin so."""

    age: list[_Text] = Field(min_length=3)
    gender: list[_Text] = Field(min_length=3)
    looks: list[_Text] = Field(min_length=3)
    identity: list[_Text] = Field(min_length=3)
    verdict: list[_Text] = Field(min_length=3)
    feeling: list[_Text] = Field(min_length=7)
    hedges: list[_Text] = Field(min_length=1)


class Catalogue(_Section):
    """Hold every word that Facecue says, in one language."""

    language: Language
    people: People
    distance: Distance
    direction: Direction
    sentence: Sentence
    manner: Manner
    movement: MovementWords
    unit: UnitWords
    emotion: Emotion
    state: State
    control: Control
    cue: Cue
    action: Action
    key: Key
    page: Page
    sound: Sound
    error: Trouble
    rules: Rules
