"""Collect the network recipes: one module a network, each with the same few names.

A recipe module has `NAME`, `SIZE_PX` and `CHANNELS` of the input, `AUS` (the units it has outputs for),
`build(outputs, batch_size=None, size_px=SIZE_PX)` which returns a Keras model of logits whose layers named `trunk_*`
are the transferable part, and `PLAN`, the stages of its training.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass, field
from typing import Any, Protocol, cast

from assistant.errors import SettingsError

NAMES = ("vggface", "compact", "cnn12", "sface")


@dataclass(frozen=True, slots=True)
class Stage:
    """Describe one stage of a training run.

    Attributes:
        name: written into checkpoints and curves.
        size_px: side of the input in this stage; smaller is cheaper and loses little on 48-pixel pictures.
        steps: gradient steps.
        batch: faces a step.
        rate: peak learning rate; a linear warm-up over 5 % of the steps, then a cosine down to a fiftieth.
        annotated: share of each batch that carries AU annotations; the rest has emotions and pseudo-labels.
        frozen: layers whose names start with one of these prefixes do not learn.
        weights: of the parts of the loss: "au", "soft", "emotion", "through" (emotions told from the units alone),
            "shape", "map"; an absent part is not computed.
    """

    name: str
    size_px: int
    steps: int
    batch: int
    rate: float
    annotated: float
    frozen: tuple[str, ...] = ()
    weights: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Plan:
    """Describe how a recipe is trained.

    Attributes:
        stages: in order.
        optimiser: "adamw", or "sgd" with Nesterov momentum 0.9.
        weight_decay: decoupled, AdamW only.
        loss: "bce", "focal" (gamma 2, Lin et al. 2017) or "asymmetric" (gamma 0 and 4, Ridnik et al. 2021).
        average: decay of the exponential moving average of the weights that is kept, or 0 for none.
    """

    stages: tuple[Stage, ...]
    optimiser: str = "adamw"
    weight_decay: float = 1e-4
    loss: str = "bce"
    average: float = 0.0


class Recipe(Protocol):
    """The names every recipe module has."""

    NAME: str
    SIZE_PX: int
    CHANNELS: int
    AUS: tuple[str, ...]
    PLAN: Plan

    def build(self, outputs: int, batch_size: int | None = None, size_px: int = 0) -> Any:
        """Return a Keras model of logits, (batch, outputs)."""
        ...


def load(name: str) -> Recipe:
    """Return a recipe module by name.

    Raises:
        SettingsError: there is no such recipe; the message lists those there are.
    """
    if name not in NAMES:
        raise SettingsError(f"There is no recipe {name!r}.", f"Choose one of: {', '.join(NAMES)}.")
    return cast(Recipe, importlib.import_module(f"training.recipes.{name}"))
