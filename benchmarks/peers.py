"""Name the programs that Facecue is measured beside, and how each is run."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

PROGRAMS: Final = Path(__file__).parent / "programs"


@dataclass(frozen=True, slots=True)
class Peer:
    """Describe a peer.

    Attributes:
        name: of the package.
        does: what it computes for a face, for the reader of a table: no two do the same.
        program: what runs it, in `programs`.
        option: what names where it is installed.
        interpreter: "python": the option names the Python it is installed for; "node": a folder with node_modules.
        model: the option that names its model, "" where the package carries it.
    """

    name: str
    does: str
    program: str
    option: str
    interpreter: str = "python"
    model: str = ""

    def command(self, place: str, model: str, raw: Path, width_px: int, height_px: int) -> list[str]:
        """Return what runs it on a file of raw frames."""
        frames = [str(PROGRAMS / self.program), str(raw), str(width_px), str(height_px)]
        if self.interpreter == "node":
            return ["node", *frames, place]
        return [place, *frames, *([model] if self.model else [])]

    def missing(self, place: str | None, model: str | None) -> str:
        """Return why it cannot be run, in words, or "" where it can be tried."""
        if not place:
            return f"not asked for; {self.option} names where it is installed"
        if self.model and not model:
            return f"its package carries no model; {self.model} names the file"
        if self.model and not Path(model or "").is_file():
            return f"there is no file {model}"
        if self.interpreter == "node":
            if shutil.which("node") is None:
                return "node is not installed"
            folder = Path(place) / "node_modules" / self.name
            return "" if folder.is_dir() else f"there is no folder {folder}"
        return "" if shutil.which(place) else f"there is no Python {place}"


PEERS: Final = (
    Peer("fer", "faces by OpenCV's cascade, 7 emotions", "run_fer.py", "--fer"),
    Peer("facex", "faces by OpenCV's cascade, 7 emotions", "run_facex.py", "--facex"),
    Peer(
        "mediapipe",
        "Face Landmarker: 478 points and 52 blendshapes, tracked",
        "run_mediapipe.py",
        "--mediapipe",
        model="--task",
    ),
    Peer(
        "@vladmandic/human",
        "faces, mesh, emotions; skips work where little changed",
        "run_human.mjs",
        "--human",
        "node",
    ),
)
