"""Leave no picture of memory behind when a process ends badly: a core dump would hold frames."""

from __future__ import annotations

import ctypes
import sys
from typing import Final

_PR_SET_DUMPABLE: Final = 4  # linux/prctl.h


def forbid_dumps() -> None:
    """Let the system write no core dump of this process and those it starts, and let none of the user's look inside.

    On Linux also where dumps are piped to a collector such as systemd-coredump or apport, which ignores the limit.
    Elsewhere on POSIX the limit is all there is; Windows keeps no dumps unless somebody asks for them.
    """
    try:
        import resource
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
