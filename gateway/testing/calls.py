"""`triptych_calls`: what reached each backend during one test, as the canonical request and as the native ones."""

import re
import time
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from gateway.testing.live import LiveGateway, Sandbox

REMOVED = "(removed)"
_SECRET_HEADERS = frozenset({"authorization", "proxy-authorization", "cookie", "x-api-key", "api-key"})
_SECRET_FIELDS = frozenset({"api_key", "apikey", "key", "token", "secret", "password", "authorization"})
_SIGNATURE = re.compile(r"(?<=[?&])(sig|signature|token|key)=[^&]*", re.IGNORECASE)


class Native(Struct, frozen=True, kw_only=True):
    """One request as a backend got it, without secrets."""

    backend: str
    method: str
    path: str
    headers: dict[str, str]
    #: The JSON body; None where it had none, or was a form.
    body: Any
    #: When it came, in seconds since 1970.
    at: float


class Call(Struct, frozen=True, kw_only=True):
    """One work that was given to a backend: an attempt of a job."""

    job_id: str
    attempt: int
    backend: str
    dialect: str
    operation: str
    #: What was asked of the gateway, as `spec` of GET /v1/jobs/{id} shows it.
    canonical: dict[str, Any]
    #: What was settled for this backend: size, seed, format and the like.
    effective: dict[str, Any]
    #: What began the work there: one request, more where the adapter needs more, none where it got no further.
    natives: tuple[Native, ...]

    @property
    def native(self) -> Native:
        """The request that began the work; raise AssertionError if none did."""
        if not self.natives:
            raise AssertionError(f"nothing was sent to {self.backend} for {self.job_id}")
        return self.natives[0]


class Calls:
    """What reached the backends since the test began."""

    def __init__(self, gateway: LiveGateway) -> None:
        """Begin now: what was noted before is forgotten."""
        self._gateway = gateway
        self._since = time.time()
        for sandbox in gateway.sandboxes.values():
            sandbox.forget_calls()

    def natives(self, backend: str | None = None) -> list[Native]:
        """Return every request that reached one backend or all, probes and polls included, oldest first."""
        chosen = self._chosen(backend)
        found = [_native(name, call) for name, sandbox in chosen.items() for call in sandbox.calls()]
        return sorted((each for each in found if each.at >= self._since), key=lambda each: each.at)

    def all(self) -> list[Call]:
        """Return every work that was given to a backend, oldest first."""
        starts = {name: _starts(sandbox, self.natives(name)) for name, sandbox in self._gateway.sandboxes.items()}
        return [_call(work, starts[work["backend"]]) for work in self._gateway.child.ask("works", since=self._since)]

    def to(self, backend: str) -> list[Call]:
        """Return the works that were given to one backend, oldest first."""
        self._chosen(backend)
        return [call for call in self.all() if call.backend == backend]

    def one(self, backend: str | None = None) -> Call:
        """Return the only work that was given to one backend or to any; raise AssertionError if it is not one."""
        found = self.all() if backend is None else self.to(backend)
        if len(found) != 1:
            raise AssertionError(f"{len(found)} works reached {backend or 'the backends'}, not one: {_listed(found)}")
        return found[0]

    def assert_none(self, backend: str | None = None) -> None:
        """Raise AssertionError if any work was given to one backend or to any."""
        found = self.all() if backend is None else self.to(backend)
        if found:
            raise AssertionError(f"work reached {backend or 'the backends'}: {_listed(found)}")

    def _chosen(self, backend: str | None) -> Mapping[str, Sandbox]:
        known = self._gateway.sandboxes
        if backend is not None and backend not in known:
            raise ValueError(f"there is no backend {backend!r}; there are {', '.join(known)}")
        return known if backend is None else {backend: known[backend]}


def _listed(calls: list[Call]) -> str:
    return ", ".join(f"{call.operation} to {call.backend} ({call.job_id}, attempt {call.attempt})" for call in calls)


def _starts(sandbox: Sandbox, natives: list[Native]) -> list[Native]:
    """Return the requests that began work, as the sandbox says where work begins."""
    routes = [route.rstrip("$") for routes in sandbox.works.values() for route in routes]
    return [each for each in natives if any(_route(each).startswith(route) for route in routes)]


def _route(native: Native) -> str:
    """Return a request's route as sandboxes write it: with imgen's action, all of whose requests have one path."""
    action = native.body.get("action") if isinstance(native.body, dict) else None
    path = native.path.partition("?")[0]
    return f"{native.method} {path}" + (f"#{action}" if isinstance(action, str) else "")


def _call(work: dict[str, Any], starts: list[Native]) -> Call:
    """Return one work with the requests that came while it was being given out; each belongs to one work."""
    began, ended = work.pop("began"), work.pop("ended")
    within = [each for each in starts if began <= each.at <= (ended or each.at)]
    mine = [each for each in within if _is_surely(each, work)] or [each for each in within if _may_be(each, work)][:1]
    for each in mine:
        starts.remove(each)
    return Call(**work, natives=tuple(mine))


def _is_surely(native: Native, work: dict[str, Any]) -> bool:
    """Say whether a request names the attempt, as ima2's request ids do."""
    return f"{work['job_id']}.{work['attempt']}" in (native.headers.get("x-request-id"), _field(native, "requestId"))


def _may_be(native: Native, work: dict[str, Any]) -> bool:
    """Say whether a request could be an attempt's: it names no other one, and no other prompt."""
    prompt = _field(native, "prompt")
    same = prompt is None or prompt in (work["canonical"].get("prompt"), work["effective"].get("prompt"))
    return same and not native.headers.get("x-request-id", "").startswith("job_")


def _field(native: Native, name: str) -> Any:
    return native.body.get(name) if isinstance(native.body, dict) else None


def _native(backend: str, call: Mapping[str, Any]) -> Native:
    headers = {
        name: REMOVED if name.lower() in _SECRET_HEADERS else value for name, value in dict(call["headers"]).items()
    }
    path = _SIGNATURE.sub(lambda found: f"{found[1]}={REMOVED}", call["path"])
    return Native(
        backend=backend, method=call["method"], path=path, headers=headers, body=_open(call["body"]), at=call["at"]
    )


def _open(value: Any) -> Any:
    """Return a JSON value with the secrets taken out."""
    match value:
        case dict():
            return {name: REMOVED if name.lower() in _SECRET_FIELDS else _open(each) for name, each in value.items()}
        case list():
            return [_open(each) for each in value]
        case _:
            return value
