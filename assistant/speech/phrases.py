"""Put people into words. All words are in a phrase file, one a language; here is only how they are joined."""

from __future__ import annotations

import difflib
import re
import string
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from assistant.errors import SettingsError
from assistant.facs import AU_ORDER, EXPRESSIONS, UNCLEAR
from assistant.speech import places
from assistant.types import Face, Person, Scene

_TURNED_AWAY_DEG: Final = 45.0  # beyond, half of the face is hidden, and movements of it are guesses
_MOST_DESCRIBED: Final = 4  # an answer about more people is longer than it is useful

_Words = Annotated[str, Field(min_length=1)]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class _People(_Section):
    count: list[_Words] = Field(min_length=2)
    many: _Words
    another: _Words
    one: _Words
    nearest: _Words


class _Distance(_Section):
    close: _Words
    near: _Words
    far: _Words


class _Direction(_Section):
    hours: list[_Words] = Field(min_length=12, max_length=12)


class _Sentence(_Section):
    change: _Words
    change_of: _Words
    left: _Words
    some_left: _Words
    all_left: _Words
    turned_away: _Words
    dark: _Words
    light: _Words


class _Control(_Section):
    paused: _Words
    resumed: _Words
    covered: _Words
    blind: _Words
    nothing_said: _Words
    muted: _Words
    unmuted: _Words
    unmutable: _Words
    levels: list[_Words] = Field(min_length=4, max_length=4)
    most: _Words
    least: _Words
    unavailable: _Words
    help: _Words


class _Cue(_Section):
    arrival: _Words
    departure: _Words
    facing: _Words
    smile: _Words
    movement: _Words
    gesture: _Words
    talking: _Words
    approach: _Words
    eyes_closed: _Words


class _Action(_Section):
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


class _Movement(_Section):
    words: _Words
    all: list[str] = Field(min_length=1)
    any: list[str] = []
    none: list[str] = []
    clearly: float = Field(default=0.6, ge=0, le=1)  # a claim should be right more often than not, by a margin
    minor: bool = False

    @field_validator("all", "any", "none")
    @classmethod
    def _known(cls, units: list[str]) -> list[str]:
        for unit in units:
            if unit not in AU_ORDER:
                near = difflib.get_close_matches(unit, AU_ORDER, 1, 0.3)
                raise ValueError(f"{unit!r} is not one of the 18 Action Units; {near[0] if near else 'AU12'} is one")
        return units


class _File(_Section):
    people: _People
    distance: _Distance
    direction: _Direction
    sentence: _Sentence
    control: _Control
    cue: _Cue
    action: _Action
    movement: list[_Movement]
    emotion: dict[str, _Words]

    @field_validator("emotion")
    @classmethod
    def _labels(cls, words: dict[str, str]) -> dict[str, str]:
        for label in words:
            if label not in EXPRESSIONS:
                raise ValueError(f"{label!r} is not one of {', '.join(EXPRESSIONS)}")
        return words


_BRACES: Final = {
    ("people", "one"): {"place"},
    ("people", "nearest"): {"place"},
    ("sentence", "change"): {"movement"},
    ("sentence", "change_of"): {"movement", "direction"},
    ("sentence", "some_left"): {"count"},
    ("control", "muted"): {"cue"},
    ("control", "unmuted"): {"cue"},
    ("control", "help"): {"key", "action"},
}
"""What stands in braces in which phrase; in all others nothing does."""


@dataclass(frozen=True, slots=True)
class Claim:
    """Hold one thing that can be said of a face.

    Attributes:
        words: what is said.
        evidence: Action Units and probabilities behind it.
        rank: 0 is the most newsworthy.
        minor: common and weak, said only where there is room.
    """

    words: str
    evidence: Mapping[str, float]
    rank: int
    minor: bool = False


