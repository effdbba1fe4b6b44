"""Driving an adapter without the engine: fit, prepare, submit, poll to the end, fetch. What the engine does, bare."""

import asyncio
import base64
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
from aiohttp import web
from msgspec import structs

from contracts.capability import Candidate, Capability, ModelInfo
from contracts.catalog import CatalogError
from contracts.fit import fit
from contracts.port import Absent, Adapter, BackendSettings, Done, Handle, InputBytes, Moments, Order, Pending
from contracts.sniff import Media, sniff
from contracts.spec import Operation, SpecBase, operation_of
from gateway.dialects import dialects, load_sandbox

SPEED = 60.0
#: How long a picture may take here; nothing takes a second at this speed.
PATIENCE_S = 20.0


class Subject:
    """One adapter in front of one sandbox."""

    def __init__(self, dialect: str, profile: str, url: str, adapter: Adapter, settings: BackendSettings) -> None:
        """Take what was started."""
        self.dialect = dialect
        self.profile = profile
        self.url = url
        self.adapter = adapter
        self.settings = settings
        self.jobs = 0

    def another(self) -> Adapter:
        """Return a second adapter of the same backend, as a restarted process would have."""
        connect = dialects()[self.dialect].connect
        assert connect is not None
        return connect(self.settings)

    def models(self, operation: Operation = "image.generate") -> list[ModelInfo]:
        """Return the models of accounts that are ready and can do an operation."""
        discovery = self.adapter.discovery()
        assert discovery is not None
        ready = {account.name for account in discovery.accounts if account.ready}
        return [each for each in discovery.models if operation in each.operations and each.account in ready]

    def order(self, spec: SpecBase, model: ModelInfo | None = None) -> Order:
        """Return the order for a spec that fits."""
        operation = operation_of(spec)
        models = self.models(operation)
        chosen = model or next((each for each in models if each.default), models[0])
        capability = chosen.operations[operation]
        fitted = fit(spec, capability, self.dialect)
        assert fitted.mismatches == (), fitted.mismatches
        self.jobs += 1
        return Order(
            job_id=f"job_{self.jobs:026d}",
            n=1,
            part=1,
            spec=spec,
            effective=fitted.effective,
            candidate=Candidate("subject", chosen.account, chosen.id),
            capability=capability,
            count=fitted.count,
        )

    async def start(self, order: Order, inputs: tuple[InputBytes, ...] = ()) -> tuple[Handle, Pending | Done]:
        """Prepare and submit."""
        prepared = self.adapter.prepare(order)
        answer = await self.adapter.submit(
            prepared.handle, structs.replace(order, effective=order.effective), inputs, lambda _note: None
        )
        handle = prepared.handle
        if isinstance(answer, Pending) and answer.handle is not None:
            handle = answer.handle
        return handle, answer

    async def finish(self, handle: Handle, answer: Pending | Done, adapter: Adapter | None = None) -> Done:
        """Poll to the end; raise what the backend's verdict is."""
        asked = adapter or self.adapter
        async with asyncio.timeout(PATIENCE_S):
            while not isinstance(answer, Done):
                await asyncio.sleep(min(answer.poll_after_s / SPEED, 0.1))
                polled = (await asked.poll([handle]))[handle.id]
                if isinstance(polled, CatalogError):
                    raise polled
                assert not isinstance(polled, Absent), "the backend has no trace of it"
                answer = polled
                if isinstance(polled, Pending) and polled.handle is not None:
                    handle = polled.handle
        return answer

    async def make(
        self, spec: SpecBase, inputs: tuple[InputBytes, ...] = (), model: ModelInfo | None = None
    ) -> tuple[Done, list[Media]]:
        """Make pictures or films and return what was said and what the bytes are."""
        done = await self.finish(*await self.start(self.order(spec, model), inputs))
        found = []
        for output in done.outputs:
            if output.role != "thumbnail":
                media = sniff(await self.bytes_of(output))
                assert media is not None
                found.append(media)
        return done, found

    async def bytes_of(self, output: Any) -> bytes:
        """Return an output's bytes, inline or fetched."""
        if output.base64 is not None:
            return base64.b64decode(output.base64)
        return b"".join([chunk async for chunk in self.adapter.fetch(output)])

    async def calls(self, path: str = "") -> list[dict[str, Any]]:
        """Return the calls that reached the sandbox."""
        async with httpx.AsyncClient(base_url=self.url, trust_env=False) as http:
            found: list[dict[str, Any]] = (await http.get("/_sandbox/calls", params={"path": path})).json()["calls"]
            return found

    async def submitted(self) -> Mapping[str, Any]:
        """Return the body of the last call that started work."""
        paths = {"ima2": "/api/generate", "sdcpp": "/api/queue/generate", "imgen": "/api/v2"}
        calls = [
            call["body"]
            for call in await self.calls(paths[self.dialect])
            if call["method"] == "POST" and (self.dialect != "imgen" or call["body"]["action"] == "generate")
        ]
        body: Mapping[str, Any] = calls[-1]
        return body

    def moments(self, *, later_s: float = 0.0) -> Moments:
        """Return the times that recovery is told: a submit now, looked for some while later."""
        now = time.time()
        return Moments(submitted_at=now, now=now + later_s, settle_s=600)

    def capability(self) -> Capability:
        """Return what the default model can do."""
        model = next((each for each in self.models() if each.default), self.models()[0])
        return model.operations["image.generate"]


async def begin(dialect: str, profile: str, folder: Path) -> tuple[web.AppRunner, Subject]:
    """Start a sandbox and an adapter in front of it."""
    found = dialects()[dialect]
    app = load_sandbox(found)(data_dir=str(folder), profile=profile, speed=SPEED, scenario=None)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    imgen = dialect == "imgen"
    settings = BackendSettings(
        name="subject",
        base_url=url + ("/api/v2" if imgen else ""),
        api_key="imgen-sandbox-key" if imgen else None,
        timeouts={"submit_s": 5.0},
        shared_cache_ok=True,
        fingerprint=lambda text: f"fp{len(text)}",
    )
    assert found.connect is not None
    adapter = found.connect(settings)
    await adapter.discover()
    return runner, Subject(dialect, profile, url, adapter, settings)
