import os
from datetime import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.errors import OutputError, SettingsError
from assistant.settings import Settings, parse
from assistant.settings import save as save_module
from assistant.settings.commented import commented
from assistant.settings.edit import with_values, without
from assistant.settings.file import override
from assistant.settings.keys import keys
from assistant.settings.manual import manual
from assistant.settings.save import save
from assistant.settings.store import A_FILE, Store, announcement, in_quiet_hours
from tests.app_builders import ROOT, call
from tests.settings_builders import any_settings

ANNA = "Anna's phone"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "settings.toml"


def edit(path, text, *stores):
    """Write the file as an editor would, and let the stores look twice."""
    path.write_text(text, encoding="utf-8")
    os.utime(path, ns=(path.stat().st_mtime_ns + 1_000_000,) * 2)
    return [store.follow() or store.follow() for store in stores]


# Survival


@given(any_settings())
@settings(deadline=None)
def test_any_settings_survive_export_and_file(original):
    assert parse(commented(original), "my.toml") == original


@given(any_settings(), any_settings())
@settings(max_examples=30, deadline=None)  # one example takes as long as there are keys
def test_any_settings_survive_being_set_one_by_one_over_others(before, after):
    values = {path: key.of(after) for path, key in keys().items()}
    text = with_values(commented(before), values, "my.toml")
    assert parse(text, "my.toml") == after


@given(any_settings())
@settings(max_examples=50, deadline=None)
def test_a_value_survives_being_typed(original):
    for key in keys().values():
        if key.kind != "text":
            assert key.read(str(key.of(original))) == key.of(original)


@given(st.one_of(st.binary(max_size=200), st.text(max_size=200).map(lambda text: text.encode("utf-8", "replace"))))
@settings(max_examples=150, deadline=None)
def test_any_bytes_give_settings_or_a_clear_error(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "any.toml"
    path.write_bytes(content)
    store = Store(path)
    assert isinstance(store.settings, Settings)
    assert not store.problem or store.problem.startswith(str(path))


@given(st.data())
@settings(max_examples=80, deadline=None)
def test_any_damage_to_a_good_file_gives_settings_or_a_clear_error(tmp_path_factory, data):
    content = bytearray(commented(Settings()).encode())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / "damaged.toml"
    path.write_bytes(bytes(content))
    store = Store(path)
    assert isinstance(store.settings, Settings)
    assert not store.problem or store.problem.startswith(str(path))


class PowerCut(BaseException):
    pass


def test_a_power_cut_at_any_byte_leaves_the_old_or_the_new(path, monkeypatch):
    old, new = "version = 2\n", "version = 2\nprofile = 'quiet'\n"
    written = os.write
    for cut in range(len(new) + 2):
        path.write_text(old)
        left = [cut]

        def write(descriptor, content, left=left):
            if left[0] <= 0:
                raise PowerCut
            left[0] -= 1
            return written(descriptor, content[:1])

        monkeypatch.setattr(save_module.os, "write", write)
        try:
            save(path, new)
            whole = True
        except PowerCut:
            whole = False
        assert path.read_text() == (new if whole else old)
        assert whole == (cut >= len(new))


@pytest.mark.parametrize("moment", ["fsync", "replace"])
def test_a_power_cut_before_the_new_name_leaves_the_old(path, monkeypatch, moment):
    path.write_text("old")

    def cut(*_):
        raise PowerCut

    if moment == "fsync":
        monkeypatch.setattr(save_module.os, "fsync", cut)
    else:
        monkeypatch.setattr(save_module.Path, "replace", cut)
    with pytest.raises(PowerCut):
        save(path, "new")
    assert path.read_text() == "old"


def test_a_full_disk_is_told_and_the_old_stays(path, monkeypatch):
    path.write_text("old")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(save_module.os, "write", full)
    with pytest.raises(OutputError, match="No space left"):
        save(path, "new")
    assert [each.name for each in path.parent.iterdir()] == [path.name]


# Layers


def test_a_profile_hides_what_the_device_says():
    read = parse("profile = 'quiet'\n[speech]\nverbosity = 4\nvoice = 'de'\n", "my.toml").speech
    assert (read.verbosity, read.voice) == (1, "de")


def test_a_profile_of_ones_own_adds_to_the_shipped_one():
    text = "profile = 'work'\n[speech]\nemotions = true\n[profiles.work.cues]\nsmile = false\n"
    read = parse(text, "my.toml")
    assert (read.cues.smile, read.speech.emotions) == (False, False)
    assert parse(text.replace("'work'", "'home'", 1), "my.toml").speech.emotions is True


@pytest.mark.parametrize("profile", ["work", "school"])
def test_emotion_words_cannot_be_on_at_work_and_school(profile):
    with pytest.raises(SettingsError, match=rf"line 2: \[profiles.{profile}.speech\] emotions = True .*{profile}"):
        parse(f"[profiles.{profile}.speech]\nemotions = true\n", "my.toml")
    with pytest.raises(SettingsError, match=profile):
        with_values(f"profile = '{profile}'\n", {"speech.emotions": True}, "my.toml")


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("[profiles.office.speech]\nverbosity = 1", ["line 1", "'office'", "home, work, school, quiet"]),
        ("[profiles.work.speech]\nverbosty = 1", ["line 2", "'verbosity'"]),
        ("[profiles.work.speech]\nverbosity = 9", ["line 2", "[profiles.work.speech] verbosity = 9"]),
        ("[profiles.work]\nverbosity = 1", ["sections only"]),
        ("profiles = 1", ["profiles"]),
        ("profile = 'office'", ["line 1", "'office'", "'home', 'work', 'school', 'quiet'"]),
    ],
)
def test_a_mistake_in_a_profile_is_told(text, parts):
    with pytest.raises(SettingsError) as caught:
        parse(text, "my.toml")
    for part in ["my.toml", *parts]:
        assert part in str(caught.value)


