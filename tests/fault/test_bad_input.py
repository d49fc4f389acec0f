"""What goes wrong is told in a sentence with a remedy and an exit status, never with a traceback."""

import json
import shutil

import numpy as np
import pytest

from assistant import __main__ as program
from assistant import app
from assistant.commands import doctor
from assistant.errors import BackendError
from tests.app_builders import call, face_clip, face_picture, photograph, tiny_models, use_models
from tests.camera_builders import coloured, write_clip, write_picture

QUICK = ("--speed", "max", "--mute")


@pytest.fixture(autouse=True)
def models(tmp_path, monkeypatch):
    folder = tiny_models(tmp_path / "installed")
    use_models(monkeypatch, folder)
    return folder


def check(result, status, *words):
    got, _, err = result
    assert got == status, err
    assert "Traceback" not in err
    for each in words:
        assert each in err
    return result


def text_as_clip(folder):
    path = folder / "text.mp4"
    path.write_text("This is no film.")
    return path, "text.mp4 is not a video"


def empty_clip(folder):
    path = folder / "empty.mp4"
    path.write_bytes(b"")
    return path, "0 bytes"


def beheaded_clip(folder):
    path = write_clip(folder / "cut.mp4")
    path.write_bytes(path.read_bytes()[:600])
    return path, "cut off"


def nothing(folder):
    return folder / "gone.mp4", "no file or folder"


def empty_folder(folder):
    path = folder / "none"
    path.mkdir()
    return path, "holds no pictures"


def bad_picture(folder):
    path = folder / "bad.jpg"
    path.write_bytes(b"\xff\xd8\xff\xe0 and then nothing of a JPEG")
    return path, "bad.jpg"


@pytest.mark.parametrize("make", [text_as_clip, empty_clip, beheaded_clip, nothing, empty_folder, bad_picture])
def test_a_source_that_cannot_be_read(tmp_path, make):
    path, words = make(tmp_path)
    transcript = tmp_path / "t.jsonl"
    check(call("run", "--source", path, *QUICK, "--transcript", transcript), 3, "Facecue: ", words)
    assert not transcript.exists() or transcript.read_text() == ""


def test_no_camera(monkeypatch):
    monkeypatch.setattr("assistant.camera.device.find_devices", lambda *_: iter(()))
    check(call("run", "--mute"), 3, "No camera was found", "--source demo")


def test_an_address_that_nobody_answers():
    check(call("run", "--source", "http://127.0.0.1:9/video", "--mute"), 3, "cannot be reached", "Check")


def test_a_clip_that_is_cut_short_is_played_as_far_as_it_goes(tmp_path):
    path = write_clip(tmp_path / "cut.avi", frames=40)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    result = check(call("run", "--source", path, *QUICK, "--json"), 0)
    assert 0 < json.loads(result[1].splitlines()[-1])["frames"] < 40


@pytest.mark.parametrize("channels", [1, 4])
def test_grey_and_transparent_pictures_are_read(tmp_path, channels):
    photo = photograph()[:, :, ::-1]
    image = photo[:, :, 1] if channels == 1 else np.dstack([photo, np.full(photo.shape[:2], 255, np.uint8)])
    path = write_picture(tmp_path / "p.png", np.ascontiguousarray(image))
    result = check(call("describe", path, "--mute"), 0)
    assert result[1].startswith("One person")


def test_a_picture_20000_pixels_long_is_read(tmp_path):
    path = write_picture(tmp_path / "long.png", np.full((300, 20_000, 3), 200, np.uint8))
    assert check(call("describe", path, "--mute"), 0)[1] == "Nobody in view.\n"


@pytest.mark.parametrize(("name", "content"), [("zero.jpg", b""), ("text.png", b"hello"), ("gone.jpg", None)])
def test_describe_of_what_is_no_picture(tmp_path, name, content):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    check(call("describe", tmp_path / name, "--mute"), 3, name)


@pytest.mark.parametrize("whole", [(), ("--whole-image",)])
def test_analyze_names_what_it_cannot_read_and_does_the_rest(tmp_path, whole):
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    face_picture(pictures / "good.jpg")
    face_picture(pictures / "good2.jpg")
    (pictures / "a_zero.jpg").write_bytes(b"")
    (pictures / "b_text.mp4").write_text("no film")
    write_picture(pictures / "h.png", coloured()[:, :, 0])
    output = tmp_path / "f.jsonl"
    result = call("analyze", pictures, tmp_path / "gone.png", *whole, "--output", output)
    check(result, 3, "a_zero.jpg", "b_text.mp4", "gone.png", "3 could not be read")
    sources = [json.loads(line)["source"] for line in output.read_text(encoding="utf-8").splitlines()]
    read = ["good.jpg", "good2.jpg", "h.png"] if whole else ["good.jpg", "good2.jpg"]
    assert sources == [str(pictures / name) for name in read]


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda folder: (folder / "model.tflite").write_bytes(b"x" * 10), "truncated"),
        (lambda folder: (folder / "model.tflite").unlink(), "missing"),
        (lambda folder: shutil.rmtree(folder), "No Action Unit model"),
        (lambda folder: (folder / "manifest.json").write_text("{"), "not JSON"),
    ],
)
def test_a_model_that_is_missing_or_damaged(models, damage, words):
    damage(models / "compact")
    check(call("demo", *QUICK), 4, words)
    status, out, _ = call("doctor")
    assert status == 1
    assert "Facecue cannot do its main job here" in out


def test_a_model_with_one_changed_byte(models):
    path = models / "compact" / "model.tflite"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(bytes(content))
    check(call("demo", *QUICK), 4, "altered", str(path))


