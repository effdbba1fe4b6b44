"""The circuit of one account: opens when nothing can be had there, and lets a probe, never a paid job, close it."""

from contracts.codes import ErrorCode

#: Failures that say that the account is of no use now. Policy, time and odd answers never open it.
OPENING: frozenset[ErrorCode] = frozenset(
    {"backend.unavailable", "backend.credentials_rejected", "backend.quota_exhausted"}
)
THRESHOLD = 5


class Breaker:
    """Counts consecutive failures."""

    __slots__ = ("failures", "last_code", "opened_at")

    def __init__(self) -> None:
        """Begin closed."""
        self.failures = 0
        self.opened_at: float | None = None
        self.last_code: ErrorCode | None = None

    @property
    def is_open(self) -> bool:
        """Whether jobs are kept away."""
        return self.opened_at is not None

    def failed(self, code: ErrorCode, now: float) -> bool:
        """Note a failure; say whether this one opened the circuit."""
        if code not in OPENING:
            return False
        self.last_code = code
        self.failures += 1
        if self.failures < THRESHOLD or self.is_open:
            return False
        self.opened_at = now
        return True

    def open_now(self, code: ErrorCode, now: float) -> bool:
        """Open at once: a failure that no other try can mend. Say whether it was closed until now."""
        self.last_code = code
        self.failures = max(self.failures, THRESHOLD)
        if self.is_open:
            return False
        self.opened_at = now
        return True

    def succeeded(self) -> bool:
        """Note that something came back, a job's result or a good probe; say whether the circuit was open."""
        was_open = self.is_open
        self.failures = 0
        self.opened_at = None
        self.last_code = None
        return was_open
