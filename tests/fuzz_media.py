"""Open many damaged pictures and clips: `python -m tests.fuzz_media FOLDER --count 300 --seed 0`.

OpenCV and FFmpeg decode them in native code, which may crash or hang: so this is a process of its own, and the number
of the file that it opens is printed first. The same seed makes the same files. Ends with one line of JSON.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections import Counter
from pathlib import Path

import cv2
import numpy as np

from assistant.camera.clip import ClipCamera
from assistant.camera.pictures import is_picture, read_picture
from assistant.clock import ManualClock
from assistant.errors import SourceError
from assistant.types import ImageRgb
from tests.camera_builders import coloured, write_clip, write_picture

HANGS_S = 10.0
PICTURES = (".png", ".jpg", ".webp", ".bmp", ".tiff", ".ppm", ".jp2", ".avif", ".gif", ".hdr")
CLIPS = (".mp4", ".avi")


def originals(folder: Path) -> dict[str, bytes]:
    """Return a good file of each kind."""
    made = {suffix: write_picture(folder / f"good{suffix}", coloured()).read_bytes() for suffix in PICTURES}
    return made | {suffix: write_clip(folder / f"good{suffix}", 6).read_bytes() for suffix in CLIPS}


def damage(content: bytes, chance: random.Random) -> bytes:
    """Return a file with bytes changed, most of them near its beginning, where headers are; or cut, or lengthened."""
    changed = bytearray(content)
    for _ in range(chance.randint(1, 8)):
        at = min(int(chance.expovariate(1 / 40)) if chance.random() < 0.6 else chance.randrange(len(content)), 1 << 20)
        at = min(at, len(changed) - 1)
        kind = chance.random()
        if kind < 0.5:
            changed[at] = chance.choice((0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256)))
        elif kind < 0.7:
            changed[at : at + 4] = chance.choice((b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\x00\x01\x00\x00"))
        elif kind < 0.85:
            del changed[at : at + chance.randint(1, 64)]
        else:
            changed[at:at] = changed[: chance.randint(1, 64)]
        if not changed:
            return b"\0"
    return bytes(changed)


def opened(path: Path) -> str:
    """Read a file as `facecue analyze` does; return what came of it."""
    try:
        images: list[ImageRgb] = []
        if path.suffix in PICTURES or is_picture(path):
            images.append(read_picture(path))
        else:
            images += [frame.image_rgb for frame in ClipCamera(path, ManualClock(), "max").frames()]
    except SourceError as error:
        return "refused" if error.cause and error.remedy else "refused without a remedy"
    for image in images:
        assert image.dtype == np.uint8
        assert image.ndim == 3
        assert image.shape[2] == 3
    return "read"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    good, outcomes, slowest_s = originals(arguments.folder), Counter[str](), 0.0
    assert all(opened(arguments.folder / f"good{suffix}") == "read" for suffix in good)
    cv2.setNumThreads(1)
    for number in range(arguments.count):
        suffix = (*PICTURES, *CLIPS)[number % len(good)]
        path = arguments.folder / f"damaged{suffix}"
        path.write_bytes(damage(good[suffix], random.Random(f"{arguments.seed} {number}")))
        print(number, suffix, file=sys.stderr, flush=True)
        start_s = time.monotonic()
        outcomes[f"{'clips' if suffix in CLIPS else 'pictures'} {opened(path)}"] += 1
        slowest_s = max(slowest_s, time.monotonic() - start_s)
        assert slowest_s < HANGS_S, f"{number} took {slowest_s:.1f} s"
    print(json.dumps({**outcomes, "slowest_s": round(slowest_s, 2)}))


if __name__ == "__main__":
    main()
