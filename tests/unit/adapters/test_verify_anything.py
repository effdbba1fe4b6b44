"""Whatever a server answers, a check comes to a judgement, and nothing that the server wrote is in it."""

import random
import re
from collections.abc import Mapping
from typing import Any

import msgspec
import pytest

from adapters.ima2 import DIALECT as IMA2
from adapters.ima2.verify import made
from adapters.ima2.verify import promises as ima2
from adapters.imgen import DIALECT as IMGEN
from adapters.imgen.verify import promises as imgen
from adapters.kit.checking import sample
from adapters.kit.promise import Promise
from adapters.kit.shape import Each, Either, Like, One
from adapters.sdcpp import DIALECT as SDCPP
from adapters.sdcpp.verify import promises as sdcpp
from contracts.port import Dialect
from contracts.verify import LEVELS, PROFILE, SOCKET, Ask, Judged, Observed

CANARY = "canary7f3a91"
DIALECTS = (IMA2, SDCPP, IMGEN)
MODULES = {"ima2": (ima2, made), "sdcpp": (sdcpp,), "imgen": (imgen,)}
#: So many conversations with each build; in one answer of `STRANGE` something is not as promised.
CONVERSATIONS, STRANGE, MOST = 3000, 40, 12
_KINDS: Mapping[str, tuple[Any, ...]] = {
    "text": (CANARY, "", "ready", "failed", "COMPLETED", "completed", "image", "text"),
    "number": (-1, 0, 1, 1.5),
    "bool": (True, False),
    "null": (None,),
    "object": ({CANARY: CANARY},),
    "list": ([CANARY], []),
    "any": (CANARY, None, 1, [CANARY], {CANARY: CANARY}),
}
#: Texts that the patterns of promises fit.
_TEXTS = (
    "data:image/png;base64,aGVsbG8=", "/generated/x.png", "n_0a1b2c3d4e", "00000000-0000-4000-8000-000000000001",
    "2026-05-28T20:02:50Z", "2026-05-28T20:02:50.000Z", "image/png", "run_abc123", "cache_abc123",
    "https://127.0.0.1/x.jpg", "Missing API key. x", f"Content blocked — flagged for: {CANARY}",
)  # fmt: skip
_JUNK = (b"", b"null", b"[]", b"{}", b"{", CANARY.encode(), b'"x"', b"[[]]", b"\xff", b"[" * 5000)
_PICTURE = sample(8)


class Chance(random.Random):
    """What servers make up."""

    def value(self, shape: Any) -> Any:
        """Return a value that is of a shape, mostly."""
        if self.randrange(STRANGE) == 0:
            return self.choice(_KINDS["any"])
        match shape:
            case str():
                return self.choice(_KINDS[self.choice(shape.split("|"))])
            case One():
                return self.choice(shape.values or (CANARY,))
            case Like():
                fitting = [text for text in _TEXTS if not list(shape.faults(text, ""))]
                return self.choice(fitting or [CANARY])
            case Each():
                return {CANARY: self.value(shape.shape)} if self.randrange(3) else {}
            case Either():
                return self.value(self.choice(shape.shapes))
            case list():
                return [self.value(shape[0]) for _ in range(self.randrange(3))]
        found = {name.removesuffix("?"): self.value(inner) for name, inner in shape.items()}
        if self.randrange(STRANGE) == 0:
            found.pop(self.choice([*found]))
        return {**found, CANARY: CANARY}

    def answer(self, dialect: str, ask: Ask) -> Observed:
        """Return an answer that keeps a promise of the route, or of another one, nearly keeps one, or is junk."""
        if self.randrange(STRANGE) == 0:
            status = self.choice((0, 101, 200, 204, 206, 302, 400, 404, 500))
            return Observed(status=status, headers={"content-type": "application/json"}, body=self.choice(_JUNK))
        fitting = [promise for promise in _PROMISES[dialect] if _fits(promise, ask)]
        promise = self.choice(fitting if fitting and self.randrange(STRANGE) else _PROMISES[dialect])
        kind, body = self._content(promise)
        headers = {"content-type": kind, CANARY: CANARY, **dict.fromkeys(promise.headers, CANARY)}
        return Observed(status=promise.status, headers=headers, body=body)

    def _content(self, promise: Promise) -> tuple[str, bytes]:
        match promise.body:
            case "stream":
                events = [*self.choices([*promise.shape], k=self.randrange(3)), "done"]
                frames = ((event, msgspec.json.encode(self.value(promise.shape[event]))) for event in events)
                text = b"".join(b"event: %b\ndata: %b\n\n" % (event.encode(), data) for event, data in frames)
                return "text/event-stream", text
            case "json":
                return "application/json", msgspec.json.encode(self.value(promise.shape))
            case "page":
                return "text/html", f"Cannot GET /{CANARY}".encode()
        return "image/png", self.choice((_PICTURE, b"0123456789", CANARY.encode(), b""))


