"""Keep ALSA from writing on the standard error stream, where only our own sentences belong."""

from __future__ import annotations

import ctypes
import functools
from typing import Final

_HANDLER: Final = ctypes.CFUNCTYPE(None, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p)
_nothing = _HANDLER(lambda *_: None)  # kept: the library calls it for as long as the process lives


@functools.cache
def quieten_alsa() -> None:
    """Turn off libasound's messages for this process, about devices that are not there and samples that came late."""
    try:
        library = ctypes.CDLL("libasound.so.2")
    except OSError:  # no Linux, or no sound
        return
    library.snd_lib_error_set_handler(_nothing)
