"""Find the back ends: every module of `backends` that keeps the contract, usable or not.

A back end module is called by its `NAME`; it has `available()` (None, or the reason with the install line), `devices()`
and `Runner(model_path, threads, device)`. Its first device goes by the back end's own name ("openvino"), others by name
and device ("openvino:gpu").
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from assistant.errors import DependencyError, FacecueError
from assistant.inference import backends as package
from assistant.types import TensorRunner

DEFAULT = "litert"
"""The back end that is always installed, to which others fall back."""
_FALLBACKS: Final = ("edgetpu", "openvino", DEFAULT)  # each is followed by those behind it


def chain(first: str) -> tuple[str, ...]:
    """Return the back ends to be tried when `first` fails, itself first: at the end one that is always installed."""
    name = first.partition(":")[0]
    behind = _FALLBACKS[_FALLBACKS.index(name) + 1 :] if name in _FALLBACKS else (DEFAULT,)
    return (first, *behind)


@dataclass(frozen=True, slots=True)
class Backend:
    """Hold one back end on one device.

    Attributes:
        name: what the person calls it: "litert", "openvino:gpu".
        problem: why it cannot be used here, with the install line; "" where it can.
        open: load a model file with a number of threads.
    """

    name: str
    problem: str
    open: Callable[[Path, int], TensorRunner]


def discover() -> tuple[Backend, ...]:
    """Return every back end, `DEFAULT` first; one that cannot be used carries its reason.

    Usable vendor packages are loaded to ask for their devices, which may take a second.
    """
    return tuple(backend for name in _module_names() for backend in _backends_of(name))


def find(name: str, among: Sequence[Backend]) -> Backend:
    """Return the back end of that name.

    Raises:
        DependencyError: it cannot be used here, or there is none of that name; the remedy says what to install or
            which names there are.
    """
    for backend in among:
        if backend.name == name:
            if backend.problem:
                raise DependencyError(f"The back end {name} cannot be used.", backend.problem)
            return backend
    usable = ", ".join(backend.name for backend in among if not backend.problem)
    raise DependencyError(f"There is no back end {name!r} here.", f"Use one of: auto, {usable}.")


def open_backend(name: str, model_path: Path, threads: int = 1) -> TensorRunner:
    """Load a model file on the back end of that name; no other back end is loaded.

    Raises:
        DependencyError: the back end cannot be used here, or there is none of that name.
        ModelError: the file is missing or no model.
        BackendError: the device failed.
    """
    among = _backends_of(name.partition(":")[0]) if name.partition(":")[0] in _module_names() else discover()
    return find(name, among).open(model_path, threads)


def _module_names() -> list[str]:
    """Return the names of the back ends' modules, which are the back ends' own, `DEFAULT` first."""
    return sorted((info.name for info in pkgutil.iter_modules(package.__path__)), key=lambda name: name != DEFAULT)


def _backends_of(name: str) -> list[Backend]:
    module = importlib.import_module(f"{package.__name__}.{name}")

    def opener(device: str) -> Callable[[Path, int], TensorRunner]:
        def open_runner(model_path: Path, threads: int) -> TensorRunner:
            runner: TensorRunner = module.Runner(model_path, threads, device)
            return runner

        return open_runner

    try:
        problem = module.available()
        devices = () if problem else module.devices()
    except FacecueError as error:
        problem, devices = str(error), ()
    if not devices:
        return [Backend(name, problem or f"{name} finds no device.", opener(""))]
    return [Backend(f"{name}:{device}" if place else name, "", opener(device)) for place, device in enumerate(devices)]
