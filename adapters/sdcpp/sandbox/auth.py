"""Who may ask: one shared key, or nobody asks for one (wire §2)."""

import base64
import binascii

from aiohttp import web

from adapters.kit.scenario import Forced
from adapters.sdcpp.sandbox.refusal import REFUSALS

#: What the rule or token `auth` demands when it names no key.
DEFAULT_KEY = "sandbox-key"
#: What the rules `auth` and `production` set for a request.
SETTINGS: web.RequestKey[dict[str, Forced]] = web.RequestKey("settings", dict)


def sent_key(request: web.Request) -> str | None:
    """Return the key of a request: Bearer, then Basic, and X-Api-Key only where neither was tried."""
    scheme, _, rest = request.headers.get("Authorization", "").partition(" ")
    if " " not in rest and rest:
        if scheme == "Bearer":
            return rest
        if scheme == "Basic":
            return _password(rest)
    return request.headers.get("X-Api-Key") or None


def _password(encoded: str) -> str | None:
    try:
        decoded = base64.b64decode(encoded).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None
    # A key that holds a colon breaks here, as it does there.
    return decoded.split(":")[1] if ":" in decoded else decoded


def demanded_key(request: web.Request, api_key: str | None) -> str | None:
    """Return the key that a request must carry, None if none."""
    forced = request[SETTINGS].get("auth")
    return api_key if forced is None else forced.argument or DEFAULT_KEY


def check(request: web.Request, demanded: str | None) -> None:
    """Let a request pass, or raise the 401 or 403 of the key check."""
    if not demanded:
        return
    sent = sent_key(request)
    if not sent:
        raise REFUSALS["unauthorized"].fault()
    if sent != demanded:
        raise REFUSALS["forbidden"].fault()
