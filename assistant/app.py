"""Compose Facecue: with `sight`, `voice` and `recording` the only place that names concrete classes."""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from assistant import languages
from assistant.camera import pictures
from assistant.camera import watch as camera_watch
from assistant.camera.clip_time import ClipTime
from assistant.camera.overlay import OverlayVideo
from assistant.camera.sources import open_source
from assistant.clock import Clock, ManualClock, SystemClock
from assistant.courtesy import Listening
from assistant.errors import BackendError, FacecueError, OutputError, SpeechError
from assistant.expression.neutral import PersonalSmoother
from assistant.hand import Hand
from assistant.inference import choose
from assistant.live_settings import ChangingVoice, LiveSettings, cues
from assistant.loop import Loop, Observer, Stages, brightness
from assistant.recording import Guard, OverlayRecorder, TranscriptRecorder, WavRecorder
from assistant.runners import Listener
from assistant.settings import Settings
from assistant.settings.store import Store
from assistant.shared import Locked, PolicyTuning, Shared
from assistant.sight import CLIP_SUFFIXES, PICTURE_SUFFIXES, STILL_BUDGET_MS, Sight, build_sight
from assistant.speech import earcons
from assistant.speech.null_voice import NullVoice
from assistant.speech.phrases import Phrases
from assistant.speech.players import Player, SilentPlayer
from assistant.speech.policy import Policy
from assistant.speech.scheduler import Scheduler
from assistant.speech.speaker import Dropped, QueueSpeaker, Recovered, SpeechEvent, Spoken, Trouble
from assistant.speech.transcript import Transcript
from assistant.speech.wavmix import WavMix
from assistant.supervisor import Supervisor
from assistant.types import Frame, Person, Priority, Scene, Utterance
from assistant.vision.tracker import Tracker
from assistant.voice import open_voice, say_aloud, sound_or_silence, voice_or_text

__all__ = [
    "CLIP_SUFFIXES",
    "PICTURE_SUFFIXES",
    "STILL_BUDGET_MS",
    "Description",
    "Request",
    "Sight",
    "build_sight",
    "describe",
    "open_voice",
    "say_aloud",
    "speak_error",
    "watch",
]

_ALERT_S: Final = 10.0  # how long a state of the camera stays worth saying
_CAMERA_WORDS: Final = {
    camera_watch.LOST: "camera_lost",
    camera_watch.BACK: "camera_back",
    camera_watch.BLACK: "camera_black",
    camera_watch.FROZEN: "camera_frozen",
    camera_watch.BLURRED: "camera_blurred",
}
"""Which sentence tells of a state of the camera."""


@dataclass(frozen=True, slots=True)
class Request:
    """Hold what a run is asked for beside the settings: outputs, sound, speed, and where settings are changed."""

    transcript: Path | None = None
    wav: Path | None = None
    overlay: Path | None = None
    mute: bool = False
    speed: Literal["real", "max"] = "real"
    store: Store | None = None


@dataclass(frozen=True, slots=True)
class Description:
    """Hold a photograph in words and in numbers."""

    sentence: str
    width_px: int
    height_px: int
    people: tuple[Person, ...]


def watch(settings: Settings, request: Request, show: Callable[[str], None]) -> dict[str, Any]:
    """Run the loop on a source until it ends or Ctrl-C; outputs are complete then.

    Args:
        settings: everything else.
        request: outputs, sound and speed.
        show: takes each line of the running transcript.

    Returns:
        What was measured, with "backend", "utterances" and "interrupted".

    Raises:
        FacecueError: something failed for good; what was written before is valid.
    """
    before = signal.getsignal(signal.SIGINT)
    run = _Run(settings, request, show)
    try:
        run.go()
        interrupted = False
    except KeyboardInterrupt:
        interrupted = True
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, before)
    for guard in run.guards:
        if guard.error is not None:
            raise guard.error
    return {**run.loop.report(), **run.summary(), "interrupted": interrupted}


