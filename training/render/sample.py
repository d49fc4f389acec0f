"""Draw lots: who a face is, what it does, how it stands, and what light falls on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from assistant.types import ImageRgb
from training.render.head import UNITS, Assets, Identity
from training.render.light import Light, make_light
from training.render.picture import View

TONES: Final = ("dark", "light")
AGES: Final = ("young", "middle", "old")
LIGHTS: Final = ("even", "side", "above", "dim")

_SKIN_AGE: Final = {"young": "young", "middle": "middleage", "old": "old"}
_OLDNESS: Final = {"young": 0.0, "middle": 0.45, "old": 1.0}
_STRENGTHS: Final = {1: (0.35, 0.45), 2: (0.55, 0.70), 3: (0.80, 1.0)}
"""Strength of a target by grade: slight (FACS A-B), marked (C), strong (D-E). The mapping is this project's choice."""

# What a face does, in three parts chosen apart, with their shares. Movements that exclude each other, as closed and
# wide open eyes, are never drawn together; a dropped jaw always parts the lips. Every unit comes in about a fifth.
_NEUTRAL: Final = 0.06
_BROWS: Final[dict[str, float]] = {"": 55, "1": 4, "2": 6, "1 2": 13, "4": 14, "1 4": 5, "1 2 4": 3}
_EYES: Final[dict[str, float]] = {"": 32, "5": 21, "7": 12, "6": 10, "6 7": 8, "43": 13, "6 43": 4}
_NOSE: Final[dict[str, float]] = {"": 79, "9": 21}
_MOUTH: Final[dict[str, float]] = {
    "": 2, "12": 3, "12 25": 5, "12 25 26": 4, "12 14": 3, "10 12 25": 3, "12 24": 3, "14": 5, "10 14": 4, "14 23": 3,
    "14 24": 3, "15": 4, "15 17": 7, "15 17 24": 4, "15 17 23": 5, "10 17": 3, "17 24": 3, "10": 3, "10 25": 4,
    "10 25 26": 2, "20": 4, "20 25": 6, "20 25 26": 6, "10 20 25": 4, "23": 5, "23 24": 6, "25 26": 5,
}  # fmt: skip

# Seen with the one, the other cannot be told and is left missing: a wrinkled nose raises the lip and lowers the brows,
# raised cheeks narrow the eyes and so do closed ones, a strong smile raises the cheeks, and the targets of AU06, AU09
# and AU10 draw the lips a little apart.
_HIDES: Final[tuple[tuple[str, int, str], ...]] = (
    ("AU09", 1, "AU10"),
    ("AU09", 1, "AU04"),
    ("AU06", 1, "AU07"),
    ("AU43", 1, "AU07"),
    ("AU12", 2, "AU06"),
    ("AU06", 1, "AU25"),
    ("AU09", 1, "AU25"),
    ("AU10", 1, "AU25"),
)

# Proportions that make a person, from one end to the other. Targets that resemble a movement (brows, lids and mouth
# corners up or down, a dropped jaw) are not among them, so that the Action Units stay known.
_DECR_INCR: Final = ("-decr", "-incr")
_PROPORTIONS: Final[tuple[tuple[str, str, str], ...]] = (
    *((f"chin/chin-{name}", *_DECR_INCR) for name in ("height", "width", "prominent", "bones")),
    *((f"cheek/*-cheek-{name}", *_DECR_INCR) for name in ("bones", "volume", "inner")),
    *((f"forehead/forehead-{name}", *_DECR_INCR) for name in ("temple", "scale-vert", "nubian")),
    *((f"head/head-{name}", *_DECR_INCR) for name in ("fat", "scale-horiz", "scale-vert")),
    *(
        (f"nose/nose-{name}", *_DECR_INCR)
        for name in ("scale-horiz", "scale-vert", "scale-depth", "hump", "greek", "point-width", "nostrils-width")
    ),
    *((f"mouth/mouth-{name}", *_DECR_INCR) for name in ("scale-horiz", "upperlip-volume", "lowerlip-volume")),
    ("nose/nose-point", "-down", "-up"),
    ("nose/nose-curve", "-concave", "-convex"),
    ("eyes/*-eye-trans", "-in", "-out"),
    ("eyes/*-eye-push1", "-in", "-out"),
    ("eyes/*-eye-epicanthus", "-in", "-out"),
    ("eyes/*-eye-bag", *_DECR_INCR),
    ("eyes/*-eye-scale", *_DECR_INCR),
)
_FORMS: Final = ("oval", "round", "square", "rectangular", "diamond", "triangular")
_MOST: Final = 0.6  # strength of a proportion; full strength is a caricature
_RACES: Final = ("african", "asian", "caucasian")  # as the assets name their three head shapes
_RACE_WEIGHTS: Final = {"dark": (4.0, 0.8, 0.8), "light": (0.4, 2.0, 4.0)}

