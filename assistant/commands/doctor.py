"""Tell what works here, and what to do about what does not."""

from __future__ import annotations

import argparse
import platform
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

import assistant
from assistant import locate
from assistant.commands import options
from assistant.errors import FacecueError, ModelError
from assistant.settings import Settings


@dataclass(frozen=True, slots=True)
class Check:
    """Hold one finding.

    Attributes:
        area: "settings", "model", "back end", "camera", "sound", "voice", "demo".
        name: of the thing.
        ok: whether it works.
        detail: what was found, or what is wrong.
        remedy: what to do when it does not work, "" when it does.
        needed: whether the main job cannot be done without it.
        facts: numbers and hashes, for `--json`.
    """

    area: str
    name: str
    ok: bool
    detail: str
    remedy: str = ""
    needed: bool = False
    facts: dict[str, Any] = field(default_factory=dict)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `facecue doctor`."""
    parser.add_argument("--json", action="store_true", help="print one object")


def run(arguments: argparse.Namespace) -> int:
    """Print every finding; the exit status is 0 when faces can be seen and read, 1 when not."""
    checks = list(examine(arguments))
    ok = all(check.ok for check in checks if check.needed)
    if arguments.json:
        options.print_json(
            {
                "ok": ok,
                "version": assistant.__version__,
                "python": platform.python_version(),
                "machine": platform.machine(),
                "checks": [asdict(check) for check in checks],
            }
        )
    else:
        for check in checks:
            print(_line(check))
        print("Facecue can do its main job here." if ok else "Facecue cannot do its main job here; see above.")
    return 0 if ok else 1


def examine(arguments: argparse.Namespace) -> Iterable[Check]:
    """Yield the findings, the quick ones first."""
    try:
        settings = options.read_settings(arguments)
        file = arguments.settings or locate.user_settings()
        yield Check(
            "settings", str(file), True, "Read." if file.is_file() else "Not there; defaults hold.", needed=True
        )
    except FacecueError as error:
        settings = Settings()
        yield _failed("settings", str(arguments.settings or locate.user_settings()), error, needed=True)
    yield from _models()
    yield from _backends(settings)
    yield from _cameras()
    yield from _sound()
    yield from _voices(settings)
    yield _demo()


def _line(check: Check) -> str:
    state = "works" if check.ok else ("does not work" if check.needed else "not available")
    remedy = f" What to do: {check.remedy}" if check.remedy else ""
    return f"{check.area}, {check.name}: {state}. {check.detail}{remedy}"


def _failed(area: str, name: str, error: FacecueError, needed: bool = False) -> Check:
    return Check(area, name, False, error.cause, error.remedy, needed)


def _models() -> Iterable[Check]:
    """Compare every model with its manifest."""
    from assistant.inference import manifest

    folder = locate.shipped("models")
    names = set(locate.model_names()) | {"blazeface_short", "blazeface_full", "expression"}
    for name in sorted(names):
        try:
            found = manifest.verify(folder / name)
        except ModelError as error:
            yield _failed("model", name, error, needed=True)
            continue
        facts = {"version": found.version, "sha256": found.sha256, "licence": found.licence, "task": found.task}
        yield Check("model", name, True, f"Version {found.version}, sha256 {found.sha256}.", needed=True, facts=facts)


def _backends(settings: Settings) -> Iterable[Check]:
    """Say which back ends can be used, which one was chosen with which model, and why."""
    from assistant import app
    from assistant.inference import discover

    for backend in discover.discover():
        yield Check("back end", backend.name, not backend.problem, backend.problem or "Usable.")
    try:
        choice = app.build_sight(settings).choice
    except FacecueError as error:
        yield _failed("back end", "chosen", error, needed=True)
        return
    facts = {"backend": choice.backend, "model": choice.model_name, "ms": choice.ms, "reason": choice.reason}
    yield Check("back end", "chosen", True, choice.reason, needed=True, facts=facts)


def _cameras() -> Iterable[Check]:
    from assistant.camera.device import find_devices

    found = list(find_devices())
    for index in found:
        yield Check("camera", str(index), True, f"Opens. Use it with --source {index}")
    if not found:
        yield Check(
            "camera",
            "none",
            False,
            "No camera was found.",
            "Plug one in, close other programs that use it, and see that you may read it (Linux: group video); or name "
            "another --source.",
        )


def _sound() -> Iterable[Check]:
    from assistant.speech.players import describe_sound

    for name, usable, detail in describe_sound():
        yield Check("sound", name, usable, detail)


def _voices(settings: Settings) -> Iterable[Check]:
    from assistant import app

    name = f"{settings.speech.engine} {settings.speech.voice}"
    try:
        synthesiser = app.open_voice(settings)
        try:
            name = f"{synthesiser.name} {settings.speech.voice}"
            seconds = synthesiser.synthesise("Facecue speaks.").seconds
        finally:
            synthesiser.close()
    except FacecueError as error:
        yield _failed("voice", name, error)
    else:
        yield Check("voice", name, True, f"It said two words in {seconds:.1f} s.", facts={"seconds": round(seconds, 3)})


def _demo() -> Check:
    from assistant.camera.demo import DemoCamera
    from assistant.clock import ManualClock

    try:
        DemoCamera(ManualClock()).close()
    except FacecueError as error:
        return _failed("demo", "photograph", error)
    return Check("demo", "photograph", True, "The demo can run: facecue demo")
