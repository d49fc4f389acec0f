"""Tell the wearer, at once and once, what is wrong with camera, computing and outputs; print the details."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Final

from assistant.camera import watch as camera_watch
from assistant.clock import Clock
from assistant.errors import BackendError, FacecueError, OutputError
from assistant.recording import Guard
from assistant.shared import Shared
from assistant.speech import earcons
from assistant.speech.policy import Policy
from assistant.supervisor import Supervisor
from assistant.types import Priority, Utterance

ALERT_S: Final = 10.0  # how long a state of the camera stays worth saying
CAMERA_WORDS: Final = {
    camera_watch.LOST: "camera_lost",
    camera_watch.BACK: "camera_back",
    camera_watch.BLACK: "camera_black",
    camera_watch.FROZEN: "camera_frozen",
    camera_watch.BLURRED: "camera_blurred",
}
"""Which sentence tells of a state of the camera."""


class Alerts:
    """Say states that the wearer must know; before `attach`, print them only.

    Args:
        policy: knows the words of the moment, and that a covered lens shows nobody.
        supervisor: keeps what is wrong for the page and for `doctor`.
    """

    def __init__(self, policy: Policy, supervisor: Supervisor) -> None:
        self._policy, self._supervisor = policy, supervisor
        self._printed: set[str] = set()
        self._shared: Shared | None = None
        self._clock: Clock | None = None
        self.fallback = ""
        self.guards: list[Guard] = []
        self.expected: Callable[[str], bool] = lambda state: False

    def attach(self, shared: Shared, clock: Clock) -> None:
        """Say alerts through a speaker from now on."""
        self._shared, self._clock = shared, clock

    def guard(self) -> Guard:
        """Return what lets an output fail without ending the run."""
        self.guards.append(Guard(self.lost_output))
        return self.guards[-1]

    def lost_output(self, error: OutputError) -> None:
        """Tell that an output cannot be written any more."""
        self._supervisor.lost_output(error)
        if sum(guard.error is not None for guard in self.guards) == 1:
            self.failed(error)
        else:  # a full disk ends all of them, and is said once
            self.warn(str(error))

    def camera_state(self, state: str) -> None:
        """Tell that the camera is lost, back, black, frozen or blurred, unless the wearer did it."""
        if self.expected(state):
            return
        self._supervisor.camera_state(state)
        self._policy.covered = state == camera_watch.BLACK
        earcon = earcons.RESUMED if state == camera_watch.BACK else earcons.CAMERA_LOST
        self.alert(getattr(self._policy.phrases.state, CAMERA_WORDS[state]), f"{state}.", earcon)

    def lost_accelerator(self, error: BackendError, backend: str) -> None:
        """Tell that another back end helps out; which of several it is changes nothing for the wearer."""
        self._supervisor.lost_accelerator(error, backend)
        detail = f"{error} Going on without it, on {backend}."
        if self.fallback:
            self.warn(detail)
        else:
            self.alert(self._policy.phrases.error(error), detail)
        self.fallback = backend

    def loaded_anew(self, error: BackendError) -> None:
        """Print that a back end hung and was replaced by its like."""
        self._supervisor.loaded_anew(error)
        self.warn(f"{error} It was loaded anew.")

    def failed(self, error: FacecueError) -> None:
        """Say an error's sentence."""
        self.alert(self._policy.phrases.error(error), str(error))

    def alert(self, words: str, detail: str, earcon: str = earcons.ERROR) -> None:
        """Say a state that the wearer must know, at once; print the details."""
        print(f"Facecue: {detail}", file=sys.stderr, flush=True)
        if self._shared is not None and self._clock is not None:
            now_s = self._clock.now_s()
            alert = Utterance(words, Priority.IMPORTANT, now_s, now_s + ALERT_S, "alert", earcon=earcon)
            self._shared.say(alert, now_s)

    def warn(self, sentence: str) -> None:
        """Print what the wearer cannot be told, once."""
        if sentence and sentence not in self._printed:
            self._printed.add(sentence)
            print(f"Facecue: {sentence}", file=sys.stderr, flush=True)