class Phrases:
    """Find words for people, from one phrase file. Pure: no state, no I/O after `load`."""

    def __init__(self, file: _File) -> None:
        self._file = file

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a phrase file (config/phrases/en.toml shows the form).

        Raises:
            SettingsError: it cannot be read, or says something that cannot be used; tell the person.
        """
        try:
            text = path.read_text(encoding="utf-8-sig")
            file = _File.model_validate(tomllib.loads(text))
        except OSError as error:
            raise SettingsError(
                f"The phrases {path} cannot be read: {error.strerror}.",
                f"Choose a language that has a file in {path.parent}.",
            ) from error
        except UnicodeDecodeError as error:
            raise SettingsError(f"The phrases {path} are not UTF-8 text.", "Save the file as UTF-8.") from error
        except tomllib.TOMLDecodeError as error:
            raise SettingsError(f"The phrases {path} are not valid TOML: {error}.", "Correct that line.") from error
        except ValidationError as error:
            first = min(error.errors(), key=lambda each: each["type"] != "extra_forbidden")  # explains a missing key
            raise _explained(first, path, text) from error
        _check_braces(file, path)
        return cls(file)

    @property
    def sentence(self) -> _Sentence:
        """The whole sentences."""
        return self._file.sentence

    @property
    def control(self) -> _Control:
        """What is said to the wearer's keys."""
        return self._file.control

    def cue(self, name: str) -> str:
        """Return a kind of news, such as "Smiles"."""
        return str(getattr(self._file.cue, name))

    def action(self, name: str) -> str:
        """Return what a key does, such as "next person"."""
        return str(getattr(self._file.action, name))

    def count(self, people: int) -> str:
        """Return such as "Two people"."""
        words = self._file.people.count
        return words[people] if people < len(words) else self._file.people.many

    def another(self) -> str:
        """Return such as "Another person"."""
        return self._file.people.another

    def nearest(self, place: str) -> str:
        """Return such as "Nearest near, at one o'clock"."""
        return self._file.people.nearest.format(place=place)

    def direction(self, face: Face, scene: Scene, hfov_deg: float) -> str:
        """Return such as "at one o'clock"."""
        return self._file.direction.hours[places.hour(face, scene.width_px, hfov_deg)]

    def place(self, face: Face, scene: Scene, hfov_deg: float, more: str = "") -> str:
        """Return such as "close, at one o'clock, smiling"; `more` goes last."""
        distance: str = getattr(self._file.distance, places.nearness(face, scene.width_px, hfov_deg))
        return ", ".join(filter(None, [distance, self.direction(face, scene, hfov_deg), more]))

    def claims(self, person: Person, emotions: bool = False) -> tuple[Claim, ...]:
        """Return what can be said of a face, the most newsworthy first; nothing of one that is turned away."""
        if turned_away(person.face):
            return ()
        units = person.units
        probability = {au: p for au, p in zip(AU_ORDER, units.probability, strict=True) if p is not None}
        present = {au for au, there in zip(AU_ORDER, units.present, strict=True) if there and au in probability}
        found = [self._emotion(person, person.expression.label)] if emotions else []
        for rank, movement in enumerate(self._file.movement, 1):
            if (evidence := _evidence(movement, present, probability)) is not None:
                found.append(Claim(movement.words, evidence, rank, movement.minor))
        return tuple(claim for claim in found if claim is not None)

    def unclear_emotion(self, person: Person) -> Claim | None:
        """Return the emotion words that would be said if the classifier were sure; None where it is."""
        if person.expression.label != UNCLEAR or turned_away(person.face):
            return None
        probabilities = person.expression.probabilities
        return self._emotion(person, EXPRESSIONS[probabilities.index(max(probabilities))])

    def _emotion(self, person: Person, label: str) -> Claim | None:
        """Return hedged words for an expression; None where it is unclear or has none."""
        if label not in self._file.emotion:
            return None
        units = dict(zip(AU_ORDER, person.units.probability, strict=True))
        evidence = {label: person.expression.probabilities[EXPRESSIONS.index(label)]}
        evidence.update({au: p for au in person.expression.evidence if (p := units[au]) is not None})
        return Claim(self._file.emotion[label], evidence, 0)

    def describe_scene(self, scene: Scene, emotions: bool = False, hfov_deg: float = 70.0) -> str:
        """Return the whole scene in a sentence for each person, the nearest four at most.

        Args:
            scene: what is seen; one frame is enough.
            emotions: whether hedged emotion words may be used.
            hfov_deg: what the camera sees from left to right; 70 is usual for a head or laptop camera.
        """
        people = scene.people
        if not people:
            return f"{self.count(0)}."
        spots = [self._spot(person, scene, emotions, hfov_deg) for person in people[:_MOST_DESCRIBED]]
        if len(people) == 1:
            return f"{self.count(1)}, {spots[0]}."
        each = [self._file.people.one.format(place=spot) for spot in spots]
        return " ".join(f"{sentence}." for sentence in [self.count(len(people)), *each])

    def _spot(self, person: Person, scene: Scene, emotions: bool, hfov_deg: float) -> str:
        if turned_away(person.face):
            shown = self.sentence.turned_away
        else:
            shown = next((claim.words for claim in self.claims(person, emotions)), "")
        return self.place(person.face, scene, hfov_deg, shown)


