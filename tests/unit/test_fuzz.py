"""Whatever bytes stand where Facecue reads text of others, it gets what it can use or tells a clear error, and soon."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from assistant.camera.pictures import read_picture
from assistant.errors import FacecueError, ModelError, SettingsError, SourceError
from assistant.expression.classifier import read_weights
from assistant.inference import choose, manifest
from assistant.settings import Settings, parse
from assistant.settings.commented import commented
from assistant.settings.keys import keys
from assistant.speech import phrase_file
from tests.app_builders import ROOT, SHIPPED
from tests.camera_builders import coloured, write_picture

BOUNDED = settings(max_examples=150, deadline=5_000, derandomize=True, suppress_health_check=list(HealthCheck))
"""The same examples each time, so that a change is what makes it fail; five seconds count as a hang."""

DEEP = "[" * 100_000
LONG = "9" * 10_000
NASTY = (
    "",
    "\0",
    "\ufeff",
    "\ud800",
    DEEP,
    LONG,
    f"a = {DEEP}",
    f"a = {LONG}",
    "a = 1-1-1",
    "[a]\n[a]",
    "a.b = 1\na = 2",
)

words = st.text(max_size=12) | st.sampled_from(["", "auto", "..", "a/b", "a\\b", "a\0b", "con", "1e999", "None", "en"])
numbers = st.integers() | st.floats() | st.sampled_from([10**400, -(10**400), 1e308, 0, -1])


def documents(names: list[str]) -> st.SearchStrategy[Any]:
    """Draw documents of which some keys are right, and values of any kind."""
    known = st.sampled_from(names) | words
    leaves = st.none() | st.booleans() | numbers | words
    return st.dictionaries(
        known,
        st.recursive(leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(known, inner, max_size=4)),
        max_size=8,
    )


def damaged(content: bytes) -> st.SearchStrategy[bytes]:
    """Draw a file of which parts are cut out, repeated, or other bytes."""
    places = st.integers(0, len(content))
    new = st.binary(max_size=6) | st.sampled_from([b"[", b"{", b'"', b"\n", b"="])
    edits = st.tuples(places, st.integers(0, 40), new)

    def edit(changes: list[tuple[int, int, bytes]]) -> bytes:
        result = content
        for at, length, new in changes:
            result = result[:at] + new + result[at + length :]
        return result

    return st.lists(edits, min_size=1, max_size=5).map(edit)


def toml(document: dict[str, Any]) -> str:
    """Write a document so that much of it is TOML: strings and lists are as in JSON."""
    lines = []
    for key, value in document.items():
        if isinstance(value, dict):
            lines += [f"[{json.dumps(key)}]", *(f"{json.dumps(k)} = {json.dumps(v)}" for k, v in value.items())]
        else:
            lines.insert(0, f"{json.dumps(key)} = {json.dumps(value)}")
    return "\n".join(lines)


def check(read: Callable[[], object], error: type[FacecueError]) -> None:
    """Read, and let pass what is told as it should be."""
    told: FacecueError | None = None
    try:
        read()
    except error as raised:
        told = raised
    assert told is None or (told.cause and told.remedy)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz")


# Settings, which are also what `facecue settings import` reads

SETTINGS_NAMES = ["profiles", "work", *sorted({part for path in keys() for part in path.split(".")})]


@BOUNDED
@given(st.text(max_size=200))
def test_any_text_as_settings(text: str) -> None:
    check(lambda: parse(text, "my.toml"), SettingsError)


@pytest.mark.parametrize("text", NASTY, ids=range(len(NASTY)))
def test_nasty_settings(text: str) -> None:
    check(lambda: parse(text, "my.toml"), SettingsError)


@BOUNDED
@given(documents(SETTINGS_NAMES))
def test_any_document_as_settings(document: dict[str, Any]) -> None:
    check(lambda: parse(toml(document), "my.toml"), SettingsError)


@BOUNDED
@given(damaged(commented(Settings()).encode()))
def test_damaged_settings(content: bytes) -> None:
    check(lambda: parse(content.decode("utf-8", "replace"), "my.toml"), SettingsError)


# Manifests


def load_manifest(folder: Path, content: bytes) -> None:
    (folder / "manifest.json").write_bytes(content)
    check(lambda: manifest.verify(folder), ModelError)


GOOD_MANIFEST = (SHIPPED / "blazeface_short" / "manifest.json").read_bytes()


@BOUNDED
@given(documents(list(manifest.Manifest.model_fields)))
def test_any_document_as_manifest(folder: Path, document: dict[str, Any]) -> None:
    load_manifest(folder, json.dumps(document).encode())


@BOUNDED
@given(
    st.sampled_from(list(manifest.Manifest.model_fields)), st.none() | st.booleans() | numbers | words | st.lists(words)
)
@example("file", "a\0b")
@example("file", "\ud800")
@example("file", "..")
@example("file", "x" * 5_000)
def test_a_manifest_with_any_one_value(folder: Path, name: str, value: Any) -> None:
    document = json.loads(GOOD_MANIFEST)
    document[name] = value
    load_manifest(folder, json.dumps(document).encode())


@BOUNDED
@given(damaged(GOOD_MANIFEST))
def test_a_damaged_manifest(folder: Path, content: bytes) -> None:
    load_manifest(folder, content)


@pytest.mark.parametrize("text", NASTY, ids=range(len(NASTY)))
def test_a_nasty_manifest(folder: Path, text: str) -> None:
    load_manifest(folder, text.encode("utf-8", "surrogatepass"))


# Weights of the expression model, and the file that remembers how fast back ends are


@BOUNDED
@given(st.binary(max_size=200) | damaged((SHIPPED / "expression" / "model.json").read_bytes()))
def test_any_weights(folder: Path, content: bytes) -> None:
    (folder / "model.json").write_bytes(content)
    check(lambda: read_weights(folder / "model.json"), ModelError)


@pytest.mark.parametrize("text", NASTY, ids=range(len(NASTY)))
def test_nasty_weights_and_timings(folder: Path, text: str) -> None:
    (folder / "model.json").write_bytes(text.encode("utf-8", "surrogatepass"))
    check(lambda: read_weights(folder / "model.json"), ModelError)
    assert choose._recall(folder / "model.json", "here") is None


@BOUNDED
@given(documents(["here", "backend", "model_name", "ms", "folder", "reason"]) | st.none() | st.lists(numbers))
def test_any_timings_are_used_or_measured_again(folder: Path, document: Any) -> None:
    path = folder / "backends.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    recalled = choose._recall(path, "here")
    assert recalled is None or isinstance(recalled, tuple)


# Phrases

ENGLISH = (ROOT / "config" / "phrases" / "en.toml").read_bytes()


def load_phrases(folder: Path, content: bytes) -> None:
    (folder / "xx.toml").write_bytes(content)
    check(lambda: phrase_file.read(folder / "xx.toml"), SettingsError)


@BOUNDED
@given(st.binary(max_size=200) | damaged(ENGLISH))
def test_damaged_phrases(folder: Path, content: bytes) -> None:
    load_phrases(folder, content)


@BOUNDED
@given(documents(["sentence", "state", "error", "rules", "plural", "control", "started", "age"]))
def test_any_document_as_phrases(folder: Path, document: dict[str, Any]) -> None:
    load_phrases(folder, toml(document).encode("utf-8", "replace"))


@pytest.mark.parametrize("text", NASTY, ids=range(len(NASTY)))
def test_nasty_phrases(folder: Path, text: str) -> None:
    load_phrases(folder, text.encode("utf-8", "surrogatepass"))


# Pictures and clips, decoded in a process of their own


def test_damaged_pictures_and_clips_are_read_or_refused(folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz_media", str(folder), "--count", "600"],
        cwd=ROOT,
        capture_output=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2_000:].decode("utf-8", "replace")  # decoders print what they find
    outcomes = json.loads(done.stdout)
    slowest_s = outcomes.pop("slowest_s")
    assert slowest_s < 10.0
    assert outcomes.keys() == {"pictures read", "pictures refused", "clips read", "clips refused"}
    assert min(outcomes.values()) >= 20, outcomes


@pytest.mark.parametrize("harm", ["a size that no such file has", "a chunk of two gigabytes"])
def test_a_picture_that_promises_too_much_is_refused_before_it_is_decoded(
    folder: Path, monkeypatch: pytest.MonkeyPatch, harm: str
) -> None:
    """Both were found by `python -m tests.fuzz_media`, and took ten seconds and more."""
    path = write_picture(folder / "bomb.png", coloured())
    content = bytearray(path.read_bytes())
    if "size" in harm:
        content[16:24] = struct.pack(">II", 30_000, 30_000)
    else:
        content[33:37] = b"\x7f\xff\xff\xff"  # the length of what comes after the header
    path.write_bytes(content)
    monkeypatch.setattr(cv2, "imdecode", lambda *_: pytest.fail("decoded"))
    with pytest.raises(SourceError, match=r"damaged|too large"):
        read_picture(path)