def test_a_change_is_written_where_it_takes_effect():
    text = with_values("profile = 'quiet'\n", {"speech.verbosity": 3}, "my.toml")
    assert parse(text, "my.toml").speech.verbosity == 3
    assert "[profiles.quiet.speech]" in text
    home = with_values(text, {"profile": "home"}, "my.toml")
    assert parse(home, "my.toml").speech.verbosity == 2


def test_every_source_is_told(path):
    path.write_text("profile = 'quiet'\n[speech]\nvoice = 'de'\n")
    store = Store(path, lambda s: s.model_copy(update={"camera": s.camera.model_copy(update={"source": "demo"})}))
    sources = store.sources()
    assert sources["speech.voice"] == "device"
    assert sources["speech.verbosity"] == "profile quiet"
    assert sources["camera.source"] == "command line"
    assert sources["cues.smile"] == "default"


# The file


def test_comments_stay_through_changes_and_migration():
    text = "# mine\n[speech]  # here\nverbosity = 'detailed'  # loud\nvoice = 'de'\n"
    changed = with_values(text, {"speech.words_per_minute": 300}, "my.toml")
    for comment in ("# mine", "# here", "# loud"):
        assert comment in changed
    assert parse(changed, "my.toml").speech.verbosity == 4
    assert "verbosity = 4" in changed


def test_a_key_reset_has_its_default_in_every_layer():
    text = "profile = 'work'\n[speech]\nverbosity = 4\n[profiles.work.speech]\nverbosity = 3\n"
    assert parse(without(text, {"speech.verbosity"}, "my.toml"), "my.toml").speech.verbosity == 2


def test_a_change_is_in_force_and_in_the_file(path):
    store = Store(path)
    changes = store.change({"speech.verbosity": 3, "cues.smile": False}, ANNA)
    assert announcement(changes) == "Anna's phone set verbosity to 3 and turned smiles off."
    assert Store(path).settings == store.settings
    assert store.follow() == store.follow() == ()


def test_many_changes_are_told_shortly(path):
    changes = Store(path).change({f"cues.{name}": False for name in ("arrival", "departure", "smile", "talking")}, ANNA)
    assert announcement(changes).endswith(" and changed 1 more.")


def test_a_wrong_change_changes_nothing(path):
    store = Store(path)
    store.change({"speech.verbosity": 3}, ANNA)
    before = path.read_bytes()
    with pytest.raises(SettingsError, match="80 to 500"):
        store.change({"speech.words_per_minute": 9}, ANNA)
    assert path.read_bytes() == before
    assert store.settings.speech.verbosity == 3


def test_changes_are_taken_back_one_by_one(path):
    store = Store(path)
    store.change({"speech.verbosity": 3}, ANNA)
    edit(path, "[speech]\nverbosity = 4\n", store)
    assert [change.new for change in store.undo()] == [3]
    assert [change.new for change in store.undo()] == [2]
    assert store.undo() == ()


def test_an_edit_by_hand_is_followed_and_named(path):
    store = Store(path)
    [changes] = edit(path, "[speech]\nverbosity = 1\n", store)
    assert announcement(changes) == f"{A_FILE} set verbosity to 1."


def test_a_file_that_is_still_being_written_is_waited_for(path):
    store = Store(path)
    path.write_text("[speech]\nverb")
    assert store.follow() == ()
    path.write_text("[speech]\nverbosity = 1\n")
    assert store.follow() == ()
    assert store.follow()


def test_a_file_that_vanishes_changes_nothing(path):
    store = Store(path)
    store.change({"speech.verbosity": 3}, ANNA)
    path.unlink()
    assert store.follow() == store.follow() == ()
    assert store.settings.speech.verbosity == 3


def test_a_file_that_becomes_wrong_leaves_the_last_good(path):
    store = Store(path)
    store.change({"speech.verbosity": 3}, ANNA)
    edit(path, "[speech]\nverbosity = 7\n", store)
    assert "line 2" in store.problem
    assert store.settings.speech.verbosity == 3
    again = Store(path)  # as after a power cut
    assert "line 2" in again.problem
    assert again.settings.speech.verbosity == 3


