"""Run MediaPipe's Face Landmarker with blendshapes, as video, on frames and a .task file: see `stopwatch`."""

import sys
from importlib.metadata import version

import mediapipe as mp
from mediapipe.tasks.python import BaseOptions, vision
from stopwatch import watch

options = vision.FaceLandmarkerOptions(
    base_options=BaseOptions(model_asset_path=sys.argv[4]),
    running_mode=vision.RunningMode.VIDEO,
    num_faces=5,
    output_face_blendshapes=True,
)
landmarker = vision.FaceLandmarker.create_from_options(options)
shown_ms = 0


def look(frame):
    """Turn BGR into the RGB it takes, as any caller with a camera must; 33 ms pass between frames."""
    global shown_ms
    shown_ms += 33
    image = mp.Image(mp.ImageFormat.SRGB, frame[:, :, ::-1].copy())
    return len(landmarker.detect_for_video(image, shown_ms).face_landmarks)


watch(version("mediapipe"), look)
