"""Say utterances one at a time, as the scheduler orders them: own the voice, the sound and the WAV file."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Final, Protocol, Self

import numpy as np

from assistant.clock import Clock
from assistant.errors import FacecueError, OutputError, SpeechError
from assistant.speech import earcons
from assistant.speech.mixer import LOWERED
from assistant.speech.players import Player
from assistant.speech.scheduler import Forget, Scheduler, Start, Step, Stop
from assistant.types import Speech, Synthesiser, Utterance

_VOICE_REST_S: Final = 30.0  # a failed voice is not asked again before: a hung one costs seconds each time


@dataclass(frozen=True, slots=True)
class Spoken:
    """Words have begun.

    Attributes:
        utterance: what is heard; a sentence of its own where several utterances were merged.
        start_s: since when.
        seconds: how long it takes.
        parts: the utterances it tells of, as they were offered; empty where that is `utterance` itself.
    """

    utterance: Utterance
    start_s: float
    seconds: float
    parts: tuple[Utterance, ...] = ()

    @property
    def told(self) -> tuple[Utterance, ...]:
        """The utterances as they were offered."""
        return self.parts or (self.utterance,)


@dataclass(frozen=True, slots=True)
class Dropped:
    """Words will not be said.

    Attributes:
        utterance: as it was offered.
        time_s: when that was decided.
        reason: "expired" or "untrue" when they were to start; "repeated", where the wearer has just heard them; "busy"
            or "displaced" by more urgent ones; "stopped" by the wearer; "interrupted" by a fault of the sound; "no
            voice", where an earcon sounds instead.
    """

    utterance: Utterance
    time_s: float
    reason: str


@dataclass(frozen=True, slots=True)
class Cut:
    """Words that had begun were cut, by more urgent ones or by `stop`."""

    utterance: Utterance
    time_s: float


@dataclass(frozen=True, slots=True)
class Trouble:
    """The voice or the sound (`what`) failed; it goes on with what is left."""

    time_s: float
    error: FacecueError
    what: str


@dataclass(frozen=True, slots=True)
class Recovered:
    """The voice or the sound works again."""

    time_s: float
    what: str


SpeechEvent = Spoken | Dropped | Cut | Trouble | Recovered


class SoundFile(Protocol):
    """Keep what was spoken."""

    def add(self, start_s: float, speech: Speech, pan: float) -> None:
        """Mix in speech at its time and place."""
        ...

    def close(self) -> None:
        """Complete the file."""
        ...


@dataclass(frozen=True, slots=True)
class _Current:
    utterance: Utterance
    start_s: float
    speech: Speech
    gain: float

    @property
    def end_s(self) -> float:
        return self.start_s + self.speech.seconds


class QueueSpeaker:
    """Speak through a synthesiser and a player, in the loop's own time.

    There is no thread: `say` and `pump` do what is due and belong to the loop's thread; call `pump` every frame.
    They wait for the synthesiser only, some milliseconds. With a clip's clock the words take their own seconds of the
    clip's time and nothing is waited for; use a silent player then.

    Args:
        synthesiser: the voice; closed with the speaker. Where it fails an earcon is played: for the wearer, silence is
            ambiguous.
        player: the sound output; closed with the speaker.
        clock: the loop's, for `stop` and `close`.
        on_event: told what happened, in order, in the loop's thread.
        wav: keeps what was spoken; closed with the speaker.
        scheduler: orders the words.
    """

    def __init__(
        self,
        synthesiser: Synthesiser,
        player: Player,
        clock: Clock,
        on_event: Callable[[SpeechEvent], None] | None = None,
        wav: SoundFile | None = None,
        scheduler: Scheduler | None = None,
    ) -> None:
        self._synthesiser, self._player, self._clock = synthesiser, player, clock
        self._on_event = on_event or (lambda _event: None)
        self._wav = wav
        self._scheduler = scheduler or Scheduler()
        self._steps: deque[tuple[Step, float]] = deque()
        self._performing = False
        self._current: _Current | None = None
        self._voice_rests_until_s: float | None = None
        self._silent = False
        self._heard = True
        self._gain = 1.0

    def say(self, utterance: Utterance, now_s: float) -> None:
        """Start the words, queue them or drop them, as the scheduler orders it.

        Raises:
            OutputError: the WAV file cannot be written.
        """
        self.pump(now_s)
        self._perform(self._scheduler.offer(utterance, now_s), now_s)

    def pump(self, now_s: float) -> None:
        """Do what is due: end what has been said, drop what is stale, start what waits. Call it every frame.

        Raises:
            OutputError: the WAV file cannot be written.
        """
        self._check_sound(now_s)
        self._end_what_ended(now_s)
        self._perform(self._scheduler.due(now_s), now_s)

    @property
    def current(self) -> Utterance | None:
        """What is being said."""
        return self._current.utterance if self._current else None

    @property
    def idle(self) -> bool:
        """Whether nothing is being said and nothing waits."""
        return self._current is None and self._scheduler.idle

    def drain(self, wait: Callable[[float], None]) -> None:
        """Let the words end, and those that wait.

        Args:
            wait: lets so many seconds of the speaker's clock pass: `time.sleep`, or setting a clip's clock.
        """
        self.pump(self._clock.now_s())
        while not self.idle:
            due_s = self._scheduler.due_at_s() or 0.0
            wait(max(due_s - self._clock.now_s(), 0.001))
            self.pump(self._clock.now_s())

    def stop(self) -> None:
        """Cut speech at once and forget what waits."""
        now_s = self._clock.now_s()
        self._end_what_ended(now_s)
        self._perform(self._scheduler.stop(now_s), now_s)

    def close(self) -> None:
        """Cut what is being said (see `drain`) and release voice, sound and WAV file. May be called twice."""
        try:
            self.stop()
        finally:
            self._player.close()
            self._synthesiser.close()
            if self._wav is not None:
                self._wav.close()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        self.close()

    def volume(self, gain: float) -> None:
        """Set the loudness of the next words: 1 is that of the voice itself."""
        self._gain = gain
        self._player.volume(gain)

    def chime(self, name: str) -> None:
        """Play a short sound now, beside what is being said.

        Args:
            name: one of `earcons.NAMES`.

        Raises:
            OutputError: the WAV file cannot be written.
        """
        sound = earcons.earcon(name)
        self._player.chime(sound)
        heard = sound if self._current is None else _louder(sound, LOWERED)
        self._keep(self._clock.now_s(), heard, 0.0)

    def _perform(self, steps: Iterable[Step], now_s: float) -> None:
        """Take steps in their order; what is told meanwhile may lead to more, which follow."""
        self._steps.extend((step, now_s) for step in steps)
        if self._performing:
            return
        self._performing = True
        try:
            while self._steps:
                step, at_s = self._steps.popleft()
                match step:
                    case Start():
                        self._start(step, at_s)
                    case Stop():
                        self._cut(at_s)
                    case Forget(utterance, reason):
                        self._on_event(Dropped(utterance, at_s, reason))
        finally:
            self._performing = False

    def _start(self, step: Start, decided_s: float) -> None:
        words = self._synthesise(step.utterance, decided_s)
        now_s = max(decided_s, self._clock.now_s())  # a voice that hung and was replaced may have taken a second
        if words is not None and step.utterance.expires_at_s < now_s:
            self._steps.extend((each, now_s) for each in self._scheduler.too_late(step))
            return
        speech = earcons.earcon(earcons.ERROR) if words is None else words
        self._heard = True
        self._player.play(speech, step.utterance.pan)
        self._current = _Current(step.utterance, now_s, speech, self._gain)
        self._scheduler.started(step, self._current.end_s)
        if words is None:
            for part in step.parts:
                self._on_event(Dropped(part, now_s, "no voice"))
        else:
            parts = () if step.parts == (step.utterance,) else step.parts
            self._on_event(Spoken(step.utterance, now_s, speech.seconds, parts))

    def _synthesise(self, utterance: Utterance, now_s: float) -> Speech | None:
        """Return the words' sound, or None while there is no voice."""
        rests_until_s = self._voice_rests_until_s
        if rests_until_s is not None and now_s < rests_until_s:
            return None
        try:
            speech = earcons.before(utterance.earcon, self._synthesiser.synthesise(utterance.text))
        except SpeechError as error:
            self._voice_rests_until_s = now_s + _VOICE_REST_S
            if rests_until_s is None:
                self._on_event(Trouble(now_s, error, "the voice"))
            return None
        if rests_until_s is not None:
            self._voice_rests_until_s = None
            self._on_event(Recovered(now_s, "the voice"))
        return speech

    def _end_what_ended(self, now_s: float) -> None:
        if self._current is None or now_s < self._current.end_s:
            return
        if self._silent and self._heard:
            self._silent = False
            self._on_event(Recovered(now_s, "the sound"))
        self._finish(self._current.speech)

    def _finish(self, speech: Speech) -> None:
        """Forget the current words and keep `speech`, as much of them as was heard."""
        current, self._current = self._current, None
        if current is not None:
            self._keep(current.start_s, _louder(speech, current.gain), current.utterance.pan)

    def _keep(self, start_s: float, sound: Speech, pan: float) -> None:
        """Write what was heard to the WAV file, if there is one."""
        if self._wav is None:
            return
        try:
            self._wav.add(start_s, sound, pan)
        except OutputError:
            wav, self._wav = self._wav, None  # told once, not again by `close`
            wav.close()
            raise

    def _cut(self, now_s: float) -> None:
        current = self._current
        if current is None:
            return
        self._player.stop()
        heard = round((now_s - current.start_s) * current.speech.rate_hz)
        self._on_event(Cut(current.utterance, now_s))
        self._finish(replace(current.speech, pcm=current.speech.pcm[: max(heard, 0)]))

    def _check_sound(self, now_s: float) -> None:
        """Tell once when sound is lost, and give up the words that are not heard: alerts are said again."""
        trouble = self._player.trouble()
        if trouble is None:
            return
        self._heard = False
        if not self._silent:
            self._silent = True
            error = SpeechError(f"Nothing is heard ({trouble}).", "Check the sound device.")
            self._on_event(Trouble(now_s, error, "the sound"))
        self._perform(self._scheduler.interrupted(now_s), now_s)


def _louder(sound: Speech, gain: float) -> Speech:
    """Return a sound as loud as it was played."""
    if gain == 1.0:
        return sound
    return replace(sound, pcm=np.clip(sound.pcm * gain, -32_768, 32_767).astype(np.int16))
