"""Codes that are forced on routes that make no pictures: each group of routes has its own envelope (wire §1)."""

from collections.abc import Callable
from typing import Any

from aiohttp import web

from adapters.ima2.sandbox import code, failure, page
from adapters.ima2.sandbox.failure import Failure
from adapters.ima2.sandbox.profile import Profile
from adapters.kit.scenario import Forced

#: The first that fits.
_ENVELOPES: tuple[tuple[str, Callable[[Failure], dict[str, Any]]], ...] = (
    ("/api/storage/", failure.not_ok),
    ("/api/agent/", failure.both),
    ("/api/sessions", failure.nested),
    ("/api/node/", failure.nested),
    ("/api/events", failure.nested),
    ("/api/prompt-builder/", failure.nested),
    ("/", failure.flat),
)
#: These say themselves what is forced, in their own words and in their own time.
_OWN = ("/api/generate", "/api/generate/multimode", "/api/edit", "/api/node/generate", "/api/video/generate")


def forced_refusal(profile: Profile, request: web.Request, forced: dict[str, Forced]) -> web.Response | None:
    """Return the answer that a forced code is on a route that does not say it itself."""
    named = code.forced_code(forced)
    if named is None or request.path in _OWN:
        return None
    if request.path.startswith("/api/agent/sessions/") and code.CODES[named.name].moment == "work":
        return None
    found = code.failure(profile, named)
    envelope = next(envelope for prefix, envelope in _ENVELOPES if request.path.startswith(prefix))
    return page.json_answer(envelope(found), status=found.status, headers=found.headers)
