"""An emulator of ima2 in three builds: no client can tell that it talks to one. SANDBOX.md, beside it, tells more."""

from aiohttp import web

from adapters.ima2.sandbox.agent import Agent
from adapters.ima2.sandbox.edit import Edit
from adapters.ima2.sandbox.express import Express
from adapters.ima2.sandbox.faults import Faults
from adapters.ima2.sandbox.files import Files
from adapters.ima2.sandbox.generate import Generate
from adapters.ima2.sandbox.history import HistoryRoutes
from adapters.ima2.sandbox.inflight import Inflight
from adapters.ima2.sandbox.multimode import Multimode
from adapters.ima2.sandbox.node import Node
from adapters.ima2.sandbox.profile import profile_named
from adapters.ima2.sandbox.prompt import PromptBuilder
from adapters.ima2.sandbox.provoking import PROVOCATIONS
from adapters.ima2.sandbox.server import Server
from adapters.ima2.sandbox.session import SessionRoutes
from adapters.ima2.sandbox.status import Status
from adapters.ima2.sandbox.tokens import TOKENS
from adapters.ima2.sandbox.video import Video
from adapters.kit.emulator import Emulator

__all__ = ["TOKENS", "sandbox"]

_SHARED = (Status, Generate, Edit, Multimode, Node, HistoryRoutes, Inflight, SessionRoutes, Files)
_NEW = (Video, Agent, PromptBuilder)


def sandbox(
    *, data_dir: str, profile: str | None = None, speed: float = 1.0, scenario: str | None = None
) -> web.Application:
    """Return an ima2 server of a build (`head`, `tag`, `new`) over its own data directory."""
    emulator = Emulator(
        "ima2", data_dir=data_dir, speed=speed, scenario=scenario, tokens=TOKENS, provocations=PROVOCATIONS
    )
    server = Server(emulator, profile_named(profile))
    faults = Faults(emulator, server.profile, server.gallery)
    app = emulator.application(faults.faults)
    Express().wrap(app)
    for group in (*_SHARED, *(_NEW if server.profile.is_new else ())):
        app.router.add_routes(group(server).routes())
    if server.profile.is_new:
        app.router.add_get("/api/events", server.bus.events)
        app.on_shutdown.append(server.bus.close)
    app.router.add_get("/_sandbox/upstream", server.upstream.calls)
    app.router.add_delete("/_sandbox/upstream", server.upstream.forget_calls)
    return app
