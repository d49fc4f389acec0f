"""Keys of a real terminal (a pseudo-terminal) are read at once, and the terminal is left as it was."""

import os
import select
import signal
import subprocess
import sys
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from assistant.controls.keyboard import decode
from assistant.controls.windows_keyboard import WindowsKeyboard

ROOT = Path(__file__).resolve().parents[2]
needs_terminal = pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals are of POSIX")


@pytest.mark.parametrize(
    ("typed", "names"),
    [
        ("r", ["r"]),
        ("R", ["r"]),
        (" \r\n\t", ["space", "enter", "enter", "tab"]),
        ("+-=?", ["plus", "minus", "equal", "question"]),
        ("\x1b", ["esc"]),
        ("\x1b[A\x1bOB\x1b[5~\x1b[6~", ["up", "down", "pageup", "pagedown"]),
        ("\x1b[1;5Cn", ["n"]),  # Ctrl and an arrow: no key of ours, and not taken for letters
        ("\x1b\x1b[A", ["esc", "up"]),
        ("\x1b[", []),
        ("ä\x01\x00", ["ä"]),
        ("", []),
    ],
)
def test_what_a_terminal_sends(typed, names):
    assert decode(typed) == names


# Runs in a session of its own, with the pseudo-terminal as its terminal.
CHILD = """
import fcntl, signal, sys, termios, threading
signal.signal(signal.SIGINT, signal.default_int_handler)
if "leader" not in sys.argv:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
from assistant.controls.keyboard import Keyboard
with Keyboard(lambda name: print(name, flush=True)):
    print("ready", flush=True)
    if "raise" in sys.argv:
        raise RuntimeError("a bug")
    threading.Event().wait(30)
"""

# Does what a shell does with a job that is stopped with Ctrl-Z and brought back.
SHELL = """
import fcntl, os, signal, subprocess, sys, termios
signal.signal(signal.SIGTTOU, signal.SIG_IGN)
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
job = subprocess.Popen([sys.executable, "-c", sys.argv[1], "leader"], process_group=0)
os.tcsetpgrp(0, job.pid)
while True:
    _, status = os.waitpid(job.pid, os.WUNTRACED)
    if not os.WIFSTOPPED(status):
        break
    os.tcsetpgrp(0, os.getpgrp())
    shown = termios.tcgetattr(0)[3] & termios.ICANON
    print("stopped, lines" if shown else "stopped, keys", flush=True)
    sys.stdin.readline()
    os.tcsetpgrp(0, job.pid)
    os.kill(job.pid, signal.SIGCONT)
    print("continued", flush=True)
"""


class Terminal:
    """A pseudo-terminal and the program in it."""

    def __init__(self, *command):
        import pty

        self.master, self.slave = pty.openpty()
        self.before = self.mode()
        self.process = subprocess.Popen(
            [sys.executable, "-c", *command],
            stdin=self.slave,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,  # so that `select` sees every line
            start_new_session=True,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        )

    def mode(self):
        import termios

        return termios.tcgetattr(self.slave)

    def type(self, text):
        os.write(self.master, text.encode())

    def line(self, seconds=10.0):
        """Return the next line that the program printed."""
        assert select.select([self.process.stdout], [], [], seconds)[0], "nothing came"
        return self.process.stdout.readline().decode().strip()

    def close(self):
        with suppress(ProcessLookupError):
            self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        os.close(self.master)
        os.close(self.slave)


@contextmanager
def terminal(*command):
    opened = Terminal(*command)
    try:
        yield opened
    finally:
        opened.close()


@needs_terminal
def test_keys_come_without_enter_and_are_not_shown():
    with terminal(CHILD) as shown:
        assert shown.line() == "ready"
        shown.type("r")
        assert shown.line() == "r"
        shown.type("\x1b[6~ ")
        assert [shown.line(), shown.line()] == ["pagedown", "space"]
        shown.type("\x1b")
        assert shown.line() == "esc"
        assert not select.select([shown.master], [], [], 0)[0]  # no echo


@needs_terminal
@pytest.mark.parametrize(
    ("end", "status"),
    [(lambda t: t.type("\x03"), 1), (lambda t: t.process.terminate(), 143)],
    ids=["Ctrl-C", "SIGTERM"],
)
def test_the_terminal_is_restored_however_it_ends(end, status):
    with terminal(CHILD) as shown:
        assert shown.line() == "ready"
        assert shown.mode() != shown.before
        end(shown)
        code = shown.process.wait(10)
        assert code in (status, -signal.SIGINT)
        assert shown.mode() == shown.before


@needs_terminal
def test_the_terminal_is_restored_after_a_bug():
    with terminal(CHILD, "raise") as shown:
        shown.process.wait(10)
        assert shown.mode() == shown.before


@needs_terminal
def test_ctrl_z_gives_the_terminal_back_and_fg_takes_it_again():
    with terminal(SHELL, CHILD) as shown:
        assert shown.line() == "ready"
        shown.type("r")
        assert shown.line() == "r"
        shown.type("\x1a")
        assert shown.line() == "stopped, lines"
        shown.type("\n")
        assert shown.line() == "continued"
        while shown.mode()[3] == shown.before[3]:  # until the job has the terminal again; the test's own limit ends it
            assert shown.process.poll() is None
        shown.type("n")
        assert shown.line() == "n"


class FakeConsole:
    """What `msvcrt` offers."""

    def __init__(self, typed):
        self.typed = list(typed)

    def kbhit(self):
        return bool(self.typed)

    def getwch(self):
        return self.typed.pop(0)


def test_a_windows_console_gives_the_same_names():
    pressed = []
    console = FakeConsole("r \x1b\xe0H\x00I\xe0\x99n")
    with WindowsKeyboard(pressed.append, console) as keyboard:
        while console.typed:
            pass
        keyboard.close()
    assert pressed == ["r", "space", "esc", "up", "pageup", "n"]
