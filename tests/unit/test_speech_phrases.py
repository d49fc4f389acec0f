from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from assistant.errors import SettingsError
from assistant.facs import AU_ORDER, EXPRESSIONS
from assistant.speech import lint, phrase_file
from assistant.types import ActionUnits, Person
from tests.speech_builders import PHRASES_FILE, expression, person, phrases, scene

FORBIDDEN = (
    "man",
    "woman",
    "boy",
    "girl",
    "old",
    "young",
    "pretty",
    "black",
    "white",
    "fat",
    "he",
    "she",
    "his",
    "her",
)


def words(*units: str, **options: object) -> list[str]:
    return [claim.words for claim in phrases().claims(person(*units, **options))]  # type: ignore[arg-type]


def test_a_smile_is_said_as_a_movement() -> None:
    assert words("AU12") == ["smiling"]
    assert words("AU06", "AU12", "AU26")[:2] == ["laughing", "smiling"]
    assert words("AU06", "AU12", "AU25")[:2] == ["smiling broadly", "smiling"]


@pytest.mark.parametrize(
    "units", [("AU06", "AU12", "AU25"), ("AU12", "AU26"), ("AU06", "AU12", "AU26", "AU15"), ("AU06", "AU26")]
)
def test_laughing_needs_cheeks_lips_and_jaw_and_no_sign_of_crying(units: tuple[str, ...]) -> None:
    assert "laughing" not in words(*units)


@pytest.mark.parametrize(
    ("units", "unclear"), [(("AU12",), 0.34), (("AU06", "AU12", "AU26"), 0.34), (("AU43",), 0.54), (("AU04",), 0.54)]
)
def test_a_unit_that_is_present_but_not_clear_is_not_said(units: tuple[str, ...], unclear: float) -> None:
    assert words(*units, probability=unclear) == []
    assert words(*units, probability=0.65) != []


def test_mouth_corners_down_are_said_later_than_other_movements() -> None:
    assert words("AU15", probability=0.89) == []
    assert words("AU15", probability=0.91) == ["mouth corners down"]


def test_a_smile_is_said_sooner_than_other_movements() -> None:
    assert words("AU12", probability=0.36) == ["smiling"]
    assert words("AU06", "AU12", "AU25", probability=0.5) == ["smiling"]  # not yet "smiling broadly"
    assert words("AU04", probability=0.59) == []


def test_a_clear_unit_is_said_whatever_threshold_is_best_for_f1() -> None:
    smile = person("AU12", probability=0.5)
    below = ActionUnits(smile.units.probability, (False,) * len(AU_ORDER))
    assert [claim.words for claim in phrases().claims(replace(smile, units=below))] == ["smiling"]


@pytest.mark.parametrize(
    ("units", "expected"),
    [
        (("AU01", "AU02"), "brows raised"),
        (("AU01",), "inner brows raised"),
        (("AU04",), "brows lowered"),
        (("AU09",), "nose wrinkled"),
        (("AU10",), "upper lip raised"),
        (("AU15",), "mouth corners down"),
        (("AU17",), "chin raised"),
        (("AU20",), "lips stretched"),
        (("AU24",), "lips pressed"),
        (("AU26",), "mouth open"),
        (("AU43",), "eyes closed"),
        (("AU05",), "eyes wide"),
    ],
)
def test_each_movement_has_words(units: tuple[str, ...], expected: str) -> None:
    assert words(*units) == [expected]


def test_parted_lips_alone_are_not_spoken_of() -> None:
    assert words("AU25") == []


def test_an_unknown_unit_never_speaks() -> None:
    unknown = ActionUnits((None,) * len(AU_ORDER), (None,) * len(AU_ORDER))
    assert phrases().claims(Person(person().face, unknown, expression("happiness")), emotions=False) == ()


@pytest.mark.parametrize("yaw_deg", [-60.0, 50.0])
def test_no_movement_is_claimed_of_a_head_turned_away(yaw_deg: float) -> None:
    assert words("AU12", yaw_deg=yaw_deg) == []
    assert "turned away" in phrases().describe_scene(scene(person("AU12", yaw_deg=yaw_deg)))


