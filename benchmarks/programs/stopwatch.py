"""Time a peer frame by frame; imported by the peers' programs, so it knows nothing beyond NumPy."""

import json
import sys
import time
from collections.abc import Callable

import numpy as np


def watch(version: str, look: Callable[[np.ndarray], int]) -> None:
    """Call `look` on each frame of `RAW WIDTH HEIGHT` on the command line, and print the times as JSON.

    Args:
        version: of the peer.
        look: takes (H, W, 3) uint8 BGR, returns how many faces it read.
    """
    path, width, height = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    frames = np.fromfile(path, np.uint8).reshape(-1, height, width, 3)
    times_ms, faces, first_s = [], 0, None
    for frame in frames:
        start_s = time.perf_counter()
        faces += look(frame)
        times_ms.append((time.perf_counter() - start_s) * 1e3)
        first_s = first_s or time.monotonic()
    print(json.dumps({"version": version, "first_s": first_s, "frame_ms": times_ms, "faces": faces}))
