"""From ima2 to the contract, purely: handles and their notes, answers and history rows into results."""

from base64 import b64decode
from collections.abc import Sequence
from typing import Any, Literal
from urllib.parse import quote

import msgspec
from msgspec import UNSET, Raw, Struct

from adapters.ima2.options import options_of
from adapters.ima2.wire import HistoryRow, PictureAnswer, VideoAnswer
from contracts.job import Adjustment, Effective, Usage
from contracts.port import Done, Handle, Order, Output
from contracts.sniff import Media, sniff

Route = Literal["generate", "multimode", "node", "edit", "video"]

#: Enough of a picture in base64 to read its header.
_HEADER_CHARS = 4096
#: Where the media type of a data URL has ended.
_URL_CHARS = 64
MODERATION = {"default": "auto", "relaxed": "low"}


class Note(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What an ima2 handle remembers: our request id, what to expect, and how far a search for it has come."""

    request_id: str
    account: str
    count: int
    route: Route = "generate"
    #: NEW took it: whoever finds it again need not ask first which build that was.
    is_new: bool = False
    stage: str = "inflight"
    since_ms: float | None = None
    before: float | None = None
    before_filename: str | None = None
    restarted: bool = False
    #: Whether the registry calls the work done: then it arrived, whatever is found of it.
    ended: bool = False
    #: What the registry says the work became: an edit's row of the history bears no request id (wire §4).
    filenames: tuple[str, ...] = ()


def to_handle(note: Note) -> Handle:
    """Wrap a note."""
    return Handle(note.request_id, Raw(msgspec.json.encode(note)))


def to_note(handle: Handle) -> Note:
    """Unwrap a handle."""
    return msgspec.json.decode(handle.note, type=Note)


def from_answer(answer: PictureAnswer, order: Order, warnings: tuple[str, ...] = ()) -> Done:
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
        effective=_with_node(answer.node_id),
        adjustments=_adjustments(answer, order),
        warnings=warnings,
        usage=to_usage(answer.usage, answer.web_search_calls),
    )


def _with_node(node: str | None) -> Effective | None:
    """Return the node that a picture became, put among the options: later edits of it are told by it."""
    return None if node is None else Effective(options={"node_id": node})


def from_film(answer: VideoAnswer, order: Order) -> Done:
    """Read the end of a film: always a stored file."""
    model, made_by = order.candidate.model, answer.effective_model
    output = Output(index=0, role="video", reference=file_path(answer.filename), revised_prompt=answer.revised_prompt)
    return Done(
        outputs=(output,),
        adjustments=(_not_honoured("/model", model, made_by),) if made_by not in (None, model) else (),
        usage=to_usage(answer.usage, None),
    )


def _output(index: int, image: Raw, filename: str | None, revised: str | None, wanted: str) -> Output:
    data = inline_base64(image)
    media = header_of(data)
    if filename and (media is None or media.format != wanted):
        return Output(index=index, reference=file_path(filename), revised_prompt=revised)
    return Output(index=index, base64=data, revised_prompt=revised)


def header_of(data: bytes) -> Media | None:
    """Return what a picture in base64 says of itself in its first bytes."""
    head = data[:_HEADER_CHARS]
    try:
        return sniff(b64decode(head + b"=" * (-len(head) % 4)))
    except ValueError:
        return None


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
    ordered = sorted(rows, key=lambda row: (row.sequence_index or 0, row.filename))
    outputs = tuple(_stored(index, row.filename, row.revised_prompt) for index, row in enumerate(ordered))
    first = ordered[0]
    adjustments: tuple[Adjustment, ...] = ()
    if first.provider is not None and first.provider != note.account:
        adjustments = (_other_account(note.account, first.provider),)
    return Done(
        outputs=outputs,
        effective=_with_node(first.node_id),
        adjustments=adjustments,
        usage=to_usage(first.usage, first.web_search_calls),
    )


def from_filenames(note: Note) -> Done:
    """Read what the registry says the work became, where the history lists nothing of it."""
    return Done(outputs=tuple(_stored(index, name, None) for index, name in enumerate(note.filenames)))


def _stored(index: int, filename: str, revised: str | None) -> Output:
    return Output(
        index=index,
        role="video" if filename.endswith(".mp4") else "image",
        reference=file_path(filename),
        revised_prompt=revised,
    )


def _adjustments(answer: PictureAnswer, order: Order) -> tuple[Adjustment, ...]:
    """Compare what the answer says of itself with what was sent."""
    sent, wished = order.effective, options_of(order.effective)
    found: list[Adjustment] = []
    account = order.candidate.account or "oauth"
    if answer.provider is not None and answer.provider != account:
        found.append(_other_account(account, answer.provider))
    for pointer, requested, applied in (
        ("/effort", sent.effort, answer.quality),
        ("/model", order.candidate.model, answer.model),
        ("/policy/strictness", MODERATION[str(sent.strictness)], answer.moderation),
        ("/options/ima2/reasoning_effort", wished.reasoning_effort, answer.reasoning_effort),
        ("/options/ima2/web_search", wished.web_search, answer.web_search_enabled),
    ):
        if applied is not None and requested is not UNSET and applied != requested:
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
    if not searches and not numbers.keys() & {"input_tokens", "output_tokens", "total_tokens"}:
        return None
    return Usage(
        input_tokens=numbers.get("input_tokens"),
        output_tokens=numbers.get("output_tokens"),
        total_tokens=numbers.get("total_tokens"),
        web_searches=searches,
    )
