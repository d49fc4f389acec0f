"""Ask the package `fer` about the faces that the second stage is measured on, in an environment of its own.

    /path/to/env/bin/python benchmarks/expression_fer.py FERPLUS fer.npz

It is given each 48-pixel picture of FER+ valid as one face without a margin, the form its network was
trained on. Writes names and (N, 8) shares in the order of Facecue's labels; it does not know contempt, which gets 0.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

import numpy as np

LABELS: Final = ("neutral", "happy", "surprise", "sad", "angry", "disgust", "fear")
"""Its words, in the order of `facs.EXPRESSIONS`."""


def main() -> int:
    """Classify every picture of valid.npz and write what was said."""
    if len(sys.argv) != 3:
        print(__doc__, file=sys.stderr)
        return 2
    from fer.fer import FER

    folder, out = Path(sys.argv[1]), Path(sys.argv[2])
    peer = FER(offsets=(0, 0))
    with np.load(folder / "valid.npz") as archive:
        images, names = archive["images"], archive["names"]
    shares = np.zeros((len(images), len(LABELS) + 1), np.float32)
    for row, image in enumerate(images):
        height, width = image.shape
        (face,) = peer.detect_emotions(np.repeat(image[..., None], 3, -1), [(0, 0, width, height)])
        shares[row, :-1] = [face["emotions"][label] for label in LABELS]
    np.savez_compressed(out, names=np.char.add("ferplus/", names), shares=shares)
    print(f"Wrote what fer says of {len(images)} faces to {out}.")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
