"""A sandbox of imgen v2: an emulator made from its seed alone, because nothing of the real service was ever recorded.

SANDBOX.md beside this package says what it emulates, and what it had to guess.
"""

from aiohttp import web

from adapters.imgen.sandbox.cache import Cache
from adapters.imgen.sandbox.delivery import Delivery
from adapters.imgen.sandbox.edge import page
from adapters.imgen.sandbox.endpoint import PATH, Endpoint
from adapters.imgen.sandbox.outcome import TOKENS
from adapters.imgen.sandbox.polling import Polling
from adapters.imgen.sandbox.provoking import PROVOCATIONS
from adapters.imgen.sandbox.run import Runs
from adapters.imgen.sandbox.starting import Starting
from adapters.kit.emulator import Emulator, json_response

__all__ = ["PROFILES", "TOKENS", "sandbox"]

#: The seed says of an unknown `@name` both that it is refused (its table of errors) and that it is ignored.
PROFILES = ("v2", "v2-lenient")


def sandbox(
    *,
    data_dir: str,
    profile: str | None = None,
    speed: float = 1.0,
    scenario: str | None = None,
    api_key: str | None = "imgen-sandbox-key",
    result_host: str | None = None,
) -> web.Application:
    """Return the emulator. `api_key=None` takes any key; `result_host` is where pictures are said to lie."""
    if profile not in (None, *PROFILES):
        raise ValueError(f"imgen has no profile {profile!r}: choose from {', '.join(PROFILES)}")
    emulator = Emulator(
        "imgen", data_dir=data_dir, speed=speed, scenario=scenario, tokens=TOKENS, provocations=PROVOCATIONS
    )
    runs, cache, delivery = Runs(emulator.shelf), Cache(emulator.shelf), Delivery(emulator, result_host)
    endpoint = Endpoint(
        emulator,
        Starting(emulator, runs, cache, lenient=profile == "v2-lenient"),
        Polling(emulator, runs, cache, delivery),
        api_key=api_key,
    )

    async def listed(_request: web.Request) -> web.Response:
        now = emulator.now()
        return json_response(
            {
                "runs": [
                    {"id": run.id, "state": run.state(now, speed), "prompt": run.prompt, "flagged": run.flagged}
                    for run in runs.all()
                ]
            }
        )

    app = emulator.application()
    app.router.add_get("/_sandbox/runs", listed)
    app.router.add_post(PATH, endpoint.handle)
    app.router.add_get("/signed/{run}/{file}", delivery.serve, allow_head=False)
    app.router.add_route("*", "/{rest:.*}", _not_found)
    app.on_response_prepare.append(_label)
    return app


async def _not_found(_request: web.Request) -> web.Response:
    return page(404)


async def _label(request: web.Request, response: web.StreamResponse) -> None:
    response.headers["Server"] = "AmazonS3" if request.path.startswith("/signed/") else "nginx"
