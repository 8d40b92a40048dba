"""Wait between two attempts, until a deadline."""

import time

LONGEST_PAUSE = 15.0


class Pause:
    """Waits a little longer each time, until a deadline. Seconds throughout."""

    def __init__(self, deadline: float) -> None:
        self._end = time.monotonic() + deadline
        self._next = 0.2

    def wait(self, after: float = 0) -> bool:
        """Pause; return whether there is time for another attempt."""
        pause = max(self._next, after)
        if time.monotonic() + pause > self._end:
            return False
        time.sleep(pause)
        self._next = min(self._next * 2, LONGEST_PAUSE)
        return True
