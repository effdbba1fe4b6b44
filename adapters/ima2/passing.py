"""Exchanges about the server's own state and about words: what is passed on, and prompts that its builder writes."""

import re

import msgspec

from adapters.ima2 import relay as table
from adapters.ima2.wire import ChatAnswer, ChatMessage, ChatRequest
from adapters.kit.http import Exchanges
from adapters.kit.passing import passed
from contracts.catalog import CatalogError, Fault
from contracts.prompts import PromptOrder, Written
from contracts.relay import RelayCall, Relayed

BUILDER_S = 120.0
#: The builder answers in sections, each under a heading of its own line; this one is the prompt.
_PROMPT = re.compile(
    r"^Final Prompt - English:[ \t]*\n(.*?)(?=\n\s*^[A-Z][\w -]{2,40}:[ \t]*$|\Z)", re.MULTILINE | re.DOTALL
)


async def relay(exchanges: Exchanges, backend: str, call: RelayCall) -> Relayed:
    """Pass a request on, and back what the list allows of its answer; a page is no answer (wire §1)."""

    def cleaned(status: int, body: bytes) -> bytes | None:
        is_file = call.route == table.FILES and status == 200
        return body if is_file else table.cleaned(call.route, status, body)

    if call.route != table.FILES:
        return await passed(exchanges, backend, call, cleaned)
    media_type = table.media_type_of(call.params["name"])
    if media_type is None:
        raise CatalogError("resource.not_found", "The backend has no such file.", backend=backend)
    return await passed(exchanges, backend, call, cleaned, media_type=media_type, max_bytes=table.MAX_FILE_BYTES)


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
