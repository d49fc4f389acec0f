"""Render a set of faces: `python -m training render`. Synthetic: figures measured on it are reported apart."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np

from assistant.clock import Clock, SystemClock
from assistant.types import ImageRgb
from training.datasets.sample import DataError
from training.partial import writing
from training.progress import Progress
from training.render import sample
from training.render.head import Assets, compose
from training.render.picture import draw

MANIFEST: Final = "manifest.jsonl"
_FRONTAL_DEG: Final = 12.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add = parser.add_argument
    add("--assets", type=Path, required=True, metavar="DIR", help="MakeHuman's base.obj, targets/, skins/ and more")
    add("--out", type=Path, required=True, metavar="FOLDER", help="where the pictures and manifest.jsonl go")
    add("--count", type=int, default=600, metavar="N", help="pictures, each of another person (default: 600)")
    add("--seed", type=int, default=0, metavar="S", help="of all that is drawn by lot (default: 0)")
    add("--side", type=int, default=256, metavar="PX", help="of the square pictures (default: 256)")


def run(options: argparse.Namespace) -> int:
    """Render; a second run with the same options continues."""
    render(options, SystemClock())
    return 0


def render(options: argparse.Namespace, clock: Clock) -> None:
    """Do what `run` does, with a clock of the caller's.

    Raises:
        DataError: an asset is missing or damaged, or the folder holds a set of another seed or size.
        OutputError: the folder cannot be written.
    """
    assets, list_path = Assets(options.assets), options.out / MANIFEST
    with writing(options.out):
        options.out.mkdir(parents=True, exist_ok=True)
    first = _written(list_path, options)
    progress = Progress("faces", max(0, options.count - first), clock)
    for number in range(first, options.count):
        picture, record = render_one(assets, number, options.seed, options.side)
        with writing(options.out):
            _, stored = cv2.imencode(".png", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
            (options.out / record["image"]).write_bytes(stored.tobytes())
            with list_path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(record) + "\n")
        progress.step()


def render_one(assets: Assets, number: int, seed: int, side_px: int) -> tuple[ImageRgb, dict[str, Any]]:
    """Return a picture, (S, S, 3) uint8 RGB, and its line of the manifest; the same for the same number and seed.

    Tones and ages take turns, so that any six neighbours hold each pair once.
    """
    rng = np.random.default_rng([seed, number])
    tone, age = sample.TONES[number % 2], sample.AGES[number // 2 % 3]
    grades, strengths = sample.draw_units(rng)
    identity = sample.draw_identity(rng, assets, tone, age)
    view, setting = sample.draw_view(rng), sample.draw_setting(rng)
    background = sample.draw_background(rng, side_px, setting.exposure)
    clean = draw(compose(assets, identity, strengths), setting.light, view, background, setting.exposure)
    turned = max(abs(view.yaw_deg), abs(view.pitch_deg)) > _FRONTAL_DEG
    record = {
        "image": f"{number:06d}.png",
        "person": f"{seed}-{number}",
        "au": grades,
        "strength": {code: round(value, 3) for code, value in strengths.items()},
        "facts": {"tone": tone, "age": age, "light": setting.name, "pose": "turned" if turned else "frontal"},
        "skin": identity.skin,
        "yaw_deg": round(view.yaw_deg, 1),
        "pitch_deg": round(view.pitch_deg, 1),
        "roll_deg": round(view.roll_deg, 1),
        "made_with": [seed, side_px],
    }
    return sample.add_noise(rng, clean, setting.noise), record


def _written(path: Path, options: argparse.Namespace) -> int:
    """Return how many pictures an earlier run with the same options finished."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    try:
        made = {tuple(json.loads(line)["made_with"]) for line in lines}
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path} is damaged: {error}.", "Remove the folder or give another --out.") from error
    if made - {(options.seed, options.side)}:
        raise DataError(f"{path} holds faces of another --seed or --side.", "Give another --out.")
    return len(lines)
