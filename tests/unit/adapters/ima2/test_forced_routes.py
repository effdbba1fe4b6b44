"""Every native code and every misbehaviour of the upstream, forced on every route of every build, means what is agreed.

What the adapter raises is compared: nothing may be unmapped, and one code means one thing, whichever route tells it,
but for what is listed.
"""

import asyncio
from pathlib import Path

import pytest
from aiohttp.test_utils import TestServer
from msgspec import structs

from adapters.ima2.adapter import Ima2
from adapters.ima2.asking import PATHS
from adapters.ima2.capability import FILM_MODELS, Profile
from adapters.ima2.errors import explain
from adapters.ima2.sandbox import sandbox
from adapters.ima2.sandbox.cause import CAUSES
from adapters.ima2.sandbox.code import CODES
from contracts.capability import Candidate
from contracts.catalog import CatalogError
from contracts.port import BackendSettings, Done, Pending
from tests.e2e.test_forced_outcomes import FAILS, by_token
from tests.unit.adapters.ima2.native import Serve
from tests.unit.adapters.test_ima2_routes_replayed import PICTURE, order

SPEED = 200
#: NEW takes no more than 24 jobs at a time.
AT_ONCE = 16
BUILDS: tuple[Profile, ...] = ("tag", "head", "new")
TOKENS = sorted({*CODES, *CAUSES})


class Forced:
    """One adapter before one sandbox, and what came of every token on every route."""

    def __init__(self, url: str, build: Profile) -> None:
        """Take where the sandbox listens."""
        self.unmapped: list[str] = []
        settings = BackendSettings(name="ima2", base_url=url, on_unmapped=self.unmapped.append)
        self.adapter = Ima2(settings)
        self.build = build
        self.outcomes: dict[str, dict[str, str]] = {}
        self._room = asyncio.Semaphore(AT_ONCE)

    async def run(self) -> None:
        """Force everything."""
        await self.adapter.discover()
        routes = [route for route in PATHS if route != "video" or self.build == "new"]
        cases = [(route, token) for route in routes for token in TOKENS]
        found = await asyncio.gather(*(self._force(route, token, at) for at, (route, token) in enumerate(cases)))
        for (route, token), outcome in zip(cases, found, strict=True):
            self.outcomes.setdefault(route, {})[token] = outcome

    async def _force(self, route: str, token: str, at: int) -> str:
        said = "timeout:5" if token == "timeout" else token
        asked = order(route, profile=self.build)
        if route == "video":
            film = Candidate("ima2", "grok", FILM_MODELS[0])
            asked = structs.replace(asked, candidate=film)
        effective = structs.replace(asked.effective, prompt=f"[[{said}]] a fox")
        asked = structs.replace(asked, job_id=f"job_{at}", effective=effective)
        handle = self.adapter.prepare(asked).handle
        async with self._room:
            try:
                answer = await self.adapter.submit(
                    handle, asked, PICTURE if route == "edit" else (), lambda _note: None
                )
                while isinstance(answer, Pending):
                    polled = (await self.adapter.poll([answer.handle or handle]))[handle.id]
                    if isinstance(polled, CatalogError):
                        return polled.code
                    if not isinstance(polled, Pending | Done):
                        return type(polled).__name__
                    await asyncio.sleep(0.005)
                    answer = polled
            except CatalogError as error:
                return error.code
        return "a picture"


@pytest.fixture(scope="module", params=BUILDS)
def forced(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Forced:
    """Return what came of everything on a build."""
    return asyncio.run(_forced(request.param, tmp_path_factory.mktemp(request.param)))


async def _forced(build: Profile, folder: Path) -> Forced:
    app = sandbox(data_dir=str(folder), profile=build, speed=SPEED)
    async with TestServer(app, host="127.0.0.1") as server:
        found = Forced(f"http://127.0.0.1:{server.port}", build)
        try:
            await found.run()
        finally:
            await found.adapter.close()
    return found


#: A code that was agreed for `POST /api/generate` is the code of every other route too, but for these: routes that drop
#: what the upstream said (wire §4, §6), another word of TAG for a broken line (wire §10.1), and the registry of NEW,
#: which keeps a code and a status of a failed job, and nothing else.
DIFFERENT: tuple[tuple[str, str, str, str], ...] = (
    ("backend.unavailable", "tag", "generate edit node multimode", "cut_before timeout"),
    ("backend.failed", "tag", "edit multimode", "err_stream_flat rst_mid"),
    ("backend.failed", "head new", "edit multimode", "err_stream_flat rst_mid rst_before refused"),
    ("backend.overloaded", "tag head new", "edit node multimode", "rl_stream"),
    ("backend.rejected_request", "tag head new", "edit", "400_size 404_model"),
    ("backend.rejected_request", "new", "generate", "400_size 404_model"),
    ("backend.failed", "new", "generate", "bad_json_200"),
    # Whatever it was upstream, of a film the server says only that it failed.
    ("backend.failed", "new", "video", " ".join(CAUSES)),
    # It is ours already: it is looked for, and here nothing is there.
    ("Absent", "tag head new", " ".join(PATHS), "REQUEST_ID_IN_USE"),
)


def agreed(build: str, route: str) -> dict[str, str]:
    """Return the code of every token on a route, before the engine refines what it alone knows."""
    known = by_token(FAILS["ima2"])
    found = {token: code for token, code in known.items() if token in TOKENS}
    found |= {token: "resource.not_found" for token in found if token.endswith("_NOT_FOUND")}
    for code, builds, routes, tokens in DIFFERENT:
        if build in builds.split() and route in routes.split():
            found |= dict.fromkeys(tokens.split(), code)
    return found


def test_every_code_of_every_route_means_what_is_agreed(forced: Forced) -> None:
    """Some two thousand forced failures, none of them unknown, none of them a picture."""
    for route, outcomes in forced.outcomes.items():
        assert outcomes == agreed(forced.build, route), route
    assert set(forced.outcomes) == set(PATHS) - ({"video"} if forced.build != "new" else set())
    assert forced.unmapped == []


#: What is read and changed beside the pictures, by the adapter and by those whom the gateway lets through.
OTHERS = (
    "GET /api/health", "GET /api/providers", "GET /api/oauth/status", "GET /api/grok/status", "GET /api/capabilities",
    "GET /api/inflight", "GET /api/history", "GET /api/events", "GET /api/billing", "GET /api/storage/status",
    "GET /api/sessions", "POST /api/sessions", "GET /api/node/n_1", "PUT /api/sessions/s_1/graph",
    "DELETE /api/inflight/a", "DELETE /api/history/a.png", "POST /api/history/a.png/restore",
    "POST /api/prompt-builder/chat", "GET /api/agent/sessions", "POST /api/storage/open-generated-dir",
)  # fmt: skip


@pytest.mark.parametrize("route", OTHERS)
async def test_every_code_of_a_route_without_pictures_is_known(serve: Serve, route: str) -> None:
    """Each in the envelope of its route: the table says the same of it as where pictures are made."""
    known = {**agreed("head", "generate"), "REQUEST_ID_IN_USE": "resource.state_conflict"}
    method, path = route.split()
    async with serve("new") as client:
        for token in CODES:
            await client.rules({"outcome": token, "route": f"{route}$"})
            reply = await client.ask(method, path)
            verdict = explain(route, reply.status, reply.body, reply.headers["Content-Type"])
            assert verdict is not None, token
            assert (verdict.code, verdict.unmapped) == (known[token], False), token
