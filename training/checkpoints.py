"""Save and restore training, whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from assistant.errors import ModelError, OutputError, SettingsError


def save(
    path: Path,
    variables: Sequence[Any],
    step: int,
    history: list[dict[str, Any]],
    made_with: Mapping[str, Any] | None = None,
) -> None:
    """Write every variable, the step, the history and the options; the old checkpoint stays until the new is complete.

    Raises:
        OutputError: the disk is full or the folder is gone; the previous checkpoint is untouched.
    """
    import keras

    arrays = {str(i): keras.ops.convert_to_numpy(variable) for i, variable in enumerate(variables)}
    temporary = path.with_suffix(".part")
    try:
        with temporary.open("wb") as file:
            np.savez(file, step=step, history=json.dumps(history), made_with=json.dumps(made_with or {}), **arrays)
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise OutputError(
            f"The checkpoint {path} cannot be written: {error}.",
            "Free some space and run the same command again; it continues from the checkpoint before.",
        ) from error


def step_of(path: Path) -> int:
    """Return the step a checkpoint was made at; 0 where there is none.

    Raises:
        ModelError: the checkpoint is damaged.
    """
    if not path.is_file():
        return 0
    with _opened(path) as file:
        return int(file["step"])


def restore(
    path: Path, variables: Sequence[Any], made_with: Mapping[str, Any] | None = None
) -> tuple[int, list[dict[str, Any]]]:
    """Put a checkpoint back into the variables.

    Args:
        path: of the checkpoint.
        variables: in the order they were saved in.
        made_with: options that the result depends on, as plain JSON; the checkpoint's must be the same.

    Returns:
        The step it was made at and the history up to it; 0 and nothing where there is no checkpoint.

    Raises:
        ModelError: the checkpoint is damaged or of another network.
        SettingsError: it was made with other options.
    """
    if not path.is_file():
        return 0, []
    with _opened(path) as file:
        values = [file[str(i)] for i in range(len(file.files) - 3)]
        step, history, before = int(file["step"]), json.loads(str(file["history"])), json.loads(str(file["made_with"]))
    for name, value in (made_with or {}).items():
        if name in before and before[name] != value:
            raise SettingsError(
                f"The checkpoint {path} was made with {name} {before[name]}, not {value}.",
                "Give the same options to go on with it, or choose another --out.",
            )
    if [tuple(variable.shape) for variable in variables] != [value.shape for value in values]:
        raise ModelError(f"The checkpoint {path} is of another network.", "Delete it, or choose another --out.")
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
    return step, history


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """Open a checkpoint's arrays.

    Raises:
        ModelError: the checkpoint is damaged.
    """
    try:
        with path.open("rb") as stream, np.load(stream) as file:
            yield file
    except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
        raise ModelError(
            f"The checkpoint {path} is damaged: {error}.", "Delete it to start the stage again."
        ) from error
