"""A loopback sd.cpp Studio, quirks included: see SANDBOX.md.

An adapter or a native client must not be able to tell it from the real one; only `/_sandbox` gives it away.
"""

from collections.abc import Callable

from aiohttp import web

from adapters.kit.emulator import Emulator
from adapters.sdcpp.sandbox.express import Express, dress
from adapters.sdcpp.sandbox.history_routes import HistoryRoutes
from adapters.sdcpp.sandbox.life import Life
from adapters.sdcpp.sandbox.model_routes import ModelRoutes
from adapters.sdcpp.sandbox.openai_routes import OpenAIRoutes
from adapters.sdcpp.sandbox.profile import PROFILES
from adapters.sdcpp.sandbox.provoking import PROVOCATIONS
from adapters.sdcpp.sandbox.public_routes import PublicRoutes
from adapters.sdcpp.sandbox.queue_routes import QueueRoutes
from adapters.sdcpp.sandbox.sdapi_routes import SdapiRoutes
from adapters.sdcpp.sandbox.studio import Studio
from adapters.sdcpp.sandbox.sync_routes import SyncRoutes
from adapters.sdcpp.sandbox.tokens import TOKENS
from adapters.sdcpp.sandbox.upscaler import UpscalerRoutes

__all__ = ["TOKENS", "sandbox"]
#: In Express's order: fixed words before ids.
ROUTES = (
    PublicRoutes, QueueRoutes, HistoryRoutes, ModelRoutes, SyncRoutes, SdapiRoutes, UpscalerRoutes, OpenAIRoutes,
)  # fmt: skip


def sandbox(
    *,
    data_dir: str,
    profile: str | None = None,
    speed: float = 1.0,
    scenario: str | None = None,
    api_key: str | None = None,
    production: bool = False,
    on_crash: Callable[[], None] | None = None,
) -> web.Application:
    """Return the application. `profile` is `head` or `seed`; raise `KeyError` for another.

    `api_key` and `production` are what the environment variables `API_KEY` and `NODE_ENV` are to the real one.
    `on_crash` is called when the server's process would die: a process that runs this alone exits with 1 there.
    """
    emulator = Emulator(
        "sdcpp", data_dir=data_dir, speed=speed, scenario=scenario, tokens=TOKENS, provocations=PROVOCATIONS
    )
    studio = Studio(emulator, PROFILES[profile or "head"], api_key=api_key, production=production)
    life = Life(studio, on_crash=on_crash)
    express = Express(studio, life)
    app = emulator.application(express.serve)
    for routes in ROUTES:
        routes(studio).register(app, express)
    app.on_response_prepare.append(dress)
    app.on_startup.append(life.start)
    app.on_shutdown.append(life.stop)
    return app
