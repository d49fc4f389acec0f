"""Run `facecue run` on a clip, and time every stage: python -m benchmarks.programs.facecue CLIP [options of run].

Nothing of the program is left out or altered; each stage's one verb is called through a stopwatch. The last line of
its output is JSON: what `facecue run --json` tells, milliseconds of each stage, faces, and when each frame was done.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
import time
from dataclasses import fields
from typing import Any, Final

VERBS: Final = {
    "detector": "detect",
    "tracker": "update",
    "au_model": "estimate",
    "smoother": "smooth",
    "classifier": "classify",
    "reader": "read",
    "policy": "consider",
}
"""The one verb of each of `loop.Stages`."""


class Timed:
    """Stand for a stage; time its verb, and pass everything else on."""

    def __init__(self, stage: Any, verb: str, times_ms: list[float]) -> None:
        self._stage = stage

        def timed(*arguments: Any) -> Any:
            start_s = time.perf_counter()
            result = call(*arguments)
            times_ms.append((time.perf_counter() - start_s) * 1e3)
            return result

        call = getattr(stage, verb)
        setattr(self, verb, timed)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stage, name)


def watch(times_ms: dict[str, list[float]], seen: dict[str, Any]) -> None:
    """Let the program's loop count faces and keep when each frame was done, and its stages be timed."""
    from assistant import loop
    from assistant import run as composition

    class Watched(loop.Loop):
        def step(self, frame: Any) -> Any:
            scene = super().step(frame)
            seen["done_s"].append(time.monotonic())
            seen["faces"] += len(scene.people)
            return scene

    composed: Any = composition
    composed.Loop = Watched
    composed.Stages = lambda *stages: loop.Stages(
        *(
            Timed(stage, VERBS[each.name], times_ms[VERBS[each.name]])
            for stage, each in zip(stages, fields(loop.Stages), strict=True)
        )
    )


def run(clip: str, options: list[str]) -> dict[str, Any]:
    """Run to the clip's end."""
    from assistant.__main__ import main

    times_ms: dict[str, list[float]] = {verb: [] for verb in VERBS.values()}
    seen: dict[str, Any] = {"done_s": [], "faces": 0}
    watch(times_ms, seen)
    printed = io.StringIO()
    speed = [] if "--speed" in options else ["--speed", "max"]
    with contextlib.redirect_stdout(printed):
        status = main(["run", "--source", clip, "--mute", "--json", *speed, *options])
    if status:
        sys.exit(status)
    return json.loads(printed.getvalue().splitlines()[-1]) | seen | {"stages_ms": times_ms}


if __name__ == "__main__":
    print(json.dumps(run(sys.argv[1], sys.argv[2:])))
