"""Governed pass-through: who may pass what to which backend, and what is counted of it (security.md §5)."""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from contracts.catalog import CatalogError
from contracts.desk import Caller
from contracts.relay import RelayCall, Relayed
from gateway.access.gate import need
from gateway.engine.backends import Backend
from gateway.ops.metrics import Metrics
from gateway.routing import allow_of

#: So many requests may be under way at one backend, beside its jobs; more are refused.
MOST_OPEN = 32
AGAIN_S = 1.0


class RelayService:
    """See contracts.relay.Relay."""

    def __init__(self, backends: Mapping[str, Backend], metrics: Metrics) -> None:
        """Take the backends, and where requests are counted."""
        self._backends = backends
        self._metrics = metrics
        self._open: Counter[str] = Counter()

    def backend(self, caller: Caller, dialect: str) -> str | None:
        """Return the caller's own backend: the one of the highest priority, where a team has several."""
        own = self._own(caller, dialect)
        return None if own is None else own.name

    def _own(self, caller: Caller, dialect: str) -> Backend | None:
        allow = allow_of(caller)
        found = [
            backend
            for backend in self._backends.values()
            if backend.dialect_name == dialect and backend.exclusive_team == caller.team and allow.reaches(backend)
        ]
        return max(found, key=lambda backend: backend.priority, default=None)

    async def send(self, caller: Caller, dialect: str, call: RelayCall) -> Relayed:
        """Pass a request on, and count it with what became of it."""
        need(caller, "jobs:read" if call.route.method == "GET" else "jobs:write")
        backend = self._own(caller, dialect)
        if backend is None:
            raise CatalogError("resource.not_found", "No backend of this dialect belongs to this team alone.")
        status = "none"
        try:
            with held(self._open, backend):
                relayed = await backend.adapter.relay(call)
            status = str(relayed.status)
        finally:
            self._metrics.relayed.labels(backend.name, call.route.name, str(call.route.spends).lower(), status).inc()
        return relayed


@contextmanager
def held(opened: Counter[str], backend: Backend) -> Iterator[None]:
    """Hold one of the places at a backend that there are beside its jobs; raise when it is down, or none is free."""
    if not backend.up:
        raise CatalogError(
            "backend.unavailable", "The backend does not answer.", outcome="not_started", backend=backend.name
        )
    if opened[backend.name] >= MOST_OPEN:
        text = f"{MOST_OPEN} requests are under way at this backend already."
        raise CatalogError("gateway.overloaded", text, limit=MOST_OPEN, retry_after_s=AGAIN_S)
    opened[backend.name] += 1
    try:
        yield
    finally:
        opened[backend.name] -= 1