_DARK_EYES: Final = ("brown_eye", "brownlight_eye")
_LIGHT_EYES: Final = (*_DARK_EYES, "blue_eye", "green_eye", "grey_eye")
_COVERING: Final = ("bob02", "braid01", "long01", "short03")  # hair styles that hang over a brow or an eye
_HAIR_RGB: Final = {"black": (34, 30, 30), "brown": (78, 56, 42), "blond": (150, 120, 80), "grey": (150, 148, 145)}
_HAIR_SHARES: Final = {
    ("dark", "old"): (0.3, 0.0, 0.0, 0.7),
    ("dark", ""): (0.85, 0.15, 0.0, 0.0),
    ("light", "old"): (0.0, 0.15, 0.05, 0.8),
    ("light", ""): (0.25, 0.4, 0.3, 0.05),
}


@dataclass(frozen=True, slots=True)
class Setting:
    """Hold what surrounds a face.

    Attributes:
        name: one of `LIGHTS`.
        light: on the face.
        exposure: factor of all light.
        noise: grey levels of one standard deviation.
    """

    name: str
    light: Light
    exposure: float
    noise: float


def draw_units(rng: np.random.Generator) -> tuple[dict[str, int], dict[str, float]]:
    """Return the grade, 0 to 3, of every unit that can be told, and the strength of each that is shown."""
    shown: list[str] = []
    if rng.random() >= _NEUTRAL:
        for choices in (_BROWS, _EYES, _NOSE, _MOUTH):
            shown += [f"AU{int(number):02d}" for number in _pick(rng, choices).split()]
    grades = dict.fromkeys(UNITS, 0) | {code: int(rng.integers(1, 4)) for code in shown}
    if grades["AU43"]:
        grades["AU43"] = 3  # closed or nearly so: half-closed eyes are not AU43
    strengths = {code: float(rng.uniform(*_STRENGTHS[grades[code]])) for code in shown}
    return {code: grade for code, grade in grades.items() if grade or not _hidden(code, grades)}, strengths


def draw_identity(rng: np.random.Generator, assets: Assets, tone: str, age: str) -> Identity:
    """Return a person of an apparent tone, one of `TONES`, and age, one of `AGES`.

    Raises:
        DataError: the assets have no such skin.
    """
    skin = str(rng.choice(assets.names(f"skins/{_SKIN_AGE[age]}_{tone}skinned_*.jpg")))
    female = "female" in skin
    colour = str(rng.choice(list(_HAIR_RGB), p=_HAIR_SHARES[tone, "old" if age == "old" else ""]))
    rgb = np.array(_HAIR_RGB[colour]) * rng.uniform(0.8, 1.2)
    styles = [name for name in assets.names("hair/*/*.mhclo") if name not in _COVERING]
    return Identity(
        skin=skin,
        shape=_macro(rng, tone, age, female) | _proportions(rng),
        eyes=str(rng.choice(_LIGHT_EYES if tone == "light" else _DARK_EYES)),
        brows=str(rng.choice(assets.names("eyebrows/*/*.mhclo"))),
        lashes=str(rng.choice(assets.names("eyelashes/*/*.mhclo"))),
        teeth=str(rng.choice(assets.names("teeth/*.mhclo"))),
        hair="" if rng.random() < 0.05 else str(rng.choice(styles)),
        hair_rgb=_rgb(rgb),
        shirt_rgb=_rgb(rng.uniform(20, 220, 3)),
    )


def draw_view(rng: np.random.Generator) -> View:
    """Return how a head may stand before somebody who is looked at: mostly facing, at 0.6 to 1.6 m."""
    yaw, pitch, roll = np.clip(rng.normal(0, (13, 7, 6)), (-35, -18, -15), (35, 18, 15))
    shift = rng.uniform(-0.06, 0.06, 2)
    return View(
        float(yaw),
        float(pitch),
        float(roll),
        scale=float(rng.uniform(0.28, 0.38)),
        shift=(float(shift[0]), float(shift[1])),
        distance_dm=float(rng.uniform(6, 16)),
    )


