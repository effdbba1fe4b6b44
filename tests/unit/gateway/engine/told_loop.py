"""An event loop whose time stands still until it is told to go on: timers, timeouts and the engine share one clock."""

import asyncio
import time


class ToldClock:
    """Tells the time that a test set."""

    def __init__(self) -> None:
        """Begin at the machine's time, so that files on disk have an age."""
        self._now = float(int(time.time()))

    def now(self) -> float:
        """Return UTC seconds."""
        return self._now

    def move_to(self, moment: float) -> None:
        """Go on, never back."""
        assert moment >= self._now
        self._now = moment


class ToldLoop(asyncio.SelectorEventLoop):
    """A loop on such a clock."""

    def __init__(self) -> None:
        """Make its clock."""
        self.clock = ToldClock()
        super().__init__()
        # Times of day have fewer digits behind the point than the loop thinks.
        self._clock_resolution = 1e-5

    def time(self) -> float:
        """Return the told time."""
        return self.clock.now()

    @property
    def is_busy(self) -> bool:
        """Whether anything is to be run at once."""
        return bool(self._ready) or any(not each.cancelled() and each.when() <= self.time() for each in self._scheduled)

    def next_timer(self) -> float | None:
        """Return when the next timer is due."""
        return min((each.when() for each in self._scheduled if not each.cancelled()), default=None)


def told_loop() -> ToldLoop:
    """Return the loop that runs, which must be such a one."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, ToldLoop)
    return loop
