"""The real voice, said and stopped again and again: nothing hangs, nothing is left behind, nothing grows."""

from __future__ import annotations

import sys

import pytest

pytest.importorskip("espeakng_loader", reason="the voice espeak-ng is not installed")

from benchmarks.voice_cycles import cycles


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_a_thousand_cycles_and_ten_killed_voices_leave_nothing_behind() -> None:
    outcome = cycles(1_000, kill_every=100)
    assert outcome["kills"] == 10
    missed = {name: bar for name, bar in outcome["bars"].items() if not bar["held"] and name != "longest_cycle_s"}
    assert not missed
