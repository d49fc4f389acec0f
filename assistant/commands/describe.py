"""Describe a photograph in one sentence."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from assistant.commands import options
from assistant.facs import AU_ORDER, EXPRESSIONS
from assistant.types import Person


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `facecue describe`."""
    parser.add_argument("image", type=Path, metavar="IMAGE", help="a photograph")
    options.add_speech(parser)
    parser.add_argument("--mute", action="store_true", help="print only")
    parser.add_argument("--json", action="store_true", help="print one object with all that is known")


def run(arguments: argparse.Namespace) -> int:
    """Say what is in a photograph."""
    settings = options.read_settings(arguments)
    from assistant import app  # here, so that help and wrong options do not wait for OpenCV

    description = app.describe(settings, arguments.image)
    if arguments.json:
        faces = [as_json(person) for person in description.people]
        options.print_json(
            {
                "source": str(arguments.image),
                "width_px": description.width_px,
                "height_px": description.height_px,
                "sentence": description.sentence,
                "faces": faces,
            }
        )
    else:
        print(description.sentence, flush=True)
    if not arguments.mute:
        for sentence in app.say_aloud(settings, description.sentence):
            print(f"Facecue: {sentence}", file=sys.stderr)
    return 0


def as_json(person: Person) -> dict[str, Any]:
    """Return one face as nested plain values; what is not known is None."""
    face, units, shown, place = person.face, person.units, person.expression, person.place
    return {
        "box_xyxy": [round(edge, 2) for edge in face.box_xyxy],
        "landmarks_xy": [[round(float(x), 2), round(float(y), 2)] for x, y in face.landmarks_xy],
        "score": round(face.score, 4),
        "yaw_deg": round(face.yaw_deg, 1),
        "pitch_deg": round(face.pitch_deg, 1),
        "roll_deg": round(face.roll_deg, 1),
        "place": None
        if place is None
        else {
            "bearing_deg": round(place.bearing_deg, 1),
            "distance_m": round(place.distance_m, 2),
            "hour": place.hour,
            "side": place.side,
        },
        "facing": person.manner.facing,
        "action_units": {
            au: None if p is None else round(p, 4) for au, p in zip(AU_ORDER, units.probability, strict=True)
        },
        "present": [au for au, present in zip(AU_ORDER, units.present, strict=True) if present],
        "expression": shown.label,
        "confidence": round(shown.confidence, 4),
        "probabilities": {name: round(p, 4) for name, p in zip(EXPRESSIONS, shown.probabilities, strict=True)},
        "evidence": list(shown.evidence),
    }
