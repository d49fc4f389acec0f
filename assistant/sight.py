"""Compose what sees: detector, Action Unit model and expression. Part of the composition root, for `app` and `run`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from assistant import locate
from assistant.camera import pictures
from assistant.camera.clip import ClipCamera
from assistant.camera.quiet import silent_stderr
from assistant.clock import ManualClock
from assistant.errors import ModelError
from assistant.expression.classifier import ExpressionModel
from assistant.inference import choose, discover, manifest
from assistant.inference.au_model import QuantisedActionUnitModel
from assistant.runners import PRINTING, Listener, open_supervised
from assistant.settings import Settings
from assistant.types import (
    ExpressionClassifier,
    Face,
    FaceDetector,
    Frame,
    ImageRgb,
    Person,
    TensorRunner,
)
from assistant.vision import align, blazeface
from assistant.vision.scene import SceneReader
from assistant.vision.tracker import Tracker

AU_MODELS: Final = ("vggface", "compact")
"""The shipped Action Unit models; which is better, their manifests say."""
AS_GOOD: Final = 0.005
"""How far below the best AUC a model still counts as good as it: less than the faces of the test split can show."""
STILL_BUDGET_MS: Final = 500.0
"""Longest time a face of a photograph may take: nobody waits for the next frame, so quality decides."""
PICTURE_SUFFIXES: Final = frozenset(
    ".jpg .jpeg .jpe .jp2 .png .webp .tif .tiff .bmp .dib .avif .pgm .ppm .pbm .pnm".split()
)
CLIP_SUFFIXES: Final = frozenset(".mp4 .m4v .mov .avi .mkv .webm .mpg .mpeg .wmv .flv .3gp .ts .gif".split())


@dataclass(frozen=True, slots=True)
class Sight:
    """Hold what sees, with the reason of the back end's choice.

    Attributes:
        detector: finds faces in frames.
        crop_detector: finds the one face of a picture that is cut closely around it, as those of training were found.
        au_model: estimates Action Units.
        classifier: names the expression.
        choice: back end and model, with the reason.
        forget_after_s: how long a tracked face out of sight is remembered.
        reader: tells where people are and what they do.
    """

    detector: FaceDetector
    crop_detector: blazeface.BlazeFaceDetector
    au_model: QuantisedActionUnitModel
    classifier: ExpressionClassifier
    choice: choose.Choice
    forget_after_s: float
    reader: SceneReader

    def read(self, frame: Frame, face: Face) -> Person:
        """Return what one face of a frame shows."""
        units = self.au_model.estimate(frame, face)
        return Person(face, units, self.classifier.classify(units))

    def look(self, path: Path, whole_image: bool = False) -> Iterator[tuple[Frame, tuple[Person, ...]]]:
        """Yield every frame of a picture or clip with the people in it; a picture's are untracked.

        Args:
            path: a picture or a clip.
            whole_image: each frame is one face, found or not.

        Raises:
            SourceError: it cannot be read.
        """
        if path.suffix.lower() in PICTURE_SUFFIXES or pictures.is_picture(path):
            frames: Iterator[Frame] = iter((Frame(0, 0.0, pictures.read_picture(path), str(path)),))
            tracker = None
        else:
            frames = ClipCamera(path, ManualClock(), "max").frames()
            tracker = Tracker(self.forget_after_s)
        for frame in frames:
            if whole_image:
                faces: Sequence[Face] = (self._whole(frame.image_rgb),)
            else:
                faces = self.detector.detect(frame)
            if tracker is not None:
                faces = tracker.update(faces, frame.captured_at_s)
            yield frame, tuple(self.read(frame, face) for face in faces)

    def _whole(self, image_rgb: ImageRgb) -> Face:
        """Return the one face of a picture; with a score of 0 where the detector does not find it."""
        found = blazeface.locate_in_crop(self.crop_detector, image_rgb)
        if found is not None:
            return found
        height_px, width_px = image_rgb.shape[:2]
        return Face((0.0, 0.0, width_px, height_px), align.whole_image_landmarks(height_px, width_px), 0.0)


def best_first() -> tuple[Path, ...]:
    """Return the folders of the shipped Action Unit models that are there, ranked; of all of them where none is."""
    folders = [locate.shipped("models") / name for name in AU_MODELS]
    return rank([folder for folder in folders if folder.is_dir()]) or tuple(folders)


def rank(folders: Sequence[Path]) -> tuple[Path, ...]:
    """Return folders of Action Unit models, the best first, by the AUC that was measured of each.

    Of those that are as good as the best the smallest comes first. A folder without a readable manifest comes last:
    whoever opens it tells what is wrong with it.
    """

    def quality(folder: Path) -> tuple[float, int]:
        try:
            described = manifest.Manifest.load(folder)
        except ModelError:
            return -1.0, 0
        return described.mean_auc or 0.0, described.bytes

    measured = {folder: quality(folder) for folder in folders}
    enough = max((auc for auc, _ in measured.values()), default=0.0) - AS_GOOD

    def place(folder: Path) -> tuple[bool, float]:
        auc, size = measured[folder]
        return auc < enough, size if auc >= enough else -auc

    return tuple(sorted(measured, key=place))


def build_sight(settings: Settings, budget_ms: float = choose.BUDGET_MS, listener: Listener = PRINTING) -> Sight:
    """Load the models, each checked against its manifest.

    Args:
        settings: which detector, model and back end.
        budget_ms: longest time a face may take for the preferred of two models to be used.
        listener: told when an accelerator is lost or a runtime is replaced; prints by default.

    Raises:
        ModelError: a model is missing or altered.
        DependencyError: the back end or detector asked for is not installed.
    """
    wanted = settings.inference
    folders = best_first() if wanted.model == "auto" else (locate.model_folder(wanted.model),)
    with silent_stderr():  # the runtimes greet there
        choice = choose.choose_backend(
            folders, choose.default_cache_file(), threads=wanted.threads, backend=wanted.backend, budget_ms=budget_ms
        )
    described = manifest.verify(choice.folder)
    runner = open_supervised(choice.folder, choice.backend, wanted.threads, listener)
    au_model = QuantisedActionUnitModel(runner, described, align.align_face, align.normalise)
    folder = locate.model_folder("expression")
    manifest.verify(folder)
    short, full = (
        open_supervised(locate.model_folder(name), discover.DEFAULT, listener=listener)
        for name in ("blazeface_short", "blazeface_full")
    )
    crops = blazeface.BlazeFaceDetector(short, None, blazeface.SURE)
    detector = _detector(settings, short, full)
    reader = SceneReader(settings.camera.hfov_deg, settings.camera.distance_factor)
    return Sight(detector, crops, au_model, ExpressionModel(folder), choice, settings.vision.forget_after_s, reader)


def _detector(settings: Settings, short: TensorRunner, full: TensorRunner) -> FaceDetector:
    """Return the detector the settings ask for."""
    wanted = settings.vision
    if wanted.detector == "mediapipe":
        from assistant.vision.mediapipe_tasks import MediaPipeDetector  # its package is optional

        return MediaPipeDetector(_checked("blazeface_short"), wanted.min_score)
    return blazeface.BlazeFaceDetector(short, full if wanted.full_range else None, wanted.min_score)


def _checked(name: str) -> Path:
    """Return a model's file after comparing it with its manifest."""
    folder = locate.model_folder(name)
    return folder / manifest.verify(folder).file
