"""Let a clip's own time be the loop's."""

from __future__ import annotations

from collections.abc import Iterator

from assistant.clock import ManualClock
from assistant.types import Camera, Frame


class ClipTime:
    """Let a clip's own time be the loop's: each frame sets the clock before it is looked at.

    Args:
        camera: a recording at speed "max".
        clock: the loop's.
    """

    live = False

    def __init__(self, camera: Camera, clock: ManualClock) -> None:
        self._camera, self._clock = camera, clock

    @property
    def name(self) -> str:
        """What is being read, for messages."""
        return self._camera.name

    def frames(self) -> Iterator[Frame]:
        """Yield the recording's frames."""
        for frame in self._camera.frames():
            self._clock.set(max(frame.captured_at_s, self._clock.now_s()))
            yield frame

    def close(self) -> None:
        """Release the recording."""
        self._camera.close()
