"""Run the PyPI package fer, with its default face detector (OpenCV's cascade), on frames: see `stopwatch`."""

from importlib.metadata import version

from stopwatch import watch

try:
    from fer.fer import FER
except ImportError:
    from fer import FER

detector = FER()
watch(version("fer"), lambda frame: len(detector.detect_emotions(frame)))
