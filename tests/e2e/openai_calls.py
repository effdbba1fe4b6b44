"""Calls that the real OpenAI clients make, and what came of each: Python's two and Node's answer in one shape."""

import asyncio
import base64
import contextvars
import json
import os
import subprocess
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import openai
from msgspec import Struct, field, structs

NODE = Path(__file__).parents[1] / "node"
PATIENCE_S = 100
#: Each call says by whom and where it is made: one client has the connections of all.
NOWHERE = "http://127.0.0.1:9"


class Picture(Struct, frozen=True):
    """A file to be sent."""

    data: bytes
    name: str = "picture.png"
    type: str = "image/png"


class Case(Struct, frozen=True, kw_only=True):
    """One call: a method such as `images.generate`, with what is given to it, by a client of a key at an address."""

    name: str
    body: Any
    key: str
    base_url: str
    call: str = "images.generate"
    headers: Mapping[str, str] = {}
    max_retries: int = 0
    timeout_s: float = 60


class Attempt(Struct, kw_only=True):
    """One request on its way, and the head of its answer, if there was one."""

    path: str
    retry: str | None
    status: int | None = None
    should_retry: str | None = None
    retry_after: str | None = None
    job: str | None = None


class Ended(Struct, kw_only=True):
    """What came of a call."""

    name: str
    #: The class of the error, as the client names it; None: none.
    error: str | None = None
    is_api_error: bool = False
    status: int | None = None
    code: str | None = None
    param: str | None = None
    type: str | None = None
    request_id: str | None = None
    message: str | None = None
    job: str | None = None
    id: str | None = None
    pictures: int = 0
    events: list[str] = []
    attempts: list[Attempt] = field(default_factory=list)
    #: How long the client would have waited before each further attempt, in seconds.
    waits: list[float] = field(default_factory=list)


_underway: contextvars.ContextVar[Ended] = contextvars.ContextVar("underway")


def _sent(request: httpx2.Request) -> None:
    retry = request.headers.get("x-stainless-retry-count")
    _underway.get().attempts.append(Attempt(path=request.url.raw_path.decode(), retry=retry))


def _answered(response: httpx2.Response) -> None:
    attempt = _underway.get().attempts[-1]
    attempt.status = response.status_code
    attempt.should_retry = response.headers.get("x-should-retry")
    attempt.retry_after = response.headers.get("retry-after")
    attempt.job = response.headers.get("x-triptych-job")


async def _sent_async(request: httpx2.Request) -> None:
    _sent(request)


async def _answered_async(response: httpx2.Response) -> None:
    _answered(response)


class Impatient(openai.OpenAI):
    """The client, as it is, but that its waits take no time."""

    def _sleep_for_retry(self, *, retries_taken: int, max_retries: int, options: Any, response: Any) -> None:
        headers = response.headers if response is not None else None
        _underway.get().waits.append(self._calculate_retry_timeout(max_retries - retries_taken, options, headers))


class AsyncImpatient(openai.AsyncOpenAI):
    """The asynchronous one, likewise."""

    async def _sleep_for_retry(self, *, retries_taken: int, max_retries: int, options: Any, response: Any) -> None:
        headers = response.headers if response is not None else None
        _underway.get().waits.append(self._calculate_retry_timeout(max_retries - retries_taken, options, headers))


def client_of(base_url: str, key: str, **more: Any) -> Impatient:
    """Return a client."""
    hooks: dict[str, list[Callable[..., Any]]] = {"request": [_sent], "response": [_answered]}
    http = openai.DefaultHttpxClient(event_hooks=hooks, trust_env=False)
    return Impatient(base_url=base_url, api_key=key, http_client=http, **more)


def async_client_of(base_url: str, key: str, **more: Any) -> AsyncImpatient:
    """Return an asynchronous client."""
    hooks: dict[str, list[Callable[..., Any]]] = {"request": [_sent_async], "response": [_answered_async]}
    http = openai.DefaultAsyncHttpxClient(event_hooks=hooks, trust_env=False)
    return AsyncImpatient(base_url=base_url, api_key=key, http_client=http, **more)


def begun(name: str) -> Ended:
    """Note from now on in this context what clients send, under a name."""
    ended = Ended(name=name)
    _underway.set(ended)
    return ended


def _told(ended: Ended, error: openai.OpenAIError) -> None:
    ended.error, ended.message = type(error).__name__, str(error)
    ended.is_api_error = isinstance(error, openai.APIError)
    if isinstance(error, openai.APIError):
        ended.code, ended.param, ended.type = error.code, error.param, error.type
    if isinstance(error, openai.APIStatusError):
        ended.status, ended.request_id = error.status_code, error.request_id


