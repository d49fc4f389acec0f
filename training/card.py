"""Write a model's card and its pictures from the figures that `evaluate --save` left: `python -m training card`."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from assistant.errors import DependencyError, ModelError, OutputError
from assistant.facs import AU_NAMES
from assistant.inference.manifest import Manifest, verify
from training.evaluate import BY_EYE, FILE
from training.metrics import LEAST_POSITIVES
from training.quantize import read_json

CARD: Final = "card.md"
SOURCES: Final[dict[str, str]] = {
    "ferplus": "FER2013 faces with FER+ votes (Barsoum et al., 2016). The votes are MIT; the pictures came from a web "
    "image search and carry no licence of their own. Not distributed.",
    "muxspace": "Press photographs of faces (muxspace/facial_expressions). The repository is Apache-2.0; the "
    "photographs belong to their agencies. Not distributed.",
    "london": "Face Research Lab London Set (DeBruine & Jones, 2017), CC BY 4.0. Not distributed.",
    "congress": "Official portraits of members of the United States Congress, public domain. Not distributed.",
    "bp4d": "BP4D (Zhang et al., 2014), by agreement with its owners. Not distributed.",
    "disfa": "DISFA (Mavadati et al., 2013), by agreement with its owners. Not distributed.",
    "disfaplus": "DISFA+ (Mavadati et al., 2016), by agreement with its owners. Not distributed.",
    "ckplus": "CK+ (Lucey et al., 2010), by agreement with its owners. Not distributed.",
    "rendered": "Faces rendered from a parametric head with exactly known Action Units.",
}
"""What is stated of each source that the project reads itself."""

_LIMITS: Final = f"""## Limits

- The labels were annotated by eye, not by certified FACS coders. A figure here says how well the model agrees with such
  annotators on photographs, no more.
- A movement is not a feeling. The model knows nothing of what a person thinks, intends or is.
- Faces turned far away, covered, under 24 pixels or in the dark are read worse: see the slices.
- Units that the table does not call known are never spoken of. Units with fewer than {LEAST_POSITIVES} positives are
  in no mean.
- The pictures over-represent public figures and posed expressions; how well others are read was not measured.
"""


def write(folder: Path) -> Path:
    """Write `card.md` and its pictures into a model folder, and return the card's path.

    Raises:
        ModelError: the model was not evaluated, or was changed since.
        DependencyError: matplotlib is not installed.
        OutputError: the folder cannot be written.
    """
    manifest, evaluation = verify(folder), read_json(folder / FILE)
    if evaluation.get("sha256") != manifest.sha256:
        raise ModelError(
            f"{folder / FILE} is about another model file.",
            f"Run: python -m training evaluate {folder} --data CACHE --save",
        )
    try:
        pictures = draw(evaluation, folder)
        (folder / CARD).write_text(text(manifest, evaluation, pictures), encoding="utf-8")
    except OSError as error:
        raise OutputError(f"{folder} cannot be written: {error}.", "Free some space.") from error
    return folder / CARD


def _teachers(manifest: Manifest) -> str:
    """Name the networks whose answers the model learned from, beside people's labels."""
    names = manifest.training.get("teachers", [])
    return f", and the answers of other networks: {'; '.join(names)}" if names else ""


