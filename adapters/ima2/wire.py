"""What goes over ima2's wire, as Structs: requests as the seeds promise them, answers as they really come."""

from typing import Any

from msgspec import UNSET, Raw, Struct, UnsetType, field


class Request(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """The shape shared by what we send: camelCase, and absent keys instead of nulls (null is not "absent": wire §3)."""


class PictureRequest(Request, frozen=True, kw_only=True):
    """What every route that makes pictures is told. Nothing is left to a default of the server."""

    prompt: str
    provider: str
    model: str
    quality: str
    size: str
    moderation: str
    request_id: str
    mode: str
    references: tuple[str, ...] | UnsetType = UNSET
    reasoning_effort: str | UnsetType = UNSET
    web_search_enabled: bool | UnsetType = UNSET


class GenerateRequest(PictureRequest, frozen=True, kw_only=True):
    """Body of `POST /api/generate`."""

    format: str
    n: int
    is_async: bool | UnsetType = field(default=UNSET, name="async")


class MultimodeRequest(PictureRequest, frozen=True, kw_only=True):
    """Body of `POST /api/generate/multimode`."""

    format: str
    max_images: int


class NodeRequest(PictureRequest, frozen=True, kw_only=True):
    """Body of `POST /api/node/generate`."""

    format: str
    parent_node_id: str | UnsetType = UNSET


class EditRequest(PictureRequest, frozen=True, kw_only=True):
    """Body of `POST /api/edit`, which has no format: it makes PNG, and JPEG with Grok (wire §4, §11)."""

    image: str
    mask: str | UnsetType = UNSET


class VideoRequest(Request, frozen=True, kw_only=True):
    """Body of `POST /api/video/generate` (wire §11)."""

    prompt: str
    provider: str
    model: str
    request_id: str
    duration: int
    #: Left out where the server lists none that the contract knows.
    resolution: str | UnsetType = UNSET
    aspect_ratio: str | UnsetType = UNSET
    source_image: str | UnsetType = UNSET
    reference_images: tuple[str, ...] | UnsetType = UNSET


class Image(Struct, frozen=True, kw_only=True, rename="camel"):
    """One of several pictures in an answer."""

    image: Raw
    filename: str | None = None
    revised_prompt: str | None = None


class ServerWarning(Struct, frozen=True, kw_only=True, rename="camel"):
    """What ima2 changed in silence and tells afterwards."""

    code: str
    field_name: str | None = field(default=None, name="field")
    normalized_to: Any = None


class PictureAnswer(Struct, frozen=True, kw_only=True, rename="camel"):
    """What a route that makes pictures answers, or says in its `done` frame.

    generate: `image` for n=1, `images` from n=2 on, and 202 with nothing but ids. edit and node: `image`. multimode:
    `images`.
    """

    image: Raw | UnsetType = UNSET
    images: tuple[Image, ...] | UnsetType = UNSET
    filename: str | None = None
    revised_prompt: str | None = None
    request_id: str | None = None
    provider: str | None = None
    quality: str | None = None
    size: str | None = None
    model: str | None = None
    moderation: str | None = None
    usage: dict[str, Any] | None = None
    web_search_calls: int | None = None
    web_search_enabled: bool | None = None
    reasoning_effort: str | None = None
    node_id: str | None = None
    warnings: tuple[ServerWarning, ...] | None = None
    references_dropped_on_retry: bool | None = None


class PartialFrame(Struct, frozen=True, kw_only=True, rename="camel"):
    """Data of `partial` and `image` frames: a preview, or a picture of a sequence."""

    image: Raw
    index: int | None = None
    sequence_index: int | None = None


class ProgressFrame(Struct, frozen=True, kw_only=True, rename="camel"):
    """Data of the `progress` frames of a film."""

    progress: float | None = None


class EventFrame(Struct, frozen=True, kw_only=True, rename="camel"):
    """The part of a frame of `GET /api/events` that says whose it is; its pictures are never read (wire §11)."""

    job_id: str | None = None


class VideoAnswer(Struct, frozen=True, kw_only=True, rename="camel"):
    """Data of the `done` frame of a film."""

    filename: str
    revised_prompt: str | None = None
    effective_model: str | None = None
    usage: dict[str, Any] | None = None


class Capabilities(Struct, frozen=True, kw_only=True, rename="camel"):
    """The part of `GET /api/capabilities` that decides what can be done (wire §11)."""

    ok: bool
    valid: dict[str, Any] = {}
    limits: dict[str, Any] = {}
    version: str | None = None
    prompt_builder: dict[str, Any] | None = None


class Providers(Struct, frozen=True, kw_only=True, rename="camel"):
    """`GET /api/providers`. TAG has no `apiKeySource`, HEAD has."""

    api_key: bool = False
    api_key_disabled: bool = False
    api_key_source: str | None = None


class AccountStatus(Struct, frozen=True, kw_only=True):
    """`GET /api/oauth/status` and `GET /api/grok/status`."""

    status: str
    models: tuple[str, ...] = ()
    #: Grok alone says so that somebody must sign in: it calls itself offline (wire §11).
    reason: str | None = None


class Health(Struct, frozen=True, kw_only=True, rename="camel"):
    """`GET /api/health`: no readiness probe, but it tells when the process began (epoch milliseconds)."""

    started_at: float
    active_jobs: int | None = None
    version: str | None = None


class InflightJob(Struct, frozen=True, kw_only=True, rename="camel"):
    """A row of `GET /api/inflight`. The prompt it shows is never read."""

    request_id: str
    phase: str | None = None
    started_at: float | None = None
    status: str | None = None
    http_status: int | None = None
    error_code: str | None = None
    meta: dict[str, Any] | None = None


class Inflight(Struct, frozen=True, kw_only=True, rename="camel"):
    """`GET /api/inflight?includeTerminal=1`."""

    jobs: tuple[InflightJob, ...]
    terminal_jobs: tuple[InflightJob, ...] = ()


class HistoryRow(Struct, frozen=True, kw_only=True, rename="camel"):
    """A row of `GET /api/history`."""

    filename: str
    created_at: float
    request_id: str | None = None
    sequence_index: int | None = None
    node_id: str | None = None
    revised_prompt: str | None = None
    provider: str | None = None
    usage: dict[str, Any] | None = None
    web_search_calls: int | None = None


class Cursor(Struct, frozen=True, kw_only=True, rename="camel"):
    """Where the next page of the history begins."""

    before: float
    before_filename: str


class History(Struct, frozen=True, kw_only=True, rename="camel"):
    """`GET /api/history`."""

    items: tuple[HistoryRow, ...]
    next_cursor: Cursor | None = None


class CancelAnswer(Struct, frozen=True, kw_only=True):
    """NEW's answer to `DELETE /api/inflight/:id`; TAG and HEAD answer 204 with nothing."""

    active: bool | None = None
    aborted: bool | None = None


class ChatMessage(Struct, frozen=True, kw_only=True):
    """What somebody said to the prompt builder (`user`), or it to them (`assistant`)."""

    role: str
    content: str


class ChatRequest(Request, frozen=True, kw_only=True):
    """Body of `POST /api/prompt-builder/chat` of NEW."""

    messages: tuple[ChatMessage, ...]


class ChatAnswer(Struct, frozen=True, kw_only=True):
    """What it answers (the newest sources)."""

    message: ChatMessage
    model: str | None = None
