"""Look through a camera, or at a clip, and say what faces do."""

from __future__ import annotations

import argparse
from pathlib import Path

from assistant.commands import options
from assistant.settings import override


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `facecue run`."""
    parser.add_argument(
        "--source",
        metavar="S",
        help="a camera's number or device, a video file, a folder of pictures, an http(s) MJPEG or rtsp address, or "
        "demo; default: the first camera",
    )
    options.add_speech(parser)
    options.add_outputs(parser)
    options.add_keys(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run until the source ends or Ctrl-C."""
    store = options.open_store(arguments, lambda settings: override(settings, "camera", source=arguments.source))
    settings = store.settings
    outputs = {"--transcript": arguments.transcript, "--wav": arguments.wav, "--overlay": arguments.overlay}
    options.check_outputs(outputs, (Path(settings.camera.source),) if settings.camera.source else ())
    from assistant import app  # here, so that help and wrong options do not wait for OpenCV

    request = app.Request(
        arguments.transcript, arguments.wav, arguments.overlay, arguments.mute, arguments.speed, store
    )
    report = app.watch(settings, request, lambda line: print(line, flush=True))
    if arguments.json:
        options.print_json(report)
    return 130 if report["interrupted"] else 0