def test_emotions_are_opt_in_and_hedged() -> None:
    happy = person("AU12", shows=expression("happiness", confidence=0.9))
    assert [claim.words for claim in phrases().claims(happy)] == ["smiling"]
    first = phrases().claims(happy, emotions=True)[0]
    assert first.words == "seems happy"
    assert first.evidence == {"happiness": 0.9, "AU12": 0.95}


def test_an_unclear_or_neutral_expression_has_no_emotion_words() -> None:
    for shown in (expression(top="sadness"), expression("neutral", confidence=0.9)):
        assert phrases().claims(person(shows=shown), emotions=True) == ()


def test_every_emotion_word_is_hedged() -> None:
    for label in EXPRESSIONS:
        for claim in phrases().claims(person(shows=expression(label)), emotions=True):
            assert claim.words.startswith("seems ")


def test_nothing_is_said_of_who_somebody_is() -> None:
    spoken = " ".join(phrase for _, phrase in lint.phrases(phrase_file.read(PHRASES_FILE))).lower()
    assert not set(re.findall(r"\w+", spoken)) & set(FORBIDDEN)


@pytest.mark.parametrize(
    ("x", "said"), [(320, "ahead"), (590, "at one o'clock"), (50, "at eleven o'clock"), (380, "ahead")]
)
def test_directions_are_hours_of_a_clock(x: float, said: str) -> None:
    assert phrases().direction(person(x=x)) == said


@pytest.mark.parametrize(
    ("metres", "expected"),
    [(0.3, "close"), (1.1, "close"), (1.3, "one metre"), (1.6, "two metres"), (10.4, "ten metres"), (10.6, "far")],
)
def test_distance_is_close_or_whole_metres_or_far(metres: float, expected: str) -> None:
    assert phrases().distance(metres) == expected


def test_scenes_are_described() -> None:
    say = phrases().describe_scene
    assert say(scene()) == "Nobody in view."
    assert say(scene(person("AU12", x=590))) == "One person, close, at one o'clock, smiling."
    two = scene(person("AU12", x=50), person(x=590, width=45, track=2))
    assert (
        say(two) == "Two people. One person, close, at eleven o'clock, smiling. One person, two metres, at one o'clock."
    )


def test_a_crowd_is_counted_and_only_the_nearest_described() -> None:
    said = phrases().describe_scene(scene(*[person(track=n) for n in range(1, 8)]))
    assert said.startswith("Seven people. ")
    assert said.count("One person, close") == 3
    assert phrases().describe_scene(scene(*[person()] * 40)).startswith("More than ten people.")


# A phrase file of one's own


def own(tmp_path: Path, old: str, new: str) -> Path:
    text = PHRASES_FILE.read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "xx.toml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("old", "new", "tells"),
    [
        ('close = "close"', 'clsoe = "close"', "close"),
        ('close = "close"', "close = 3", "distance.close"),
        ("One person, {place}", "One person, {pace}", "{place}"),
        ("They left.", "{who} left.", "no braces"),
        ("They left.", "They left {", "no braces"),
        ("happiness =", "joy =", "emotion.joy"),
        ('other = "{n} people" }', 'few = "{n} people" }', "people.count"),
        ("[distance]", "[distance", "TOML"),
        ('"ahead", ', "", "direction.hours"),
    ],
)
def test_a_mistake_in_a_phrase_file_is_told_with_its_place(tmp_path: Path, old: str, new: str, tells: str) -> None:
    path = own(tmp_path, old, new)
    with pytest.raises(SettingsError) as caught:
        type(phrases()).load(path)
    assert str(path) in caught.value.cause
    assert tells in str(caught.value)


def test_a_misspelt_key_is_told_with_line_and_nearest_key(tmp_path: Path) -> None:
    path = own(tmp_path, 'nearest = "', 'neares = "')
    line = path.read_text().splitlines().index('neares = "Nearest, {place}."') + 1
    with pytest.raises(SettingsError) as caught:
        type(phrases()).load(path)
    assert f"line {line}: there is no key people.neares" in caught.value.cause
    assert caught.value.remedy == "The nearest is 'nearest'."


def test_a_missing_or_odd_phrase_file_is_a_settings_error(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        type(phrases()).load(tmp_path / "none.toml")
    odd = tmp_path / "odd.toml"
    odd.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SettingsError, match="UTF-8"):
        type(phrases()).load(odd)