def draw_setting(rng: np.random.Generator) -> Setting:
    """Return a light, its exposure and the noise of the camera."""
    name = str(rng.choice(LIGHTS, p=(0.4, 0.25, 0.15, 0.2)))
    across = {"side": rng.choice((-1, 1)) * rng.uniform(0.9, 2.2), "above": rng.uniform(-0.3, 0.3)}
    above = {"side": rng.uniform(-0.1, 0.6), "above": rng.uniform(1.2, 2.0)}
    share = {"even": rng.uniform(0.15, 0.4), "side": rng.uniform(0.6, 0.85), "above": rng.uniform(0.5, 0.75)}
    towards = np.array([across.get(name, rng.uniform(-0.9, 0.9)), above.get(name, rng.uniform(0.1, 0.9)), 1.0])
    warmth = rng.uniform(-0.12, 0.12)
    light = make_light(
        towards,
        float(share.get(name, rng.uniform(0.3, 0.6))),
        np.array([1 + warmth, 1.0, 1 - warmth]),
        up=float(rng.uniform(0.1, 0.5)),
    )
    if name == "dim":
        return Setting(name, light, float(rng.uniform(0.08, 0.2)), float(rng.uniform(2.0, 5.0)))
    return Setting(name, light, float(rng.uniform(0.85, 1.25)), float(rng.uniform(0.5, 2.5)))


def draw_background(rng: np.random.Generator, side_px: int, exposure: float) -> ImageRgb:
    """Return soft blotches of colour, (S, S, 3) uint8, as an unsharp room would be."""
    cells = int(rng.integers(2, 7))
    coarse = rng.uniform(30, 220) + rng.normal(0, 15, 3) + rng.normal(0, 25, (cells, cells, 1))
    smooth = cv2.resize(coarse, (side_px, side_px), interpolation=cv2.INTER_CUBIC)
    return np.asarray(np.clip(smooth * min(1.0, exposure) ** 0.45, 0, 255), np.uint8)


def add_noise(rng: np.random.Generator, image_rgb: ImageRgb, deviation: float) -> ImageRgb:
    """Return a picture with the noise of a sensor, in grey levels of one standard deviation."""
    return np.asarray(np.clip(np.rint(image_rgb + rng.normal(0, deviation, image_rgb.shape)), 0, 255), np.uint8)


def _hidden(code: str, grades: Mapping[str, int]) -> bool:
    return any(code == other and grades[sign] >= least for sign, least, other in _HIDES)


def _macro(rng: np.random.Generator, tone: str, age: str, female: bool) -> dict[str, float]:
    """Mix the assets' head shapes; the weights sum to 1."""
    races = rng.dirichlet(_RACE_WEIGHTS[tone])
    femininity = rng.beta(6, 1.5) if female else rng.beta(1.5, 6)
    oldness = np.clip(_OLDNESS[age] + rng.uniform(-0.15, 0.15), 0, 1)
    return {
        f"macrodetails/{race}-{sex}-{years}": float(share * by_sex * by_age)
        for race, share in zip(_RACES, races, strict=True)
        for sex, by_sex in (("female", femininity), ("male", 1 - femininity))
        for years, by_age in (("young", 1 - oldness), ("old", oldness))
    }


def _proportions(rng: np.random.Generator) -> dict[str, float]:
    strengths = {f"head/head-{rng.choice(_FORMS)}": float(rng.uniform(0, _MOST))}
    for stem, low, high in _PROPORTIONS:
        value = float(np.clip(rng.normal(0, 0.5), -1, 1)) * _MOST
        for side in ("l", "r") if "*" in stem else ("",):
            strengths[stem.replace("*", side) + (low if value < 0 else high)] = abs(value)
    return strengths


def _pick(rng: np.random.Generator, choices: Mapping[str, float]) -> str:
    shares = np.array(list(choices.values()), float)
    return str(rng.choice(list(choices), p=shares / shares.sum()))


def _rgb(values: Sequence[float] | np.ndarray) -> tuple[int, int, int]:
    red, green, blue = (int(np.clip(value, 0, 255)) for value in values)
    return red, green, blue
