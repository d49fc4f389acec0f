import tomllib
from inspect import signature

import pytest
import tomlkit
from hypothesis import given
from hypothesis import strategies as st

from assistant import languages, locate, settings
from assistant.errors import SettingsError
from assistant.settings import Settings
from assistant.settings.commented import commented
from assistant.settings.keys import keys
from assistant.speech.espeak import EspeakSynthesiser
from assistant.speech.policy import Policy
from assistant.speech.prosody import Prosody
from assistant.vision.blazeface import BlazeFaceDetector
from assistant.vision.mediapipe_tasks import MediaPipeDetector
from assistant.vision.scene import SceneReader
from assistant.vision.tracker import Tracker
from tests.app_builders import ROOT


def complaint(text):
    with pytest.raises(SettingsError) as caught:
        settings.parse(text, "my.toml")
    return str(caught.value)


def test_the_shipped_file_shows_every_setting_with_its_default():
    shown = (ROOT / "config" / "settings.toml").read_text(encoding="utf-8")
    assert shown == commented(Settings())
    assert tomllib.loads(shown) == Settings().model_dump()


@pytest.mark.parametrize(("word", "level"), [("quiet", 1), ("normal", 2), ("detailed", 4)])
def test_the_words_of_old_files_become_levels(word, level):
    read = settings.parse(f"[speech]\nverbosity = '{word}'\n", "my.toml")
    assert (read.speech.verbosity, read.version) == (level, Settings().version)


def test_a_file_of_a_newer_facecue_is_refused():
    assert "version = 99" in complaint("version = 99\n")


def test_every_key_explains_itself():
    for key in keys().values():
        assert key.label, key.path
        assert key.help.endswith("."), key.path
        assert key.expected, key.path


def test_a_key_left_out_keeps_its_default():
    read = settings.parse("[vision]\nmost_faces = 2\n", "my.toml")
    assert read.vision.most_faces == 2
    assert read.speech == Settings().speech


@pytest.mark.parametrize("written", ['"2"', "2"])
def test_a_cameras_number_may_be_a_number(written):
    assert settings.parse(f"[camera]\nsource = {written}\n", "my.toml").camera.source == "2"


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("\n[camera]\nhfov_dg = 70", ["line 3", "'hfov_dg'", "[camera]", "70", "'hfov_deg'"]),
        ("[camra]\nsource = '0'", ["line 1", "[camra]", "'camera'"]),
        ("[camera]\nhfov_deg = 'wide'", ["line 2", "hfov_deg", "'wide'", "valid number", "70.0"]),
        ("[vision]\n# no\ndetector = 'haar'", ["line 3", "'haar'", "'blazeface', 'mediapipe'"]),
        ("[speech]\nverbosity = 'loud'", ["line 2", "'loud'", "1, 2, 3, 4"]),
        ("[cues]\neyes_close = true", ["line 2", "'eyes_closed'"]),
        ("[vision]\nmin_score = 2", ["line 2", "min_score", "2", "from 0.01 to 0.99", "0.7"]),
        ("vision.min_score = 2", ["line 1", "min_score"]),
        ("vision = {min_score = 2}", ["line 1", "min_score"]),
        ("[speech]\nwords_per_minute = true", ["line 2", "words_per_minute", "80 to 500"]),
        ("camera = 3", ["line 1", "camera = 3", "section"]),
        ("[speech]\nvoice = = 3", ["line 2", "not valid TOML"]),
        ("[speech]\nvoice = 'a'\nvoice = 'b'", ["not valid TOML", "voice"]),
        ("[speech]\nzzz = 1", ["line 2", "'zzz'", "Use one of: engine"]),
    ],
)
def test_a_mistake_is_told_with_file_line_key_value_and_remedy(text, parts):
    message = complaint(text)
    for part in ["my.toml", *parts]:
        assert part in message
    assert ".." not in message


def test_a_person_without_a_file_gets_the_defaults(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert settings.load() == Settings()


def test_a_persons_own_file_is_found(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    locate.user_settings().parent.mkdir(parents=True)
    locate.user_settings().write_text("\ufeff[speech]\nvoice = 'de'\n", encoding="utf-8")
    assert settings.load().speech.voice == "de"


def test_a_named_file_must_be_there(tmp_path):
    with pytest.raises(SettingsError, match=r"gone\.toml cannot be read"):
        settings.load(tmp_path / "gone.toml")


def test_a_file_that_is_no_text_is_told(tmp_path):
    path = tmp_path / "s.toml"
    path.write_bytes(b"[speech]\nvoice = '\xff'\n")
    with pytest.raises(SettingsError, match="UTF-8"):
        settings.load(path)


def test_an_option_overrides_and_none_does_not():
    changed = settings.override(Settings(), "camera", source="demo", hfov_deg=None)
    assert (changed.camera.source, changed.camera.hfov_deg) == ("demo", 70.0)


def test_a_wrong_option_is_told_like_a_wrong_setting():
    with pytest.raises(SettingsError, match="The command line: "):
        settings.override(Settings(), "inference", backend="GPU!")


@given(
    st.builds(
        dict,
        hfov_deg=st.floats(20, 180),
        distance_factor=st.floats(0.5, 2),
        source=st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=20),
    )
)
def test_what_is_written_is_read_back(values):
    text = tomlkit.dumps({"camera": values})
    assert settings.parse(text, "my.toml").camera.model_dump() == values


def test_the_defaults_are_those_of_the_stages():
    def default(stage, name):
        return signature(stage).parameters[name].default

    defaults = Settings()
    assert (
        default(BlazeFaceDetector, "min_score") == default(MediaPipeDetector, "min_score") == defaults.vision.min_score
    )
    assert default(Tracker, "forget_after_s") == defaults.vision.forget_after_s
    assert default(Prosody, "words_per_minute") == defaults.speech.words_per_minute
    assert default(EspeakSynthesiser, "voice") == languages.voice(defaults.speech.language, defaults.speech.engine)
    assert default(Policy, "emotions") == defaults.speech.emotions
    assert default(Policy, "max_words_per_10_s") == defaults.speech.max_words_per_10_s
    assert default(SceneReader, "hfov_deg") == defaults.camera.hfov_deg
