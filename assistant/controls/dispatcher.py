"""Do what the wearer asks for, and answer in words where there are any; the sound of the key was heard before."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, Literal, Protocol

from assistant.controls.actions import Action
from assistant.controls.keys import spoken_name
from assistant.controls.spelling import spelled
from assistant.types import Person, Scene

PAUSED: Final = "paused"
RESUMED: Final = "resumed"

LEAST, MOST = 1, 4  # levels of verbosity
_STEPPING_S: Final = 10.0  # after that, "next person" begins at the nearest again

Paused = Literal["", "key", "cover"]


class Voice(Protocol):
    """Be heard, without waiting."""

    def answer(self, text: str) -> None:
        """Say what the wearer asked for, before all that is not urgent."""
        ...

    def sound(self, earcon: str) -> None:
        """Play a short sound now, whatever is being said."""
        ...

    def stop(self) -> None:
        """Cut speech at once and forget what waits."""
        ...

    def hush(self, on: bool) -> None:
        """Cut speech and say nothing unasked any more, or say it again."""
        ...


class Tuning(Protocol):
    """Hold what the wearer can change while it runs."""

    @property
    def verbosity(self) -> int:
        """Level, 1 to 4."""
        ...

    @property
    def cues(self) -> frozenset[str]:
        """Kinds of news that are switched on."""
        ...

    @property
    def all_cues(self) -> frozenset[str]:
        """Kinds of news that can be switched."""
        ...

    def tune(self, verbosity: int, cues: frozenset[str]) -> None:
        """Change both."""
        ...


class Sight(Protocol):
    """Know what is before the camera, and put it into words."""

    def scene(self) -> Scene | None:
        """Return what is seen now; None while nothing is: before the first frame, covered, camera lost."""
        ...

    def describe(self, scene: Scene) -> str:
        """Return the whole scene in words."""
        ...

    def describe_person(self, person: Person) -> str:
        """Return one person in words."""
        ...


class Answers(Protocol):
    """Hold the sentences that answer keys; `config/phrases/en.toml`, [control], says when each is said."""

    paused: str
    resumed: str
    covered: str
    blind: str
    nothing_said: str
    no_news: str
    muted: str
    unmuted: str
    unmutable: str
    levels: list[str]
    most: str
    least: str
    unavailable: str
    help: str


class Words(Protocol):
    """Find the words of the wearer's language."""

    @property
    def control(self) -> Answers:
        """The sentences."""
        ...

    def cue(self, name: str) -> str:
        """Return the name of a kind of news."""
        ...

    def key(self, name: str) -> str:
        """Return a key's name; "" for one that is named alike in every language."""
        ...

    def action(self, name: str) -> str:
        """Return what a key does."""
        ...


class Dispatcher:
    """Do actions. Keeps what they need to know of each other; all effects go through Protocols.

    Belongs to one thread at a time. Nothing here raises, whatever the order of actions.

    Args:
        voice: is heard.
        tuning: verbosity and cues.
        sight: what is before the camera.
        words: returns those of the wearer's language, which may change.
        keys: action by key, for the spoken help.
        more: what does the actions that belong to others, and returns their answer; without one an action "is not
            available".

    Attributes:
        paused: "" while unprompted words are said; "key" or "cover" names what ended them.
    """

    def __init__(
        self,
        voice: Voice,
        tuning: Tuning,
        sight: Sight,
        words: Callable[[], Words],
        keys: Mapping[str, Action],
        more: Mapping[Action, Callable[[], str]] | None = None,
    ) -> None:
        self._voice, self._tuning, self._sight, self._words, self._keys = voice, tuning, sight, words, keys
        self.paused: Paused = ""
        self._last_cue: str | None = None
        self._last_text = ""
        self._next_person = 0
        self._stepped_s = -_STEPPING_S
        self._effects: dict[Action, Callable[[], str]] = {
            Action.HERE: self._here,
            Action.REPEAT: lambda: self._last_text or self._words().control.nothing_said,
            Action.STOP: self._stop,
            Action.MORE: lambda: self._step_verbosity(1),
            Action.LESS: lambda: self._step_verbosity(-1),
            Action.PAUSE: self._pause_or_resume,
            Action.MUTE_CUE: self._mute_cue,
            Action.NEXT_PERSON: self._describe_next,
            Action.SPELL: lambda: spelled(self._last_text) or self._words().control.nothing_said,
            Action.HELP: self._help,
            **(more or {}),
        }

    def act(self, action: Action, now_s: float) -> None:
        """Do one action and answer it."""
        if action is Action.NEXT_PERSON:
            if now_s - self._stepped_s > _STEPPING_S:
                self._next_person = 0
            self._stepped_s = now_s
        effect = self._effects.get(action, lambda: self._words().control.unavailable)
        if answer := effect():
            self._voice.answer(answer)

    def heard(self, text: str, cue: str) -> None:
        """Learn what is being said unasked, and what kind of news it is, for repeat, spell and mute cue."""
        self._last_text, self._last_cue = text, cue

    def cover(self, covered: bool) -> None:
        """Pause under a hand on the lens, and go on when it is lifted; what a key paused, a key resumes."""
        if covered and not self.paused:
            self._voice.answer(self._pause("cover", self._words().control.covered))
        elif not covered and self.paused == "cover":
            self._voice.answer(self._resume())

    # What answers each action: words, or "" where a sound says it all

    def _here(self) -> str:
        self._next_person = 0
        scene = self._sight.scene()
        return self._words().control.blind if scene is None else self._told(self._sight.describe(scene))

    def _describe_next(self) -> str:
        scene = self._sight.scene()
        if scene is None:
            return self._words().control.blind
        if not scene.people:
            return self._told(self._sight.describe(scene))
        at = self._next_person % len(scene.people)
        self._next_person = at + 1
        return self._told(self._sight.describe_person(scene.people[at]))

    def _told(self, text: str) -> str:
        """Return what is told of the scene, and keep it for repeat and spell."""
        self._last_text = text
        return text

    def _stop(self) -> str:
        self._voice.stop()
        return ""

    def _pause_or_resume(self) -> str:
        return self._resume() if self.paused else self._pause("key", self._words().control.paused)

    def _pause(self, by: Paused, words: str) -> str:
        self.paused = by
        self._voice.hush(True)
        self._voice.sound(PAUSED)
        return words

    def _resume(self) -> str:
        self.paused = ""
        self._voice.hush(False)
        self._voice.sound(RESUMED)
        return self._words().control.resumed

    def _step_verbosity(self, step: int) -> str:
        answers, level = self._words().control, self._tuning.verbosity + step
        if level > MOST:
            return answers.most
        if level < LEAST:
            return answers.least
        self._tuning.tune(level, self._tuning.cues)
        return answers.levels[level - LEAST]

    def _mute_cue(self) -> str:
        """Switch the kind of news last said off, or on again; nothing else may have been said since."""
        answers, cue = self._words().control, self._last_cue
        if cue is None:
            return answers.no_news
        if cue not in self._tuning.all_cues:
            return answers.unmutable
        cues = self._tuning.cues ^ {cue}
        self._tuning.tune(self._tuning.verbosity, cues)
        return (answers.unmuted if cue in cues else answers.muted).format(cue=self._words().cue(cue))

    def _help(self) -> str:
        words, first = self._words(), {action: key for key, action in reversed(list(self._keys.items()))}
        return " ".join(
            words.control.help.format(key=words.key(key) or spoken_name(key), action=words.action(action))
            for action in Action
            if (key := first.get(action))
        )