class _Run:
    """Hold one run's parts, and connect what they tell each other. Belongs to one thread."""

    def __init__(self, settings: Settings, request: Request, show: Callable[[str], None]) -> None:
        self._show = show
        self._told: set[str] = set()
        self._utterances = 0
        self._backend = ""
        self._degraded = False
        self._speaker: QueueSpeaker | None = None
        self._recorder: TranscriptRecorder | None = None
        self._live: LiveSettings | None = None
        self._shared: Shared | None = None
        self._hand: Hand | None = None
        self._lock = threading.RLock()
        self._supervisor = Supervisor(SystemClock())
        self.health = self._supervisor.health
        self.guards: list[Guard] = []
        self.closing = ExitStack()
        with ExitStack() as undo:
            undo.push(self.closing)
            self._player: Player = SilentPlayer()
            if request.speed == "real" and not request.mute:
                self._open_sound(settings)
                undo.callback(self._player.close)
                self._player.chime(earcons.earcon(earcons.STARTED))  # models and camera may take their time
            self._policy = _policy(settings, languages.phrases(settings.speech.language))
            self._sight = build_sight(settings, choose.BUDGET_MS, Listener(self._lost_accelerator, self._loaded_anew))
            self._backend = self._backend or self._sight.choice.backend
            self.health.name(model=self._sight.choice.model_name, backend=self._backend)
            voice, no_voice = voice_or_text(settings)
            self._synthesiser = ChangingVoice(voice)
            undo.callback(self._synthesiser.close)
            self._warn(no_voice)
            self._another_voice = bool(no_voice) and voice.name != NullVoice.name
            self._supervisor.missing("voice", "" if self._another_voice else no_voice)
            self.health.name(voice=voice.name)
            self._open_camera(settings, request)
            self._open_outputs(settings, request)
            undo.pop_all()

    def _open_camera(self, settings: Settings, request: Request) -> None:
        """Open the source, and take its own time as the loop's where it goes as fast as it can."""
        real = SystemClock()
        camera = open_source(settings.camera.source or None, real, request.speed, self._camera_state)
        self.closing.callback(camera.close)
        self._clock: Clock = real
        self._camera = camera
        self.health.name(camera=camera.name)
        if request.speed == "max" and not camera.live:
            self._clock = clip_time = ManualClock()
            self._camera = ClipTime(camera, clip_time)

    def _open_sound(self, settings: Settings) -> None:
        """Open the sound output; it asks for the voice only when there are words."""
        self._player, no_sound = sound_or_silence(settings, lambda: self._synthesiser.current)
        self._warn(no_sound)
        self._supervisor.missing("sound", no_sound)

    def _open_outputs(self, settings: Settings, request: Request) -> None:
        """Open the files and the speaker, and put the loop together."""
        observers: list[Observer] = [self._supervisor]
        if request.transcript is not None:
            transcript = Transcript(request.transcript)
            self.closing.callback(transcript.close)
            self._recorder = TranscriptRecorder(transcript, self._guard())
            observers.append(Locked(self._recorder, self._lock))
        if request.overlay is not None:
            video = self.closing.enter_context(OverlayVideo(request.overlay))
            observers.append(OverlayRecorder(video, self._guard()))
        wav = WavRecorder(WavMix(request.wav), self._guard()) if request.wav is not None else None
        if request.speed == "max" and self._camera.live and not request.mute:
            self._open_sound(settings)
        player = self._player
        self.health.name(sound=player.name)
        self._listening = Listening(
            settings.speech.microphone and player.name != "none",
            self._clock,
            lambda error: self._alert(self._phrases.error(error), str(error)),
        )
        self.closing.callback(self._listening.close)
        observers.append(Locked(self._listening, self._lock))
        scheduler = Scheduler(self._policy.still_true, self._listening.somebody_speaks)
        self._speaker = QueueSpeaker(self._synthesiser, player, self._clock, self._heard, wav, scheduler)
        self._listening.attach(self._speaker)
        self.closing.callback(self._speaker.close)
        self._shared = shared = Shared(self._policy, self._speaker, player, self._clock, self._lock)
        if request.store is not None:
            store, say = request.store, shared.say
            policy, reader, health = self._policy, self._sight.reader, self.health
            live = LiveSettings(
                *(store, policy, reader, self._synthesiser, say, self._clock, health, self._warn, self._lock)
            )
            self._live = live
            self.closing.callback(live.close)
            observers.append(live)
        if request.speed == "real":
            tuning = PolicyTuning(self._policy, self._live.change if self._live else None)
            more = self._live.actions() if self._live else {}
            self._hand = Hand(
                shared, tuning, lambda: self._phrases, self._clock, settings.controls, self._alert, self._warn, more
            )
            self.closing.callback(self._hand.close)
            observers.append(self._hand)
        vision, sight = settings.vision, self._sight
        detector = sight.detector
        if request.speed == "real":
            self._camera, detector = self._supervisor.paced(self._camera, detector, self._clock)
        smoother = PersonalSmoother(sight.au_model.thresholds, vision.forget_after_s)
        tracker = Tracker(vision.forget_after_s)
        stages = Stages(detector, tracker, sight.au_model, smoother, sight.classifier, sight.reader, shared)
        self.loop = Loop(stages, shared, observers, self._clock, SystemClock(), vision.most_faces)

    @property
    def _phrases(self) -> Phrases:
        """The words of the moment: the language may be changed while it runs."""
        return self._policy.phrases

    def go(self) -> None:
        """Run to the end of the source and of the words about it; then complete the outputs, come what may."""
        with self.closing:
            self.closing.push(_ignore_interrupts)
            assert self._speaker is not None
            assert self._shared is not None
            if self._hand is not None:
                self._hand.start(lens=self._camera.live)
            if self._camera.live:  # the wearer cannot see that it has started
                now_s = self._clock.now_s()
                words, until_s = self._phrases.state.started, now_s + _ALERT_S
                self._shared.say(Utterance(words, Priority.MESSAGE, now_s, until_s, "started"), now_s)
                if self._another_voice:  # why is printed; who cannot read learns what the strange voice means
                    sentence = self._phrases.error(SpeechError("", "", "no_voice"))
                    self._shared.say(Utterance(sentence, Priority.MESSAGE, now_s, until_s, "alert"), now_s)
            self.loop.run(self._camera)
            if self._hand is not None:
                self._hand.close()
            self._speaker.drain(self._let_pass)

    def summary(self) -> dict[str, Any]:
        """Return what the loop does not know of its run."""
        return {"backend": self._backend, "model": self._sight.choice.model_name, "utterances": self._utterances}

    def _let_pass(self, seconds: float) -> None:
        if isinstance(self._clock, ManualClock):
            self._clock.set(self._clock.now_s() + seconds)
        else:
            time.sleep(seconds)

    def _guard(self) -> Guard:
        self.guards.append(Guard(self._lost_output))
        return self.guards[-1]

    def _heard(self, event: SpeechEvent) -> None:
        """Pass on what the speaker tells."""
        self._supervisor.heard(event)
        self._listening.heard(event)
        if self._live is not None:
            self._live.heard(event)
        if self._hand is not None:
            self._hand.heard(event)
        if self._recorder is not None:
            self._recorder.heard(event)
        if isinstance(event, Spoken):
            self._utterances += 1
            for part in event.told:
                self._policy.spoken(part, event.start_s, event.seconds)
            self._show(f"at {event.start_s:.1f} s: {event.utterance.shown}")
        elif isinstance(event, Dropped):
            self._policy.dropped(event.utterance, event.reason)
            if event.reason == "no voice":
                self._show(f"at {event.time_s:.1f} s, not spoken: {event.utterance.text}")
        elif isinstance(event, Trouble):
            self._warn(str(event.error))
        elif isinstance(event, Recovered):
            self._warn(f"{event.what} works again.")

    def _lost_output(self, error: OutputError) -> None:
        self._supervisor.lost_output(error)
        if sum(guard.error is not None for guard in self.guards) == 1:
            self._alert(self._phrases.error(error), str(error))
        else:  # a full disk ends all of them, and is said once
            self._warn(str(error))

    def _camera_state(self, state: str) -> None:
        if self._hand is not None and self._hand.expects(state):
            return
        self._supervisor.camera_state(state)
        self._policy.covered = state == camera_watch.BLACK
        earcon = earcons.RESUMED if state == camera_watch.BACK else earcons.CAMERA_LOST
        self._alert(getattr(self._phrases.state, _CAMERA_WORDS[state]), f"{state}.", earcon)

    def _lost_accelerator(self, error: BackendError, backend: str) -> None:
        self._supervisor.lost_accelerator(error, backend)
        detail = f"{error} Going on without it, on {backend}."
        if self._degraded:  # said once: which of several it is that helps out changes nothing for the wearer
            self._warn(detail)
        else:
            self._degraded = True
            self._alert(self._phrases.error(error), detail)
        self._backend = backend

    def _loaded_anew(self, error: BackendError) -> None:
        self._supervisor.loaded_anew(error)
        self._warn(f"{error} It was loaded anew.")

    def _alert(self, words: str, detail: str, earcon: str = earcons.ERROR) -> None:
        """Say a state that the wearer must know, at once; print the details."""
        print(f"Facecue: {detail}", file=sys.stderr, flush=True)
        if self._shared is not None:
            now_s = self._clock.now_s()
            alert = Utterance(words, Priority.IMPORTANT, now_s, now_s + _ALERT_S, "alert", earcon=earcon)
            self._shared.say(alert, now_s)

    def _warn(self, sentence: str) -> None:
        """Print what the wearer cannot be told, once."""
        if sentence and sentence not in self._told:
            self._told.add(sentence)
            print(f"Facecue: {sentence}", file=sys.stderr, flush=True)


