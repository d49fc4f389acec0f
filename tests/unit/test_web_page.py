import html
import re

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from assistant.page_words import page_words
from assistant.settings import Settings
from assistant.settings.keys import keys
from assistant.settings.schema import NO_EMOTIONS
from assistant.settings.store import Store
from assistant.web.forms import SECTIONS, part_keys
from assistant.web.names import speakable
from tests.settings_builders import any_settings
from tests.web_builders import CODE, Around, filled, post, token

PAGES = ["/", "/settings/say", "/settings/voice", "/settings/what", "/settings/quiet", "/words", "/device", "/profile"]


@pytest.fixture
def around(tmp_path):
    return Around(tmp_path)


@pytest.fixture
def anna(around):
    return around.paired()


@pytest.mark.parametrize("path", PAGES)
def test_every_page_is_shown_to_the_paired_and_to_nobody_else(around, path):
    assert around.browser().get(path).headers["location"] == "/pair"
    answer = around.paired().get(path)
    assert answer.status_code == 200
    assert answer.text.count("<h1") == 1


@pytest.mark.parametrize("path", PAGES)
def test_no_page_has_a_script_a_picture_or_anything_from_elsewhere(anna, path):
    text = anna.get(path).text
    assert not re.search(r"<script|<img|<video|<canvas|<iframe|https?://|\son\w+=|style=", text)


def test_pairing_is_spoken(around, anna):
    assert [words.text for words in around.said] == ["Anna's phone is paired."]


def test_a_change_is_made_announced_and_shown(around, anna):
    answer = post(anna, "/settings/say", filled(anna, "/settings/say") | {"speech.verbosity": "4"}, "/settings/say")
    assert answer.headers["location"] == "/settings/say"
    assert around.store.settings.speech.verbosity == 4
    assert around.said[-1].text == "Anna's phone set verbosity to 4."
    assert "Anna&#39;s phone set verbosity to 4." in anna.get("/settings/say").text


def test_the_page_tells_a_change_in_its_own_language(around, anna):
    around.host._words = lambda: page_words("de")
    post(anna, "/settings/say", filled(anna, "/settings/say") | {"speech.verbosity": "4"}, "/settings/say")
    assert around.said[-1].text == "Anna's phone: 1 Einstellung geändert."
    assert "Anna&#39;s phone set verbosity to 4." in anna.get("/settings/say").text


def test_a_switch_is_turned_off_by_leaving_it_out(around, anna):
    form = filled(anna, "/settings/say")
    del form["cues.smile"]
    post(anna, "/settings/say", form)
    assert around.said[-1].text == "Anna's phone turned smiles off."


def test_what_was_left_alone_is_not_changed_back(around, anna):
    form = filled(anna, "/settings/say")
    around.store.change({"speech.verbosity": 1}, "You")
    around.later(1)
    del form["cues.smile"]
    post(anna, "/settings/say", form)
    assert (around.store.settings.speech.verbosity, around.store.settings.cues.smile) == (1, False)


def test_nothing_changed_says_nothing(around, anna):
    before = len(around.said)
    post(anna, "/settings/say", filled(anna, "/settings/say"))
    assert len(around.said) == before


def test_mistakes_are_listed_with_links_and_nothing_is_changed(around, anna):
    form = filled(anna, "/settings/voice") | {"speech.words_per_minute": "9000", "speech.language": "?"}
    answer = post(anna, "/settings/voice", form)
    assert answer.status_code == 422
    assert 'role="alert" tabindex="-1" autofocus' in answer.text
    for key in ("words_per_minute", "language"):
        assert f'href="#speech-{key}"' in answer.text
        assert f'id="speech-{key}-error"' in answer.text
    assert 'value="9000"' in answer.text
    assert around.store.settings.speech.words_per_minute == 260


@pytest.mark.parametrize("profile", NO_EMOTIONS)
def test_emotion_words_cannot_be_turned_on_at_work_and_school(around, anna, profile):
    around.store.change({"profile": profile}, "You")
    around.later(1)
    answer = post(anna, "/settings/what", filled(anna, "/settings/what") | {"speech.emotions": "on"})
    assert answer.status_code == 422
    assert profile in answer.text
    assert around.store.settings.speech.emotions is False


def test_a_preview_is_spoken_and_written_and_nothing_is_saved(around, anna):
    form = filled(anna, "/settings/say") | {"speech.verbosity": "3", "preview": "speech.verbosity"}
    answer = post(anna, "/settings/say", form)
    assert around.said[-1].text in html.unescape(answer.text)
    assert around.said[-1].text.startswith("Example: One person")
    assert "Brows raised." in around.said[-1].text
    assert 'value="3" checked' in answer.text
    assert around.store.settings.speech.verbosity == 2


def test_previews_leave_time_to_breathe(around, anna):
    form = filled(anna, "/settings/say") | {"preview": "cues.smile"}
    before = len(around.said)
    for _ in range(5):
        post(anna, "/settings/say", form)
    assert len(around.said) == before + 1