def test_a_detector_that_is_altered(models):
    short = models / "blazeface_short"
    real = short.resolve()
    short.unlink()
    shutil.copytree(real, short)
    (short / "model.tflite").write_bytes(b"no model")
    check(call("demo", *QUICK), 4, "blazeface_short")


@pytest.mark.parametrize("option", ["--transcript", "--wav", "--overlay"])
def test_an_output_in_no_folder_is_told_before_any_work(tmp_path, option, monkeypatch):
    monkeypatch.setattr(app, "watch", lambda *_: pytest.fail("began to work"))
    check(call("demo", *QUICK, option, tmp_path / "gone" / "o.mp4"), 5, "no folder", "mkdir -p")


def test_an_overlay_of_an_unknown_kind(tmp_path):
    check(call("demo", *QUICK, "--overlay", tmp_path / "o.gif"), 5, ".mp4")


def test_a_disk_that_fills_up_does_not_end_what_is_heard(tmp_path):
    for name in ("t.jsonl", "t.wav"):
        (tmp_path / name).symlink_to("/dev/full")
    clip = face_clip(tmp_path / "c.mp4")
    result = call("run", "--source", clip, *QUICK, "--transcript", tmp_path / "t.jsonl")
    _, out, _ = check(result, 5, "No space left on device")
    assert "One person" in out
    assert result[2].count("No space left") == 1 + 1  # when it happens, and as the reason of the exit status


def test_a_full_disk_stops_analyze(tmp_path):
    (tmp_path / "f.csv").symlink_to("/dev/full")
    check(call("analyze", face_picture(tmp_path / "a.jpg"), "--output", tmp_path / "f.csv"), 5, "No space left")


def test_analyze_does_not_overwrite_what_it_reads(tmp_path):
    (tmp_path / "f.csv").write_text("mine")
    check(call("analyze", tmp_path / "f.csv", "--output", tmp_path / "f.csv"), 2, "also an input")
    assert (tmp_path / "f.csv").read_text() == "mine"


def test_an_output_of_an_unknown_kind(tmp_path):
    check(call("analyze", face_picture(tmp_path / "a.jpg"), "--output", tmp_path / "f.xls"), 2, ".csv nor .jsonl")


def test_settings_that_are_wrong(tmp_path):
    path = tmp_path / "s.toml"
    path.write_text("[speech]\nwords_per_minit = 300\n")
    check(call("demo", *QUICK, "--settings", path), 2, "line 2", "'words_per_minit'", "'words_per_minute'")
    status, out, _ = call("doctor", "--settings", path)
    assert status == 1
    assert "line 2" in out


def test_a_language_without_phrases(tmp_path):
    path = tmp_path / "s.toml"
    path.write_text("[speech]\nlanguage = 'xx'\n")
    check(call("demo", *QUICK, "--settings", path), 2, "'xx'", "Use one of:", "en")


def test_an_unknown_back_end():
    check(call("demo", *QUICK, "--backend", "gpu"), 6, "'gpu'", "litert")


def test_an_unknown_model():
    check(call("demo", *QUICK, "--model", "best"), 4, "'best'", "compact")


def test_a_voice_that_does_not_exist_leaves_the_engine_its_own(tmp_path):
    path = tmp_path / "s.toml"
    path.write_text("[speech]\nvoice = 'klingon-xx'\n")
    clip = face_clip(tmp_path / "c.mp4", 2.0)
    result = check(
        call("run", "--source", clip, *QUICK, "--settings", path), 0, "klingon-xx", "Going on with the voice"
    )
    assert "One person" in result[1]


def test_a_back_end_that_fails_in_the_middle_is_loaded_anew_and_no_frame_is_lost(tmp_path, monkeypatch):
    from assistant.inference.backends import litert

    real = litert.Runner.run
    calls = []

    def lose(self, *arrays):
        calls.append(arrays[0].shape)
        if calls.count((1, 16, 16, 3)) == 3 and arrays[0].shape == (1, 16, 16, 3):
            raise BackendError("The stick was pulled out.", "Plug it in.")
        return real(self, *arrays)

    clip = face_clip(tmp_path / "c.mp4", 2.0)
    call("run", "--source", clip, *QUICK, "--backend", "litert")  # remembers the timing, which runs the model too
    monkeypatch.setattr(litert.Runner, "run", lose)
    result = check(
        call("run", "--source", clip, *QUICK, "--backend", "litert", "--json"), 0, "pulled out", "loaded anew"
    )
    assert "One person" in result[1]
    assert json.loads(result[1].splitlines()[-1])["frames"] == 20


def test_what_nobody_foresaw_is_a_sentence_and_with_debug_a_traceback(monkeypatch):
    def explode(_):
        raise RuntimeError("the cat sat on it")

    monkeypatch.setattr(doctor, "run", explode)
    check(call("doctor"), program.UNEXPECTED, "the cat sat on it", "--debug")
    assert "Traceback" in call("doctor", "--debug")[2]


def test_errors_are_spoken_unless_muted(tmp_path, monkeypatch):
    spoken = []
    monkeypatch.setattr(app, "speak_error", lambda error, *_: spoken.append(error.spoken))
    call("run", "--source", tmp_path / "gone.mp4")
    assert spoken == ["I cannot see."]
    call("run", "--source", tmp_path / "gone.mp4", "--mute")
    call("doctor")
    assert len(spoken) == 1


def test_a_wrong_option_is_a_usage_error(capsys):
    with pytest.raises(SystemExit) as caught:
        program.main(["run", "--sauce", "demo"])
    assert caught.value.code == 2
    assert "--sauce" in capsys.readouterr().err
