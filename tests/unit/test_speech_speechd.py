"""speech-dispatcher, with a stand-in that speaks SSIP."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from assistant.errors import SpeechError
from assistant.speech.prosody import Prosody
from assistant.speech.speechd import DispatchingPlayer, SpeechDispatcher, default_path
from assistant.types import Speech
from tests.speech_builders import FakePlayer, FakeVoice


class Daemon:
    """Answer as speech-dispatcher does, and remember what was asked."""

    def __init__(self, path: Path) -> None:
        self.heard: list[str] = []
        self.refuses = ""
        self.left = threading.Event()
        self._path = path
        self._connections: list[socket.socket] = []
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._connections.append(connection)
            self._talk(connection)

    def _talk(self, connection: socket.socket) -> None:
        in_text = False
        with connection, connection.makefile("rb") as lines:
            for line in lines:
                said = line.decode().rstrip("\r\n")
                self.heard.append(said)
                if in_text and said != ".":
                    continue
                if self.refuses and said.startswith(self.refuses):
                    connection.sendall(b"300-sorry\r\n300 ERR NOT ALLOWED\r\n")
                elif said == "SPEAK":
                    connection.sendall(b"230 OK RECEIVING DATA\r\n")
                    in_text = True
                elif said == ".":
                    connection.sendall(b"225-21\r\n225 OK MESSAGE QUEUED\r\n")
                    in_text = False
                elif said == "QUIT":
                    self.left.set()
                    return
                else:
                    connection.sendall(b"200 OK\r\n")

    def drop(self) -> None:
        for connection in self._connections:
            connection.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(timeout=20)


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    daemon = Daemon(tmp_path / "speechd.sock")
    yield daemon
    daemon.close()


def say(voice: SpeechDispatcher, text: str) -> Speech:
    speech = voice.synthesise(text)
    DispatchingPlayer(FakePlayer(), lambda: voice).play(speech)
    return speech


def test_words_are_spoken_as_the_settings_ask(daemon: Daemon, tmp_path: Path) -> None:
    speaker = SpeechDispatcher("de", Prosody(450, 75, 100, "some"), tmp_path / "speechd.sock")
    speech = say(speaker, "One person.\n.close")
    assert speech.seconds == pytest.approx(3 * 60 / 450 + 0.3)
    assert not speech.pcm.any()
    DispatchingPlayer(FakePlayer(), lambda: speaker).stop()
    speaker.close()
    speaker.close()
    assert daemon.left.wait(20)
    assert daemon.heard[0].endswith(":facecue:main")
    assert daemon.heard[1:] == [
        *("SET SELF LANGUAGE de", "SET SELF RATE 100", "SET SELF PITCH 50", "SET SELF VOLUME 100"),
        *("SET SELF PUNCTUATION some", "SET SELF PRIORITY MESSAGE"),
        *("CANCEL SELF", "SPEAK", "One person.", "..close", ".", "CANCEL SELF", "QUIT"),
    ]


def test_earcons_go_to_our_own_output(daemon: Daemon, tmp_path: Path) -> None:
    inner = FakePlayer()
    voice = SpeechDispatcher(path=tmp_path / "speechd.sock")
    player = DispatchingPlayer(inner, lambda: voice)
    sound = Speech(np.ones(10, np.int16), 8_000)
    player.chime(sound)
    player.play(sound)
    assert inner.chimes == [sound]
    assert inner.played == [sound]
    assert "SPEAK" not in daemon.heard
    player.close()
    assert inner.closed
    voice.close()


def test_loudness_follows_and_troubles_of_both_are_told(daemon: Daemon, tmp_path: Path) -> None:
    voice = SpeechDispatcher(prosody=Prosody(volume=50), path=tmp_path / "speechd.sock")
    inner = FakePlayer(["no sound"])
    player = DispatchingPlayer(inner, lambda: voice)
    player.volume(1.5)
    assert inner.gain == 1.5
    assert daemon.heard[-1] == "SET SELF VOLUME 50"
    player.play(voice.synthesise(""))
    assert player.trouble() == "no sound"
    assert player.trouble() is None
    voice.close()


def test_another_voice_plays_as_ever(daemon: Daemon, tmp_path: Path) -> None:
    inner, voice = FakePlayer(), FakeVoice()
    player = DispatchingPlayer(inner, lambda: voice)
    player.play(voice.synthesise("Smiling."))
    player.stop()
    assert len(inner.played) == inner.stops == 1


def test_a_daemon_that_went_away_is_found_again(daemon: Daemon, tmp_path: Path) -> None:
    speaker = SpeechDispatcher(path=tmp_path / "speechd.sock")
    daemon.drop()
    say(speaker, "Smiling.")
    assert daemon.heard[-3:] == ["SPEAK", "Smiling.", "."]
    assert speaker.trouble() is None
    speaker.close()


def test_a_daemon_that_is_gone_or_refuses_is_told_once(daemon: Daemon, tmp_path: Path) -> None:
    speaker = SpeechDispatcher(path=tmp_path / "speechd.sock")
    daemon.refuses = "SPEAK"
    say(speaker, "Smiling.")
    assert "it refuses SPEAK" in (speaker.trouble() or "")
    assert speaker.trouble() is None
    (tmp_path / "speechd.sock").unlink()
    say(speaker, "Smiling.")
    assert "No such file" in (speaker.trouble() or "")
    speaker.close()


def test_without_a_daemon_the_remedy_is_told(tmp_path: Path) -> None:
    with pytest.raises(SpeechError, match="cannot be reached") as caught:
        SpeechDispatcher(path=tmp_path / "none.sock")
    assert "spd-say" in caught.value.remedy


def test_the_daemon_is_looked_for_where_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPEECHD_ADDRESS", "unix_socket:/a/b.sock")
    assert default_path() == Path("/a/b.sock")
    monkeypatch.delenv("SPEECHD_ADDRESS")
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run/user/7")
    assert default_path() == Path("/run/user/7/speech-dispatcher/speechd.sock")