def text(manifest: Manifest, evaluation: Mapping[str, Any], pictures: Mapping[str, str]) -> str:
    """Return the card as Markdown.

    Args:
        manifest: of the model.
        evaluation: of the same model.
        pictures: file name and description of each.
    """
    size = manifest.input.size_px if manifest.input else 0
    twice = " It is asked about each face and its mirror image, and the mean counts." if manifest.mirrored else ""
    parts = [
        f"# Model card: {manifest.name}",
        f"Estimates 18 facial Action Units from one aligned {size}x{size} grey face crop. Recipe "
        f"`{manifest.training.get('recipe', '?')}`, version {manifest.version}, 8-bit integers throughout, "
        f"{manifest.bytes:,} bytes, sha256 `{manifest.sha256}`.{twice}",
        f"- Weights: {manifest.origin}.\n- Licence of the weights: {manifest.licence}.\n"
        f"- Taught by annotated units and emotion votes{_teachers(manifest)}.\n"
        "- Meant for: telling a blind person which movements a face in front of them shows.\n"
        "- Not meant for: judging emotion, truth, health, fitness or identity, or decisions about people.",
        "## Data\n\n" + _data(evaluation["data"], manifest.training.get("calibrated_on", {})),
        _tables(manifest, evaluation),
        *(f"![{words}]({name})" for name, words in pictures.items()),
        _eight_bit(manifest),
        _comparisons(evaluation),
        _slices(evaluation["slices"]),
        _LIMITS.rstrip(),
        f"Every figure is from `{FILE}`, which `python -m training evaluate {manifest.name} --save` wrote.",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def draw(evaluation: Mapping[str, Any], folder: Path) -> dict[str, str]:
    """Draw the pictures of the faces annotated by eye; return name and description of each file.

    Raises:
        DependencyError: matplotlib is not installed.
        OSError: a file cannot be written.
    """
    table = evaluation["tables"].get(BY_EYE)
    if table is None:
        return {}
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise DependencyError("matplotlib is not installed.", "Run: pip install 'facecue[train]'") from None
    drawn = {
        "auc.png": (_auc(Figure, table), "ROC AUC of each unit with its 95 % interval; the table has the numbers."),
        "reliability.png": (
            _reliability(Figure, evaluation["reliability"]),
            "Share of faces that show a unit over the probability given, all units together.",
        ),
        "precision_recall.png": (
            _precision_recall(Figure, evaluation["curves"]),
            "Precision over recall of each unit; the table has the area under each curve, AP.",
        ),
    }
    for name, (figure, _) in drawn.items():
        figure.savefig(folder / name, dpi=80, metadata={"Software": None})
    return {name: words for name, (_, words) in drawn.items()}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("model", type=Path, help="folder of an evaluated model")


def run(args: argparse.Namespace) -> int:
    """Write the card and say where it is."""
    print(write(args.model))
    return 0


def _data(counts: Mapping[str, Mapping[str, int]], calibrated_on: Mapping[str, int]) -> str:
    lines = ["| source | train | valid | test | train, no units | what it is |", "|---|---|---|---|---|---|"]
    for source, row in counts.items():
        what = SOURCES.get(source, "Provided by whoever trained this model; its licence is theirs to state.")
        lines.append(f"| {source} | {row['train']} | {row['valid']} | {row['test']} | {row['other']} | {what} |")
    said = (
        "Faces with annotated units; `train, no units` counts those that only emotion votes or a teacher's scores "
        "could teach from. No person and no repeated picture is in two splits. Thresholds and calibration were fitted "
        "on valid"
    )
    if from_train := calibrated_on.get("train"):
        said += (
            f", the calibration also on {from_train:,} faces of train, coded by the annotators whose judgement a "
            "probability means (docs/adr/0019)"
        )
    return "\n".join([*lines, "", said + "."])


def _tables(manifest: Manifest, evaluation: Mapping[str, Any]) -> str:
    parts = []
    reasons = manifest.training.get("unknown_because", {})
    for name, table in evaluation["tables"].items():
        mean, ends = table["mean"], table["mean_interval"]
        lines = [
            f"## {name[0].upper() + name[1:]}: {evaluation['split']} split",
            "",
            f"{table['faces']} faces of {table['people']} people. Mean over the {len(table['pooled'])} units with at "
            f"least {LEAST_POSITIVES} positives: F1 {_number(mean['f1'])} {_ends(ends['f1'])}, "
            f"AUC {_number(mean['auc'])} {_ends(ends['auc'])}. Intervals are 95 %, bootstrapped over people. "
            f"Each person weighing alike, however many pictures there are: F1 {_number(mean.get('f1_by_person'))}, "
            f"AUC {_number(mean.get('auc_by_person'))}.",
            "",
            "| unit | movement | known | positives | F1 | AUC | AP | ECE | threshold |",
            "|---|---|---|---|---|---|---|---|---|",
        ]
        for unit, row in table["units"].items():
            known = (
                "yes" if manifest.action_units[unit].known else f"no: {reasons.get(unit, 'not measured well enough')}"
            )
            lines.append(
                f"| {unit} | {AU_NAMES[unit]} | {known} | {row['support']} | "
                f"{_number(row['f1'])} {_ends(row['f1_interval'])} | "
                f"{_number(row['auc'])} {_ends(row['auc_interval'])} | "
                f"{_number(row['average_precision'])} | {_number(row['calibration_error'])} | {row['threshold']:.2f} |"
            )
        parts.append("\n".join(lines))
    for name, row in evaluation["papers"].items():
        cells = " | ".join("-" if value is None else f"{100 * value:.1f}" for value in row.values())
        parts.append(
            f"### {name} as in papers, F1 x 100\n\nOne person-disjoint split, not the three folds of the papers.\n\n"
            f"| {' | '.join(row)} |\n|{'---|' * len(row)}\n| {cells} |"
        )
    return "\n\n".join(parts)


def _eight_bit(manifest: Manifest) -> str:
    row = manifest.metrics.get("int8_against_float")
    if not row or row["f1_lost"] is None:
        return ""
    return (
        f"## 8 bits against float\n\nOn {row['faces']} held-out faces (valid and test) the 8-bit model loses "
        f"{100 * row['f1_lost']:.2f} F1 points on average; no unit's probability changes by more than "
        f"{row['mean_change']:.4f} on average."
    )


def _comparisons(evaluation: Mapping[str, Any]) -> str:
    lines = []
    second = evaluation["annotators"]
    if second["mean"]:
        lines.append(
            f"- A second annotator agrees with the first at F1 {second['mean']['second']:.3f}, the model at "
            f"{second['mean']['model']:.3f}, on the same {second['faces']} faces ({len(second['units'])} units with "
            "eight or more cases)."
        )
    splits = evaluation["splits"]
    if splits and splits["random"]["mean"] is not None:
        lines.append(
            "- The leak of a random split: a head on the same frozen features reaches AUC "
            f"{splits['random']['mean']:.4f} when people are split at random and {splits['disjoint']['mean']:.4f} "
            f"when they are kept apart ({splits['faces']} held-out faces, {splits['repeated']} of people with several)."
        )
    return "## Beside it\n\n" + "\n".join(lines) if lines else ""


def _slices(tables: Mapping[str, Mapping[str, Any]]) -> str:
    parts = ["## Slices\n\nEach mean is over the slice's own units with enough positives, so slices of different units"]
    parts[0] += " do not compare."
    for name, table in tables.items():
        lines = [
            f"### {name[0].upper() + name[1:]}",
            "",
            "| slice | faces | units | F1 | AUC |",
            "|---|---|---|---|---|",
        ]
        lines += [
            f"| {kind} | {row['faces']} | {row['units']} | {_number(row['f1'])} | {_number(row['auc'])} |"
            for kind, row in table.items()
        ]
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


def _auc(figure_class: Any, table: Mapping[str, Any]) -> Any:
    rows = [(unit, row) for unit, row in table["units"].items() if row["auc"] is not None and row["auc_interval"]]
    figure = figure_class(figsize=(8, 3.2), layout="constrained")
    axes = figure.subplots()
    for place, (_, row) in enumerate(rows):
        colour = "tab:blue" if row["support"] >= LEAST_POSITIVES else "tab:grey"
        axes.plot([place, place], row["auc_interval"], color=colour)
        axes.plot(place, row["auc"], "o", color=colour)
    axes.set(xticks=range(len(rows)), ylabel="ROC AUC", title="With 95 % intervals over people; grey: few positives")
    axes.set_xticklabels([unit for unit, _ in rows], rotation=60)
    axes.grid(axis="y", alpha=0.4)
    return figure


def _reliability(figure_class: Any, bins: Mapping[str, Any]) -> Any:
    figure = figure_class(figsize=(3.6, 3.6), layout="constrained")
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], ":", color="tab:grey")
    axes.plot(bins["said"], bins["so"], "o-")
    axes.set(xlabel="probability given", ylabel="share that shows it", title="Reliability", xlim=(0, 1), ylim=(0, 1))
    return figure


def _precision_recall(figure_class: Any, curves: Mapping[str, Any]) -> Any:
    figure = figure_class(figsize=(8, 4.2), layout="constrained")
    for place, (unit, curve) in enumerate(curves.items()):
        axes = figure.add_subplot(3, 6, place + 1)
        axes.plot(curve["recall"], curve["precision"])
        axes.set(title=unit, xlim=(0, 1), ylim=(0, 1.02), xticks=[0, 1], yticks=[0, 1])
    figure.supxlabel("recall")
    figure.supylabel("precision")
    return figure


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _ends(ends: Any) -> str:
    return "" if ends is None else f"[{ends[0]:.3f}, {ends[1]:.3f}]"
