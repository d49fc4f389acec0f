"""Let settings change while a run goes on, and tell its wearer. Part of the composition root, for `run` alone."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from assistant import languages
from assistant.clock import Clock
from assistant.controls.actions import Action
from assistant.errors import FacecueError
from assistant.health import Health
from assistant.page_words import PageWords, page_words
from assistant.settings import Settings
from assistant.settings.keys import keys
from assistant.settings.store import YOU, Change, Store, differences
from assistant.speech.phrases import Phrases
from assistant.speech.policy import Policy
from assistant.speech.speaker import Dropped, SpeechEvent, Spoken
from assistant.speech.transcript import Repeats
from assistant.types import Considered, Frame, Priority, Scene, Speech, Synthesiser, Utterance
from assistant.vision.scene import SceneReader
from assistant.voice import note_voice, voice_or_text
from assistant.web.host import PageHost, Words

_LOOK_S: Final = 0.25  # between two looks at the file; a change is in force after two of them at most
_LASTS_S: Final = 30.0  # how long a change stays worth telling
_KEPT_WORDS: Final = 60


def cues(settings: Settings) -> frozenset[str]:
    """Return the kinds of news that are switched on."""
    return frozenset(name for name, on in settings.cues.model_dump().items() if on)


class ChangingVoice:
    """Speak with a voice that can be changed between two utterances. `use` and `synthesise` share a lock.

    Args:
        voice: the first one.
    """

    def __init__(self, voice: Synthesiser) -> None:
        self._voice = voice

    @property
    def current(self) -> Synthesiser:
        """The voice of the moment."""
        return self._voice

    @property
    def name(self) -> str:
        """Name of its engine."""
        return self._voice.name

    def synthesise(self, text: str) -> Speech:
        """Return the whole utterance."""
        return self._voice.synthesise(text)

    def use(self, voice: Synthesiser) -> Synthesiser:
        """Speak with another voice from now on; return the one before, for the caller to close."""
        before, self._voice = self._voice, voice
        return before

    def close(self) -> None:
        """Close the voice."""
        self._voice.close()


class RecentWords:
    """Remember the last utterances and why each was said or held back; in memory only. Any thread may read."""

    def __init__(self) -> None:
        self._last: deque[Mapping[str, Any]] = deque(maxlen=_KEPT_WORDS)
        self._repeats = Repeats()
        self._lock = threading.Lock()

    def observe(self, considered: Considered, now_s: float) -> None:
        """Take in what the policy kept back."""
        for utterance, reason in considered.suppressed:
            if self._repeats.new(utterance, reason, now_s):
                self._add(utterance, now_s, False, reason)

    def heard(self, event: SpeechEvent) -> None:
        """Take in what the speaker said or dropped."""
        if isinstance(event, Spoken):
            self._add(event.utterance, event.start_s, True, event.utterance.reason)
        elif isinstance(event, Dropped):
            self._add(event.utterance, event.time_s, False, event.reason)

    def words(self) -> Sequence[Mapping[str, Any]]:
        """Return them, newest first."""
        with self._lock:
            return tuple(self._last)

    def _add(self, utterance: Utterance, time_s: float, spoken: bool, reason: str) -> None:
        row = {"time_s": round(time_s, 1), "text": utterance.shown, "spoken": spoken, "reason": reason}
        with self._lock:
            self._last.appendleft(row)


@dataclass(frozen=True, slots=True)
class _Facts:
    """What the page may know of a run."""

    of: Health
    recent: RecentWords
    clock: Clock

    def health(self) -> Mapping[str, Any]:
        return self.of.report().as_json()

    def words(self) -> Sequence[Mapping[str, Any]]:
        now_s = self.clock.now_s()
        return [{**row, "ago_s": round(max(now_s - row["time_s"], 0.0), 1)} for row in self.recent.words()]

    def offers(self) -> Mapping[str, Mapping[str, str]]:
        return {"speech.language": languages.names()}


class LiveSettings:
    """Follow the settings of a run, in a thread of its own: it waits for no frame, and no frame waits for it.

    All methods may be called from any thread, and none but `close` waits.

    Args:
        store: the settings.
        policy: takes on how much is said.
        reader: takes on what the camera sees.
        voice: takes on how it sounds.
        say: takes an utterance at a time.
        clock: the loop's.
        health: of the run, for the page.
        warn: prints a sentence.
        lock: held while policy, voice and speaker are touched.
    """

    def __init__(
        self,
        store: Store,
        policy: Policy,
        reader: SceneReader,
        voice: ChangingVoice,
        say: Callable[[Utterance, float], object],
        clock: Clock,
        health: Health,
        warn: Callable[[str], None],
        lock: threading.RLock,
    ) -> None:
        self._store, self._policy, self._voice, self._say = store, policy, voice, say
        self._reader = reader
        self._clock, self._warn, self._health, self._lock = clock, warn, health, lock
        self._recent = RecentWords()
        self._jobs: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._taken = store.settings
        self._problem = ""
        self._closing = threading.Event()
        self._wake = threading.Event()
        self.page = PageHost(
            store, _Facts(health, self._recent, clock), self._say_soon, clock, self._words, self._wake.set
        )
        self._thread = threading.Thread(target=self._follow, name="settings", daemon=True)
        self._thread.start()

    def observe(self, frame: Frame, scene: Scene, considered: Considered, now_s: float) -> None:
        """Take in what the policy kept back."""
        self._recent.observe(considered, now_s)

    def heard(self, event: SpeechEvent) -> None:
        """Take in what the speaker tells."""
        self._recent.heard(event)

    def actions(self) -> Mapping[Action, Callable[[], str]]:
        """Return what the wearer's keys can ask of settings and page."""
        return {Action.UNDO: self.undo, Action.PAIR_CODE: self.open_code, Action.SESSIONS: self.sessions}

    def change(self, values: Mapping[str, Any]) -> None:
        """Keep in the file what the wearer has changed by key, and was told; it can be undone like any change."""
        self._do(lambda: self._keep(values))

    def undo(self) -> str:
        """Take back the last change; what was taken back is said when it is done."""
        self._do(self._take_back)
        return ""

    def open_code(self) -> str:
        """Say a pairing code."""
        self._do(self.page.open_code)
        return ""

    def sessions(self) -> str:
        """Say who is paired; asked twice, end it."""
        self._do(self.page.sessions)
        return ""

    def close(self) -> None:
        """End the thread and the page's process. May be called twice."""
        self._closing.set()
        self._wake.set()
        self._thread.join(5.0)
        self.page.close()

    def _say_soon(self, words: Words) -> None:
        self._do(lambda: self._tell(words))

    def _do(self, job: Callable[[], None]) -> None:
        self._jobs.put(job)
        self._wake.set()

    def _follow(self) -> None:
        """Do what takes time, in this class's own thread."""
        self._open_page()
        while not self._closing.is_set():
            self._wake.wait(_LOOK_S)
            self._wake.clear()
            while not self._jobs.empty():
                self._jobs.get()()
            self._announce(self._store.follow())
            self._tell_problem()
            if self._store.settings is not self._taken and not self._closing.is_set():
                self._prepare(self._store.settings)

    def _open_page(self) -> None:
        wanted = self._taken.web
        if not wanted.enabled:
            return
        try:
            self.page.start(wanted.host, wanted.port)
            self._warn(f"The settings page is at {self.page.address}")
        except FacecueError as error:
            self._warn(f"No page: {error}")

    def _take_back(self) -> None:
        try:
            changes = self._store.undo()
        except FacecueError as error:
            self._warn(str(error))
            changes = ()
        words = self._words()
        self._tell(Words(words.changed(changes) if changes else words.text("nothing"), "answer"))

    def _words(self) -> PageWords:
        return page_words(self._store.settings.speech.language)

    def _keep(self, values: Mapping[str, Any]) -> None:
        try:
            self._store.change(values, YOU)
        except FacecueError as error:
            self._warn(f"{error} The change lasts until Facecue ends.")

    def _announce(self, changes: tuple[Change, ...]) -> None:
        if changes:
            self._tell(Words(self._words().changed(changes), "settings"))

    def _tell_problem(self) -> None:
        if (problem := self._store.problem) != self._problem:
            self._problem = problem
            if problem:
                self._warn(problem)
                self._tell(Words(self._words().text("wrong_file"), "settings"))

    def _prepare(self, settings: Settings) -> None:
        """Make what the settings need, while nobody waits; then let them hold."""
        changed = {change.key.path for change in differences(self._taken, settings, "")}
        self._taken = settings
        phrases = voice = None
        try:
            if "speech.language" in changed:
                phrases = languages.phrases(settings.speech.language)
            if any(keys()[path].section == "speech" and keys()[path].part == "voice" for path in changed):
                voice, trouble = voice_or_text(settings)
                self._warn(trouble)
                self._health.well_again("voice")
                note_voice(self._health, voice, trouble)
        except FacecueError as error:
            self._warn(str(error))
        self._take_on(settings, phrases, voice)

    def _take_on(self, settings: Settings, phrases: Phrases | None, voice: Synthesiser | None) -> None:
        """Let policy and voice go by the settings from here on."""
        with self._lock:
            before = None if voice is None else self._voice.use(voice)
            self._reader.configure(settings.camera.hfov_deg, settings.camera.distance_factor)
            self._policy.configure(
                phrases=phrases,
                emotions=settings.speech.emotions,
                verbosity=settings.speech.verbosity,
                cues=cues(settings),
                max_words_per_10_s=settings.speech.max_words_per_10_s,
                farthest_m=settings.vision.farthest_m,
            )
        if voice is not None:
            self._health.name(voice=voice.name)
        if before is not None:
            before.close()

    def _tell(self, words: Words) -> None:
        with self._lock, contextlib.suppress(FacecueError):
            now_s = self._clock.now_s()
            self._say(
                Utterance(words.text, Priority.MESSAGE, now_s, now_s + _LASTS_S, words.reason, written=words.written),
                now_s,
            )
