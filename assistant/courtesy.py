"""Let unasked words wait while somebody speaks, and speech follow the noise. Part of the composition root."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from assistant.clock import Clock
from assistant.errors import FacecueError
from assistant.speech.ear import Ear
from assistant.speech.hearing import Courtesy
from assistant.speech.speaker import Cut, SpeechEvent, Spoken
from assistant.types import Considered, Frame, Scene


class Loud(Protocol):
    """Speak as loud as it is told."""

    def volume(self, gain: float) -> None:
        """Set the loudness of the next words."""
        ...


class Listening:
    """Connect microphone, scheduler and speaker; without a microphone, nothing waits and nothing is louder.

    Everything but the microphone's numbers belongs to the loop's thread.

    Args:
        wanted: whether a microphone may be listened to.
        clock: the loop's.
        alert: told why it cannot be.
        open_ear: starts to listen, and tells each moment.
    """

    def __init__(
        self,
        wanted: bool,
        clock: Clock,
        alert: Callable[[FacecueError], None],
        open_ear: Callable[[Callable[[float, float], None]], Ear] = Ear,
    ) -> None:
        self._clock, self._alert = clock, alert
        self._courtesy = Courtesy()
        self._gain = 1.0
        self._loud: Loud | None = None
        self._ear: Ear | None = None
        if wanted:
            self._ear = open_ear(lambda speech, level_db: self._courtesy.hear(speech, level_db, clock.now_s()))

    def attach(self, loud: Loud) -> None:
        """Have a speaker's loudness follow the noise."""
        self._loud = loud

    def somebody_speaks(self) -> bool:
        """Tell whether unasked words should wait."""
        return self._ear is not None and self._courtesy.somebody_speaks(self._clock.now_s())

    def observe(self, frame: Frame, scene: Scene, considered: Considered, now_s: float) -> None:
        """Look after loudness and microphone."""
        if self._ear is None:
            return
        if (gain := self._courtesy.gain) != self._gain and self._loud is not None:
            self._gain = gain
            self._loud.volume(gain)
        if (trouble := self._ear.trouble()) is not None:
            self._alert(trouble)

    def heard(self, event: SpeechEvent) -> None:
        """Take in what we say ourselves."""
        if isinstance(event, Spoken):
            self._courtesy.own_words(event.start_s + event.seconds)
        elif isinstance(event, Cut):
            self._courtesy.own_words(event.time_s)

    def close(self) -> None:
        """Listen no more. May be called twice."""
        if self._ear is not None:
            self._ear.close()
