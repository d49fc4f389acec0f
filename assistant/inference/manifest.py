"""Describe a model folder: what the model takes, gives and knows, and whether its file is the one described.

Each folder under models/ holds one model file, one `manifest.json` of the form below, and a `card.md`.
Training writes the manifest with `write_manifest`; the runtime calls `verify` before it loads anything.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from assistant.errors import ModelError
from assistant.facs import AU_ORDER
from assistant.types import TensorSpec

FILE_NAME: Final = "manifest.json"
REMEDY: Final = "Reinstall facecue or restore the file."


class InputInfo(BaseModel):
    """Say how a picture becomes the model's input."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    size_px: int = Field(gt=0)
    channels: int = Field(ge=1, le=4)
    normalisation: str


Output = Literal["probability", "log-odds"]
"""What the output of a model of Action Units holds."""

LEAST_SUPPORT: Final = 20
"""Positives below which one unit's AUC is too uncertain to rank models by."""


class ActionUnitInfo(BaseModel):
    """Say how well a model knows one Action Unit, measured on people it was not trained on.

    Attributes:
        known: whether the model may be asked about this unit; the runtime answers None where it may not.
        threshold: probability from which the unit counts as present, chosen on held-out data; 0.5 where none was.
        support: positives in the measurement, or None where there was none.
        auc: area under the ROC curve, or None.
        f1: F1 score at `threshold`, or None.
        average_precision: area under the precision-recall curve, or None.
        calibration_error: expected calibration error in probability, or None.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    known: bool
    threshold: float = Field(default=0.5, ge=0.0, le=1.0)
    support: int | None = Field(default=None, ge=0)
    auc: float | None = Field(default=None, ge=0.0, le=1.0)
    f1: float | None = Field(default=None, ge=0.0, le=1.0)
    average_precision: float | None = Field(default=None, ge=0.0, le=1.0)
    calibration_error: float | None = Field(default=None, ge=0.0, le=1.0)


class Manifest(BaseModel):
    """Hold one model's manifest.

    Attributes:
        file: name of the model file in the same folder; never a path.
        sha256: of that file, in lower-case hexadecimal.
        bytes: size of that file.
        origin: where the weights come from, with the version.
        input: how a picture becomes the input; None where the model takes no picture.
        inputs: the raw tensors in the order `TensorRunner.run` takes them.
        outputs: the raw tensors in the order `TensorRunner.run` returns them.
        output: what an Action Unit model's output holds: log-odds keep in 8 bits what steps of 1/256 of a probability
            lose near 0 and 1 (docs/adr/0016).
        mirrored: whether an Action Unit model is asked about the face and its mirror image, so that the mean of both
            log-odds counts (docs/adr/0017); it takes twice the time.
        action_units: what the model knows, by code; all of `facs.AU_ORDER` where the task is "action_units".
        metrics: free-form measurements; nothing at run time reads them.
        training: free-form account of how the model was made.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1)
    task: Literal["action_units", "face_detection", "expression"]
    version: str
    file: str
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    bytes: int = Field(gt=0)
    licence: str
    origin: str
    input: InputInfo | None = None
    inputs: tuple[TensorSpec, ...] = ()
    outputs: tuple[TensorSpec, ...] = ()
    output: Output = "probability"
    mirrored: bool = False
    action_units: dict[str, ActionUnitInfo] = Field(default_factory=dict)
    metrics: dict[str, Any] = Field(default_factory=dict)
    training: dict[str, Any] = Field(default_factory=dict)

    @property
    def looks(self) -> int:
        """Number of inferences that one face takes."""
        return 2 if self.mirrored else 1

    @property
    def mean_auc(self) -> float | None:
        """Mean ROC AUC over the measured units with `LEAST_SUPPORT` positives or more; None where none was measured.

        It ranks models of the same measurement, and knows nothing of what the runtime may speak of.
        """
        measured = [unit.auc for unit in self.action_units.values() if (unit.support or 0) >= LEAST_SUPPORT]
        known = [auc for auc in measured if auc is not None]
        return sum(known) / len(known) if known else None

    @field_validator("file")
    @classmethod
    def _stay_in_folder(cls, file: str) -> str:
        if not file or not file.isprintable() or Path(file).name != file or "\\" in file:
            raise ValueError("must be the name of a file in the same folder, without a path")
        return file

    @model_validator(mode="after")
    def _cover_units(self) -> Self:
        unknown = sorted(set(self.action_units) - set(AU_ORDER))
        if unknown:
            raise ValueError(f"action_units: unknown code {unknown[0]!r}; expected {', '.join(AU_ORDER)}")
        if self.task == "action_units":
            if self.input is None:
                raise ValueError("input: needed by a model of task 'action_units'")
            missing = [au for au in AU_ORDER if au not in self.action_units]
            if missing:
                raise ValueError(f"action_units: {missing[0]} is missing; write known=false for a unit not known")
        if self.mirrored and self.output != "log-odds":
            raise ValueError("mirrored: needs an output of log-odds")
        return self

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read `folder`/manifest.json without looking at the model file.

        Raises:
            ModelError: the manifest is missing, is not JSON, or has a wrong or missing key; tell the person.
        """
        path = folder / FILE_NAME
        try:
            text = path.read_text(encoding="utf-8")
        except FileNotFoundError:
            raise ModelError(f"The model manifest {path} is missing.", REMEDY) from None
        except (OSError, UnicodeDecodeError) as error:
            raise ModelError(f"The model manifest {path} cannot be read: {error}.", REMEDY) from error
        try:
            return cls.model_validate(json.loads(text))
        except json.JSONDecodeError as error:
            raise ModelError(
                f"The model manifest {path} is not JSON: {error.msg} in line {error.lineno}.", REMEDY
            ) from error
        except ValidationError as error:
            raise ModelError(f"The model manifest {path} is wrong: {_first(error)}.", REMEDY) from error
        except (ValueError, RecursionError) as error:  # a number of thousands of digits, lists in lists in lists
            raise ModelError(f"The model manifest {path} cannot be read: {error}.", REMEDY) from error


def verify(folder: Path) -> Manifest:
    """Read the manifest and check that the model file is the one it describes: first its size, then its hash.

    Raises:
        ModelError: the manifest or the model file is missing, altered or truncated; do not load the model.
    """
    manifest = Manifest.load(folder)
    path = folder / manifest.file
    try:
        size = path.stat().st_size
        if size != manifest.bytes:
            what = "truncated" if size < manifest.bytes else "altered"
            raise ModelError(f"The model file {path} is {what}: {size} bytes instead of {manifest.bytes}.", REMEDY)
        digest = sha256_of(path)
    except FileNotFoundError:
        raise ModelError(f"The model file {path} is missing.", REMEDY) from None
    except OSError as error:
        raise ModelError(f"The model file {path} cannot be read: {error}.", REMEDY) from error
    if digest != manifest.sha256:
        raise ModelError(f"The model file {path} is altered: its sha256 is not the manifest's.", REMEDY)
    return manifest


def write_manifest(folder: Path, fields: Mapping[str, Any]) -> Manifest:
    """Write `folder`/manifest.json for the model file that already lies there, and return what is read back.

    Args:
        folder: holds the model file named by `fields["file"]`.
        fields: everything of `Manifest` but `sha256` and `bytes`, which are taken from the file.

    The manifest is replaced in one step, so that a kill leaves the old one or the new one.

    Raises:
        ModelError: the fields do not make a manifest; correct the caller.
        OSError: the model file is not there, or the folder cannot be written.
    """
    path = folder / str(fields.get("file", ""))
    try:
        manifest = Manifest.model_validate({**fields, "sha256": sha256_of(path), "bytes": path.stat().st_size})
    except ValidationError as error:
        raise ModelError(f"These are no fields of a manifest: {_first(error)}.", "Correct the caller.") from error
    temporary = folder / (FILE_NAME + ".part")
    document = manifest.model_dump(mode="json", exclude_unset=True)
    temporary.write_text(json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")
    temporary.replace(folder / FILE_NAME)
    return Manifest.load(folder)


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file in lower-case hexadecimal.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _first(error: ValidationError) -> str:
    """Put the first complaint of pydantic into words: key, then what was expected."""
    first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"])
    return f"{key}: {first['msg']}" if key else str(first["msg"]).removeprefix("Value error, ")
