"""Notice when it is too dark to see, and when it is light again."""

from __future__ import annotations

from typing import Final

_DARK: Final = 0.06  # mean luminance in [0, 1]: about 15 of 255, at which noise outweighs a face
_LIGHT: Final = 0.10  # apart from it, so that dusk does not flicker
_AFTER_S: Final = 4.0  # a hand over the lens is shorter, and the camera tells a lens that is covered before


class Light:
    """Follow the brightness of the picture.

    Attributes:
        dim: whether this frame is dark, also before it was told: who cannot be seen has not left.
    """

    def __init__(self) -> None:
        self.dim = False
        self._dark = False
        self._turning_since_s: float | None = None

    def consider(self, brightness: float, now_s: float, covered: bool = False) -> bool | None:
        """Return True when it has become dark, False when it is light again, None without news.

        Args:
            brightness: mean luminance in [0, 1].
            now_s: the loop's time.
            covered: whether the camera has told that it sees nothing at all: that is said, and darkness not too.
        """
        if covered:
            self.dim, self._turning_since_s = True, None
            return None
        self.dim = brightness < (_LIGHT if self._dark else _DARK)
        if self.dim == self._dark:
            self._turning_since_s = None
            return None
        if self._turning_since_s is None:
            self._turning_since_s = now_s
        if now_s - self._turning_since_s < _AFTER_S:
            return None
        self._dark, self._turning_since_s = self.dim, None
        return self._dark
