"""Take keys, remotes and the hand over the lens to what answers them. Part of the composition root, for `run` alone."""

from __future__ import annotations

import queue
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Final

from assistant.camera import watch
from assistant.clock import Clock
from assistant.controls.actions import Action
from assistant.controls.cover import Cover, look
from assistant.controls.dispatcher import Dispatcher, Tuning
from assistant.controls.keyboard import Keyboard
from assistant.controls.remote import Bus, Evdev, Remotes
from assistant.controls.windows_keyboard import WindowsKeyboard
from assistant.errors import DependencyError, FacecueError
from assistant.settings.schema import ControlSettings
from assistant.shared import Shared
from assistant.speech import earcons
from assistant.speech.phrases import Phrases
from assistant.speech.speaker import SpeechEvent, Spoken
from assistant.types import Considered, Frame, Scene

_PUMP_S: Final = 0.03  # so soon words follow each other also while a slow frame is computed or no camera is there


class Hand:
    """Answer the wearer at any time, in a thread of its own.

    An action waits for no frame, and the sound that it was taken waits for nothing, not even for a slow voice. Where
    sources tell their keys, `press` only queues them.

    Args:
        shared: policy and voice.
        tuning: what more, less and mute cue change.
        phrases: returns the words, whose language may change.
        clock: the loop's; real time.
        settings: keys and sources.
        alert: tells the wearer words, and prints details.
        tell: prints a sentence.
        more: what does the actions of others, and returns their answer.
    """

    def __init__(
        self,
        shared: Shared,
        tuning: Tuning,
        phrases: Callable[[], Phrases],
        clock: Clock,
        settings: ControlSettings,
        alert: Callable[[str, str], None],
        tell: Callable[[str], None],
        more: Mapping[Action, Callable[[], str]] | None = None,
    ) -> None:
        self._shared, self._phrases, self._clock, self._settings = shared, phrases, clock, settings
        self._alert, self._tell = alert, tell
        self._keys = settings.key_map()
        self._dispatcher = Dispatcher(shared, tuning, shared, phrases, self._keys, more)
        self._asked: queue.SimpleQueue[Action | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="hand", daemon=True)
        self._sources = ExitStack()
        self._cover: Cover | None = None
        self._own_state = False

    @property
    def paused(self) -> bool:
        """Whether the wearer has paused."""
        return bool(self._dispatcher.paused)

    def start(self, lens: bool, bus: Callable[[], Bus] = Evdev) -> None:
        """Begin to answer. Call it in the main thread, for the terminal's signals.

        Args:
            lens: whether the camera is one that a hand can cover.
            bus: finds remotes.
        """
        self._thread.start()
        if lens and self._settings.cover:
            self._cover = Cover()
        if self._settings.keyboard:
            self._open_keyboard()
        if self._settings.remote:
            self._open_remotes(bus)

    def close(self) -> None:
        """Restore the terminal, let remotes go, and end the thread. May be called twice."""
        self._sources.close()
        if self._thread.is_alive():
            self._asked.put(None)
            self._thread.join()

    def press(self, key: str) -> None:
        """Take a key's name, from any thread."""
        if (action := self._keys.get(key)) is not None:
            self._asked.put(action)

    def heard(self, event: SpeechEvent) -> None:
        """Learn what the speaker tells."""
        self._shared.heard(event)
        if isinstance(event, Spoken) and not event.utterance.prompted:
            self._dispatcher.heard(event.utterance.text, event.told[0].reason)

    def observe(self, frame: Frame, scene: Scene, considered: Considered, now_s: float) -> None:
        """Watch the lens, in the loop's thread."""
        news = self._cover.judge(look(frame.image_rgb, frame.captured_at_s)) if self._cover else None
        if news is not None:
            with self._shared.lock:
                self._shared.covered = news
                self._dispatcher.cover(news)

    def expects(self, state: str) -> bool:
        """Tell whether a state of the camera comes from the wearer's own hand, who need not be told of it."""
        if state == watch.BACK:
            own, self._own_state = self._own_state, False
            return own
        self._own_state = state in (watch.BLACK, watch.FROZEN) and self._shared.covered
        return self._own_state

    def _open_keyboard(self) -> None:
        if sys.stdin is None or sys.stdin.closed or not sys.stdin.isatty():
            return
        if sys.platform == "win32":
            import msvcrt

            self._sources.enter_context(WindowsKeyboard(self.press, msvcrt))
        else:
            self._sources.enter_context(Keyboard(self.press))

    def _open_remotes(self, bus: Callable[[], Bus]) -> None:
        try:
            found = bus()
        except DependencyError as error:
            self._alert(self._phrases().error(error), f"{error} Going on without a remote.")
            return
        self._sources.enter_context(Remotes(self._settings.remote, self.press, self._tell, self._remote_lost, found))

    def _remote_lost(self, lost: bool) -> None:
        words = self._phrases().control
        self._alert(words.remote_lost if lost else words.remote_back, "remote lost." if lost else "remote back.")

    def _run(self) -> None:
        """Run the thread."""
        while True:
            try:
                action = self._asked.get(timeout=_PUMP_S)
            except queue.Empty:
                self._attempt(lambda: self._shared.pump(self._clock.now_s()))
                continue
            if action is None:
                return
            self._shared.take()
            self._attempt(lambda asked=action: self._do(asked))  # type: ignore[misc]

    def _do(self, action: Action) -> None:
        with self._shared.lock:
            self._dispatcher.act(action, self._clock.now_s())

    def _attempt(self, work: Callable[[], None]) -> None:
        """Go on with the next key whatever becomes of this one."""
        try:
            work()
        except FacecueError as error:
            self._shared.sound(earcons.ERROR)
            self._tell(str(error))