def turned_away(face: Face) -> bool:
    """Tell whether the head is turned so far that movements of the face cannot be claimed."""
    return abs(face.yaw_deg) > _TURNED_AWAY_DEG


def capitalised(text: str) -> str:
    """Return the text with a capital first letter."""
    return text[:1].upper() + text[1:]


def _evidence(movement: _Movement, present: set[str], probability: Mapping[str, float]) -> dict[str, float] | None:
    """Return the units and probabilities that show a movement, or None where the face does not show it."""

    def clear(au: str) -> bool:
        return au in present and probability[au] >= movement.clearly

    either = [au for au in movement.any if clear(au)]
    if not all(map(clear, movement.all)) or (movement.any and not either) or present & set(movement.none):
        return None
    return {au: probability[au] for au in [*movement.all, *either]}


def _explained(problem: Any, path: Path, text: str) -> SettingsError:
    """Turn pydantic's first complaint into file, line, key, what was expected and the nearest valid key."""
    keys = [str(part) for part in problem["loc"]]
    named = [key for key in keys if not key.isdigit()]
    line = next((n for n, row in enumerate(text.splitlines(), 1) if re.match(rf"\W*{re.escape(named[-1])}\b", row)), 0)
    where = f"The phrases {path}" + (f", line {line}" if line else "")
    if problem["type"] == "extra_forbidden":
        section: Any = _File
        for key in named[:-1]:
            section = _SECTIONS[key]
        near = difflib.get_close_matches(named[-1], section.model_fields, 1, 0.4)
        return SettingsError(
            f"{where}: there is no key {'.'.join(named)}.",
            f"The nearest is {near[0]!r}." if near else f"Use one of: {', '.join(section.model_fields)}.",
        )
    return SettingsError(
        f"{where}: {'.'.join(keys)} is wrong: {problem['msg']}.", "Compare it with config/phrases/en.toml."
    )


_SECTIONS: Final[dict[str, type[_Section]]] = {
    "people": _People,
    "distance": _Distance,
    "direction": _Direction,
    "sentence": _Sentence,
    "control": _Control,
    "cue": _Cue,
    "action": _Action,
    "movement": _Movement,
}


def _check_braces(file: _File, path: Path) -> None:
    """Refuse a phrase whose braces could not be filled in later, while somebody is listening."""
    for section in ("people", "sentence", "control"):
        for key, phrase in getattr(file, section).model_dump().items():
            if not isinstance(phrase, str):
                continue
            expected = _BRACES.get((section, key), set())
            try:
                found = {name for _, name, _, _ in string.Formatter().parse(phrase) if name is not None}
            except ValueError:
                found = {"?"}
            if found != expected:
                wanted = " ".join(f"{{{name}}}" for name in sorted(expected)) or "no braces"
                raise SettingsError(
                    f"The phrases {path}: {section}.{key} = {phrase!r} has the wrong words in braces.",
                    f"It needs {wanted}.",
                )