def describe(settings: Settings, image: Path) -> Description:
    """Put a photograph into one sentence.

    Raises:
        SourceError: it cannot be read.
        FacecueError: a model is missing; tell the person.
    """
    phrases = languages.phrases(settings.speech.language)
    picture = pictures.read_picture(image)
    sight = build_sight(settings, STILL_BUDGET_MS)
    frame = Frame(0, 0.0, picture, str(image))
    faces = sorted(sight.detector.detect(frame), key=lambda face: -face.width_px * face.height_px)
    people = tuple(sight.read(frame, face) for face in faces)
    height_px, width_px = picture.shape[:2]
    scene = sight.reader.read(Scene(0.0, width_px, height_px, people, brightness(frame)))
    sentence = _policy(settings, phrases).describe_scene(scene)
    return Description(sentence, width_px, height_px, scene.people)


def speak_error(error: FacecueError, settings_file: Path | None = None, language: str | None = None) -> None:
    """Say an error's short sentence, where there is a voice, in the wearer's language as far as it can be known.

    Args:
        error: what went wrong; it may be the settings themselves.
        settings_file: the file the command line names.
        language: the language the command line names.
    """
    settings = languages.settings_for_error(settings_file, language)
    say_aloud(settings, languages.phrases(settings.speech.language).error(error))


def _policy(settings: Settings, phrases: Phrases) -> Policy:
    speech = settings.speech
    return Policy(
        phrases,
        speech.emotions,
        speech.verbosity,
        speech.max_words_per_10_s,
        cues(settings),
        settings.vision.farthest_m,
    )


def _ignore_interrupts(*_: object) -> None:
    """Let nobody interrupt what completes the outputs; an impatient second Ctrl-C is common."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_IGN)
