"""Write the model folder of a quantised run for a device: `python -m training export`."""

from __future__ import annotations

import argparse
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np

from assistant import __version__
from assistant.errors import DependencyError, ModelError, OutputError
from assistant.facs import AU_ORDER
from assistant.inference.au_model import NORMALISATION, to_probability
from assistant.inference.backends.edgetpu import compiled_name
from assistant.inference.backends.litert import Runner
from assistant.inference.backends.openvino import vendor
from assistant.inference.manifest import FILE_NAME, Manifest, sha256_of, write_manifest
from assistant.inference.quantization import dequantise, quantise
from assistant.types import Floats
from assistant.vision.align import normalise
from training import edgetpu_ops
from training.convert import FLOAT, INT8, ONNX, OUTPUT
from training.partial import writing
from training.quantize import PARITY_FILE, made_from, read_json
from training.runs import Run

TARGETS: Final = ("cpu", "edgetpu", "openvino", "movidius")
IR: Final = "model.xml"
_IR_WEIGHTS: Final = str(Path(IR).with_suffix(".bin"))
_OF_ONE_DEVICE: Final = (IR, _IR_WEIGHTS, ONNX, compiled_name(INT8))
CLOSE: Final = 0.03  # mean change of a probability; runtimes round 8-bit sums differently, by steps of at most 0.016
_TOLD: Final = ("seed", "loss", "precision", "teachers", "blend", "calibrated_on")  # of the run, in the manifest
SAME: Final = 1e-4  # the same; float networks differ by rounding only


def write_folder(run: Run, out: Path) -> Manifest:
    """Write model.tflite and manifest.json into `out`.

    Args:
        run: calibrated and quantised.
        out: made where missing; its name becomes the model's.

    Raises:
        ModelError: the run is not calibrated, or not quantised since.
        OutputError: the folder cannot be written.
    """
    model = run.folder / INT8
    if "calibration" not in run.settings or not model.is_file():
        raise ModelError(f"{run.folder} has no calibrated 8-bit model.", "Run 'calibrate' and 'quantize' first.")
    if run.settings.get("quantised") != made_from(run):
        raise ModelError(
            f"{model} was made before {run.folder} was last trained or calibrated, or by an older facecue.",
            "Run 'quantize' again.",
        )
    try:
        out.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(model, out / INT8)
        return write_manifest(out, _fields(run, out))
    except OSError as error:
        raise OutputError(f"{out} cannot be written: {error}.", "Choose another folder with --out.") from error


def write_openvino(out: Path) -> tuple[str, ...]:
    """Write OpenVINO's IR beside model.tflite and check that it computes the same; return the files' names.

    Raises:
        DependencyError: OpenVINO is not installed.
        ModelError: the IR computes something else.
    """
    try:
        openvino = vendor()
    except ImportError:
        raise DependencyError("OpenVINO is not installed.", "Run: pip install 'facecue[openvino]'") from None
    openvino.save_model(openvino.convert_model(out / INT8), out / IR, compress_to_fp16=False)
    runner = Runner(out / INT8)
    takes, gives = runner.inputs[0], runner.outputs[0]
    compiled = openvino.Core().compile_model(out / IR, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    for values in _trial_inputs(takes.shape):
        stored = quantise(values, takes)
        theirs = dequantise(np.asarray(compiled(stored)[0], gives.dtype), gives)
        _compare(dequantise(runner.run(stored)[0], gives), theirs, CLOSE, IR)
    return IR, _IR_WEIGHTS


def write_movidius(run: Run, out: Path) -> tuple[str, ...]:
    """Write the ONNX file for the Movidius stick and check it; return its name.

    Raises:
        DependencyError: onnx is not installed.
        ModelError: the file is not valid ONNX, has a free batch, or computes something else than the float network.
    """
    try:
        import onnx
        from onnx.reference import ReferenceEvaluator
    except ImportError:
        raise DependencyError("onnx is not installed.", "Run: pip install onnx") from None
    if not (run.folder / ONNX).is_file():
        raise ModelError(f"{run.folder / ONNX} is missing.", "Run 'quantize' first.")
    shutil.copyfile(run.folder / ONNX, out / ONNX)
    model = onnx.load(out / ONNX)
    onnx.checker.check_model(model, full_check=True)
    shape = [side.dim_value for side in model.graph.input[0].type.tensor_type.shape.dim]
    if 0 in shape or shape[0] != 1 or len(model.graph.input) != 1:
        raise ModelError(f"{out / ONNX} has no static batch of 1: {shape}.", "Report this.")
    evaluator, runner = ReferenceEvaluator(model), Runner(run.folder / FLOAT)
    for values in _trial_inputs(runner.inputs[0].shape, count=1):
        (theirs,) = evaluator.run(None, {model.graph.input[0].name: values.transpose(0, 3, 1, 2)})
        _compare(runner.run(values)[0], theirs, SAME, ONNX)
    return (ONNX,)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("run", type=Path, help="folder of a calibrated and quantised run")
    parser.add_argument("--target", choices=TARGETS, default="cpu", help="device the model is for; default: cpu")
    parser.add_argument("--out", type=Path, required=True, help="folder to write, such as models/mine")


def run(args: argparse.Namespace) -> int:
    """Write and check the model folder for one target; say what to do next."""
    trained = Run.load(args.run)
    with _beside(args.out) as folder:
        manifest = write_folder(trained, folder)
        extra: tuple[str, ...] = ()
        if args.target == "edgetpu":
            extra = _edgetpu(folder)
        elif args.target == "openvino":
            extra = write_openvino(folder)
        elif args.target == "movidius":
            extra = write_movidius(trained, folder)
        if extra:
            files = {name: sha256_of(folder / name) for name in extra}
            fields = read_json(folder / FILE_NAME)
            fields["training"] = {**fields["training"], "exports": files}
            write_manifest(folder, fields)
    print(f"{args.out / INT8}: {manifest.bytes:,} bytes, sha256 {manifest.sha256}")
    if extra:
        print(f"Also written: {', '.join(extra)}")
    print(f"Next: python -m training evaluate {args.out} --data CACHE --save")
    return 0


@contextmanager
def _beside(out: Path) -> Iterator[Path]:
    """Give a folder to write and check in, and put its files into `out` when all went well.

    What an earlier export left for other devices goes: it is of another network.

    Raises:
        OutputError: a folder cannot be written.
    """
    with writing(out):
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".export", dir=out) as temporary:
            folder = Path(temporary) / out.resolve().name
            yield folder
            for name in (*_OF_ONE_DEVICE, FILE_NAME):
                (out / name).unlink(missing_ok=True)
            for path in sorted(folder.iterdir(), key=lambda path: path.name == FILE_NAME):
                path.replace(out / path.name)


