"""The page in Debian's Chromium, before a running device; every test ends the processes that it starts."""

import os
from pathlib import Path

import pytest

from tests.app_builders import needs_models
from tests.page_builders import axe, chromium, coming_and_going, device, served

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install '.[dev]'")
pytest.importorskip("starlette", reason="the page's packages are not installed: pip install '.[page]'")

pytestmark = [pytest.mark.slow, needs_models]

PHONE, DESKTOP = {"width": 390, "height": 844}, {"width": 1280, "height": 900}
SHOTS = os.environ.get("FACECUE_SHOTS", "")
PAGES = ["/", "/settings/say", "/settings/voice", "/settings/what", "/settings/quiet", "/settings/controls", "/words",
         "/device", "/profile", "/zzz"]  # fmt: skip


@pytest.fixture(scope="module")
def browser():
    path = chromium()
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        yield started
        started.close()


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return coming_and_going(tmp_path_factory.mktemp("clip") / "clip.mp4", 600)


@pytest.fixture
def here(tmp_path, clip):
    with device(tmp_path, clip, "[speech]\nverbosity = 1\n") as running:
        yield running


def pair(page, running, name="Anna's phone"):
    page.goto(f"{running.address}/")
    code = running.code()
    page.get_by_label("Your name").fill(name)
    page.get_by_label("Six digits").fill(code)
    page.get_by_role("button", name="Pair").click()
    assert page.get_by_role("heading", level=1).inner_text() == "Overview"
    return code


def spoken(running, word):
    return [row["text"] for row in running.transcript() if row["spoken"] and word in row["text"]]


@pytest.mark.parametrize("script", [True, False], ids=["with JavaScript", "without JavaScript"])
def test_pair_change_hear_undo_and_revoke(browser, here, script):
    page = browser.new_context(java_script_enabled=script, viewport=PHONE).new_page()
    code = pair(page, here)
    here.heard("Anna's phone is paired")
    here.heard("One person")
    assert not spoken(here, "miling")

    page.get_by_role("link", name="How much is said").first.click()
    page.get_by_label("4. Everything").check()
    page.get_by_role("button", name="Save").last.click()
    assert "Anna's phone set verbosity to 4." in page.get_by_role("status").inner_text()
    here.heard(r"Anna's phone set verbosity to 4\.")
    here.heard("miling")
    assert spoken(here, "miling")

    after = len(here.lines())
    here.press("u")
    here.heard(r"You set verbosity to 1\.", after)
    page.goto(f"{here.address}/settings/say")
    assert page.get_by_label("1. People only").is_checked()

    here.press("i")
    here.heard(r"Paired: Anna's phone\. Press again to end this\.")
    here.press("i")
    here.heard(r"Nobody is paired any more\.")
    page.goto(f"{here.address}/settings/say")
    assert page.url.endswith("/pair")
    assert code not in "".join(row["text"] for row in here.transcript()).replace(", ", "")


def test_all_of_it_by_keyboard_alone(browser, here):
    page = browser.new_context(viewport=DESKTOP).new_page()
    page.goto(f"{here.address}/")
    code = here.code()
    press_until(page, "name")
    page.keyboard.type("Anna's keyboard")
    page.keyboard.press("Tab")
    page.keyboard.type(code)
    page.keyboard.press("Enter")
    page.wait_for_selector("h1:has-text('Overview')")
    press_until(page, "", "How much is said")
    page.keyboard.press("Enter")
    page.wait_for_selector("h1:has-text('How much is said')")
    press_until(page, "", name="speech.verbosity")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    sync_api.expect(page.get_by_role("status")).to_be_focused()
    here.heard(r"Anna's keyboard set verbosity to 2\.")
    press_until(page, "", "Overview")
    page.keyboard.press("Enter")
    page.wait_for_selector("h1:has-text('Overview')")
    press_until(page, "", "Take back the last change")
    page.keyboard.press("Enter")
    sync_api.expect(page.get_by_role("status")).to_contain_text("set verbosity to 1")
    here.heard(r"Anna's keyboard set verbosity to 1\.")
    press_until(page, "", "Sign out Anna's keyboard")
    page.keyboard.press("Enter")
    page.wait_for_selector("h1:has-text('Pair with Facecue')")


