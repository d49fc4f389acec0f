"""Attack the settings page of a running Facecue, and tell what got in and what became of the loop's frame rate.

    python -m benchmarks.page_attack --clip FILE [--speed real] [--rounds 6] [--seconds 5] [--save]

A loop takes a clip at its own speed, as from a camera, while its page is open and a pairing code is valid; with
`--speed max` as fast as it goes, which leaves no processor for the attack. Seconds of quiet and seconds
of attack take turns, so that whatever else the machine does falls on both. The attack is 200 connections at once: wrong
codes, forged and replayed sessions, forms of other sites, foreign Host headers, paths that lead out, bodies of ten
megabytes with and without a length, and senders of one byte a second. It runs at a low priority, since an attacker
would not sit on the device's processor. Prints JSON; ends with status 1 where a bar is not held.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import random
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import date
from pathlib import Path
from statistics import median
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[1]
CONNECTIONS: Final = 200
MOST_DROP: Final = 0.10
_BIG: Final = 10_000_000
_CHUNK: Final = 50_000
_ANSWER_S: Final = 15.0

Attack = Callable[[asyncio.StreamReader, asyncio.StreamWriter, str], Awaitable[str]]


async def flood(port: int, seconds: float, connections: int = CONNECTIONS) -> Counter[str]:
    """Attack a page of this machine; return how often each attack ended in which way, "IN" where one got in."""
    outcomes: Counter[str] = Counter()
    end_s = time.monotonic() + seconds
    kinds = list(ATTACKS.items())

    async def attacker(number: int) -> None:
        name, attack = kinds[number % len(kinds)]
        while time.monotonic() < end_s:
            outcome = await _once(port, attack, max(end_s - time.monotonic(), 0.1))
            outcomes[f"{name}: {outcome}"] += 1
            if outcome == "refused":
                await asyncio.sleep(0.05)

    await asyncio.gather(*(attacker(number) for number in range(connections)))
    return outcomes


async def _once(port: int, attack: Attack, left_s: float) -> str:
    writer = None
    try:
        async with asyncio.timeout(min(left_s, _ANSWER_S)):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            return await attack(reader, writer, f"127.0.0.1:{port}")
    except TimeoutError:
        return "no answer"
    except (OSError, asyncio.IncompleteReadError):
        return "refused"
    finally:
        if writer is not None:
            writer.transport.abort()


async def _ask(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, first: str, host: str, *headers: str, body: bytes = b""
) -> tuple[int, str]:
    """Send one request and return the answer's status, and its head and text."""
    lines = [first + " HTTP/1.1", f"Host: {host}", f"Content-Length: {len(body)}", *headers]
    writer.write("\r\n".join([*lines, "", ""]).encode())
    for at in range(0, len(body), _CHUNK):
        writer.write(body[at : at + _CHUNK])
        await writer.drain()
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    found = re.search(r"content-length: (\d+)", head, re.IGNORECASE)
    text = await reader.readexactly(int(found[1])) if found else b""
    return int(head.split()[1]), head + text.decode("utf-8", "replace")


def _judged(status: int, text: str) -> str:
    """Return the status, or "IN" where the answer shows what only the paired may see, or a file."""
    inside = 'action="/leave"' in text or "root:" in text or "set-cookie: facecue=" in text.lower()
    return "IN" if inside else str(status)


async def _wrong_code(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str) -> str:
    status, text = await _ask(reader, writer, "GET /pair", host)
    token, visit = re.search(r'name="csrf" value="([^"]+)"', text), re.search(r"facecue_visit=([^;]+)", text)
    if not token or not visit:
        return _judged(status, text)
    for _ in range(20):
        form = f"csrf={token[1]}&name=Eve&code={random.randrange(10**6):06d}".encode()
        headers = (f"Cookie: facecue_visit={visit[1]}", "Content-Type: application/x-www-form-urlencoded")
        status, text = await _ask(reader, writer, "POST /pair", host, *headers, body=form)
    return _judged(status, text)


