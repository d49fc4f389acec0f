"""Let the loop and the wearer's hand share policy and voice. Part of the composition root, for `run` and `hand`."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

from assistant.clock import Clock
from assistant.loop import Observer
from assistant.speech import claims, earcons
from assistant.speech.players import Player
from assistant.speech.policy import Policy
from assistant.speech.speaker import Cut, SpeechEvent
from assistant.types import Considered, Frame, Person, Priority, Scene, Utterance

_ANSWER_LASTS_S: Final = 6.0  # how long an answer may wait for an alert to end
_LOCK_S: Final = 0.02  # deciding takes less, so that a sound is in the WAV file too unless the voice hangs
_SCENE_LASTS_S: Final = 2.0  # an older scene is not what is here now


class Speaker(Protocol):
    """Say utterances; what is shared of a `QueueSpeaker`."""

    def say(self, utterance: Utterance, now_s: float) -> object:
        """Start the words, queue or drop them."""
        ...

    def pump(self, now_s: float) -> None:
        """Do what is due."""
        ...

    def chime(self, name: str) -> None:
        """Play a short sound beside what is being said, and keep it with what is kept."""
        ...

    def stop(self) -> None:
        """Cut speech at once and forget what waits."""
        ...


class Shared:
    """Give policy and speaker to one thread at a time, and to nobody unasked while the wearer has paused.

    The loop's thread decides and speaks through `consider`, `say` and `pump`; the hand's answers through the rest. The
    lock is held for that long: some milliseconds of a voice's work, and never while a frame is looked at.

    Args:
        policy: decides, and describes.
        speaker: speaks.
        player: sounds; its `chime` may be called from any thread.
        clock: the loop's.
        lock: held meanwhile; whoever else touches policy or speaker holds it too.
        on_hush: told when nothing is said unasked any more, and when it is again.

    Attributes:
        covered: whether the lens is, so that nothing is seen.
    """

    def __init__(
        self,
        policy: Policy,
        speaker: Speaker,
        player: Player,
        clock: Clock,
        lock: threading.RLock | None = None,
        on_hush: Callable[[bool], None] = lambda on: None,
    ) -> None:
        self._policy, self._speaker, self._player, self._clock = policy, speaker, player, clock
        self.lock = lock or threading.RLock()
        self.covered = False
        self._on_hush = on_hush
        self._hushed = False
        self._scene: Scene | None = None
        self._held: Utterance | None = None
        self._answering = False

    # For the loop

    def consider(self, scene: Scene, now_s: float) -> Considered:
        """Return what is worth saying, nothing while paused: then the policy sees nothing either, and starts afresh."""
        with self.lock:
            self._scene = scene
            return Considered(None) if self._hushed else self._policy.consider(scene, now_s)

    def say(self, utterance: Utterance, now_s: float) -> None:
        """Say words; while paused the sound of an alert, whose words wait for the end, and changes of settings."""
        with self.lock:
            if not self._hushed or utterance.prompted or utterance.reason == "settings":  # nobody changes it unheard
                self._speaker.say(utterance, now_s)
            elif utterance.priority == Priority.IMPORTANT:
                self._held = utterance
                self.sound(utterance.earcon or earcons.ERROR)

    def pump(self, now_s: float) -> None:
        """Do what is due."""
        with self.lock:
            self._speaker.pump(now_s)

    # For the hand

    def take(self) -> None:
        """Let it be heard at once that a key was taken, whatever is being computed or said."""
        self.sound(earcons.KEY)

    def answer(self, text: str) -> None:
        """Say what the wearer asked for."""
        now_s = self._clock.now_s()
        words = Utterance(text, Priority.MESSAGE, now_s, now_s + _ANSWER_LASTS_S, "answer")
        with self.lock:
            self._answering = True
            try:
                self._speaker.say(words, now_s)
            finally:
                self._answering = False

    def sound(self, earcon: str) -> None:
        """Play a short sound now, beside whatever is being said; a voice that takes its time is not waited for."""
        if self.lock.acquire(timeout=_LOCK_S):
            try:
                self._speaker.chime(earcon)
            finally:
                self.lock.release()
        else:
            self._player.chime(earcons.earcon(earcon))

    def stop(self) -> None:
        """Cut speech at once and forget what waits."""
        with self.lock:
            self._answering = True
            try:
                self._speaker.stop()
            finally:
                self._answering = False

    def hush(self, on: bool) -> None:
        """Cut speech and say nothing unasked any more, or say it again, the last alert of the pause first."""
        self.stop()
        self._on_hush(on)
        with self.lock:
            self._hushed, held, self._held = on, self._held, None
            if not on and held is not None:
                now_s = self._clock.now_s()
                lasts_s = held.expires_at_s - held.created_at_s
                self._speaker.say(
                    Utterance(held.text, held.priority, now_s, now_s + lasts_s, held.reason, earcon=held.earcon), now_s
                )

    def heard(self, event: SpeechEvent) -> None:
        """Sound again where an answer cut other words, and the key's sound with them: the voice may take a while."""
        if self._answering and isinstance(event, Cut):
            self.take()

    def scene(self) -> Scene | None:
        """Return what is seen now; None before the first frame, in the dark, with a covered or lost camera."""
        with self.lock:
            scene = self._scene
            if scene is None or self.covered or self._clock.now_s() - scene.captured_at_s > _SCENE_LASTS_S:
                return None
            return None if self._policy.dim and not scene.people else scene

    def describe(self, scene: Scene) -> str:
        """Return the whole scene in words."""
        with self.lock:
            return self._policy.describe_scene(scene)

    def describe_person(self, person: Person) -> str:
        """Return one person in words."""
        with self.lock:
            return self._policy.describe_person(person)


class PolicyTuning:
    """Change verbosity and cues of the policy at once, and have them kept.

    Args:
        policy: takes them on.
        keep: told the settings that changed, by path; None where there is nothing to keep them in.
    """

    all_cues = claims.CUES

    def __init__(self, policy: Policy, keep: Callable[[Mapping[str, Any]], None] | None = None) -> None:
        self._policy, self._keep = policy, keep

    @property
    def verbosity(self) -> int:
        """Level, 1 to 4."""
        return self._policy.verbosity

    @property
    def cues(self) -> frozenset[str]:
        """Kinds of news that are switched on."""
        return self._policy.cues

    def tune(self, verbosity: int, cues: frozenset[str]) -> None:
        """Change both."""
        changed: dict[str, Any] = {f"cues.{cue}": cue in cues for cue in sorted(cues ^ self.cues)}
        if verbosity != self.verbosity:
            changed["speech.verbosity"] = verbosity
        self._policy.configure(verbosity=verbosity, cues=cues)
        if changed and self._keep is not None:
            self._keep(changed)


class Locked:
    """Let an observer work while nobody else decides or speaks.

    Args:
        observer: works.
        lock: held meanwhile.
    """

    def __init__(self, observer: Observer, lock: threading.RLock) -> None:
        self._observer, self._lock = observer, lock

    def observe(self, frame: Frame, scene: Scene, considered: Considered, now_s: float) -> None:
        """Pass on one frame's outcome."""
        with self._lock:
            self._observer.observe(frame, scene, considered, now_s)