def _given(case: Case) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return what a method of the Python clients takes."""
    options = {"extra_headers": dict(case.headers), "timeout": case.timeout_s}
    if isinstance(case.body, str):
        return (case.body,), options
    return (), {**{name: _file(value) for name, value in case.body.items()}, **options}


def _file(value: Any) -> Any:
    if isinstance(value, list):
        return [_file(each) for each in value]
    return (value.name, value.data, value.type) if isinstance(value, Picture) else value


def _method(client: Any, case: Case) -> Any:
    group, _, method = case.call.partition(".")
    options = {"api_key": case.key, "base_url": case.base_url, "max_retries": case.max_retries}
    resource = getattr(client.with_options(**options), group)
    return getattr(resource.with_raw_response, method)


def _noted(ended: Ended, raw: Any, made: Any) -> None:
    ended.job = raw.headers.get("x-triptych-job")
    ended.id = getattr(made, "id", None)
    ended.pictures = len(getattr(made, "data", None) or ())


def by_sync(cases: Sequence[Case]) -> dict[str, Ended]:
    """Make calls side by side with the synchronous client."""

    def one(case: Case) -> Ended:
        ended = begun(case.name)
        given, named = _given(case)
        try:
            raw = _method(client, case)(*given, **named)
            made = raw.parse()
            _noted(ended, raw, made)
            if isinstance(made, openai.Stream):
                ended.events = [event.type for event in made]
        except openai.OpenAIError as error:
            _told(ended, error)
        return ended

    with client_of(NOWHERE, "none") as client, ThreadPoolExecutor(len(cases)) as pool:
        return {ended.name: ended for ended in pool.map(one, cases)}


def by_async(cases: Sequence[Case]) -> dict[str, Ended]:
    """Make calls side by side with the asynchronous client."""

    async def one(client: AsyncImpatient, case: Case) -> Ended:
        ended = begun(case.name)
        given, named = _given(case)
        try:
            raw = await _method(client, case)(*given, **named)
            made = raw.parse()
            _noted(ended, raw, made)
            if isinstance(made, openai.AsyncStream):
                ended.events = [event.type async for event in made]
        except openai.OpenAIError as error:
            _told(ended, error)
        return ended

    async def run() -> list[Ended]:
        async with async_client_of(NOWHERE, "none") as client:
            return await asyncio.gather(*(asyncio.create_task(one(client, case)) for case in cases))

    return {ended.name: ended for ended in asyncio.run(run())}


def by_node(cases: Sequence[Case]) -> dict[str, Ended]:
    """Make calls side by side with the npm package."""
    given = [
        {
            **{name: getattr(case, name) for name in ("name", "call", "key", "base_url")},
            "body": case.body if isinstance(case.body, str) else {n: _of_node(v) for n, v in case.body.items()},
            "options": {
                "headers": dict(case.headers),
                "maxRetries": case.max_retries,
                "timeout": round(case.timeout_s * 1000),
            },
        }
        for case in cases
    ]
    lines = run_node("openai_cases.mjs", given=json.dumps(given))
    known = frozenset(structs.asdict(Ended(name="")))
    found = {}
    for line in lines:
        facts = {name: value for name, value in line.items() if name in known and value is not None}
        facts["attempts"] = [Attempt(**each) for each in line["attempts"]]
        found[line["name"]] = Ended(**facts)
    return found


def _of_node(value: Any) -> Any:
    if isinstance(value, list):
        return [_of_node(each) for each in value]
    if isinstance(value, Picture):
        return {"base64": base64.b64encode(value.data).decode(), "name": value.name, "type": value.type}
    return value


def run_node(program: str, *words: str, given: str = "", env: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
    """Run a program of tests/node to its end, and return the lines that it told."""
    # The package wants a key before it looks at what a call says.
    variables = {**os.environ, "NO_PROXY": "127.0.0.1", "OPENAI_API_KEY": "none", **(env or {})}
    done = subprocess.run(
        ["node", str(NODE / program), *words],  # noqa: S607 - whichever Node the tests are run with
        input=given,
        capture_output=True,
        text=True,
        env=variables,
        timeout=PATIENCE_S,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return [json.loads(line) for line in done.stdout.splitlines()]


RUNNERS: Mapping[str, Callable[[Sequence[Case]], dict[str, Ended]]] = {
    "sync": by_sync,
    "async": by_async,
    "node": by_node,
}


def side_by_side(cases: Mapping[str, Iterable[Case]]) -> dict[str, dict[str, Ended]]:
    """Let several clients make their calls at the same time."""
    with ThreadPoolExecutor(len(cases)) as pool:
        running = {client: pool.submit(RUNNERS[client], tuple(each)) for client, each in cases.items()}
        return {client: each.result() for client, each in running.items()}