def test_a_change_over_a_wrong_file_keeps_that_file_beside(path):
    store = Store(path)
    edit(path, "[speech\n# my work", store)
    store.change({"speech.verbosity": 3}, ANNA)
    assert store.problem == ""
    assert "my work" in path.with_name("settings.broken.toml").read_text()


def test_a_full_disk_changes_nothing(path, monkeypatch):
    store = Store(path)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(save_module.os, "write", full)
    with pytest.raises(OutputError):
        store.change({"speech.verbosity": 3}, ANNA)
    assert store.settings.speech.verbosity == 2


# Quiet hours


@pytest.mark.parametrize(
    ("start", "end", "at", "held"),
    [
        ("22:00", "07:00", time(23), True),
        ("22:00", "07:00", time(6, 59), True),
        ("22:00", "07:00", time(7), False),
        ("12:00", "13:00", time(12), True),
        ("12:00", "13:00", time(13), False),
        ("12:00", "12:00", time(12), False),
    ],
)
def test_quiet_hours_may_pass_midnight(start, end, at, held):
    hours = {"enabled": True, "start": start, "end": end}
    assert in_quiet_hours(Settings.model_validate({"quiet_hours": hours}), at) is held


def test_the_profile_quiet_holds_in_quiet_hours_and_then_no_more(path):
    path.write_text("profile = 'work'\n[speech]\nverbosity = 4\n[quiet_hours]\nenabled = true\n")
    now = [time(21, 59)]
    store = Store(path, wall=lambda: now[0])
    assert store.settings.speech.verbosity == 4
    now[0] = time(22)
    begins = store.follow()
    assert [change.new for change in begins] == [1]
    assert announcement(begins) == "Quiet hours begin."
    now[0] = time(7)
    ends = store.follow()
    assert [change.new for change in ends] == [4]
    assert announcement(ends) == "Quiet hours end."


# What is made from the schema


def test_the_documentation_is_up_to_date():
    assert (ROOT / "docs" / "settings.md").read_text(encoding="utf-8") == manual()


def test_what_somebody_changes_holds_over_the_command_line_and_undo_brings_that_back(path):
    store = Store(path, lambda settings: override(settings, "speech", verbosity=1, words_per_minute=300))
    changes = store.change({"speech.verbosity": 2}, "You")
    assert [(change.old, change.new) for change in changes] == [(1, 2)]
    assert store.sources()["speech.verbosity"] == "device"
    assert store.sources()["speech.words_per_minute"] == "command line"
    store.change({"speech.max_words_per_10_s": 20}, ANNA)
    assert (store.settings.speech.verbosity, store.settings.speech.words_per_minute) == (2, 300)
    store.undo()
    assert [(change.old, change.new) for change in store.undo()] == [(2, 1)]


# The command line


def test_the_command_line_sets_gets_explains_and_resets(path):
    assert call("settings", "set", "speech.verbosity", "3", "--settings", path)[0] == 0
    assert call("settings", "get", "speech.verbosity", "--settings", path)[1] == "3\n"
    assert '"speech.verbosity": 3' in call("settings", "get", "--json", "--settings", path)[1]
    assert "from: device" in call("settings", "explain", "speech.verbosity", "--settings", path)[1]
    call("settings", "reset", "speech.verbosity", "--settings", path)
    assert call("settings", "get", "speech.verbosity", "--settings", path)[1] == "2\n"


def test_the_command_line_exports_and_imports(path, tmp_path):
    call("settings", "set", "speech.verbosity", "3", "--profile", "work", "--settings", path)
    call("settings", "set", "profile", "work", "--settings", path)
    exported = tmp_path / "e.toml"
    exported.write_text(call("settings", "export", "--settings", path)[1], encoding="utf-8")
    other = tmp_path / "other.toml"
    status, out, _ = call("settings", "import", exported, "--settings", other, "--json")
    assert (status, '"profile": "work"' in out) == (0, True)
    assert Store(other).settings == Store(path).settings


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["set", "speech.verbosty", "2"], "speech.verbosity"),
        (["set", "speech.verbosity", "9"], "1, 2, 3, 4"),
        (["get", "zzz"], "facecue settings get"),
        (["import", "gone.toml"], "gone.toml"),
    ],
)
def test_mistakes_on_the_command_line_are_told(path, arguments, words):
    path.write_text("")
    status, _, err = call("settings", *arguments, "--settings", path)
    assert (status, words in err) == (2, True), err


def test_the_command_line_leaves_a_wrong_file_alone(path):
    path.write_text("[speech\n")
    status, _, err = call("settings", "set", "speech.verbosity", "3", "--settings", path)
    assert (status, "line 1" in err, path.read_text()) == (2, True, "[speech\n")
