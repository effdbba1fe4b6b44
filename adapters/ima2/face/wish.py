"""A request as a job of the contract, and what of it is no demand.

ima2 clients send every field, chosen or not. A value that is ima2's own default is a wish: it is asked for, and where
nobody can honour it, it is left out and told in `warnings`, as ima2 tells that it took another quality. Every other
value is a demand: honoured, or refused in ima2's words.
"""

from collections.abc import Mapping
from typing import Any

from msgspec import UNSET

from adapters.ima2.face.asked import Terms
from adapters.kit.wish import Wish
from contracts.media import Input
from contracts.spec import ImageEdit, ImageGenerate, OutputWish, Policy, Route, Video, VideoGenerate

_STRICTNESS: Mapping[str, Any] = {"auto": "default", "low": "relaxed"}
#: What is told of a wish that was left out; the others change nothing that could be seen.
TOLD = {
    "/effort": ("QUALITY_DEFAULTED", "quality"),
    "/policy/strictness": ("MODERATION_DEFAULTED", "moderation"),
    "/size": ("SIZE_DEFAULTED", "size"),
    "/output/format": ("FORMAT_DEFAULTED", "format"),
    "/route/accounts": ("PROVIDER_DEFAULTED", "provider"),
    "/model": ("MODEL_DEFAULTED", "model"),
}
_DIALECT = "ima2"
_OPTIONS = f"/options/{_DIALECT}"


def wish(
    kind: type[ImageGenerate | ImageEdit | VideoGenerate],
    terms: Terms,
    *,
    model: str,
    inputs: tuple[Input, ...] = (),
    n: int = 1,
    options: Mapping[str, Any] | None = None,
    video: Video | None = None,
    request_id: str = "",
) -> Wish:
    """Write the job, with ima2's defaults as wishes."""
    soft = {"/optimize_prompt", f"{_OPTIONS}/web_search", *(f"{_OPTIONS}/{name}" for name in options or {})}
    chosen = dict(options or {})
    if terms.effort is not None:
        chosen["reasoning_effort"] = terms.effort
    if not terms.web_search:
        chosen["web_search"] = False
    defaults = (
        ("/effort", terms.is_usual_quality),
        ("/policy/strictness", True),
        ("/size", terms.shown_size == "1024x1024"),
        ("/output/format", terms.format == "png"),
        ("/route/accounts", terms.provider == "oauth"),
        (f"{_OPTIONS}/reasoning_effort", terms.effort == "medium"),
    )
    soft |= {pointer for pointer, is_default in defaults if is_default}
    accounts = (terms.provider,) if terms.provider in ("oauth", "api", "grok") else UNSET
    spec = kind(
        prompt=terms.prompt,
        model=model,
        # A client that waits is told at once that nobody can work; nobody waits here for a login.
        route=Route(require_healthy=True, accounts=accounts),
        size=UNSET if terms.size is None else terms.size,  # type: ignore[arg-type]
        n=UNSET if n == 1 else n,
        effort=terms.quality or UNSET,  # type: ignore[arg-type]
        output=UNSET if video else OutputWish(format=terms.format or UNSET, delivery="inline"),  # type: ignore[arg-type]
        inputs=inputs or UNSET,
        policy=Policy(strictness=_STRICTNESS[terms.moderation]) if terms.moderation else UNSET,
        optimize_prompt=False if terms.direct else UNSET,
        options={"ima2": chosen} if chosen else UNSET,
        video=video or UNSET,
        client_ref=request_id[:200] or UNSET,
    )
    return Wish(spec, frozenset(soft), _DIALECT)
