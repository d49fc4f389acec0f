"""Find faces with MediaPipe's own Tasks API: the same BlazeFace model, run by another engine."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any, Final

import numpy as np

from assistant.errors import DependencyError, ModelError
from assistant.types import Face, Frame
from assistant.vision.pose import head_pose

INSTALL: Final = 'pip install "facecue[mediapipe]"'


class MediaPipeDetector:
    """Detect faces with `mediapipe.tasks.vision.FaceDetector`.

    Its six key points come in BlazeFace's order, which is `Face.landmarks_xy`'s. It looks once at the whole picture, so
    that faces beyond about 1.5 m are missed; BlazeFaceDetector is the default for that reason. Blocks the caller; not
    thread-safe.

    MediaPipe depends on `opencv-contrib-python`, which must replace `opencv-python-headless`: two OpenCV packages in
    one environment overwrite each other's files.

    Args:
        model_path: `models/blazeface_short/model.tflite`.
        min_score: least confidence in [0, 1] of a face that is reported; 0.7 as for BlazeFaceDetector.

    Raises:
        DependencyError: mediapipe is not installed or does not load; its remedy is the install line.
        ModelError: the model file is missing or damaged; restore it.
    """

    def __init__(self, model_path: Path, min_score: float = 0.7) -> None:
        self._mediapipe = _mediapipe()
        if not model_path.is_file():
            raise ModelError(f"The face model {model_path} is missing.", "Install Facecue again.")
        vision, base = self._mediapipe.tasks.vision, self._mediapipe.tasks.BaseOptions
        options = vision.FaceDetectorOptions(
            base_options=base(model_asset_path=str(model_path)), min_detection_confidence=min_score
        )
        try:
            self._detector = vision.FaceDetector.create_from_options(options)
        except (RuntimeError, ValueError) as error:
            raise ModelError(f"MediaPipe cannot read the face model {model_path}.", "Install Facecue again.") from error

    def detect(self, frame: Frame) -> tuple[Face, ...]:
        """Return the faces of a frame, best first, with landmarks and head pose."""
        height, width = frame.image_rgb.shape[:2]
        image_format = self._mediapipe.ImageFormat.SRGB
        image = self._mediapipe.Image(image_format=image_format, data=np.ascontiguousarray(frame.image_rgb))
        faces = [_face(detection, width, height) for detection in self._detector.detect(image).detections]
        return tuple(sorted(faces, key=lambda face: face.score, reverse=True))

    def close(self) -> None:
        """Release the engine. May be called twice."""
        self._detector.close()


def _mediapipe() -> Any:
    """Import mediapipe, which takes a second, and say how to get it when that fails."""
    try:
        return importlib.import_module("mediapipe")
    except (ImportError, OSError) as error:
        raise DependencyError(
            "The MediaPipe face detector needs the package mediapipe, which is missing or broken.",
            f"Run: pip uninstall opencv-python-headless; {INSTALL}",
        ) from error


def _face(detection: Any, width: int, height: int) -> Face:
    """Build a face from MediaPipe's detection, its box clipped to the picture."""
    box = detection.bounding_box
    left, top = float(box.origin_x), float(box.origin_y)
    corners = np.clip(
        [left, top, left + box.width, top + box.height], 0.0, np.array([width, height, width, height], np.float64)
    )
    points = [(point.x * width, point.y * height) for point in detection.keypoints]
    landmarks = np.array(points, np.float32)
    yaw, pitch, roll = head_pose(landmarks)
    x1, y1, x2, y2 = (float(value) for value in corners)
    return Face((x1, y1, x2, y2), landmarks, float(detection.categories[0].score), 0, yaw, pitch, roll)
