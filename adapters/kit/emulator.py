"""What the sandboxes share: a clock that can run faster, a memory, a list of the calls that came, and rude endings.

They are aiohttp servers because an emulator must be able to break its own connections. Everything under `/_sandbox`
is for tests and people, never for adapters.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Container
from pathlib import Path
from typing import Any

import msgspec
from aiohttp import web

from adapters.kit.fault import Provocations, UnprovokableError, Wish, armed
from adapters.kit.scenario import Forced, Rules, Scenario
from adapters.kit.shelf import Shelf

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
#: Calls that are remembered for `/_sandbox/calls`.
MAX_CALLS = 10_000
MAX_BODY = 64 * 1024 * 1024


class Emulator:
    """The machinery under one sandbox."""

    def __init__(
        self,
        name: str,
        *,
        data_dir: str,
        speed: float,
        scenario: str | None,
        tokens: dict[str, str],
        provocations: Provocations,
    ) -> None:
        """Take where its memory lies, how much faster than life it runs, and what is and can be forced."""
        self.name = name
        self.speed = speed
        self.scenario = Scenario.load(scenario)
        self.tokens = tokens
        self.provocations = provocations
        self.dir = Path(data_dir)
        self.dir.mkdir(parents=True, exist_ok=True)
        self.shelf = Shelf(self.dir / "sandbox.db")
        self.started_at = time.time()
        self._tasks: set[asyncio.Task[None]] = set()

    def now(self) -> float:
        """UTC seconds."""
        return time.time()

    async def pause(self, seconds: float) -> None:
        """Wait as the real server would, at this sandbox's speed."""
        await asyncio.sleep(seconds / self.speed)

    def run(self, work: Awaitable[None]) -> None:
        """Do something beside the request, to its end, whether or not the client is still there."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def forced(self, request: web.Request, prompt: str, *, among: Container[str] | None = None) -> dict[str, Forced]:
        """Return what is forced for a request; `among` names what can be forced there."""
        return self.scenario.forced(f"{request.method} {request.path}", prompt, among=among)

    def application(self, *middlewares: Any) -> web.Application:
        """Return an application that notes every call and offers the control routes."""
        app = web.Application(middlewares=[self._note, *middlewares], client_max_size=MAX_BODY)
        app.router.add_get("/_sandbox/calls", self._calls)
        app.router.add_delete("/_sandbox/calls", self._forget_calls)
        app.router.add_get("/_sandbox/tokens", self._tokens)
        app.router.add_put("/_sandbox/scenario", self._set_scenario)
        app.router.add_get("/_sandbox/faults", self._faults)
        app.router.add_post("/_sandbox/faults", self._arm)
        app.router.add_delete("/_sandbox/faults", self._disarm)
        app.on_shutdown.append(self._stop)
        app.on_cleanup.append(self._close)
        return app

    async def _stop(self, _app: web.Application) -> None:
        """Cut all work off before requests are waited for: a server that is stopped finishes nothing."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _close(self, app: web.Application) -> None:
        await self._stop(app)
        self.shelf.close()

    @web.middleware
    async def _note(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if not request.path.startswith("/_sandbox"):
            # A body that is too large is for the sandbox to refuse, in its own words.
            fits = request.content_type == "application/json" and (request.content_length or 0) <= MAX_BODY
            body = await request.read() if fits else b""
            try:
                parsed = msgspec.json.decode(body) if body else None
            except msgspec.DecodeError:
                parsed = None
            call = {"at": self.now(), "method": request.method, "path": request.path_qs, "body": shortened(parsed)}
            call["headers"] = {name.lower(): value for name, value in request.headers.items()}
            self.shelf.put("call", f"{time.time_ns()}", call)
            self.shelf.keep_newest("call", MAX_CALLS)
        return await handler(request)

    async def _calls(self, request: web.Request) -> web.StreamResponse:
        method, path = request.query.get("method"), request.query.get("path", "")
        calls = [
            call
            for call in self.shelf.all("call")
            if (method is None or call["method"] == method) and call["path"].startswith(path)
        ]
        return json_response({"calls": calls})

    async def _forget_calls(self, _request: web.Request) -> web.StreamResponse:
        return json_response({"forgotten": self.shelf.clear("call")})

    async def _tokens(self, _request: web.Request) -> web.StreamResponse:
        return json_response({f"[[{name}]]": meaning for name, meaning in self.tokens.items()})

    async def _set_scenario(self, request: web.Request) -> web.StreamResponse:
        try:
            self.scenario.rules = msgspec.json.decode(await request.read(), type=Rules).rules
        except msgspec.DecodeError as error:
            return json_response({"error": str(error)}, status=400)
        return json_response({"rules": len(self.scenario.rules)})

    async def _faults(self, _request: web.Request) -> web.StreamResponse:
        """Say what is armed and how often each was met, what could be, and where work begins."""
        found = [{"code": each.code, "times": each.times, "met": each.met} for each in self.scenario.faults]
        can = self.provocations
        return json_response({"faults": found, "codes": list(can.codes), "works": can.works})

    async def _arm(self, request: web.Request) -> web.StreamResponse:
        """Arm one fault more; its place in the list names it from now on."""
        try:
            wish = msgspec.json.decode(await request.read(), type=Wish)
            self.scenario.faults.append(armed(wish, self.provocations, speed=self.speed))
        except (msgspec.DecodeError, UnprovokableError) as error:
            return json_response({"error": str(error)}, status=400)
        return json_response({"place": len(self.scenario.faults) - 1})

    async def _disarm(self, _request: web.Request) -> web.StreamResponse:
        forgotten = len(self.scenario.faults)
        self.scenario.faults.clear()
        return json_response({"forgotten": forgotten})


def json_response(body: Any, *, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """Return JSON as Express labels it."""
    return web.Response(
        body=msgspec.json.encode(body),
        status=status,
        headers={"Content-Type": "application/json; charset=utf-8", **(headers or {})},
    )


def cut(request: web.Request) -> web.StreamResponse:
    """Break the connection now, without a word."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=499)


async def cut_after(request: web.Request, response: web.Response, part: float = 0.5) -> web.StreamResponse:
    """Send the head and part of the body, then break the connection."""
    body = bytes(response.body) if isinstance(response.body, bytes | bytearray) else b""
    stream = web.StreamResponse(status=response.status, headers=response.headers)
    stream.content_length = len(body)
    await stream.prepare(request)
    await stream.write(body[: int(len(body) * part)])
    return cut(request)


async def hang(seconds: float) -> None:
    """Say nothing for a while of real time."""
    await asyncio.sleep(seconds)


def shortened(value: Any) -> Any:
    """Return a JSON value with long strings (pictures) cut, for the list of calls."""
    match value:
        case str() if len(value) > 2000:
            return f"{value[:80]}...<{len(value)} characters>"
        case dict():
            return {name: shortened(each) for name, each in value.items()}
        case list():
            return [shortened(each) for each in value]
        case _:
            return value
