"""What goes over sd.cpp Studio's wire, as Structs. Of every answer only an allow-list of fields is ever read."""

from typing import Any

from msgspec import UNSET, Struct, UnsetType


class Request(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the queue routes are told. No booleans: one in a stored field is a 500 (wire §7.2).

    The seed goes to every route, and comes back as it went: edits and variations ignore it, and can be found by it.
    """

    prompt: str | UnsetType = UNSET
    model: str
    size: str
    n: int
    seed: str
    negative_prompt: str | UnsetType = UNSET
    quality: str | UnsetType = UNSET
    style: str | UnsetType = UNSET
    cfg_scale: float | UnsetType = UNSET
    sampling_method: str | UnsetType = UNSET
    sample_steps: int | UnsetType = UNSET
    clip_skip: int | UnsetType = UNSET
    offload_to_cpu: int | UnsetType = UNSET
    clip_on_cpu: int | UnsetType = UNSET
    vae_on_cpu: int | UnsetType = UNSET
    vae_tiling: int | UnsetType = UNSET
    diffusion_fa: int | UnsetType = UNSET
    #: Of an edit alone: stored, shown, and used for nothing (wire §9.3).
    source_image_id: str | UnsetType = UNSET
    #: Of a variation alone, as text: 0 would be read as not given (wire §7.2).
    strength: str | UnsetType = UNSET


class Queued(Struct, frozen=True, kw_only=True):
    """Answer of the queue routes: 200, not 202."""

    job_id: str
    status: str


class Image(Struct, frozen=True, kw_only=True):
    """A picture of a job. Its `file_path` and its null sizes are not read."""

    id: str
    index_in_batch: int = 0
    revised_prompt: str | None = None


class Job(Struct, frozen=True, kw_only=True):
    """A row of the one table that is queue and history (wire §4). Times are epoch milliseconds."""

    id: str
    status: str
    type: str | None = None
    model: str | None = None
    prompt: str | None = None
    seed: str | None = None
    size: str | None = None
    n: Any = None
    progress: float | None = None
    error: str | None = None
    created_at: float | None = None
    started_at: float | None = None
    source_image_id: str | None = None
    #: An absolute path of the server: only the file's name is ever used.
    input_image_path: str | None = None
    model_loading_time_ms: float | None = None
    generation_time_ms: float | None = None
    images: tuple[Image, ...] = ()


class Queue(Struct, frozen=True, kw_only=True):
    """`GET /api/queue`: the whole history, newest first, unpaged."""

    jobs: tuple[Job, ...]


class Waiting(Struct, frozen=True, kw_only=True):
    """A row of a list of which nothing but its id is of interest."""

    id: str


class WaitingList(Struct, frozen=True, kw_only=True):
    """`GET /api/queue?status=…`: what waits or runs there, whoever sent it; unpaged too."""

    jobs: tuple[Waiting, ...]


class Cancelled(Struct, frozen=True, kw_only=True):
    """`DELETE /api/queue/:id`."""

    job: Job


class Config(Struct, frozen=True, kw_only=True, rename="camel"):
    """`GET /api/config`: tells without side effects whether the key is right (wire §2)."""

    model: str | None = None
    auth_enabled: bool = False
    key_passed: bool = False
    key_valid: bool = False


class Architecture(Struct, frozen=True, kw_only=True):
    """What a model takes and gives."""

    output_modalities: tuple[str, ...] = ()
    input_modalities: tuple[str, ...] = ()


class Model(Struct, frozen=True, kw_only=True):
    """An entry of `GET /api/v1/models`, the one list of models without secrets (wire §7.4)."""

    id: str
    name: str | None = None
    status: str | None = None
    architecture: Architecture = Architecture()
    #: A Studio names the same for every model (wire §7.4); a gateway that answers as one names what it honours.
    supported_parameters: tuple[str, ...] | None = None


class Models(Struct, frozen=True, kw_only=True):
    """`GET /api/v1/models`."""

    data: tuple[Model, ...]


class Configured(Struct, frozen=True, kw_only=True, rename="camel"):
    """How a model is run: by a server of Studio's own, a program, or an API elsewhere."""

    id: str
    exec_mode: str | None = None


class Defaults(Struct, frozen=True, kw_only=True):
    """Which model Studio takes where none is named."""

    image_to_image: str | None = None


class Fleet(Struct, frozen=True, kw_only=True):
    """`GET /api/models`: the keys of upstreams stand in it in clear (wire §7.6), and are not read."""

    models: tuple[Configured, ...] = ()
    default_models: Defaults | None = None


class Upscaler(Struct, frozen=True, kw_only=True):
    """An entry of `GET /sdapi/v1/upscalers`: the installed ones alone."""

    name: str
    id: str | None = None


class Heard(Struct, frozen=True, kw_only=True):
    """What `/ws` says (wire §7.9): `subscribed`, or an event of a channel."""

    type: str
    channel: str | None = None
    data: Any = None