async def _forged_session(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str) -> str:
    forged = f"{random.randbytes(18).hex()}.{random.randbytes(20).hex()}"
    return _judged(*await _ask(reader, writer, "GET /", host, f"Cookie: facecue={forged}"))


async def _foreign_form(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str) -> str:
    form = b"csrf=x&speech.verbosity=4"
    return _judged(*await _ask(reader, writer, "POST /settings/say", host, "Origin: http://evil.example", body=form))


async def _rebound(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str) -> str:
    return _judged(*await _ask(reader, writer, "GET /pair", "evil.example"))


async def _way_out(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str) -> str:
    path = random.choice(("/../../../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "//etc/passwd", "/style.css/../x"))
    return _judged(*await _ask(reader, writer, f"GET {path}", host))


async def _big(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str) -> str:
    return _judged(*await _ask(reader, writer, "POST /profile", host, body=bytes(_BIG)))


async def _endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str) -> str:
    writer.write(f"POST /profile HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
    for _ in range(_BIG // _CHUNK):
        writer.write(f"{_CHUNK:x}\r\n".encode() + bytes(_CHUNK) + b"\r\n")
        await writer.drain()
    return _judged(int((await reader.readuntil(b"\r\n")).split()[1]), "")


async def _slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str) -> str:
    for each in f"GET /pair HTTP/1.1\r\nHost: {host}\r\nX: {'x' * 60}":
        writer.write(each.encode())
        await writer.drain()
        await asyncio.sleep(1.0)
    return "held for a minute"


ATTACKS: Final[dict[str, Attack]] = {
    "wrong code": _wrong_code,
    "forged session": _forged_session,
    "foreign form": _foreign_form,
    "rebound host": _rebound,
    "way out": _way_out,
    "10 MB": _big,
    "10 MB, no length": _endless,
    "slow": _slow,
}

# The loop as it is; it also tells, for each line of standard input, how many frames it has looked at, and its own
# processor time.
_DEVICE: Final = """
import sys, threading, time
from assistant import live_settings
from assistant.__main__ import main
from assistant.web.host import PageHost

start, frames, hosts = PageHost.start, 0, []
def start_and_tell(self, host, port):
    start(self, host, 0)
    hosts.append(self)
    print(f"port {self.port}", file=sys.stderr, flush=True)
def observe(self, *arguments):
    global frames
    frames += 1
    seen(self, *arguments)
seen, live_settings.LiveSettings.observe = live_settings.LiveSettings.observe, observe
PageHost.start = start_and_tell
def answer():
    for line in sys.stdin:
        if line.strip() == "code":
            hosts[0].open_code()
        print(f"frames {frames} {time.process_time()} {time.monotonic()}", file=sys.stderr, flush=True)
threading.Thread(target=answer, daemon=True).start()
sys.exit(main(sys.argv[1:]))
"""


class Device:
    """Run the loop over a clip, its page open."""

    def __init__(self, folder: Path, clip: Path, speed: str) -> None:
        self.settings = folder / "settings.toml"
        self.settings.write_text("[web]\nenabled = true\n", encoding="utf-8")
        command = [sys.executable, "-c", _DEVICE, "run", "--mute", "--speed", speed, "--source", str(clip)]
        self.process = subprocess.Popen(
            [*command, "--settings", str(self.settings)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        )
        self.port = int(self._line("port")[0])

    def _line(self, first: str) -> list[str]:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            if line.startswith(f"{first} "):
                return line.split()[1:]
        raise SystemExit("Facecue ended: take a longer --clip.")

    def look(self, what: str = "look") -> tuple[int, float, float]:
        """Return frames so far, processor seconds so far, and the time."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{what}\n")
        self.process.stdin.flush()
        frames, cpu_s, now_s = self._line("frames")
        return int(frames), float(cpu_s), float(now_s)

    def close(self) -> None:
        """End it."""
        self.process.terminate()
        self.process.wait(30)


class Attacker:
    """Be the attacker's process, which waits between attacks."""

    def __init__(self, port: int, seconds: float) -> None:
        command = [sys.executable, "-m", "benchmarks.page_attack", "--flood", str(port), "--seconds", str(seconds)]
        self.process = subprocess.Popen(
            ["nice", "-n", "5", *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
        )
        self.attack()

    def attack(self) -> dict[str, int]:
        """Attack once; return the outcomes."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write("go\n")
        self.process.stdin.flush()
        return dict(json.loads(self.process.stdout.readline()))

    def close(self) -> None:
        """End it."""
        self.process.terminate()
        self.process.wait(30)


def measure(device: Device, attacker: Attacker, rounds: int, seconds: float) -> dict[str, Any]:
    """Let quiet and attack take turns."""
    rates: dict[str, list[tuple[float, float]]] = {"quiet": [], "attack": []}
    outcomes: Counter[str] = Counter()
    for number in range(2 * rounds):
        name = ("quiet", "attack", "attack", "quiet")[number % 4]
        before = device.look("code" if name == "attack" else "look")
        if name == "attack":
            outcomes.update(attacker.attack())
        else:
            time.sleep(seconds)
        frames, cpu_s, now_s = (b - a for a, b in zip(before, device.look(), strict=True))
        rates[name].append((frames / now_s, frames / cpu_s))
    quiet, attack = ([median(each) for each in zip(*rates[name], strict=True)] for name in ("quiet", "attack"))
    return {
        "frames_a_second": {"quiet": round(quiet[0], 1), "attack": round(attack[0], 1)},
        "frames_a_processor_second": {"quiet": round(quiet[1], 1), "attack": round(attack[1], 1)},
        "drop": round(1 - attack[0] / quiet[0], 3),
        "drop_of_frames_a_processor_second": round(1 - attack[1] / quiet[1], 3),
        "each_round": {name: [[round(x, 1) for x in pair] for pair in pairs] for name, pairs in rates.items()},
        "got_in": sum(count for outcome, count in outcomes.items() if outcome.endswith(": IN")),
        "settings_untouched": device.settings.read_text(encoding="utf-8") == "[web]\nenabled = true\n",
        "outcomes": dict(sorted(outcomes.items())),
    }


def main() -> int:
    """Measure, or be the attacker."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clip", type=Path, help="a video with a face; 20,000 frames for --speed max")
    parser.add_argument("--speed", choices=("real", "max"), default="real", help="as a camera gives frames, or all out")
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--save", action="store_true", help="write benchmarks/results/DATE-page-attack.json")
    parser.add_argument("--flood", type=int, metavar="PORT", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.flood:
        for _ in sys.stdin:
            print(json.dumps(asyncio.run(flood(arguments.flood, arguments.seconds))), flush=True)
        return 0
    if arguments.clip is None:
        parser.error("--clip is missing")
    with tempfile.TemporaryDirectory() as name:
        device = Device(Path(name), arguments.clip, arguments.speed)
        try:
            device.look()
            attacker = Attacker(device.port, arguments.seconds)  # its first attack also lets the loop warm up
            try:
                result = measure(device, attacker, arguments.rounds, arguments.seconds)
            finally:
                attacker.close()
        finally:
            device.close()
    result = {
        "date": date.today().isoformat(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}",
        "connections": CONNECTIONS,
        "rounds": arguments.rounds,
        "seconds": arguments.seconds,
        **result,
    }
    print(json.dumps(result, indent=1))
    if arguments.save:
        path = ROOT / "benchmarks" / "results" / f"{date.today().isoformat()}-page-attack.json"
        path.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return int(result["got_in"] > 0 or not result["settings_untouched"] or result["drop"] > MOST_DROP)


if __name__ == "__main__":
    sys.exit(main())
