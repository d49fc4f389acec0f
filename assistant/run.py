"""Put one run together, from camera to speech, and connect what its parts tell each other."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from assistant import languages
from assistant.alerts import ALERT_S, Alerts
from assistant.camera.clip_time import ClipTime
from assistant.camera.overlay import OverlayVideo
from assistant.camera.sources import open_source
from assistant.clock import Clock, ManualClock, SystemClock
from assistant.courtesy import Listening
from assistant.errors import SpeechError
from assistant.expression.neutral import PersonalSmoother
from assistant.hand import Hand
from assistant.inference import choose
from assistant.live_settings import ChangingVoice, LiveSettings, cues
from assistant.loop import Loop, Observer, Stages
from assistant.recording import OverlayRecorder, TranscriptRecorder, WavRecorder
from assistant.runners import Listener
from assistant.settings import Settings
from assistant.settings.store import Store
from assistant.shared import Locked, PolicyTuning, Shared
from assistant.sight import build_sight
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
from assistant.types import Priority, Utterance
from assistant.vision.tracker import Tracker
from assistant.voice import note_voice, sound_or_silence, voice_or_text


@dataclass(frozen=True, slots=True)
class Request:
    """Hold what a run is asked for beside the settings: outputs, sound, speed, and where settings are changed."""

    transcript: Path | None = None
    wav: Path | None = None
    overlay: Path | None = None
    mute: bool = False
    speed: Literal["real", "max"] = "real"
    store: Store | None = None


class Run:
    """Hold one run's parts, and connect what they tell each other. Belongs to one thread."""

    def __init__(self, settings: Settings, request: Request, show: Callable[[str], None]) -> None:
        self._show = show
        self._utterances = 0
        self._speaker: QueueSpeaker | None = None
        self._recorder: TranscriptRecorder | None = None
        self._live: LiveSettings | None = None
        self._shared: Shared | None = None
        self._hand: Hand | None = None
        self._lock = threading.RLock()
        self._supervisor = Supervisor(SystemClock())
        self.health = self._supervisor.health
        self.closing = ExitStack()
        self._policy = tuned_policy(settings, languages.phrases(settings.speech.language))
        self.alerts = Alerts(self._policy, self._supervisor)
        with ExitStack() as undo:
            undo.push(self.closing)
            self._player: Player = SilentPlayer()
            if request.speed == "real" and not request.mute:
                self._open_sound(settings)
                undo.callback(self._player.close)
                self._player.chime(earcons.earcon(earcons.STARTED))  # models and camera may take their time
            listener = Listener(self.alerts.lost_accelerator, self.alerts.loaded_anew)
            self._sight = build_sight(settings, choose.BUDGET_MS, listener)
            self.health.name(model=self._sight.choice.model_name, backend=self._backend_in_use)
            voice, no_voice = voice_or_text(settings)
            self._synthesiser = ChangingVoice(voice)
            undo.callback(self._synthesiser.close)
            self.alerts.warn(no_voice)
            self._another_voice = bool(no_voice) and voice.name != NullVoice.name
            note_voice(self.health, voice, no_voice)
            self.health.name(voice=voice.name)
            self._open_camera(settings, request)
            self._open_outputs(settings, request)
            undo.pop_all()

    def _open_camera(self, settings: Settings, request: Request) -> None:
        """Open the source, and take its own time as the loop's where it goes as fast as it can."""
        real = SystemClock()
        camera = open_source(settings.camera.source or None, real, request.speed, self.alerts.camera_state)
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
        self.alerts.warn(no_sound)
        self._supervisor.missing("sound", no_sound)

    def _open_outputs(self, settings: Settings, request: Request) -> None:
        """Open the files and the speaker, and put the loop together."""
        observers: list[Observer] = [self._supervisor]
        if request.transcript is not None:
            transcript = Transcript(request.transcript)
            self.closing.callback(transcript.close)
            self._recorder = TranscriptRecorder(transcript, self.alerts.guard())
            observers.append(Locked(self._recorder, self._lock))
        if request.overlay is not None:
            video = self.closing.enter_context(OverlayVideo(request.overlay))
            observers.append(OverlayRecorder(video, self.alerts.guard()))
        wav = WavRecorder(WavMix(request.wav), self.alerts.guard()) if request.wav is not None else None
        if request.speed == "max" and self._camera.live and not request.mute:
            self._open_sound(settings)
        player = self._player
        self.health.name(sound=player.name)
        self._listening = Listening(
            settings.speech.microphone and player.name != "none",
            self._clock,
            self.alerts.failed,
        )
        self.closing.callback(self._listening.close)
        observers.append(Locked(self._listening, self._lock))
        scheduler = Scheduler(self._policy.still_true, self._listening.somebody_speaks)
        self._speaker = QueueSpeaker(self._synthesiser, player, self._clock, self._heard, wav, scheduler)
        self._listening.attach(self._speaker)
        self.closing.callback(self._speaker.close)
        self._shared = shared = Shared(self._policy, self._speaker, player, self._clock, self._lock, self.health.pause)
        self.alerts.attach(shared, self._clock)
        if request.store is not None:
            store, say = request.store, shared.say
            policy, reader, health = self._policy, self._sight.reader, self.health
            live = LiveSettings(
                *(store, policy, reader, self._synthesiser, say, self._clock, health, self.alerts.warn, self._lock)
            )
            self._live = live
            self.closing.callback(live.close)
            observers.append(live)
        if request.speed == "real":
            tuning = PolicyTuning(self._policy, self._live.change if self._live else None)
            more = self._live.actions() if self._live else {}
            self._hand = Hand(
                *(shared, tuning, lambda: self._phrases, self._clock, settings.controls),
                *(self.alerts.alert, self.alerts.warn, more),
            )
            self.alerts.expected = self._hand.expects
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
    def _backend_in_use(self) -> str:
        return self.alerts.fallback or self._sight.choice.backend

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
                words, until_s = self._phrases.state.started, now_s + ALERT_S
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
        return {"backend": self._backend_in_use, "model": self._sight.choice.model_name, "utterances": self._utterances}

    def _let_pass(self, seconds: float) -> None:
        if isinstance(self._clock, ManualClock):
            self._clock.set(self._clock.now_s() + seconds)
        else:
            time.sleep(seconds)

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
            self.alerts.warn(str(event.error))
        elif isinstance(event, Recovered):
            self.alerts.warn(f"{event.what} works again.")


def tuned_policy(settings: Settings, phrases: Phrases) -> Policy:
    """Return what decides what is worth saying, as the settings ask."""
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
