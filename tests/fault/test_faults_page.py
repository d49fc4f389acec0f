"""docs/faults.md and docs/privacy.md name tests and cases that are there."""

from __future__ import annotations

import re

import pytest

from tests.app_builders import ROOT

PAGES = ("faults.md", "privacy.md")


def everything() -> str:
    return "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))


@pytest.mark.parametrize("page", PAGES)
def test_every_test_and_file_that_is_named_exists(page: str) -> None:
    text, tests = (ROOT / "docs" / page).read_text(encoding="utf-8"), everything()
    names = set(re.findall(r"`(test_\w+)`", text))
    assert [name for name in sorted(names) if f"def {name}(" not in tests] == []
    files = set(re.findall(r"`((?:tests|benchmarks)/[\w/]+\.py)`", text))
    assert files
    assert [name for name in sorted(files) if not (ROOT / name).is_file()] == []


def test_every_case_that_is_named_exists() -> None:
    text, tests = (ROOT / "docs" / "faults.md").read_text(encoding="utf-8"), everything()
    rows = [line.rsplit("|", 2)[1] for line in text.splitlines() if re.search(r"\| *cases? \"", line)]
    cases = [name for row in rows for name in re.findall(r'"([^"]+)"', row)]
    assert len(cases) >= 15
    assert [case for case in cases if f'"{case}"' not in tests] == []
