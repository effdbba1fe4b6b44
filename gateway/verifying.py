"""Runs a dialect's checks against one live server, and tells by its answers which build it is.

A check is a conversation: here it is held, with pauses and time limits. What it comes to is the check's own business;
only which of several builds is meant is settled here, by holding the same conversation again with what was answered.
"""

import asyncio
import time
from collections.abc import Sequence

from msgspec import Struct, structs

from contracts.catalog import CatalogError
from contracts.port import BackendSettings
from contracts.verify import (
    LEVELS,
    PROFILE,
    Ask,
    Asker,
    Check,
    Checks,
    Judged,
    Level,
    Observed,
    Report,
    Result,
    Steps,
)

#: A look that spends nothing has ended by then: a server that trickles keeps nobody longer.
LOOK_S = 60.0
_SILENT = frozenset({"backend.unavailable", "backend.timeout"})


class Verifier:
    """Looks at one server whenever it is asked to, each time over connections of its own."""

    def __init__(self, dialect: str, checks: Checks, settings: BackendSettings) -> None:
        """Take the contract, and the server."""
        self._dialect = dialect
        self._checks = checks
        self._settings = settings

    async def look(self, *, assumed: str | None) -> Report:
        """Run the checks that change and spend nothing."""
        asker = self._checks.open(self._settings)
        try:
            return await verify(self._dialect, self._checks, asker, assumed=assumed)
        finally:
            await asker.close()


class Held(Struct, frozen=True):
    """A conversation that was held: what was answered, and what it came to."""

    heard: tuple[Observed, ...]
    judged: Judged
    seconds: float


async def verify(
    dialect: str, checks: Checks, asker: Asker, *, level: Level = "read", assumed: str | None = None
) -> Report:
    """Run every check up to a level, one after the other; `assumed` is the build that the server should be."""
    telling = await _told(checks, asker, assumed)
    builds, results = telling.builds, [telling.result]
    profile = builds[0] if builds else assumed or checks.profiles[0]
    if telling.result.verdict != "no_answer":
        for check in checks.each:
            if LEVELS.index(check.level) > LEVELS.index(level) or (check.profiles and profile not in check.profiles):
                continue
            held = await _hold(check, asker, profile)
            builds = _fewer(check, held, builds)
            if builds and builds[0] != profile:
                profile = builds[0]
                held = structs.replace(held, judged=_again(check, held.heard, profile))
            results.append(_result(check, _named(check, held, profile, checks.profiles)))
    return Report(
        dialect=dialect,
        level=level,
        profile=" or ".join(builds) or None,
        assumed=assumed,
        results=tuple(results),
    )


async def recognised(known: Sequence[tuple[str, Checks]], asker_of: dict[str, Asker]) -> str | None:
    """Return the dialect that a server at an address speaks: the first that greets as its servers do."""
    for name, checks in known:
        held = await _hold(checks.greeting, asker_of[name], checks.profiles[0])
        if held.judged.verdict == "pass":
            return name
    return None


class _Told(Struct, frozen=True):
    builds: tuple[str, ...]
    result: Result


async def _told(checks: Checks, asker: Asker, assumed: str | None) -> _Told:
    """Ask what the server is."""
    builds: tuple[str, ...] = ()

    def steps(_profile: str) -> Steps:
        nonlocal builds
        builds = yield from checks.recognise()
        if not builds:
            return _strange("answers as no known profile")
        names = " or ".join(builds)
        if assumed is not None and assumed not in builds:
            return _strange(f"answers as profile {names}, assumed {assumed}")
        return Judged(verdict="pass", observed=f"answers as profile {names}")

    check = Check(
        id=PROFILE,
        route="several",
        promised="answers as a known build" if assumed is None else f"answers as profile {assumed}",
        source="the builds of the wire references",
        steps=steps,
    )
    held = await _hold(check, asker, "")
    if assumed in builds:
        builds = (str(assumed), *(each for each in builds if each != assumed))
    return _Told(builds, _result(check, held))


def _strange(fault: str) -> Judged:
    return Judged(verdict="drift", observed=fault, faults=(fault,))


async def _hold(check: Check, asker: Asker, profile: str) -> Held:
    """Hold one conversation to its end."""
    heard: list[Observed] = []
    began = time.monotonic()
    try:
        async with asyncio.timeout(LOOK_S if check.level == "read" else None):
            judged = await _converse(check.steps(profile), asker, heard)
    except TimeoutError:
        judged = Judged(verdict="no_answer", observed="no whole answer in time")
    except CatalogError as error:
        judged = _unanswered(error)
    return Held(tuple(heard), judged, round(time.monotonic() - began, 3))


async def _converse(steps: Steps, asker: Asker, heard: list[Observed]) -> Judged:
    try:
        ask: Ask = next(steps)
        while True:
            heard.append(await asker.ask(ask))
            ask = steps.send(heard[-1])
    except StopIteration as ended:
        judged: Judged = ended.value
        return judged


def _unanswered(error: CatalogError) -> Judged:
    if error.code in _SILENT:
        return Judged(verdict="no_answer", observed=f"no answer: {error.code}")
    if error.facts.get("reason") == "fetch_hosts":
        return Judged(verdict="not_seen", observed="the result lies on a host that fetch_hosts does not list")
    return Judged(verdict="drift", observed=f"no usable answer: {error.code}", faults=(str(error.code),))


def _again(check: Check, heard: Sequence[Observed], profile: str) -> Judged:
    """Judge what was answered as another build's answers."""
    steps = check.steps(profile)
    try:
        next(steps)
        for each in heard:
            steps.send(each)
    except StopIteration as ended:
        judged: Judged = ended.value
        return judged
    return Judged(verdict="no_answer", observed="it would have asked on")


def _fewer(check: Check, held: Held, builds: tuple[str, ...]) -> tuple[str, ...]:
    """Return which of several builds the server still may be."""
    if len(builds) < 2 or held.judged.verdict == "no_answer":
        return builds
    return tuple(each for each in builds if _again(check, held.heard, each).verdict != "drift") or builds


def _named(check: Check, held: Held, profile: str, profiles: Sequence[str]) -> Held:
    """Say of a drift which other build answers so."""
    if held.judged.verdict != "drift":
        return held
    others = [each for each in profiles if each != profile and _again(check, held.heard, each).verdict == "pass"]
    if not others:
        return held
    named = f"answers as profile {' or '.join(others)}, not {profile}"
    return structs.replace(held, judged=structs.replace(held.judged, faults=(*held.judged.faults, named)))


def _result(check: Check, held: Held) -> Result:
    return Result(
        check=check.id,
        route=check.route,
        promised=check.promised,
        source=check.source,
        level=check.level,
        verdict=held.judged.verdict,
        observed=held.judged.observed,
        faults=held.judged.faults,
        seconds=held.seconds,
    )
