"""The gateway that tests run against: the real one, with a hand on its door and an ear at its backends.

It refuses works at the door as it is told, steers them to where a fault waits for them, and notes every order that an
adapter is given. All else, from the key to the bytes of a picture, is what every gateway does.
"""

import asyncio
import socket
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct, structs

from contracts.catalog import CATALOG, CatalogError, Problem
from contracts.codes import ErrorCode
from contracts.desk import Caller, Created
from contracts.port import Adapter, BackendSettings, Dialect
from contracts.spec import JobSpec, Operation, SpecBase, operation_of
from gateway import sandboxes
from gateway.access import key as keyring
from gateway.app import Gateway
from gateway.cli.serve import directory_of, listen
from gateway.dialects import dialects
from gateway.engine import policy
from gateway.ops import log
from gateway.routing import Allow, Choice, Router
from gateway.settings import Settings, load
from gateway.store.database import migrate
from gateway.store.keep import AddKey
from gateway.testing.orders import end, obey

#: Orders to adapters that are remembered.
MAX_WORKS = 10_000
#: How much more willingly a backend is chosen while a fault waits for its work.
PREFERRED = 1_000_000
#: The deadline that works get while `job.deadline_exceeded` is armed, in seconds.
DEADLINE_S = 1.0
#: What a client is told to wait for, in seconds: a test should not wait as long as a caller.
RETRY_AFTER_S = 1.0
READY_S = 30.0


class Refusal(Struct):
    """Works that are refused before they become jobs."""

    code: ErrorCode
    facts: dict[str, Any]
    times: int | None
    operation: Operation | None
    met: int = 0

    def error(self) -> CatalogError:
        """Return the refusal, in the catalogue's words and with the facts that the test gave it."""
        row = CATALOG[self.code]
        facts = dict(self.facts)
        if row.status in (429, 503):
            facts.setdefault("retry_after_s", RETRY_AFTER_S)
        detail = facts.pop("detail", f"{row.title} (a test wished it so).")
        return CatalogError(self.code, detail, **facts)

    def applies(self, operation: Operation) -> bool:
        """Say whether a work is refused, and count it."""
        if self.times == self.met or self.operation not in (None, operation):
            return False
        self.met += 1
        return True