def _edgetpu(out: Path) -> tuple[str, ...]:
    """Check the operators and compile where the compiler is."""
    report = edgetpu_ops.require(out / INT8)
    print(f"Edge TPU: all {len(report.operators)} operators are supported, shapes are static, numbers 8-bit.")
    compiled = edgetpu_ops.compile_model(out / INT8, out)
    if compiled is None:
        print(f"{edgetpu_ops.COMPILER} is not installed here; see docs/training.md, Edge TPU, for the one line to run.")
        return ()
    return (compiled.name,)


def _fields(run: Run, out: Path) -> dict[str, Any]:
    """Return what the manifest says before the model is evaluated."""
    settings, runner = run.settings, Runner(out / INT8)
    known, thresholds = settings["known"], settings["thresholds"]
    parity, trunk = run.folder / PARITY_FILE, settings.get("trunk") or {}
    return {
        "name": out.resolve().name,
        "task": "action_units",
        "version": __version__,
        "file": INT8,
        "licence": _licence(trunk),
        "origin": f"trained by this project; starts from {trunk.get('origin', 'random weights')}",
        "input": {"size_px": run.size_px, "channels": run.recipe.CHANNELS, "normalisation": NORMALISATION},
        "inputs": [_spec(spec) for spec in runner.inputs],
        "outputs": [_spec(spec) for spec in runner.outputs],
        "output": OUTPUT,
        "mirrored": run.mirrored,
        "action_units": {
            unit: {"known": bool(known[unit]), "threshold": round(float(thresholds[unit]), 4)} for unit in AU_ORDER
        },
        "metrics": {"int8_against_float": read_json(parity)["all"]} if parity.is_file() else {},
        "training": {
            "recipe": run.recipe.NAME,
            **{key: settings[key] for key in _TOLD if key in settings},
            "unknown_because": dict(settings.get("unknown_because", {})),
        },
    }


def _licence(trunk: Mapping[str, str]) -> str:
    """Return the licence of the weights: ours, unless what they start from allows less."""
    theirs = trunk.get("licence", "")
    return theirs if "non-commercial" in theirs or "NC" in theirs else "Apache-2.0"


def _spec(spec: Any) -> Mapping[str, Any]:
    return {
        "name": spec.name,
        "shape": spec.shape,
        "dtype": spec.dtype,
        "scale": spec.scale,
        "zero_point": spec.zero_point,
    }


def _trial_inputs(shape: tuple[int, ...], count: int = 4) -> list[Floats]:
    """Return inputs of the right shape made of smooth noise, which has the contrasts of a picture."""
    rng = np.random.default_rng(0)
    values = []
    for _ in range(count):
        noise = rng.normal(size=(shape[1], shape[2])).cumsum(0).cumsum(1)
        grey = (255 * (noise - noise.min()) / np.ptp(noise)).astype(np.uint8)
        values.append(np.broadcast_to(normalise(grey)[None, :, :, None], shape).astype(np.float32))
    return values


def _compare(ours: Any, theirs: Any, tolerance: float, name: str) -> None:
    """Raise ModelError where the probabilities of two outputs differ too much.

    On average by more than the tolerance, because a head that learned from few faces makes much of a trunk's rounding:
    single units of such a one differ by several steps, and those of a network that computes something else by tenths,
    all of them. And by more than ten times as much in a single unit, which no rounding explains.
    """
    difference = np.abs(to_probability(ours, OUTPUT) - to_probability(theirs, OUTPUT))
    mean, most = float(difference.mean()), float(difference.max())
    if mean > tolerance or most > 10 * tolerance:
        raise ModelError(
            f"{name} differs from the model by {mean:.3f} in probability on average, and by {most:.3f} in one unit.",
            "Do not ship it.",
        )
