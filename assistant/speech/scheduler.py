"""Decide which words are spoken when: a state machine without clock, voice or sound."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from assistant.speech.budget import count_words
from assistant.speech.priorities import CANCELS_WAITING, GIVES_WAY_TO_WAITING, OUTCOMES, Outcome
from assistant.types import Priority, Utterance

BREATH_S: Final = 0.08  # between two utterances, so that they are heard as two
GAP_S: Final = 1.0  # before words that nobody asked for: room for the person who is talking
RETRY_S: Final = 0.5  # before words that were interrupted are said again: a sound device takes its time to come back
REPEAT_S: Final = 30.0
MOST_WORDS: Final = 9  # of a sentence that tells of several things
_OF_THE_DEVICE: Final = ("settings", "preview")  # never in one sentence with news of people


@dataclass(frozen=True, slots=True)
class Start:
    """Say these words now.

    Attributes:
        utterance: what is said; of its own where several were merged.
        parts: the utterances that it tells of, as they were offered.
    """

    utterance: Utterance
    parts: tuple[Utterance, ...]


@dataclass(frozen=True, slots=True)
class Stop:
    """Cut the words being said."""


@dataclass(frozen=True, slots=True)
class Forget:
    """These words will not be said: "expired", "untrue", "repeated", "busy", "displaced", "stopped", "interrupted"."""

    utterance: Utterance
    reason: str


Step = Start | Stop | Forget


@dataclass(slots=True)
class _Item:
    """Words that wait or are being said, in the order of their priority, which may have been raised."""

    parts: tuple[Utterance, ...]
    priority: Priority

    @property
    def first(self) -> Utterance:
        return self.parts[0]

    @property
    def unprompted(self) -> bool:
        return self.priority < Priority.IMPORTANT and not self.first.prompted


class Scheduler:
    """Order utterances by the rules of speech-dispatcher, and by courtesy to whoever is talking.

    `priorities` has the rules between priorities. Beyond them: an answer to the wearer cuts all but IMPORTANT and
    replaces an earlier answer, as a key does with a screen reader. Words that nobody asked for wait until a gap after
    the last words has passed and while somebody speaks; those of one priority that wait together are merged into one
    sentence, where it stays short; the same words about the same thing are not said again within `repeat_s`
    unless something else was said of it meanwhile. IMPORTANT words that were interrupted are said again.

    Each method returns the steps to take, in order. After a `Start`, tell `started` when its words will end.

    Args:
        still_true: asked at the moment at which words would start; untrue ones are forgotten.
        somebody_speaks: asked before words that nobody asked for; they wait meanwhile.
        gap_s: silence before words that nobody asked for.
        repeat_s: how long the same words are not said again.
    """

    def __init__(
        self,
        still_true: Callable[[Utterance], bool] = lambda _utterance: True,
        somebody_speaks: Callable[[], bool] = lambda: False,
        gap_s: float = GAP_S,
        repeat_s: float = REPEAT_S,
    ) -> None:
        self._still_true, self._somebody_speaks = still_true, somebody_speaks
        self._gap_s, self._repeat_s = gap_s, repeat_s
        self._waiting: list[_Item] = []
        self._last_of_series: dict[tuple[str, int], Utterance] = {}
        self._current: _Item | None = None
        self._ends_s = 0.0
        self._quiet_since_s = float("-inf")
        self._said: list[tuple[Utterance, float]] = []

    @property
    def current(self) -> tuple[Utterance, ...]:
        """What is being said."""
        return self._current.parts if self._current else ()

    @property
    def idle(self) -> bool:
        """Whether nothing is being said and nothing waits."""
        return self._current is None and not self._waiting and not self._last_of_series

    def offer(self, new: Utterance, now_s: float) -> list[Step]:
        """Take in words that are worth saying."""
        steps = self.due(now_s)
        if new.expires_at_s < now_s:
            return [*steps, Forget(new, "expired")]
        if new.priority == Priority.PROGRESS:
            steps += self._supersede(new)
        outcome = OUTCOMES[new.priority, self._current.priority] if self._current else Outcome.CUTS
        if new.prompted and self._current and self._current.priority < Priority.IMPORTANT:
            outcome = Outcome.CUTS
        if any(each.priority in GIVES_WAY_TO_WAITING[new.priority] for each in self._waiting):
            outcome = Outcome.KEPT_AS_LAST if new.priority == Priority.PROGRESS else Outcome.GIVES_WAY
        if outcome == Outcome.GIVES_WAY:
            return [*steps, Forget(new, "busy")]
        if outcome == Outcome.KEPT_AS_LAST:
            self._last_of_series[_series(new)] = new
            return steps
        steps += self._cancel_waiting(new)
        if self._current is not None and outcome == Outcome.CUTS:
            steps += self._cut(now_s)
        self._wait(new)
        return steps + self.due(now_s)

    def due(self, now_s: float) -> list[Step]:
        """Do what is due: note the end of the current words, forget the stale, start what may start."""
        self._note_end(now_s)
        steps: list[Step] = []
        while (item := self._next(now_s)) is not None and not any(isinstance(step, Start) for step in steps):
            steps += self._begin(item, now_s)
        return steps

    def due_at_s(self) -> float | None:
        """Return when `due` may next have something to do, or None while nothing is said or waits."""
        if self._current is not None:
            return self._ends_s
        item = self._foremost()
        return None if item is None else self._may_start_at_s(item)

    def started(self, start: Start, ends_s: float) -> None:
        """Learn when words will end; of no consequence where others have cut them since."""
        if self._current is not None and self._current.parts is start.parts:
            self._ends_s = ends_s

    def too_late(self, start: Start) -> list[Step]:
        """Learn that words were not said: the voice took so long that they have expired."""
        if self._current is None or self._current.parts is not start.parts:
            return []
        current = self._current
        self._end_early(self._quiet_since_s)
        return self._forget(current, "expired")

    def interrupted(self, now_s: float) -> list[Step]:
        """Learn that the current words are not heard to their end: IMPORTANT ones are said again, others are lost."""
        self._note_end(now_s)
        current = self._current
        if current is None:
            return []
        if current.priority < Priority.IMPORTANT:
            self._end_early(now_s)
            return [Stop(), *self._forget(current, "interrupted")]
        self._end_early(now_s + RETRY_S)
        self._waiting.insert(0, current)
        return [Stop()]

    def stop(self, now_s: float) -> list[Step]:
        """Be silent at once and forget what waits: the wearer has said so."""
        self._note_end(now_s)
        steps: list[Step] = []
        for item in self._waiting:
            steps += self._forget(item, "stopped")
        steps += [Forget(each, "stopped") for each in self._last_of_series.values()]
        self._waiting.clear()
        self._last_of_series.clear()
        if self._current is not None:
            steps.append(Stop())
            self._end_early(now_s - BREATH_S)  # the next answer need not wait
        return steps

    # What waits

    def _wait(self, new: Utterance) -> None:
        """Queue words in the order of priority, answers first, then of arrival; merge them where that is possible."""
        for item in reversed(self._waiting):
            if _merges(item, new):
                item.parts = (*item.parts, new)
                return
        self._waiting.append(_Item((new,), new.priority))
        self._waiting.sort(
            key=lambda each: (each.priority < Priority.IMPORTANT, not each.first.prompted, -each.priority)
        )

    def _cancel_waiting(self, new: Utterance) -> list[Step]:
        steps: list[Step] = []
        for item in tuple(self._waiting):
            cancelled = item.priority in CANCELS_WAITING[new.priority] and not _merges(item, new)
            if cancelled or (new.prompted and item.first.prompted and item.priority < Priority.IMPORTANT):
                self._waiting.remove(item)
                steps += self._forget(item, "displaced")
        return steps

    def _supersede(self, new: Utterance) -> list[Step]:
        """Forget what waits of the series that goes on with `new`."""
        steps: list[Step] = []
        if last := self._last_of_series.pop(_series(new), None):
            steps.append(Forget(last, "displaced"))
        for item in tuple(self._waiting):
            if item.priority == Priority.PROGRESS and _series(item.first) == _series(new):
                self._waiting.remove(item)
                steps.append(Forget(item.first, "displaced"))
        return steps

    def _forget(self, item: _Item, reason: str) -> list[Step]:
        """Forget words, but keep the last of a series: it will be said."""
        if item.priority == Priority.PROGRESS:
            self._last_of_series.setdefault(_series(item.first), item.first)
            return []
        return [Forget(part, reason) for part in item.parts]

    # What is said

    def _foremost(self) -> _Item | None:
        """Return what is next to be said; the last words of a series once nothing else waits."""
        if self._waiting:
            return self._waiting[0]
        if self._last_of_series:
            return _Item((next(iter(self._last_of_series.values())),), Priority.MESSAGE)
        return None

    def _next(self, now_s: float) -> _Item | None:
        """Return what may start now."""
        item = self._foremost() if self._current is None else None
        if item is None or (now_s < self._may_start_at_s(item) and not self._stale(item, now_s)):
            return None
        if item.unprompted and self._somebody_speaks() and not self._stale(item, now_s):
            return None
        return item

    def _may_start_at_s(self, item: _Item) -> float:
        return self._quiet_since_s + (self._gap_s if item.unprompted else BREATH_S)

    def _stale(self, item: _Item, now_s: float) -> bool:
        return all(part.expires_at_s < now_s for part in item.parts)

    def _begin(self, item: _Item, now_s: float) -> list[Step]:
        """Start what is still worth saying of an item, and forget the rest of it."""
        if item in self._waiting:
            self._waiting.remove(item)
        if item.first.priority == Priority.PROGRESS:
            self._last_of_series.pop(_series(item.first), None)
        verdicts = [(part, self._objection(part, item, now_s)) for part in item.parts]
        steps: list[Step] = [Forget(part, reason) for part, reason in verdicts if reason]
        parts = tuple(part for part, reason in verdicts if not reason)
        if parts:
            self._current = _Item(parts, item.priority)
            self._ends_s = float("inf")  # until `started` tells
            self._said = [each for each in self._said if now_s - each[1] < self._repeat_s]
            self._said += [(part, now_s) for part in parts]
            steps.append(Start(_merged(parts, item.priority), parts))
        return steps

    def _objection(self, part: Utterance, item: _Item, now_s: float) -> str:
        """Return why words must not start, or ""."""
        if part.expires_at_s < now_s:
            return "expired"
        if not self._still_true(part):
            return "untrue"
        return "repeated" if item.unprompted and self._repeats(part, now_s) else ""

    def _repeats(self, new: Utterance, now_s: float) -> bool:
        """Tell whether the last that was said of the same thing was the same, not long ago."""
        about = [(each, at_s) for each, at_s in self._said if _about(each) == _about(new)]
        return bool(about) and _says(about[-1][0]) == _says(new) and now_s - about[-1][1] < self._repeat_s

    def _cut(self, now_s: float) -> list[Step]:
        """Cut the current words for others, which may start at once."""
        current = self._current
        self._end_early(float("-inf"))
        if current is not None and current.priority == Priority.PROGRESS:
            self._last_of_series.setdefault(_series(current.first), current.first)
        return [Stop()]

    def _note_end(self, now_s: float) -> None:
        if self._current is not None and now_s >= self._ends_s:
            self._current, self._quiet_since_s = None, self._ends_s

    def _end_early(self, quiet_since_s: float) -> None:
        """End the current words; they do not count as heard."""
        self._said = [each for each in self._said if all(each[0] is not part for part in self.current)]
        self._current, self._quiet_since_s = None, quiet_since_s


def _series(utterance: Utterance) -> tuple[str, int]:
    """Return what series of PROGRESS an utterance belongs to."""
    return utterance.reason, utterance.track


def _about(utterance: Utterance) -> tuple[str, int]:
    """Return what an utterance tells of: who is there, or one face, or a state."""
    if utterance.reason in ("arrival", "departure"):
        return "people", 0
    return ("face", utterance.track) if utterance.track else (utterance.reason, 0)


def _says(utterance: Utterance) -> tuple[str, object]:
    """Return what must differ for words to be news: "Another person." is, where there is one more."""
    return utterance.text, utterance.evidence.get("people")


def _merges(item: _Item, new: Utterance) -> bool:
    """Tell whether waiting words and new ones make one sentence: then the last of them tells of both."""
    return (
        item.priority == new.priority in (Priority.NOTIFICATION, Priority.MESSAGE)
        and item.unprompted
        and not new.prompted
        and new.reason not in _OF_THE_DEVICE
        and item.first.reason not in _OF_THE_DEVICE
        and all(_says(part) != _says(new) for part in item.parts)
        and sum(count_words(part.text) for part in (*item.parts, new)) <= MOST_WORDS
    )


def _merged(parts: tuple[Utterance, ...], priority: Priority) -> Utterance:
    """Return one utterance that tells of all parts."""
    if len(parts) == 1 and parts[0].priority == priority:
        return parts[0]
    first = parts[0]
    return replace(
        first,
        text="; ".join([*(part.text.rstrip(".") for part in parts[:-1]), parts[-1].text]),
        priority=priority,
        expires_at_s=min(part.expires_at_s for part in parts),
        track=first.track if all(part.track == first.track for part in parts) else 0,
        evidence={key: value for part in parts for key, value in part.evidence.items()},
        pan=first.pan if all(part.pan == first.pan for part in parts) else 0.0,
        earcon=next((part.earcon for part in parts if part.earcon), ""),
    )
