"""Tell what lasts from what flickers."""

from __future__ import annotations

from collections.abc import Mapping


class Steady:
    """Follow which of several things are shown steadily.

    A thing is on once it was shown without a break for as long as it needs, and off once it was not for `off_after_s`.

    Args:
        off_after_s: 0.8 s: longer than most need to come on, so that a wavering one does not come and go.
    """

    def __init__(self, off_after_s: float = 0.8) -> None:
        self._off_after_s = off_after_s
        self._turning_since_s: dict[str, float] = {}
        self.on: frozenset[str] = frozenset()

    def update(self, shown: Mapping[str, float], now_s: float) -> frozenset[str]:
        """Take in what is shown now; return what has just become steady.

        Args:
            shown: how long each must last, in seconds.
            now_s: the loop's time.
        """
        turning = shown.keys() ^ self.on
        self._turning_since_s = {each: self._turning_since_s.get(each, now_s) for each in turning}
        turned = {
            each
            for each, since_s in self._turning_since_s.items()
            if now_s - since_s >= shown.get(each, self._off_after_s)
        }
        begun = frozenset(turned - self.on)
        self.on ^= turned
        for each in turned:
            del self._turning_since_s[each]
        return begun
