"""Between the contract and ima2, purely: orders into requests, answers and history rows into results."""

from base64 import b64decode, b64encode
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

import msgspec
from msgspec import Raw, Struct, structs

from adapters.ima2.wire import GenerateAnswer, GenerateRequest, HistoryRow
from contracts.job import Adjustment, Usage
from contracts.port import Done, Handle, InputBytes, Order, Output, Prepared
from contracts.sniff import sniff

#: Enough of a picture in base64 to read its header.
_HEADER_CHARS = 4096
#: Where the media type of a data URL has ended.
_URL_CHARS = 64
_MODERATION = {"default": "auto", "relaxed": "low"}


class Note(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What an ima2 handle remembers: our request id, what to expect, and how far a search for it has come."""

    request_id: str
    account: str
    count: int
    stage: str = "inflight"
    since_ms: float | None = None
    before: float | None = None
    before_filename: str | None = None
    restarted: bool = False


def to_handle(note: Note) -> Handle:
    """Wrap a note."""
    return Handle(note.request_id, Raw(msgspec.json.encode(note)))


def to_note(handle: Handle) -> Note:
    """Unwrap a handle."""
    return msgspec.json.decode(handle.note, type=Note)


def prepare(order: Order, *, asynchronous: bool) -> Prepared:
    """Make the handle and show the request; the references are named, not shown."""
    effective = structs.replace(
        order.effective,
        provider=order.candidate.account or "oauth",
        model=order.candidate.model,
        n=order.count,
    )
    note = Note(request_id=f"{order.job_id}.{order.n}", account=order.candidate.account or "oauth", count=order.count)
    shown: dict[str, Any] = msgspec.to_builtins(to_request(order, (), asynchronous=asynchronous))
    references = [each for each in order.spec.inputs or () if each.role == "reference"]
    if references:
        shown["references"] = [f"<{each.asset_id or 'picture'}>" for each in references]
    preview = {"method": "POST", "path": "/api/generate", "body": shown}
    return Prepared(handle=to_handle(note), effective=effective, preview=preview)


def to_request(order: Order, inputs: Sequence[InputBytes], *, asynchronous: bool) -> GenerateRequest:
    """Write the request. Every field is sent: a default of the server is never relied upon (options.md §1)."""
    effective = order.effective
    references = tuple(b64encode(each.data).decode() for each in inputs if each.role == "reference")
    return GenerateRequest(
        prompt=str(effective.prompt),
        provider=order.candidate.account or "oauth",
        model=order.candidate.model,
        quality=str(effective.effort),
        size=f"{effective.width}x{effective.height}",
        format=str(effective.format),
        moderation=_MODERATION[str(effective.strictness)],
        request_id=f"{order.job_id}.{order.n}",
        # `direct` asks the model to take the prompt as it is (wire §3).
        mode="direct" if effective.optimize_prompt is False else "auto",
        n=order.count,
        references=references or msgspec.UNSET,
        is_async=True if asynchronous else msgspec.UNSET,
    )


def from_answer(answer: GenerateAnswer, order: Order) -> Done:
    """Read an answer: inline pictures where their bytes are what was asked, else the stored files (wire §3)."""
    wanted = str(order.effective.format)
    outputs: list[Output] = []
    if isinstance(answer.images, tuple):
        for index, each in enumerate(answer.images):
            outputs.append(_output(index, each.image, each.filename, each.revised_prompt, wanted))
    elif isinstance(answer.image, Raw):
        outputs.append(_output(0, answer.image, answer.filename, answer.revised_prompt, wanted))
    return Done(
        outputs=tuple(outputs),
        adjustments=_adjustments(answer, order),
        usage=to_usage(answer.usage, answer.web_search_calls),
    )


def _output(index: int, image: Raw, filename: str | None, revised: str | None, wanted: str) -> Output:
    data = inline_base64(image)
    media = sniff(b64decode(data[:_HEADER_CHARS] + b"=" * (-len(data[:_HEADER_CHARS]) % 4)))
    if filename and (media is None or media.format != wanted):
        return Output(index=index, reference=file_path(filename), revised_prompt=revised)
    return Output(index=index, base64=data, revised_prompt=revised)


def inline_base64(image: Raw) -> bytes:
    """Return the base64 of a JSON string that is a data URL (or bare base64), without decoding it."""
    view = memoryview(image)
    head = bytes(view[1:_URL_CHARS])
    comma = head.find(b",") if head.startswith(b"data:") else -1
    text = bytes(view[comma + 2 : -1])
    if b"\\" in text or (comma < 0 and head.startswith(b"data:")):
        # Escaped, or with long parameters: neither is what the real server writes.
        text = msgspec.json.decode(image, type=str).encode()
        text = text[text.index(b",") + 1 :] if text.startswith(b"data:") else text
    return text


def file_path(filename: str) -> str:
    """Return where a stored file is served; names are encoded, never trusted as paths."""
    return "/generated/" + quote(filename, safe="")


def from_rows(rows: Sequence[HistoryRow], note: Note) -> Done:
    """Read what the history has of our request: always the stored files."""
    ordered = sorted(rows, key=lambda row: row.filename)
    outputs = tuple(
        Output(index=index, reference=file_path(row.filename), revised_prompt=row.revised_prompt)
        for index, row in enumerate(ordered)
    )
    first = ordered[0]
    adjustments: tuple[Adjustment, ...] = ()
    if first.provider is not None and first.provider != note.account:
        adjustments = (_other_account(note.account, first.provider),)
    return Done(outputs=outputs, adjustments=adjustments, usage=to_usage(first.usage, first.web_search_calls))


def _adjustments(answer: GenerateAnswer, order: Order) -> tuple[Adjustment, ...]:
    """Compare what the answer says of itself with what was sent."""
    sent = order.effective
    found: list[Adjustment] = []
    account = order.candidate.account or "oauth"
    if answer.provider is not None and answer.provider != account:
        found.append(_other_account(account, answer.provider))
    for pointer, requested, applied in (
        ("/effort", sent.effort, answer.quality),
        ("/model", order.candidate.model, answer.model),
        ("/policy/strictness", _MODERATION[str(sent.strictness)], answer.moderation),
    ):
        if applied is not None and applied != requested:
            found.append(_not_honoured(pointer, requested, applied))
    revised = answer.revised_prompt
    if sent.optimize_prompt is False and revised is not None and revised != sent.prompt:
        found.append(_not_honoured("/optimize_prompt", requested=False, applied=True))
    if answer.references_dropped_on_retry:
        found.append(_not_honoured("/inputs", "references", "dropped on an internal retry"))
    return tuple(found)


def _other_account(requested: str, applied: str) -> Adjustment:
    return _not_honoured("/route/accounts", requested, applied)


def _not_honoured(pointer: str, requested: Any, applied: Any) -> Adjustment:
    return Adjustment(pointer=pointer, requested=requested, applied=applied, why="not_honoured", by="backend")


def to_usage(usage: dict[str, Any] | None, searches: int | None) -> Usage | None:
    """Read the token counts, where they are numbers."""
    if not usage and not searches:
        return None
    numbers = {name: value for name, value in (usage or {}).items() if isinstance(value, int)}
    return Usage(
        input_tokens=numbers.get("input_tokens"),
        output_tokens=numbers.get("output_tokens"),
        total_tokens=numbers.get("total_tokens"),
        web_searches=searches,
    )
