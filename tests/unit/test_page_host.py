"""Where the page is, and why something was said, in words for everybody."""

import socket

import pytest

from assistant.clock import ManualClock
from assistant.errors import OutputError
from assistant.page_words import page_words
from assistant.settings.store import Store
from assistant.web.host import PageHost
from assistant.web.reasons import plain
from tests.web_builders import Facts


@pytest.fixture
def host(tmp_path):
    clock, said = ManualClock(), []
    host = PageHost(Store(tmp_path / "settings.toml"), Facts(clock), said.append, clock, lambda: page_words("en"))
    yield host, said
    host.close()


def test_it_starts_tells_its_address_and_ends(host):
    host, said = host
    host.start("127.0.0.1", 0)
    assert host.address == f"http://127.0.0.1:{host.port}/"
    host.open_code()
    assert said[-1].written == "Pairing code spoken."
    host.close()
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", host.port))
    host.open_code()
    assert said[-1].text == "The settings page is off."


def test_an_address_that_is_taken_is_told(host):
    host, _ = host
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OutputError, match="cannot listen"):
        host.start("127.0.0.1", taken.getsockname()[1])


@pytest.mark.parametrize(
    ("reason", "spoken", "words"),
    [
        ("rate limit", False, "enough was said in these ten seconds"),
        ("smile", True, "smiles"),
        ("answer", True, "the wearer asked"),
        ("something new", True, "something new"),
        ("something new", False, "something new"),
    ],
)
def test_reasons_are_told_in_plain_words(reason, spoken, words):
    assert plain(reason, spoken) == words
