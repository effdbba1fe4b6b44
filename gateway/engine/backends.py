"""The backends at run time: what each last said of itself, who of its accounts can work, and how busy they are."""

from collections.abc import Callable

from msgspec import Struct

from contracts.capability import Capability, Discovery
from contracts.codes import ErrorCode
from contracts.port import Health
from contracts.spec import Operation
from contracts.verify import Report
from gateway.engine.breaker import OPENING, Breaker
from gateway.engine.observed import Observed
from gateway.engine.timetable import Entry
from gateway.ops.metrics import Metrics
from gateway.settings import Backend as BackendSettings
from gateway.verifying import Verifier


class Kept(Struct, frozen=True):
    """The last whole look at a backend: when it was, and what was found."""

    at: float
    report: Report


class AccountState:
    """One account now."""

    __slots__ = ("breaker", "code", "detail", "in_flight", "name", "ready")

    def __init__(self, name: str | None) -> None:
        """Begin hopeful: nothing is known against it."""
        self.name = name
        self.ready = True
        self.code: ErrorCode | None = None
        self.detail: str | None = None
        self.breaker = Breaker()
        self.in_flight = 0


class Backend:
    """One configured backend and its adapter."""

    def __init__(
        self,
        name: str,
        dialect_name: str,
        settings: BackendSettings,
        adapter: Observed,
        metrics: Metrics,
        verifier: Verifier | None = None,
    ) -> None:
        """Take its name, settings and adapter, and what looks at its contract."""
        self.name = name
        self.dialect_name = dialect_name
        self.settings = settings
        self.adapter = adapter
        self.priority = settings.priority
        self.trust = settings.trust
        self.exclusive_team = settings.exclusive_team
        self.sandbox = settings.sandbox
        self.up = True
        self.last_code: ErrorCode | None = None
        self.discovered_at: float | None = None
        #: When this very process was told; what an earlier one was told is only better than nothing.
        self.fresh_at: float | None = None
        self.queued = 0
        self.next_submit_at = 0.0
        self.poll_tokens = settings.polls_per_s
        self.polled_at = 0.0
        #: When those are looked at again that the budget made late.
        self.late_polls_at = 0.0
        #: When it is asked the next time how it is; None: it is being asked.
        self.next_probe: Entry[Callable[[], None]] | None = None
        #: What holds it to its dialect's contract, and what the last whole look found.
        self.verifier = verifier
        self.kept: Kept | None = None
        self._discovery: Discovery | None = None
        self._accounts: dict[str | None, AccountState] = {}
        self._metrics = metrics

    @property
    def discovery(self) -> Discovery | None:
        """What it last said of itself."""
        return self._discovery

    @property
    def address(self) -> str:
        """Where it is, as its settings say it, or as it was last found."""
        found = self._discovery.address if self._discovery is not None else None
        return found or self.settings.base_url

    @property
    def accounts(self) -> tuple[AccountState, ...]:
        """Its accounts."""
        return tuple(self._accounts.values())

    def account(self, name: str | None) -> AccountState:
        """Return an account's state."""
        state = self._accounts.get(name)
        if state is None:
            state = self._accounts[name] = AccountState(name)
        return state

    def learned(self, discovery: Discovery, now: float, *, fresh: bool = True) -> None:
        """Take in what it said of itself; what an earlier process was told is old, but better than nothing."""
        self._discovery = discovery
        self.discovered_at = now
        if fresh:
            self.fresh_at = now
        for account in discovery.accounts:
            state = self.account(account.name)
            state.ready, state.detail = account.ready, account.detail
            if account.ready:
                state.code = None

    def capability(self, account: str | None, model: str, operation: Operation) -> Capability | None:
        """Return the capability of one of its models, as it is known now."""
        for each in self._discovery.models if self._discovery is not None else ():
            if each.id == model and each.account == account:
                return each.operations.get(operation)
        return None

    def ready(self, account: str | None) -> bool:
        """Say whether an account can work now."""
        state = self.account(account)
        return self.up and state.ready and not state.breaker.is_open

    def load(self, account: str | None) -> float:
        """Say how busy it is; 1 is full, more is a queue."""
        return (self.account(account).in_flight + self.queued) / self.settings.max_concurrency

    def free(self, account: str | None) -> bool:
        """Say whether it has a free slot."""
        return self.account(account).in_flight < self.settings.max_concurrency

    def take(self, account: str | None) -> None:
        """Take a slot."""
        self.account(account).in_flight += 1

    def release(self, account: str | None) -> None:
        """Give a slot back."""
        self.account(account).in_flight -= 1

    @property
    def in_flight(self) -> int:
        """Slots taken."""
        return sum(account.in_flight for account in self._accounts.values())

    def noted_health(self, health: Health, now: float) -> bool:
        """Take in a health answer; say whether an account can work that could not before."""
        self.up = health.up
        better = False
        for each in health.accounts:
            state = self.account(each.name)
            was_ready = self.ready(each.name)
            state.ready, state.code, state.detail = each.ready, each.code, each.detail
            # A closed circuit goes on counting: an account may call itself ready, and do nothing but fail.
            if each.ready and state.breaker.is_open:
                state.breaker.succeeded()
            elif not each.ready and each.code in OPENING:
                state.breaker.open_now(each.code, now)
            better = better or (not was_ready and self.ready(each.name))
        return better

    def noted_down(self, code: ErrorCode) -> None:
        """Take in that it does not answer."""
        self.up = False
        self.last_code = code

    def noted_failure(self, account: str | None, code: ErrorCode, now: float) -> None:
        """Take in how an attempt failed."""
        self.last_code = code
        self.account(account).breaker.failed(code, now)

    def noted_success(self, account: str | None) -> None:
        """Take in that an attempt brought something back."""
        breaker = self.account(account).breaker
        # An open circuit is closed by a probe, never by a paid job that was on its way already.
        if not breaker.is_open:
            breaker.succeeded()

    def poll_allowance(self, now: float, wanted: int) -> int:
        """Return how many polls may begin now; what is not used is saved up for one second."""
        rate = self.settings.polls_per_s
        passed = max(0.0, now - self.polled_at)
        self.poll_tokens = min(max(1.0, rate), self.poll_tokens + passed * rate)
        self.polled_at = now
        allowed = min(wanted, int(self.poll_tokens))
        self.poll_tokens -= allowed
        return allowed

    def next_poll_at(self, now: float) -> float:
        """Return when the next poll may begin, as `poll_allowance` left it."""
        return now + max(0.01, (1.0 - self.poll_tokens) / self.settings.polls_per_s)

    def show(self, now: float) -> None:
        """Set the gauges."""
        metrics = self._metrics
        metrics.backend_up.labels(self.name).set(self.up)
        metrics.jobs_in_flight.labels(self.name).set(self.in_flight)
        metrics.jobs_queued.labels(self.name).set(self.queued)
        if self.discovered_at is not None:
            metrics.discovery_age_seconds.labels(self.name).set(now - self.discovered_at)
        for account in self.accounts:
            label = account.name or "default"
            metrics.account_ready.labels(self.name, label).set(account.ready)
            metrics.circuit_open.labels(self.name, label).set(account.breaker.is_open)


class SlotKey(Struct, frozen=True):
    """Whose slots: one account of one backend."""

    backend: str
    account: str | None
