"""Exchanges about the server's own state and about words: what is passed on, and prompts that its builder writes."""

import re

import msgspec

from adapters.ima2 import relay as table
from adapters.ima2.wire import ChatAnswer, ChatMessage, ChatRequest
from adapters.kit.http import MAX_JSON_BYTES, Exchanges
from contracts.catalog import CatalogError, Fault, Native
from contracts.prompts import PromptOrder, Written
from contracts.relay import RelayCall, Relayed

BUILDER_S = 120.0
#: The builder answers in sections, each under a heading of its own line; this one is the prompt.
_PROMPT = re.compile(
    r"^Final Prompt - English:[ \t]*\n(.*?)(?=\n\s*^[A-Z][\w -]{2,40}:[ \t]*$|\Z)", re.MULTILINE | re.DOTALL
)


async def relay(exchanges: Exchanges, backend: str, call: RelayCall) -> Relayed:
    """Pass a request on, and back what the list allows of its answer; a page is no answer (wire §1)."""
    route, is_file = call.route, call.route == table.FILES
    media_type = table.media_type_of(call.params["name"]) if is_file else table.JSON
    # A part that is a step up would be another address by the time it arrives.
    if media_type is None or not {".", ".."}.isdisjoint(call.params.values()):
        raise CatalogError("resource.not_found", "The backend has no such thing.", backend=backend)
    answer = await exchanges.send(
        route.method,
        table.path_of(route, call.params, call.query),
        body=call.body,
        headers={name: call.headers[name] for name in route.headers if name in call.headers},
        timeout_s=route.timeout_s,
        lasting=route.spends,
        max_bytes=table.MAX_FILE_BYTES if is_file else MAX_JSON_BYTES,
        raw=True,
    )
    body = answer.body if is_file and answer.status == 200 else table.cleaned(route, answer.status, answer.body)
    if body is None:
        missing = answer.status == 404
        raise CatalogError(
            "resource.not_found" if missing else "backend.bad_response",
            "The backend has no such page." if missing else "The backend's answer is not of the shape it promises.",
            native=Native(http_status=answer.status),
            backend=backend,
        )
    return Relayed(status=answer.status, body=body, media_type=media_type)


async def write(exchanges: Exchanges, backend: str, order: PromptOrder) -> Written:
    """Have a prompt enhanced by NEW's prompt builder (wire §11)."""
    if order.character is not None:
        fault = Fault(pointer="/character", reason="unsupported", detail="ima2 knows no characters")
        raise CatalogError("request.option_unsupported", fault.detail, errors=(fault,))
    asked = ChatRequest(messages=(ChatMessage(role="user", content=order.prompt or ""),))
    answer = await exchanges.json(
        ChatAnswer,
        "POST",
        "/api/prompt-builder/chat",
        body=msgspec.json.encode(asked),
        timeout_s=BUILDER_S,
        phase="planner",
        lasting=True,
    )
    said = answer.message.content
    section = _PROMPT.search(said)
    prompt = (section.group(1) if section is not None else said).strip()
    if not prompt:
        raise CatalogError("backend.failed", "The prompt builder wrote nothing.", backend=backend)
    return Written(prompt=prompt, model=answer.model)
