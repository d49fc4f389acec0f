"""Put policy, scheduler and speaker together, and note every start that should not have been."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from typing import Any

from assistant.clock import ManualClock
from assistant.facs import AU_ORDER
from assistant.speech.policy import Policy
from assistant.speech.scheduler import GAP_S, REPEAT_S, Scheduler
from assistant.speech.speaker import Cut, Dropped, QueueSpeaker, SpeechEvent, Spoken
from assistant.types import Face, Person, Priority, Scene, Utterance
from tests.speech_builders import FakePlayer, FakeVoice, phrases

SMILES = ("smiling", "laughing")
LATELY_S = 0.5
AU12 = AU_ORDER.index("AU12")


class WatchedRoom:
    """Show scenes and judge what is heard by the scenes themselves, not by what the policy believes.

    Attributes:
        faults: what must never happen, in words.
        talking: whether somebody in the room speaks.
        spoken: what was heard.
    """

    def __init__(self, verbosity: int = 4, **scheduling: Any) -> None:
        self.clock = ManualClock()
        self.policy = Policy(phrases(), verbosity=verbosity)
        self.talking = False
        courtesy = {"still_true": self.policy.still_true, "somebody_speaks": lambda: self.talking}
        scheduler = Scheduler(**{**courtesy, **scheduling})
        self.speaker = QueueSpeaker(FakeVoice(), FakePlayer(), self.clock, self._heard, scheduler=scheduler)
        self.spoken: list[Spoken] = []
        self.dropped: list[tuple[str, str]] = []
        self.faults: list[str] = []
        self._scenes: deque[tuple[float, Scene]] = deque(maxlen=100)
        self._ended_s, self._cut = -100.0, False

    @property
    def now_s(self) -> float:
        return self.clock.now_s()

    def show(self, scene: Scene, seconds: float, step_s: float = 0.2) -> None:
        for _ in range(max(round(seconds / step_s), 1)):
            self.clock.set(self.now_s + step_s)
            self._scenes.append((self.now_s, scene))
            considered = self.policy.consider(scene, self.now_s)
            self.speaker.pump(self.now_s)
            if considered.utterance is not None:
                self.speaker.say(considered.utterance, self.now_s)

    def say(self, text: str, priority: Priority, lasts_s: float = 4.0, reason: str = "alert") -> None:
        self.speaker.say(Utterance(text, priority, self.now_s, self.now_s + lasts_s, reason), self.now_s)

    def ask(self, scene: Scene) -> None:
        self.speaker.say(self.policy.answer(scene, self.now_s), self.now_s)

    def stop(self) -> None:
        self.speaker.stop()

    def settle(self, scene: Scene) -> None:
        """Let everything be said that can be."""
        self.talking = False
        for _ in range(300):
            if self.speaker.idle:
                return
            self.show(scene, 0.2)
        self.faults.append("never falls silent")

    def _heard(self, event: SpeechEvent) -> None:
        match event:
            case Spoken():
                self._judge(event)
                for part in event.told:
                    self.policy.spoken(part, event.start_s, event.seconds)
            case Cut():
                self._cut = True
                self.spoken[-1] = replace(self.spoken[-1], seconds=0.0)  # not heard to its end
            case Dropped(utterance, _, reason):
                self.dropped.append((utterance.text, reason))
                self.policy.dropped(utterance, reason)

    def _judge(self, event: Spoken) -> None:
        words, start_s = event.utterance, event.start_s
        unprompted = words.priority < Priority.IMPORTANT and not words.prompted
        if unprompted and not self._cut and start_s < self._ended_s + GAP_S - 1e-6:
            self.faults.append(f"{start_s:.1f} s: {words.text!r} after a gap of {start_s - self._ended_s:.2f} s")
        if unprompted and self.talking:
            self.faults.append(f"{start_s:.1f} s: {words.text!r} while somebody speaks")
        for part in event.told:
            if part.expires_at_s < start_s:
                self.faults.append(f"{start_s:.1f} s: {part.text!r} is stale")
            if not self._is_so(part):
                self.faults.append(f"{start_s:.1f} s: {part.text!r} is not so")
            if unprompted and self._repeats(part, start_s):
                self.faults.append(f"{start_s:.1f} s: {part.text!r} again")
        self.spoken.append(event)
        self._ended_s, self._cut = start_s + event.seconds, False

    def _is_so(self, words: Utterance) -> bool:
        """Judge by the last scene in which the face was seen; an alert is always so.

        A face may get another number meanwhile: somebody must then be where it was, and somebody must be in view where
        an arrival is told.
        """
        if not words.track:
            return True
        lately = [scene for seen_s, scene in self._scenes if self.now_s - seen_s <= LATELY_S]
        if words.reason == "arrival" and not any(each in words.text for each in SMILES):
            return any(scene.people for scene in lately)
        seen = [each for _, scene in self._scenes for each in scene.people if each.face.track == words.track]
        now = [each for scene in lately for each in scene.people]
        there = [each for each in now if each.face.track == words.track][-1:]
        there = there or [each for each in now if seen and _same_place(each.face, seen[-1].face)]
        smile = any(each in words.text for each in SMILES)
        return any(_smiles(each) or not smile for each in there)

    def _repeats(self, words: Utterance, start_s: float) -> bool:
        """Judge whether the last heard of the same face, or of who is there, was the same half a minute ago or less."""

        def about(each: Utterance) -> Any:
            return "people" if each.reason in ("arrival", "departure") else (each.track or each.reason)

        for event in reversed(self.spoken):
            for part in reversed(event.told):
                if about(part) == about(words) and event.seconds:
                    same = (part.text, part.evidence.get("people")) == (words.text, words.evidence.get("people"))
                    return same and start_s - event.start_s < REPEAT_S
        return False


def _same_place(one: Face, other: Face) -> bool:
    (left, _, right, _), (other_left, _, other_right, _) = one.box_xyxy, other.box_xyxy
    return abs(left + right - other_left - other_right) / 2 < right - left


def _smiles(person: Person) -> bool:
    return bool(person.units.present[AU12])
