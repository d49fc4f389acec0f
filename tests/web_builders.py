"""Stand in for the device behind the page, and for a browser before it."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from assistant.clock import ManualClock
from assistant.health import Health
from assistant.page_words import page_words
from assistant.settings.store import Store

pytest.importorskip("starlette", reason="the page's packages are not installed: pip install '.[page]'")
pytest.importorskip("uvicorn", reason="the page's packages are not installed: pip install '.[page]'")

from starlette.testclient import TestClient

from assistant.web.guard import Guard
from assistant.web.host import PageHost, Words
from assistant.web.page import Page
from assistant.web.pairing import Pairing
from assistant.web.sessions import Sessions

CODE = "271828"
ADDRESS = "http://127.0.0.1:8765"


class Facts:
    """A healthy run that has said one thing and held back another."""

    def __init__(self, clock: ManualClock) -> None:
        self.registry = Health(clock)
        self.registry.name(camera="demo", sound="none", voice="espeak", model="compact", backend="litert")
        self.registry.trouble("camera", "camera lost.", "Check its cable.")

    def health(self) -> dict[str, Any]:
        return self.registry.report().as_json()

    def words(self) -> Sequence[dict[str, Any]]:
        return (
            {"time_s": 4.0, "ago_s": 1.0, "text": "Brows raised.", "spoken": False, "reason": "rate limit"},
            {"time_s": 2.0, "ago_s": 3.0, "text": "One person, <b>close</b>.", "spoken": True, "reason": "arrival"},
        )

    def offers(self) -> dict[str, dict[str, str]]:
        return {"speech.language": {"en": "English", "cs": "čeština"}}


class Around:
    """Hold a page and all that is around it, in one thread and with a clock of its own."""

    def __init__(self, folder: Path, local_network: bool = False) -> None:
        self.clock = ManualClock()
        self.store = Store(folder / "settings.toml")
        self.said: list[Words] = []
        self.facts = Facts(self.clock)
        self.host = PageHost(self.store, self.facts, self.said.append, self.clock, lambda: page_words("en"))
        self.pairing, self.sessions = Pairing(self.clock), Sessions(self.clock)
        self.page = Page(self, self.pairing, self.sessions, self.clock)
        self.guard = Guard(self.page.application(), self.clock, local_network)

    async def ask(self, question: str, **what: Any) -> dict[str, Any]:
        """Ask the host as the page's process does, through JSON."""
        return json.loads(json.dumps(self.host.answer(json.loads(json.dumps({"question": question, **what})))))

    def browser(self) -> TestClient:
        return TestClient(self.guard, base_url=ADDRESS, follow_redirects=False)

    def paired(self, name: str = "Anna's phone") -> TestClient:
        """Return a browser that has typed the right code."""
        browser = self.browser()
        self.pairing.open(CODE)
        answer = post(browser, "/pair", {"name": name, "code": CODE})
        assert answer.status_code == 303, answer.text
        return browser

    def later(self, seconds: float) -> None:
        self.clock.set(self.clock.now_s() + seconds)


def token(browser: TestClient, path: str) -> str:
    """Return the hidden token of a page's form."""
    found = re.search(r'name="csrf" value="([^"]+)"', browser.get(path).text)
    assert found, path
    return found[1]


def post(browser: TestClient, path: str, form: dict[str, str], shown_at: str = "") -> Any:
    """Send a form as a browser does, with the token of the page that shows it."""
    csrf = token(browser, shown_at or path)
    return browser.post(path, data={"csrf": csrf} | form, headers={"origin": ADDRESS})


def filled(browser: TestClient, path: str) -> dict[str, str]:
    """Return what a section's form sends when nothing is touched."""
    html = browser.get(path).text
    form: dict[str, str] = {}
    for tag in re.findall(r"<input[^>]*>", html):
        attributes = dict(re.findall(r'([a-z]+)="([^"]*)"', tag))
        if attributes.get("type") in ("checkbox", "radio") and " checked" not in tag:
            continue
        if "name" in attributes:
            form[attributes["name"]] = attributes.get("value", "on")
    return form