class Rigged(Gateway):
    """See the module's docstring."""

    def __init__(self, settings: Settings, line: socket.socket) -> None:
        """Wire a gateway, and put a hand on its door."""
        self._line = line
        self._works: deque[dict[str, Any]] = deque(maxlen=MAX_WORKS)
        self._refusals: list[Refusal] = []
        self._deadline: Refusal | None = None
        known = {name: structs.replace(each, connect=self._noting(each)) for name, each in dialects().items()}
        super().__init__(settings, known=known)
        self._only: frozenset[str] = frozenset()
        self._narrow(self.creator._router)  # noqa: SLF001 - the router that the engine asks too
        self._admit, self._create = self.creator._admit, self.creator.create  # noqa: SLF001 - what refuses works for real
        self.creator._admit = self._met_at_the_door  # type: ignore[method-assign] # noqa: SLF001 - the hand on the door
        self.creator.create = self._hurried  # type: ignore[method-assign] # the hand on the door
        self._listening: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin, and obey."""
        await super().start()
        self._listening = asyncio.create_task(obey(self._line, self._order))
        self._listening.add_done_callback(lambda _task: end())

    def _noting(self, dialect: Dialect) -> Callable[[BackendSettings], Adapter] | None:
        connect, works = dialect.connect, self._works
        if connect is None:
            return None

        def connected(settings: BackendSettings) -> Adapter:
            adapter = connect(settings)
            submit = adapter.submit

            async def noted(handle: Any, order: Any, inputs: Any, emit: Any) -> Any:
                work = {
                    "job_id": order.job_id,
                    "attempt": order.n,
                    "backend": settings.name,
                    "dialect": dialect.name,
                    "operation": operation_of(order.spec),
                    "canonical": msgspec.to_builtins(order.spec),
                    "effective": msgspec.to_builtins(order.effective),
                    "began": time.time(),
                    "ended": None,
                }
                works.append(work)
                try:
                    return await submit(handle, order, inputs, emit)
                finally:
                    work["ended"] = time.time()

            adapter.submit = noted  # type: ignore[method-assign] # the ear at the backend
            return adapter

        return connected

    def _narrow(self, router: Router) -> None:
        """Let works go only where a fault waits for them, unless the caller names another place."""
        capable = router.capable

        def narrowed(spec: SpecBase, allow: Allow = Allow()) -> list[Choice]:  # noqa: B008 - as the router has it
            found = capable(spec, allow)
            return [choice for choice in found if choice.candidate.backend in self._only] or found

        router.capable = narrowed  # type: ignore[method-assign] # the hand on the door

    def _met_at_the_door(self, caller: Caller, spec: JobSpec) -> list[Choice]:
        for refusal in self._refusals:
            if refusal.applies(operation_of(spec)):
                raise refusal.error()
        return self._admit(caller, spec)

    async def _hurried(self, caller: Caller, spec: JobSpec, **how: Any) -> Created:
        operation = operation_of(spec)
        if self._deadline is not None and self._deadline.applies(operation):
            spec = structs.replace(spec, deadline_s=DEADLINE_S)
        return await self._create(caller, spec, **how)

    async def _order(self, order: dict[str, Any]) -> Any:
        do = order.pop("do")
        orders: Mapping[str, Callable[..., Awaitable[Any]]] = {
            "ready": self._ready,
            "key": self._key,
            "refuse": self._refuse,
            "steer": self._steer,
            "hurry": self._hurry,
            "met": self._met,
            "calm": self._calm,
            "works": self._worked,
        }
        return await orders[do](**order)

    async def _ready(self) -> str:
        """Wait until every backend has said what it can do, and return the address."""
        address = Path(self.settings.data_dir) / "address"
        async with asyncio.timeout(READY_S):
            while True:
                if address.exists() and all(_is_ready(backend) for backend in self.backends.values()):
                    return address.read_text()
                await asyncio.sleep(0.01)

    async def _key(self, team: str, scopes: list[str], allow: dict[str, list[str]], days: float | None) -> str:
        now = time.time()
        token, record = keyring.make(
            team,
            now=now,
            scopes=tuple(scopes) or keyring.DEFAULT_SCOPES,
            allow={kind: tuple(names) for kind, names in allow.items()} or None,
            expires_at=None if days is None else now + days * 86_400,
        )
        await self.store.write(AddKey(record))
        await self.gate.refresh()
        return token

    async def _refuse(
        self, code: ErrorCode, times: int | None, operation: Operation | None, facts: dict[str, Any]
    ) -> int:
        refusal = Refusal(code, facts, times, operation)
        msgspec.convert(msgspec.to_builtins(refusal.error().problem()), Problem)
        self._refusals.append(refusal)
        return len(self._refusals) - 1

    async def _steer(self, only: list[str], prefer: list[str]) -> None:
        """Let works go to some backends only, or there first; what was steered before is kept."""
        self._only |= frozenset(only)
        for name in prefer:
            self.backends[name].priority = PREFERRED + self.settings.backends[name].priority

    async def _hurry(self, operation: Operation | None) -> None:
        """Give the works of an operation, or all works, a short deadline."""
        self._deadline = Refusal("job.deadline_exceeded", {}, None, operation)

    async def _met(self) -> list[int]:
        return [refusal.met for refusal in self._refusals]

    async def _calm(self) -> None:
        """Undo all of it: nothing is refused, no work steered or hurried, no circuit open."""
        self._refusals.clear()
        self._only = frozenset()
        self._deadline = None
        for name, backend in self.backends.items():
            backend.priority = self.settings.backends[name].priority
            backend.last_code = None
            for account in backend.accounts:
                account.breaker.succeeded()

    async def _worked(self, since: float) -> list[dict[str, Any]]:
        return [work for work in self._works if work["began"] >= since]


def _is_ready(backend: Any) -> bool:
    return backend.fresh_at is not None and any(backend.ready(account.name) for account in backend.accounts)


def run(line: socket.socket, first: dict[str, Any]) -> None:
    """Serve a gateway in front of sandboxes until the line closes.

    `first` names the data directory, the sandboxes' ports and speed, and a file of settings or none.
    """
    folder, speed = Path(first["dir"]), float(first["speed"])
    (folder / "sandboxes").mkdir(parents=True)
    state = sandboxes.State(pid=0, ports=first["ports"], speed=speed)
    behind = msgspec.to_builtins(sandboxes.backends(folder / "sandboxes", state))
    for each in behind.values():
        each["max_concurrency"] = 16
        if each["dialect"] == "imgen":
            each["timeouts"] = {"poll_interval_s": 3 / speed}
    overrides = {
        "data_dir": str(folder / "data"),
        "server.host": "127.0.0.1",
        "server.port": 0,
        "shutdown.drain_s": 0,
        "backends": behind,
    }
    settings = load(Path(first["config"]) if first["config"] else None, {}, overrides)
    log.configure(settings.log.level, settings.log.format)
    # What the gateway waits before it tries again runs as fast as what it waits for.
    policy.FIRST_DELAY_S /= speed
    data_dir = directory_of(settings)
    data_dir.hold()
    migrate(data_dir.database)
    listen(settings, Rigged(settings, line))
