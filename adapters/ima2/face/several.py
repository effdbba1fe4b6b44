"""What generate and multimode make of a request: several pictures of one wish (wire §3, §6)."""

from collections.abc import Mapping
from typing import Any, Literal

from msgspec import structs

from adapters.ima2.face import provider
from adapters.ima2.face.asked import check_new, count_of, read_terms, references_of
from adapters.ima2.face.front import Ask, Front
from contracts.caller import Caller
from contracts.face import Call
from contracts.media import Input
from contracts.spec import ImageGenerate

#: What each route calls the number of pictures.
_COUNTS = {"generate": "n", "multimode": "maxImages"}


def ask_of(
    front: Front,
    call: Call,
    caller: Caller,
    body: dict[str, Any],
    *,
    route: Literal["generate", "multimode"],
    request_id: str,
    note: Mapping[str, Any],
    options: Mapping[str, Any] = {},
    session: str | None = None,
) -> Ask:
    """Check in the server's order, and return what is asked for."""
    check_new(front.profile, body, _COUNTS[route])
    # Only generate says some faults without a code (wire §12.12).
    terms = read_terms(call, body, bare=route == "generate", prompt_code="PROMPT_REQUIRED")
    count, clamped = count_of(body, _COUNTS[route])
    references = references_of(body, terms.provider)
    provider.check_account(front, caller, terms.provider)
    return Ask(
        route=route,
        kind=ImageGenerate,
        terms=structs.replace(terms, warnings=(*clamped, *terms.warnings)),
        request_id=request_id,
        n=count,
        inputs=tuple(Input(role="reference", data=each) for each in references),
        options=options,
        session=session,
        note=note,
    )