def test_while_the_wearer_has_paused_an_example_is_not_spoken_and_the_page_says_so(around, anna):
    around.facts.registry.pause(True)
    before = len(around.said)
    answer = post(anna, "/settings/say", filled(anna, "/settings/say") | {"preview": "cues.smile"})
    assert "The wearer has paused; it would say: Example: " in html.unescape(answer.text)
    assert len(around.said) == before
    around.later(5)
    assert "The wearer has paused" in anna.get("/").text
    around.facts.registry.pause(False)
    around.later(5)
    assert "The wearer has paused" not in anna.get("/").text


def test_the_last_change_is_taken_back(around, anna):
    post(anna, "/settings/say", filled(anna, "/settings/say") | {"speech.verbosity": "4"})
    post(anna, "/undo", {}, "/")
    assert around.store.settings.speech.verbosity == 2
    assert around.said[-1].text == "Anna's phone set verbosity to 2."


def test_what_the_device_alone_may_change_is_shown_but_not_taken(around, anna):
    assert "Camera" in anna.get("/device").text
    form = filled(anna, "/settings/what") | {"camera.source": "http://evil/", "web.host": "0.0.0.0"}
    post(anna, "/settings/what", form)
    assert around.store.settings.camera.source == ""
    answer = around.host.answer({"question": "change", "values": {"web.host": "0.0.0.0"}, "by": "Eve"})
    assert "on the device only" in answer["error"]


def test_words_are_shown_as_text_with_their_reasons(anna):
    text = anna.get("/words").text
    assert "One person, &lt;b&gt;close&lt;/b&gt;." in text
    assert "1 s ago. Held back: enough was said in these ten seconds." in text
    assert "Said: somebody comes." in text


def test_the_device_tells_its_problems_and_remedies(anna):
    text = anna.get("/device").text
    assert "camera lost." in text
    assert "Check its cable." in text


def upload(browser, content):
    csrf = token(browser, "/profile")
    return browser.post("/profile", data={"csrf": csrf}, files={"file": ("a.toml", content)})


@given(any_settings())
@example(Settings.model_validate({"profile": "quiet", "speech": {"verbosity": 2}}))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_settings_survive_export_and_import_over_the_page(tmp_path_factory, original):
    one, other = Around(tmp_path_factory.mktemp("one")), Around(tmp_path_factory.mktemp("other"))
    values = {path: key.of(original) for path, key in keys().items() if key.remote}
    one.store.change(values, "You")
    exported = one.paired().get("/profile/facecue-settings.toml")
    assert exported.headers["content-disposition"] == "attachment"
    assert upload(other.paired(), exported.content).status_code == 303
    assert other.store.settings == one.store.settings


@given(any_settings())
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_settings_survive_every_form(tmp_path_factory, original):
    around = Around(tmp_path_factory.mktemp("page"))
    around.store.change({path: key.of(original) for path, key in keys().items() if key.remote}, "You")
    anna, before = around.paired(), around.store.settings
    for part in SECTIONS:
        if part_keys(part):
            around.later(20)
            post(anna, f"/settings/{part}", {k: html.unescape(v) for k, v in filled(anna, f"/settings/{part}").items()})
    assert around.store.settings == before
    assert Store(around.store.path).settings == before


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"[speech]\nverbosity = 9\n", b"[speech\n", b"a" * 60_000])
def test_a_wrong_import_changes_nothing_and_is_explained(around, anna, content):
    before = around.store.settings
    answer = upload(anna, content)
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    assert around.store.settings == before


def test_an_import_leaves_what_is_for_the_device_alone(around, anna):
    answer = upload(anna, b"[web]\nhost = '0.0.0.0'\nenabled = true\n[cues]\nsmile = false\n")
    assert answer.status_code == 303
    assert around.store.settings.web.host == "127.0.0.1"
    assert around.store.settings.cues.smile is False


def test_a_broken_file_is_told(around, anna):
    around.store.problem = "settings.toml, line 3: wrong."
    assert "line 3" in anna.get("/").text


def test_signing_out_ends_the_session(around, anna):
    post(anna, "/leave", {}, "/")
    assert anna.get("/").headers["location"] == "/pair"
    assert around.sessions.names() == ()


def test_a_name_that_cannot_be_spoken_is_refused(around):
    around.pairing.open(CODE)
    answer = post(around.browser(), "/pair", {"name": "<>!?", "code": CODE})
    assert (answer.status_code, "can be spoken" in answer.text) == (422, True)


@given(st.text(max_size=400))
def test_a_name_is_short_and_of_letters(typed):
    name = speakable(typed)
    assert len(name) <= 30
    assert speakable(name) == name
    assert not set(name) & set('<>&"\n\r\t;:/\\[]{}()|`$*_=')


def test_a_device_that_has_gone_is_told(around, anna, monkeypatch):
    async def gone(*_, **__):
        raise ConnectionError

    monkeypatch.setattr(around, "ask", gone)
    answer = anna.get("/device")
    assert (answer.status_code, "still running" in answer.text) == (503, True)


def test_a_page_that_is_not_there_is_told(anna):
    assert anna.get("/settings/zzz").status_code == anna.get("/zzz").status_code == 404
