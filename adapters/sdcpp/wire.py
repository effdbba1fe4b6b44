"""What goes over sd.cpp Studio's wire, as Structs. Of every answer only an allow-list of fields is ever read."""

from typing import Any

from msgspec import UNSET, Struct, UnsetType


class GenerateRequest(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Body of `POST /api/queue/generate`. No booleans: one in a stored field is a 500 (wire §7.2)."""

    prompt: str
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
    model_loading_time_ms: float | None = None
    generation_time_ms: float | None = None
    images: tuple[Image, ...] = ()


class Queue(Struct, frozen=True, kw_only=True):
    """`GET /api/queue`: the whole history, newest first, unpaged."""

    jobs: tuple[Job, ...]


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


class Models(Struct, frozen=True, kw_only=True):
    """`GET /api/v1/models`."""

    data: tuple[Model, ...]
