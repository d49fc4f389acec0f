"""The page's own process under attack: 200 connections at once, and senders that never come to an end."""

import asyncio
import http.client
import socket
import threading
import time

import pytest

from assistant.clock import SystemClock
from assistant.page_words import page_words
from assistant.settings.store import Store
from benchmarks.page_attack import flood
from tests.web_builders import Facts

pytest.importorskip("uvicorn", reason="the page's packages are not installed: pip install '.[page]'")

from assistant.clock import ManualClock
from assistant.web.host import PageHost

pytestmark = pytest.mark.slow


@pytest.fixture
def host(tmp_path):
    file = tmp_path / "settings.toml"
    file.write_text("[speech]\nverbosity = 2\n", encoding="utf-8")
    said = []
    host = PageHost(Store(file), Facts(ManualClock()), said.append, SystemClock(), lambda: page_words("en"))
    host.start("127.0.0.1", 0)
    yield host, file, said
    host.close()


def status(port):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request("GET", "/pair")
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()


def test_nothing_gets_in_and_the_page_is_there_afterwards(host):
    host, file, said = host
    host.open_code()
    outcomes = asyncio.run(flood(host.port, 5.0))
    assert sum(outcomes.values()) > 100, outcomes
    assert not [each for each in outcomes if each.endswith(": IN")], outcomes
    assert [words.written for words in said] == ["Pairing code spoken."], "nobody was paired, nothing changed"
    assert file.read_text(encoding="utf-8") == "[speech]\nverbosity = 2\n"
    end_s = time.monotonic() + 30
    while status(host.port) != 200:
        assert time.monotonic() < end_s


def test_a_slow_sender_is_cut_off_and_keeps_nobody_waiting(host):
    host, _, _ = host
    slow = [socket.create_connection(("127.0.0.1", host.port)) for _ in range(20)]
    cut = threading.Event()
    began_s = time.monotonic()

    def trickle():
        try:
            for each in b"GET /pair HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + b"x" * 60:
                slow[0].send(bytes([each]))
                if cut.wait(0.5):
                    return
        except OSError:
            cut.set()

    thread = threading.Thread(target=trickle)
    thread.start()
    assert status(host.port) == 200, "others are served meanwhile"
    thread.join(40)
    assert cut.is_set()
    assert time.monotonic() - began_s < 30
    for each in slow:
        each.close()