_PROMISES = {
    name: [each for module in modules for each in vars(module).values() if isinstance(each, Promise)]
    for name, modules in MODULES.items()
}


def _fits(promise: Promise, ask: Ask) -> bool:
    if ask.path == "" and isinstance(ask.body, dict):
        return ask.body.get("action") in promise.route.replace(",", " ").split()
    method, _, template = promise.route.partition(" ")
    pattern = re.sub(r":\w+|\*", "[^/]+", template.partition(" ")[0].partition("?")[0])
    return method == ask.method and re.fullmatch(pattern, ask.path.partition("?")[0]) is not None


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
def test_any_answers_come_to_a_judgement(dialect: Dialect) -> None:
    """No answer makes a check fall over, or repeat what it was told; some ways lead to the end."""
    checks = dialect.checks
    assert checks is not None
    chance, verdicts = Chance(3), set()
    for _ in range(CONVERSATIONS):
        check, profile = chance.choice(checks.each), chance.choice(checks.profiles)
        judged = converse(check.steps(profile), chance, dialect.name)
        if judged is not None:
            verdicts.add(judged.verdict)
            assert judged.observed
            assert CANARY not in " ".join((judged.observed, *judged.faults))
            assert bool(judged.faults) == (judged.verdict == "drift")
    assert {"pass", "drift", "not_seen"} <= verdicts


def converse(steps: Any, chance: Chance, dialect: str) -> Any:
    """Answer a conversation by chance, so long; return what it came to."""
    judged: Judged | None = None
    try:
        ask: Ask = next(steps)
        for _ in range(MOST):
            assert ask.method in ("GET", "POST", "DELETE", SOCKET)
            ask = steps.send(chance.answer(dialect, ask))
        steps.close()
    except StopIteration as ended:
        judged = ended.value
    return judged


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
def test_any_answers_are_of_known_builds_or_of_none(dialect: Dialect) -> None:
    """Telling builds apart falls over nothing, and ends after a few looks."""
    checks = dialect.checks
    assert checks is not None
    chance = Chance(5)
    found = [converse(checks.recognise(), chance, dialect.name) for _ in range(CONVERSATIONS)]
    assert {build for builds in found for build in builds} == set(checks.profiles)


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
def test_checks_are_a_closed_set_and_looks_are_harmless(dialect: Dialect) -> None:
    """Ids are unique and name no content; what only looks begins with a GET, or with what can begin no work."""
    checks = dialect.checks
    assert checks is not None
    ids = [check.id for check in checks.each]
    assert len(set(ids)) == len(ids)
    assert PROFILE not in ids
    assert {check.level for check in checks.each} == set(LEVELS)
    firsts = {check.id: next(check.steps(checks.profiles[0])) for check in checks.each if check.level == "read"}
    writing = {name: ask for name, ask in firsts.items() if ask.method not in ("GET", SOCKET)}
    allowed: dict[str, set[str]] = {
        "ima2": {"malformed", "restore"},
        "sdcpp": {"malformed"},
        "imgen": {"models", "keys", "no-action", "bad-id", "unknown-hit"},
    }
    assert set(writing) == allowed[dialect.name]
    assert all(check.promised and check.source and check.route for check in checks.each)
