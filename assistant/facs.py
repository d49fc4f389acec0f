"""Name the Action Units, expressions and movements that every part of Facecue speaks in.

The codes follow the Facial Action Coding System (Ekman, Friesen & Hager, 2002).
"""

from __future__ import annotations

from typing import Final

AU_ORDER: Final[tuple[str, ...]] = (
    "AU01",
    "AU02",
    "AU04",
    "AU05",
    "AU06",
    "AU07",
    "AU09",
    "AU10",
    "AU12",
    "AU14",
    "AU15",
    "AU17",
    "AU20",
    "AU23",
    "AU24",
    "AU25",
    "AU26",
    "AU43",
)
"""The order of every array of Action Units in this project."""

AU_NAMES: Final[dict[str, str]] = {
    "AU01": "inner brow raiser",
    "AU02": "outer brow raiser",
    "AU04": "brow lowerer",
    "AU05": "upper lid raiser",
    "AU06": "cheek raiser",
    "AU07": "lid tightener",
    "AU09": "nose wrinkler",
    "AU10": "upper lip raiser",
    "AU12": "lip corner puller",
    "AU14": "dimpler",
    "AU15": "lip corner depressor",
    "AU17": "chin raiser",
    "AU20": "lip stretcher",
    "AU23": "lip tightener",
    "AU24": "lip pressor",
    "AU25": "lips part",
    "AU26": "jaw drop",
    "AU43": "eyes closed",
}
"""FACS names. AU26 includes AU27 (mouth stretch); AU43 means closed or nearly closed."""

EXPRESSIONS: Final[tuple[str, ...]] = (
    "neutral",
    "happiness",
    "surprise",
    "sadness",
    "anger",
    "disgust",
    "fear",
    "contempt",
)
"""The eight labels of FER+ (Barsoum et al., 2016) that the second stage is learned on, in this order."""

UNCLEAR: Final = "unclear"
"""The decided label of a face whose expression is below its calibrated confidence."""


def index(au: str) -> int:
    """Return the position of an Action Unit in `AU_ORDER`.

    Raises:
        KeyError: `au` is not one of the 18 codes, which are written like "AU06".
    """
    try:
        return AU_ORDER.index(au)
    except ValueError:
        raise KeyError(f"{au!r} is not an Action Unit of Facecue; these are: {', '.join(AU_ORDER)}") from None