def press_until(page, wanted_id, text="", name=""):
    """Press Tab until what has that id, text or name has the focus; at every stop the focus must be visible."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement === document.body"):
            continue  # past the end; the next one is the first
        now = page.evaluate(
            "() => { const e = document.activeElement, s = getComputedStyle(e.closest('.choice') || e);"
            "const r = e.getBoundingClientRect();"
            "const at = document.elementFromPoint(r.left + r.width / 2, r.top + r.height / 2);"
            "const covered = at && at.closest('.save') && !at.closest('.save').contains(e);"
            "return [e.id, e.innerText || '', s.outlineStyle !== 'none', r.top >= 0 && r.bottom <= innerHeight + 1, "
            "!covered] }"
        )
        assert all(now[2:]), f"the focus cannot be seen at {now}"
        if name and page.evaluate("document.activeElement.name") == name:
            return
        if (wanted_id and now[0] == wanted_id) or (text and now[1].split() == text.split()):
            return
    raise AssertionError(f"{wanted_id or text or name} cannot be reached with Tab")


# Accessibility, in every state


STATES = {
    "light phone": {"viewport": PHONE},
    "dark phone": {"viewport": PHONE, "color_scheme": "dark"},
    "320 px": {"viewport": {"width": 320, "height": 640}},
    "320 px dark": {"viewport": {"width": 320, "height": 640}, "color_scheme": "dark"},
    "desktop": {"viewport": DESKTOP},
    "desktop dark": {"viewport": DESKTOP, "color_scheme": "dark"},
    # A window of 1280 px at 400 % is 320 px of CSS, each of four pixels.
    "400 %": {"viewport": {"width": 320, "height": 256}, "device_scale_factor": 4},
    "forced colours": {"viewport": PHONE, "forced_colors": "active", "reduced_motion": "reduce"},
}


@pytest.fixture(scope="module")
def looked_at(browser, clip, tmp_path_factory):
    folder = tmp_path_factory.mktemp("looked_at")
    with device(folder, clip) as running:
        page = browser.new_context().new_page()
        pair(page, running)
        running.heard("One person")
        yield running, page.context.cookies()


@pytest.mark.parametrize("state", STATES)
def test_no_page_has_a_violation_in_any_state(browser, looked_at, state):
    running, cookies = looked_at
    script = axe()
    context = browser.new_context(**STATES[state])
    page = context.new_page()
    visit(page, f"{running.address}/pair", script, f"{state} pair")
    page.get_by_role("button", name="Pair").click()
    sync_api.expect(page.get_by_role("alert")).to_be_focused()
    inspect(page, script, f"{state} pair error")
    context.add_cookies(cookies)
    for path in PAGES:
        visit(page, running.address + path, script, f"{state} {path}")
    page.goto(f"{running.address}/settings/voice")
    page.get_by_label("Speed").fill("9000")
    page.get_by_role("button", name="Save").last.click()
    sync_api.expect(page.get_by_role("alert")).to_be_focused()
    inspect(page, script, f"{state} settings error")
    page.goto(f"{running.address}/settings/say")
    page.get_by_role("button", name="Hear it Smiles").click()
    inspect(page, script, f"{state} preview")
    page.get_by_role("checkbox", name="Closed eyes").click()
    page.get_by_role("button", name="Save").last.click()
    sync_api.expect(page.get_by_role("status")).to_be_focused()
    inspect(page, script, f"{state} saved")
    page.goto(f"{running.address}/profile")
    page.get_by_role("button", name="Import").click()
    sync_api.expect(page.get_by_role("alert")).to_be_focused()
    inspect(page, script, f"{state} import error")
    context.close()


def test_a_wrong_file_and_a_page_without_a_run_have_no_violation_either(browser, tmp_path):
    script = axe()
    page = browser.new_context(viewport=PHONE).new_page()
    with served(tmp_path) as (address, code, file):
        page.goto(address)
        page.get_by_label("Your name").fill("Anna")
        page.get_by_label("Six digits").fill(code)
        page.get_by_role("button", name="Pair").click()
        page.wait_for_selector("h1:has-text('Overview')")
        for path in ("", "device", "words"):
            visit(page, address + path, script, f"served {path}")
        file.write_text("[speech]\nverbosity = 9\n", encoding="utf-8")
        warning = page.get_by_text("The settings file is wrong.")
        for _ in range(40):
            page.goto(address)
            if warning.is_visible():
                break
            page.wait_for_timeout(250)
        assert "line 2" in page.inner_text(".warning")
        inspect(page, script, "served, wrong file")


def visit(page, address, script, name):
    page.goto(address)
    inspect(page, script, name)


def inspect(page, script, name):
    """Ask axe-core, and look for what it does not: sideways scrolling and small targets; take a picture where asked."""
    page.wait_for_load_state("load")
    if SHOTS:
        file = name.replace("/", "-").replace(" ", "_").replace("%", "")
        page.screenshot(path=str(Path(SHOTS) / f"{file}.png"), full_page=True)
    page.evaluate(script)
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    assert [(each["id"], [node["html"] for node in each["nodes"]]) for each in found["violations"]] == [], name
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), name
    small = page.evaluate(
        "[...document.querySelectorAll('button, input:not([type=hidden]), nav a, .button')].filter(e => "
        "{ const r = e.getBoundingClientRect(); return r.width > 1 && (r.width < 24 || r.height < 24) })"
        ".map(e => e.outerHTML)"
    )
    assert small == [], name


def test_the_page_reads_from_right_to_left(browser, looked_at):
    running, cookies = looked_at
    context = browser.new_context(viewport=PHONE)
    context.add_cookies(cookies)
    page = context.new_page()
    for path in PAGES[:6]:
        page.goto(running.address + path)
        page.evaluate("document.documentElement.dir = 'rtl'")
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), path
        assert page.evaluate("document.querySelector('h1').getBoundingClientRect().right > innerWidth / 2")
        if SHOTS:
            page.screenshot(path=str(Path(SHOTS) / f"rtl{path.replace('/', '-')}.png"), full_page=True)
    context.close()
