"""Tell what lasts from what flickers."""

from __future__ import annotations

from collections.abc import Collection


class Steady:
    """Follow which of several things are shown steadily.

    A thing is on once it was shown without a break for `on_after_s`, and off once it was not for `off_after_s`.

    Args:
        on_after_s: 0.6 s: blinks (0.1 to 0.4 s) and most movements of speech are shorter.
        off_after_s: 0.8 s: longer than `on_after_s`, so that a wavering one does not come and go.
    """

    def __init__(self, on_after_s: float = 0.6, off_after_s: float = 0.8) -> None:
        self._on_after_s = on_after_s
        self._off_after_s = off_after_s
        self._turning_since_s: dict[str, float] = {}
        self.on: frozenset[str] = frozenset()

    def update(self, shown: Collection[str], now_s: float) -> frozenset[str]:
        """Take in what is shown now; return what has just become steady."""
        turning = set(shown) ^ self.on
        self._turning_since_s = {each: self._turning_since_s.get(each, now_s) for each in turning}
        turned = {
            each
            for each, since_s in self._turning_since_s.items()
            if now_s - since_s >= (self._off_after_s if each in self.on else self._on_after_s)
        }
        begun = frozenset(turned - self.on)
        self.on ^= turned
        for each in turned:
            del self._turning_since_s[each]
        return begun
