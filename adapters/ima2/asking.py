"""From an order to a request, purely: which route it takes, what is sent there, and what `dry_run` shows of it."""

from base64 import b64encode
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from msgspec import UNSET, Struct, UnsetType, structs

from adapters.ima2.options import options_of
from adapters.ima2.pictures import check
from adapters.ima2.translate import MODERATION, Note, Route, to_handle
from adapters.ima2.wire import (
    EditRequest,
    GenerateRequest,
    MultimodeRequest,
    NodeRequest,
    Request,
    VideoRequest,
)
from contracts.port import InputBytes, Order, Prepared
from contracts.spec import Video, operation_of

PATHS: dict[Route, str] = {
    "generate": "/api/generate",
    "multimode": "/api/generate/multimode",
    "node": "/api/node/generate",
    "edit": "/api/edit",
    "video": "/api/video/generate",
}
#: These answer in frames; a node only when it is asked to (wire §5, §6, §11).
STREAMING: frozenset[Route] = frozenset({"multimode", "node", "video"})


class Ask(Struct, frozen=True, kw_only=True):
    """One native request: where it goes, its body, and how it is answered."""

    route: Route
    body: Request
    request_id: str
    #: Answered at once with 202 (NEW's generate), and asked after by its id.
    asynchronous: bool = False
    #: The node that is continued at the server.
    parent: str | None = None
    #: The mask guides the model only (wire §4).
    has_mask: bool = False

    @property
    def path(self) -> str:
        """Where it is posted."""
        return PATHS[self.route]

    @property
    def streams(self) -> bool:
        """Whether its answer comes in frames."""
        return self.route in STREAMING


def prepare(order: Order) -> Prepared:
    """Make the handle and show the request; the pictures are named, not shown."""
    shown_inputs = tuple(Shown(each.role, f"<{each.asset_id}>") for each in order.spec.inputs or ())
    ask = _ask(order, shown_inputs, parent=_parent(order, tuple(_foreseen(order))))
    effective = structs.replace(
        order.effective,
        provider=order.candidate.account or "oauth",
        model=order.candidate.model,
        n=order.count,
    )
    note = Note(
        request_id=ask.request_id,
        account=order.candidate.account or "oauth",
        count=order.count,
        route=ask.route,
        # Only NEW stops work, on every route.
        is_new=order.capability.cancel == "stops",
    )
    preview = {"method": "POST", "path": ask.path, "body": msgspec.to_builtins(ask.body)}
    return Prepared(handle=to_handle(note), effective=effective, preview=preview)


def ask(order: Order, inputs: Sequence[InputBytes]) -> Ask:
    """Return what is sent; raise for pictures that the server would take and its upstream could not use."""
    check(inputs)
    shown = tuple(Shown(each.role, b64encode(each.data).decode()) for each in inputs)
    return _ask(order, shown, parent=_parent(order, inputs))


class Shown(Struct, frozen=True):
    """A picture as it stands in a request: base64, or its name in a preview."""

    role: str
    text: str


def _foreseen(order: Order) -> Iterator[InputBytes]:
    """Yield what is known of the pictures before their bytes are read."""
    for each in order.spec.inputs or ():
        yield InputBytes(each.role, each.media_type or "", b"", order.origin if each.role == "source" else None)


def _parent(order: Order, inputs: Sequence[InputBytes]) -> str | None:
    """Return the node that the source is at this very server, where it can be continued from there.

    A mask goes by the edit route alone, and a second attempt sends the picture itself: its node may be gone. TAG and
    HEAD read parents as PNG only (wire §5).
    """
    source = next((each for each in inputs if each.role == "source"), None)
    if source is None or source.origin is None or source.origin.backend != order.candidate.backend:
        return None
    if order.n > 1 or source.media_type != "image/png" or any(each.role == "mask" for each in inputs):
        return None
    node = source.origin.options.get("node_id")
    return node if isinstance(node, str) else None


def route_of(order: Order, parent: str | None) -> Route:
    """Return which route makes an order."""
    operation, wished = operation_of(order.spec), options_of(order.effective)
    if operation == "video.generate":
        return "video"
    if operation == "image.edit":
        return "edit" if parent is None else "node"
    if wished.node is True:
        return "node"
    return "multimode" if wished.multimode is True else "generate"


def _ask(order: Order, inputs: Sequence[Shown], *, parent: str | None) -> Ask:
    route = route_of(order, parent)
    request_id = f"{order.job_id}.{order.n}"
    if route == "video":
        return Ask(route=route, body=_video(order, inputs, request_id), request_id=request_id)
    shared, file_format = _shared(order, request_id), str(order.effective.format)
    references = tuple(each.text for each in inputs if each.role == "reference")
    shared["references"] = references or UNSET
    asynchronous = False
    body: Request
    if route == "edit":
        body = EditRequest(**shared, image=_first(inputs, "source") or "", mask=_first(inputs, "mask") or UNSET)
    elif route == "node":
        body = NodeRequest(**shared, format=file_format, parent_node_id=parent or UNSET)
    elif route == "multimode":
        body = MultimodeRequest(**shared, format=file_format, max_images=order.count)
    else:
        asynchronous = not order.capability.blocking
        body = GenerateRequest(**shared, format=file_format, n=order.count, is_async=True if asynchronous else UNSET)
    return Ask(
        route=route,
        body=body,
        request_id=request_id,
        asynchronous=asynchronous,
        parent=parent,
        has_mask=any(each.role == "mask" for each in inputs),
    )


def _shared(order: Order, request_id: str) -> dict[str, Any]:
    """Return what all routes for pictures are told: a default of the server is never relied upon (options.md §1)."""
    effective, wished = order.effective, options_of(order.effective)
    return {
        "prompt": str(effective.prompt),
        "provider": order.candidate.account or "oauth",
        "model": order.candidate.model,
        "quality": str(effective.effort),
        "size": f"{effective.width}x{effective.height}",
        "moderation": MODERATION[str(effective.strictness)],
        "request_id": request_id,
        # `direct` asks the model to take the prompt as it is (wire §3).
        "mode": "direct" if effective.optimize_prompt is False else "auto",
        "reasoning_effort": wished.reasoning_effort,
        "web_search_enabled": wished.web_search,
    }


def _video(order: Order, inputs: Sequence[Shown], request_id: str) -> VideoRequest:
    effective = order.effective
    film = Video() if isinstance(effective.video, UnsetType) else effective.video
    references = tuple(each.text for each in inputs if each.role == "reference")
    return VideoRequest(
        prompt=str(effective.prompt),
        provider=order.candidate.account or "grok",
        model=order.candidate.model,
        request_id=request_id,
        duration=int(film.duration_s or 0),
        resolution=film.resolution,
        aspect_ratio=film.aspect_ratio,
        source_image=_first(inputs, "first_frame") or UNSET,
        reference_images=references or UNSET,
    )


def _first(inputs: Sequence[Shown], role: str) -> str | None:
    return next((each.text for each in inputs if each.role == role), None)
