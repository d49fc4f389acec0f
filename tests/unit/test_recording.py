import numpy as np
import pytest

from assistant.errors import OutputError
from assistant.recording import Guard, OverlayRecorder, TranscriptRecorder, WavRecorder
from assistant.speech.speaker import Dropped, Spoken
from assistant.speech.transcript import Transcript
from assistant.types import Considered, Priority, Scene, Speech, Utterance
from tests.app_builders import frame

WORDS = Utterance("Smiling.", Priority.NOTIFICATION, 0.0, 2.0, "movement", 1)
SCENE = Scene(0.0, 64, 48, ())


class Full:
    """An output whose disk is full."""

    def __init__(self):
        self.calls = 0

    def write(self, *_):
        self.calls += 1
        raise OutputError("The disk is full.", "Free some space.")

    add = spoken = suppressed = write

    def close(self):
        pass


def test_an_output_that_fails_is_told_once_and_left_alone():
    told = []
    guard = Guard(told.append)
    full = Full()
    overlay, wav = OverlayRecorder(full, guard), WavRecorder(full, guard)
    for _ in range(3):
        overlay.observe(frame(), SCENE, Considered(None), 0.0)
        wav.add(0.0, Speech(np.zeros(1, np.int16), 22_050), 0.0)
    assert full.calls == len(told) == 1
    assert guard.error is told[0]


def test_the_transcript_holds_what_was_said_and_what_was_kept_back_with_reasons(tmp_path):
    import json

    path = tmp_path / "t.jsonl"
    transcript = Transcript(path)
    recorder = TranscriptRecorder(transcript, Guard(lambda error: pytest.fail(str(error))))
    recorder.observe(frame(), SCENE, Considered(None, ((WORDS, "not settled"),)), 0.5)
    recorder.heard(Spoken(WORDS, 1.0, 0.6))
    recorder.heard(Dropped(WORDS, 2.0, "expired"))
    transcript.close()
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert [(row["time_s"], row["spoken"], row["reason"]) for row in rows] == [
        (0.5, False, "not settled"),
        (1.0, True, "movement"),
        (2.0, False, "expired"),
    ]
