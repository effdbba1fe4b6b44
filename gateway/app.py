"""The composition root: the only file that knows every room. It reads settings and returns an application."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

from litestar import Litestar
from litestar.datastructures import State
from litestar.exceptions import HTTPException
from prometheus_client import generate_latest

from contracts.catalog import CatalogError
from contracts.desk import Desk
from contracts.port import BackendSettings, Dialect
from gateway.access.gate import Gate
from gateway.access.signing import Signer
from gateway.catalogue import CatalogueService
from gateway.clock import Clock, SystemClock
from gateway.dialects import dialects
from gateway.engine.backends import Backend
from gateway.engine.carrier import Carrier
from gateway.engine.context import Context
from gateway.engine.observed import Observed as ObservedAdapter
from gateway.faces.door import Doors
from gateway.faces.opening import check_faces, open_faces
from gateway.gallery import GalleryService
from gateway.jobs import JobService
from gateway.jobs.creating import Creator
from gateway.jobs.intake import Intake
from gateway.jobs.listening import Listener
from gateway.jobs.naming import NameService
from gateway.jobs.reading import JobReader
from gateway.ops.http import App, Observed
from gateway.ops.log import logger
from gateway.ops.metrics import Metrics
from gateway.ops.room import Room
from gateway.prompting import PromptService
from gateway.relaying import RelayService
from gateway.routing import Allow, Router, allow_of
from gateway.settings import Settings
from gateway.store import query
from gateway.store.database import DataDir
from gateway.store.store import Store
from gateway.v1 import operations
from gateway.v1.answer import on_any_error, on_catalog_error, on_framework_error
from gateway.v1.artefacts import artefacts
from gateway.v1.errors import details
from gateway.v1.routes import ROUTES
from gateway.verifying import Verifier
from gateway.version import VERSION

#: How late the event loop may be is measured this often.
LAG_S = 1.0


def connect(name: str, settings: Settings, dialect: Dialect, metrics: Metrics, signer: Signer, room: Room) -> Backend:
    """Return a backend with its adapter, which is watched."""
    config = settings.backends[name]
    log = logger("adapter")

    def unmapped(fingerprint: str) -> None:
        metrics.unmapped_native_errors.labels(dialect.name).inc()
        log.warning("adapter.unmapped_native_error", backend=name, dialect=dialect.name, fingerprint=fingerprint)

    if dialect.connect is None:
        msg = f"the dialect {dialect.name} has no adapter"
        raise CatalogError("gateway.internal", msg, reason="settings")
    known = BackendSettings(
        name=name,
        base_url=config.base_url,
        api_key=config.api_key.read() if config.api_key is not None else None,
        fetch_hosts=config.fetch_hosts,
        connect_timeout_s=config.timeouts.get("connect_s", 5.0),
        timeouts=dict(config.timeouts),
        max_concurrency=config.max_concurrency,
        shared_cache_ok=config.shared_cache_ok,
        trust_cache=settings.review.trust_cache,
        fingerprint=signer.fingerprint,
        on_unmapped=unmapped,
        room=room.held,
    )
    adapter = ObservedAdapter(name, dialect.connect(known), metrics)
    verifier = Verifier(dialect.name, dialect.checks, known) if dialect.checks is not None else None
    return Backend(name, dialect.name, config, adapter, metrics, verifier)


class Gateway:
    """Everything of one process: what it holds, how it starts and how it stops."""

    def __init__(
        self, settings: Settings, *, clock: Clock | None = None, known: Mapping[str, Dialect] | None = None
    ) -> None:
        """Open the store and wire everything; nothing is carried yet."""
        self.settings = settings
        self.metrics = Metrics()
        self.room = Room(settings.limits.bytes_in_flight)
        self.clock = clock or SystemClock()
        self.dialects = dict(known or dialects())
        check_faces(self.dialects, settings)
        self.store = Store(DataDir(Path(settings.data_dir)), on_group=self.metrics.commit_group_size.observe)
        signer = Signer(self.store.data_dir.secret())
        self.backends = {
            name: connect(name, settings, self.dialects[config.dialect], self.metrics, signer, self.room)
            for name, config in settings.backends.items()
        }
        self.gate = Gate(self.store, settings, self.clock, signer)
        router = Router(self.backends, settings.aliases)
        context = Context(
            store=self.store,
            backends=self.backends,
            router=router,
            settings=settings,
            clock=self.clock,
            metrics=self.metrics,
            allowed=self._allowed,
        )
        self.carrier = Carrier(context)
        reader = JobReader(self.store, self.carrier, self.clock)
        intake = Intake(self.store, settings, self.clock, self.metrics)
        self.creator = Creator(
            carrier=self.carrier,
            router=router,
            intake=intake,
            reader=reader,
            store=self.store,
            dialects=self.dialects,
            settings=settings,
            clock=self.clock,
            metrics=self.metrics,
        )
        self.desk = Desk(
            jobs=JobService(
                creator=self.creator,
                reader=reader,
                listener=Listener(self.store, reader, self.gate, streams_per_team=settings.limits.streams_per_team),
                carrier=self.carrier,
                router=router,
                backends=self.backends,
                dialects=self.dialects,
            ),
            assets=GalleryService(self.store, intake, settings, self.clock, signer),
            catalogue=CatalogueService(self.backends, settings.aliases),
            access=self.gate,
            names=NameService(self.store, reader),
            prompts=PromptService(self.backends, settings.aliases, self.metrics),
            relay=RelayService(self.backends, self.metrics),
        )
        self.faces = open_faces(self.dialects, settings, self.desk, self.room, self.clock, self._observed)
        self.log = logger("gateway")
        self._lag: asyncio.Task[None] | None = None

    def _observed(self, app: App) -> App:
        return Observed(app, self.metrics, self.room)

    def _allowed(self, key_id: str | None, team: str) -> Allow:
        holder = self.gate.holder(key_id)
        return Allow(team=team) if holder is None else allow_of(holder)

    @property
    def sandbox(self) -> bool:
        """Whether sandboxes stand behind it."""
        return any(backend.sandbox for backend in self.backends.values())

    async def start(self) -> None:
        """Take up what is open, and begin."""
        await self.gate.refresh()
        for name, (discovery, at) in (await self.store.read(query.discoveries)).items():
            if name in self.backends:
                self.backends[name].learned(discovery, at, fresh=False)
        await self.carrier.start()
        for listener in self.faces.listeners:
            await listener.start()
        self._lag = asyncio.create_task(self._measure_lag())
        self.log.info("gateway.started", version=VERSION, backends=sorted(self.backends), sandbox=self.sandbox)

    async def _measure_lag(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            before = loop.time()
            await asyncio.sleep(LAG_S)
            self.metrics.loop_lag_seconds.set(max(0.0, loop.time() - before - LAG_S))

    def begin_stop(self) -> None:
        """Stop taking work in, and end every stream: they can be taken up again elsewhere."""
        self.creator.stopping = True
        self.store.hub.close()
        self.carrier.begin_stop()

    async def stop(self) -> None:
        """Let go of what can be found again, wait for what cannot, and close."""
        self.begin_stop()
        if self._lag is not None:
            self._lag.cancel()
        for listener in self.faces.listeners:
            await listener.stop()
        await self.carrier.drain(self.settings.shutdown.drain_s)
        self.store.close()
        self.log.info("gateway.stopped")

    async def readiness(self) -> operations.Readiness:
        """Say whether work is taken in, and how each backend is."""
        status: Any = "stopping" if self.creator.stopping else "ready"
        try:
            await self.store.read(query.last_event_id)
        except OSError:
            status = "storage_failed"
        return operations.Readiness(
            status=status,
            backends={
                name: operations.BackendReadiness(
                    up=backend.up,
                    ready_accounts=tuple(
                        account.name or "default" for account in backend.accounts if backend.ready(account.name)
                    ),
                )
                for name, backend in self.backends.items()
            },
        )

    def scrape(self) -> bytes:
        """Return the metrics, with the gauges brought up to date."""
        self.carrier.refresh_gauges()
        self.metrics.streams_open.set(self.store.hub.streams)
        self.metrics.free_disk_bytes.set(self.store.files.free_bytes())
        return generate_latest(self.metrics.registry)

    def application(self) -> App:
        """Return the ASGI application; its lifespan starts and stops the gateway."""
        settings = self.settings

        @contextlib.asynccontextmanager
        async def lifespan(_app: Litestar) -> AsyncIterator[None]:
            await self.start()
            try:
                yield
            finally:
                await self.stop()

        limit = max(settings.server.max_upload_bytes, settings.server.max_json_bytes)
        app = Litestar(
            [operations.options(ROUTES), *ROUTES],
            lifespan=[lifespan],
            openapi_config=None,
            logging_config=None,
            exception_handlers={
                CatalogError: on_catalog_error,
                HTTPException: on_framework_error,
                Exception: on_any_error,
            },
            # A form has boundaries and headers around its file.
            request_max_body_size=limit + 64 * 1024,
            state=State(
                {
                    "desk": self.desk,
                    "room": self.room,
                    "max_json_bytes": settings.server.max_json_bytes,
                    "readiness": self.readiness,
                    "scrape": self.scrape,
                    "version": operations.Version(name="triptych", version=VERSION, sandbox=self.sandbox),
                    "artefacts": artefacts(self.dialects),
                    "errors": details(ROUTES, self.dialects),
                }
            ),
        )
        return self._observed(Doors(app, self.faces.doors))  # type: ignore[arg-type]
