"""Write transcript, sound and overlay, and go on without one that cannot be written any more."""

from __future__ import annotations

from collections.abc import Callable

from assistant.camera.overlay import OverlayVideo
from assistant.errors import OutputError
from assistant.speech.speaker import Dropped, SpeechEvent, Spoken
from assistant.speech.transcript import Transcript
from assistant.speech.wavmix import WavMix
from assistant.types import Considered, Frame, Scene, Speech


class Guard:
    """Let one output fail without ending what the wearer hears: tell it once, then leave the output alone.

    Args:
        tell: told the failure, once.
    """

    def __init__(self, tell: Callable[[OutputError], None]) -> None:
        self._tell = tell
        self.error: OutputError | None = None

    def attempt(self, write: Callable[[], None]) -> None:
        """Do it, unless it failed before."""
        if self.error is not None:
            return
        try:
            write()
        except OutputError as error:
            self.error = error
            self._tell(error)


class TranscriptRecorder:
    """Keep what was said, from the speaker, and what was kept back, from policy and speaker."""

    def __init__(self, transcript: Transcript, guard: Guard) -> None:
        self._transcript, self._guard = transcript, guard

    def observe(self, frame: Frame, scene: Scene, considered: Considered, now_s: float) -> None:
        """Write what the policy kept back."""
        for utterance, reason in considered.suppressed:
            self._guard.attempt(lambda u=utterance, r=reason: self._transcript.suppressed(u, r, now_s))  # type: ignore[misc]

    def heard(self, event: SpeechEvent) -> None:
        """Write what the speaker said or dropped."""
        if isinstance(event, Spoken):
            self._guard.attempt(lambda: self._transcript.spoken(event.utterance, event.start_s))
        elif isinstance(event, Dropped):
            self._guard.attempt(lambda: self._transcript.suppressed(event.utterance, event.reason, event.time_s))


class OverlayRecorder:
    """Keep what was seen, as a video."""

    def __init__(self, video: OverlayVideo, guard: Guard) -> None:
        self._video, self._guard = video, guard

    def observe(self, frame: Frame, scene: Scene, considered: Considered, now_s: float) -> None:
        """Write one frame."""
        self._guard.attempt(lambda: self._video.write(frame, scene))


class WavRecorder:
    """Keep what was spoken."""

    def __init__(self, wav: WavMix, guard: Guard) -> None:
        self._wav, self._guard = wav, guard

    def add(self, start_s: float, speech: Speech, pan: float) -> None:
        """Mix in speech at its time and place."""
        self._guard.attempt(lambda: self._wav.add(start_s, speech, pan))

    def close(self) -> None:
        """Complete the file."""
        self._guard.attempt(self._wav.close)
