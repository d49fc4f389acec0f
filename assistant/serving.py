"""Serve the settings page where nothing else runs. Part of the composition root, for `facecue settings serve` alone."""

from __future__ import annotations

import queue
import sys
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from assistant import languages
from assistant.clock import SystemClock
from assistant.page_words import PageWords, page_words
from assistant.settings.store import Store
from assistant.speech.null_voice import NullVoice
from assistant.speech.players import SilentPlayer
from assistant.speech.speaker import QueueSpeaker
from assistant.types import Priority, Utterance
from assistant.voice import sound_or_silence, voice_or_text
from assistant.web.host import PageHost, Words

_LOOK_S: Final = 0.25
_LASTS_S: Final = 60.0
_HELP: Final = (
    "Enter: say a new pairing code. u, Enter: take back the last change. s, Enter: who is paired; twice ends it. "
    "q, Enter: stop."
)


class _NothingRuns:
    """Tell that there is no run to know of."""

    def health(self) -> Mapping[str, Any] | None:
        return None

    def words(self) -> Sequence[Mapping[str, Any]]:
        return ()

    def offers(self) -> Mapping[str, Mapping[str, str]]:
        return {"speech.language": languages.names()}


def serve(store: Store, host: str, port: int, mute: bool, show: Callable[[str], None], typed: Iterable[str]) -> None:
    """Serve the page until somebody stops it.

    The first pairing code is spoken at once, since whoever starts this has the device in hand. It is printed only
    where it cannot be heard.

    Args:
        store: the settings.
        host: address to listen at.
        port: 0 for any that is free.
        mute: whether nothing is played.
        show: takes lines for the console.
        typed: lines of the console; read in a thread of its own.

    Raises:
        FacecueError: the page cannot be served, or the sound file not be written.
    """
    settings, clock = store.settings, SystemClock()
    synthesiser, no_voice = voice_or_text(settings)
    player, no_sound = (SilentPlayer(), "") if mute else sound_or_silence(settings, lambda: synthesiser)
    unheard = mute or synthesiser.name == NullVoice.name or bool(no_sound)
    for trouble in filter(None, (no_voice, no_sound)):
        print(f"Facecue: {trouble}", file=sys.stderr, flush=True)
    said: queue.SimpleQueue[Words | None] = queue.SimpleQueue()
    with QueueSpeaker(synthesiser, player, clock) as speaker:
        page = PageHost(store, _NothingRuns(), said.put, clock, lambda: _words(store))
        try:
            page.start(host, port)
            show(f"The settings page is at {page.address} . {_HELP}")
            page.open_code()
            threading.Thread(target=_obey, args=(typed, page, store, said), name="console", daemon=True).start()
            _speak(
                said, speaker, store, clock, lambda words: show(words.text if unheard else words.written or words.text)
            )
        finally:
            page.close()


def _speak(
    said: queue.SimpleQueue[Words | None],
    speaker: QueueSpeaker,
    store: Store,
    clock: SystemClock,
    show: Callable[[Words], None],
) -> None:
    """Say what comes, and follow the file, until None comes."""
    problem = ""
    while True:
        try:
            words = said.get(timeout=_LOOK_S)
        except queue.Empty:
            if changes := store.follow():
                said.put(Words(_words(store).changed(changes), "settings"))
            if store.problem and store.problem != problem:
                said.put(Words(_words(store).text("wrong_file"), "settings"))
            problem = store.problem
        else:
            if words is None:
                return
            show(words)
            now_s = clock.now_s()
            speaker.say(Utterance(words.text, Priority.MESSAGE, now_s, now_s + _LASTS_S, words.reason), now_s)
        speaker.pump(clock.now_s())


def _obey(typed: Iterable[str], page: PageHost, store: Store, said: queue.SimpleQueue[Words | None]) -> None:
    """Do what is typed at the console; its end is no wish to stop."""
    for line in typed:
        word = line.strip().lower()
        if word == "q":
            said.put(None)
        elif word == "u":
            changes, sentences = store.undo(), _words(store)
            said.put(Words(sentences.changed(changes) if changes else sentences.text("nothing"), "answer"))
        elif word == "s":
            page.sessions()
        elif not word:
            page.open_code()


def _words(store: Store) -> PageWords:
    return page_words(store.settings.speech.language)
