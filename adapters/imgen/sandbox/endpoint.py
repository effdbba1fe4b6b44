"""The one endpoint: who may ask, what is asked, and the five actions (seed)."""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

import msgspec
from aiohttp import web

from adapters.imgen.sandbox.catalogue import listing
from adapters.imgen.sandbox.edge import answered
from adapters.imgen.sandbox.enhancement import invented
from adapters.imgen.sandbox.outcome import ANYWHERE, BEARS, Refusal, refused
from adapters.imgen.sandbox.polling import Polling
from adapters.imgen.sandbox.starting import Starting
from adapters.kit.emulator import Emulator, json_response
from adapters.kit.scenario import Forced, without_tokens

PATH = "/api/v2"
DISABLED_KEY = "disabled-key"
#: Actions whose request brings a prompt of the caller's own: the others repeat it, or have none.
_PROMPTED = ("generate", "optimize")


class Endpoint:
    """See the module's docstring."""

    def __init__(self, emulator: Emulator, starting: Starting, polling: Polling, *, api_key: str | None) -> None:
        """Take the machinery, what starts and what watches runs, and the one good key (None: any)."""
        self._emulator = emulator
        self._starting = starting
        self._polling = polling
        self._api_key = api_key
        self._invented = 0

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one action."""
        body = await _body(request)
        action = body.get("action")
        forced = self._forced(action, body)

        async def work() -> web.Response:
            try:
                return json_response(await self._act(request, action, body, forced))
            except Refusal as refusal:
                return refused(refusal.name)

        return await answered(request, forced, work)

    def _forced(self, action: object, body: dict[str, Any]) -> dict[str, Forced]:
        """Return what is forced now: `status` repeats the prompt, but its tokens have had their turn."""
        bears = BEARS.get(str(action), ANYWHERE)
        prompt = body.get("prompt")
        prompt = prompt if isinstance(prompt, str) else ""
        prompt = prompt if action in _PROMPTED else without_tokens(prompt)
        found = self._emulator.scenario.forced(f"POST {PATH}#{action or ''}", prompt, among=bears)
        return {name: each for name, each in found.items() if name in bears}

    async def _act(
        self, request: web.Request, action: object, body: dict[str, Any], forced: Mapping[str, Forced]
    ) -> dict[str, Any]:
        owner = self._owner(request)
        if "slow" in forced and action != "generate":
            await self._emulator.pause(forced["slow"].number(1))
        match action:
            case "models":
                return listing()
            case "generate":
                return await self._starting.generate(body, owner, forced)
            case "status":
                return await self._polling.status(request, body, forced)
            case "optimize":
                return await self._starting.optimize(body, forced)
            case "random":
                self._invented += 1
                return {"prompt": invented(body.get("character"), count=self._invented)}
            case _:
                # The seed has a text for no action, and none for an unknown one.
                raise Refusal("missing_action")

    def _owner(self, request: web.Request) -> str:
        """Return whose cache is asked: a digest of the key. Each of the three complaints has its own text (seed)."""
        scheme, _, key = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not key.strip():
            raise Refusal("unauthorized")
        if key == DISABLED_KEY:
            raise Refusal("disabled_key")
        if self._api_key not in (None, key):
            raise Refusal("invalid_key")
        return sha256(key.encode()).hexdigest()[:16]


async def _body(request: web.Request) -> dict[str, Any]:
    """Return the JSON object of a request; what is none of JSON, or is not labelled so, is as good as empty."""
    if request.content_type != "application/json":
        return {}
    try:
        body = msgspec.json.decode(await request.read())
    except msgspec.DecodeError:
        return {}
    return body if isinstance(body, dict) else {}
