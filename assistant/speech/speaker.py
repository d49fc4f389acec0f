"""Say utterances one at a time: the urgent first, the stale never."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Final, Protocol, Self

from assistant.clock import Clock
from assistant.errors import FacecueError, OutputError, SpeechError
from assistant.speech import earcons
from assistant.speech.players import Player
from assistant.types import Priority, Speech, Synthesiser, Utterance

_GAP_S: Final = 0.08  # between two utterances, so that they are heard as two
_LONGEST_QUEUE: Final = 4  # more than that is over ten seconds of words, of which most would be stale
_VOICE_REST_S: Final = 30.0  # a failed voice is not asked again before: a hung one costs seconds each time


@dataclass(frozen=True, slots=True)
class Spoken:
    """Words have begun."""

    utterance: Utterance
    start_s: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Dropped:
    """Words will not be said: "expired", "busy", "displaced", "stopped", "no voice" (an earcon sounds instead)."""

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

    def add(self, start_s: float, speech: Speech) -> None:
        """Mix in speech at its time."""
        ...

    def close(self) -> None:
        """Complete the file."""
        ...


@dataclass(frozen=True, slots=True)
class _Current:
    utterance: Utterance
    start_s: float
    speech: Speech

    @property
    def end_s(self) -> float:
        return self.start_s + self.speech.seconds


class QueueSpeaker:
    """Speak through a synthesiser and a player, in the loop's own time.

    There is no thread: `say` and `pump` do what is due and belong to the loop's thread; call `pump` every frame.
    They wait for the synthesiser only, some milliseconds. With a clip's clock the words take their own seconds of the
    clip's time and nothing is waited for; use a silent player then.

    IMPORTANT cuts what is below it, and an answer cuts all but IMPORTANT. MESSAGE waits, and displaces the NOTIFICATION
    that waits. A NOTIFICATION that could only start after it expires is dropped at once; of one track only the newest
    waits.

    Args:
        synthesiser: the voice; closed with the speaker. Where it fails an earcon is played: for the wearer, silence is
            ambiguous.
        player: the sound output; closed with the speaker.
        clock: the loop's, for `stop` and `close`.
        on_event: told what happened, in order, in the loop's thread.
        wav: keeps what was spoken; closed with the speaker.
    """

    def __init__(
        self,
        synthesiser: Synthesiser,
        player: Player,
        clock: Clock,
        on_event: Callable[[SpeechEvent], None] | None = None,
        wav: SoundFile | None = None,
    ) -> None:
        self._synthesiser, self._player, self._clock = synthesiser, player, clock
        self._on_event = on_event or (lambda _event: None)
        self._wav = wav
        self._waiting: list[Utterance] = []
        self._current: _Current | None = None
        self._busy_until_s = 0.0
        self._voice_rests_until_s: float | None = None
        self._silent = False
        self._heard = True

    def say(self, utterance: Utterance, now_s: float) -> bool:
        """Start or queue the words; return False when they were dropped.

        Raises:
            OutputError: the WAV file cannot be written.
        """
        self.pump(now_s)
        if utterance.expires_at_s < now_s:
            return self._drop(utterance, now_s, "expired")
        current = self._current
        if current is None and not self._waiting and now_s >= self._free_at_s():
            self._start(utterance, now_s)
            return True
        if current is not None and _cuts(utterance, current.utterance):
            self._cut(now_s)
            if self._current is None:  # else an output failed meanwhile, and its alert came first
                self._start(utterance, now_s)
                return True
        return self._queue(utterance, now_s)

    def pump(self, now_s: float) -> None:
        """Do what is due: end what has been said, drop what is stale, start what waits. Call it every frame.

        Raises:
            OutputError: the WAV file cannot be written.
        """
        self._check_sound(now_s)
        self._end_what_ended(now_s)
        while self._waiting and self._current is None and now_s >= self._free_at_s():
            utterance = self._waiting.pop(0)
            if utterance.expires_at_s < now_s:
                self._drop(utterance, now_s, "expired")
            else:
                self._start(utterance, now_s)

    def busy_until_s(self) -> float:
        """Return when the words being spoken end, in the loop's time; 0 before the first."""
        return self._busy_until_s

    @property
    def idle(self) -> bool:
        """Whether nothing is being said and nothing waits."""
        return self._current is None and not self._waiting

    def drain(self, wait: Callable[[float], None]) -> None:
        """Let the words end, and those that wait.

        Args:
            wait: lets so many seconds of the speaker's clock pass: `time.sleep`, or setting a clip's clock.
        """
        self.pump(self._clock.now_s())
        while not self.idle:
            due_s = self._free_at_s() if self._current is None else self._busy_until_s
            wait(max(due_s - self._clock.now_s(), 0.001))
            self.pump(self._clock.now_s())

    def stop(self) -> None:
        """Cut speech at once and forget what waits."""
        now_s = self._clock.now_s()
        self._end_what_ended(now_s)
        waiting, self._waiting = self._waiting, []
        for utterance in waiting:
            self._drop(utterance, now_s, "stopped")
        self._cut(now_s)

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

    def _free_at_s(self) -> float:
        return self._busy_until_s + _GAP_S if self._busy_until_s else 0.0

    def _queue(self, utterance: Utterance, now_s: float) -> bool:
        """Keep the words for later, in the order of priority, then of arrival."""
        if utterance.priority == Priority.NOTIFICATION and self._free_at_s() > utterance.expires_at_s:
            return self._drop(utterance, now_s, "busy")
        for other in tuple(self._waiting):
            if _displaces(utterance, other):
                self._waiting.remove(other)
                self._drop(other, now_s, "displaced")
        self._waiting.append(utterance)
        self._waiting.sort(key=lambda each: -each.priority)
        while len(self._waiting) > _LONGEST_QUEUE:
            last = self._waiting.pop()
            self._drop(last, now_s, "busy")
            if last is utterance:
                return False
        return True

    def _start(self, utterance: Utterance, now_s: float) -> None:
        words = self._synthesise(utterance, now_s)
        speech = earcons.earcon(earcons.FAILED) if words is None else words
        self._heard = True
        self._player.play(speech)
        self._current = _Current(utterance, now_s, speech)
        self._busy_until_s = self._current.end_s
        if words is None:
            self._drop(utterance, now_s, "no voice")
        else:
            self._on_event(Spoken(utterance, now_s, speech.seconds))

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
        if self._wav is None or current is None:
            return
        try:
            self._wav.add(current.start_s, speech)
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
        self._busy_until_s = now_s - _GAP_S  # the next words need not wait
        self._on_event(Cut(current.utterance, now_s))
        self._finish(replace(current.speech, pcm=current.speech.pcm[: max(heard, 0)]))

    def _drop(self, utterance: Utterance, now_s: float, reason: str) -> bool:
        self._on_event(Dropped(utterance, now_s, reason))
        return False

    def _check_sound(self, now_s: float) -> None:
        """Tell once when sound is lost."""
        trouble = self._player.trouble()
        if trouble is None:
            return
        self._heard = False
        if not self._silent:
            self._silent = True
            error = SpeechError(f"Nothing is heard ({trouble}).", "Check the sound device.")
            self._on_event(Trouble(now_s, error, "the sound"))


def _cuts(new: Utterance, old: Utterance) -> bool:
    """Tell whether words interrupt others."""
    return old.priority < Priority.IMPORTANT and (new.prompted or new.priority == Priority.IMPORTANT)


def _displaces(new: Utterance, old: Utterance) -> bool:
    """Tell whether words make others, which wait, needless."""
    if old.priority != Priority.NOTIFICATION:
        return False
    return new.priority == Priority.MESSAGE or (new.priority == Priority.NOTIFICATION and new.track == old.track)
