"""Between the contract and sd.cpp Studio, purely: handles and their notes, orders into requests, rows into meanings."""

import hashlib
from typing import Any, Literal

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from adapters.sdcpp.capability import FLAGS, SdcppOptions
from adapters.sdcpp.wire import Job, Request
from contracts.job import Adjustment, Phase, Usage
from contracts.port import Done, Handle, Order, Output, Pending
from contracts.spec import Operation, operation_of

Kind = Literal["generate", "edit", "variation", "upscale"]
KINDS: dict[Operation, Kind] = {
    "image.generate": "generate",
    "image.edit": "edit",
    "image.variation": "variation",
    "image.upscale": "upscale",
}
POLL_S = 1.0
#: What Studio itself takes where no strength is named (wire §7.2).
STRENGTH = 0.75
#: A strength of 0 would be read as not given, and become 0.75: this is as good as 0.
NO_STRENGTH = 1e-6


class Suspect(Struct, frozen=True):
    """A row that may be ours, and the name of the file that it was given."""

    job_id: str
    file: str


class Note(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a Studio handle remembers: the fingerprint to be found by, and the job's id once there is one."""

    seed: str
    prompt_sha256: str
    size: str
    kind: Kind = "generate"
    job_id: str | None = None
    #: Of an upscale: its picture, for nothing else of it is kept there; and how far its row was looked for.
    source_sha256: str | None = None
    #: Cancelled in the worker's hands: whether the worker has gone on to another is looked at next.
    forsaken: bool = False
    suspects: tuple[Suspect, ...] = ()


def to_handle(note: Note, name: str) -> Handle:
    """Wrap a note."""
    return Handle(name, Raw(msgspec.json.encode(note)))


def to_note(handle: Handle) -> Note:
    """Unwrap a handle."""
    return msgspec.json.decode(handle.note, type=Note)


def handle_name(order: Order) -> str:
    """Return the name of an attempt, which an edit also carries at the server."""
    return f"{order.job_id}.{order.n}"


def digest(prompt: str) -> str:
    """Return what a prompt is recognised by."""
    return hashlib.sha256(prompt.encode()).hexdigest()


def to_request(order: Order, size: str) -> Request:
    """Write the request: size and seed always, the seed as a string so that it comes back as it went."""
    effective, kind = order.effective, KINDS[operation_of(order.spec)]
    options = options_of(order)
    flags = {name: int(value) for name in FLAGS if isinstance(value := getattr(options, name), bool)}
    return Request(
        prompt=effective.prompt,
        model=order.candidate.model,
        size=size,
        n=order.count,
        seed=_seed(order, kind),
        negative_prompt=effective.negative_prompt,
        quality=effective.effort,
        style=effective.style,
        cfg_scale=options.cfg_scale,
        sampling_method=options.sampling_method,
        sample_steps=options.sample_steps,
        clip_skip=options.clip_skip,
        source_image_id=handle_name(order) if kind == "edit" else UNSET,
        strength=_strength(order) if kind == "variation" else UNSET,
        **flags,
    )


def _seed(order: Order, kind: Kind) -> str:
    """Return the seed that is sent: it is what the job is known by, wherever it is not what the picture is made from.

    Below zero it asks for any seed: so it passes where none is honoured.
    """
    if not isinstance(order.effective.seed, UnsetType):
        return str(order.effective.seed)
    fresh = fresh_seed(order)
    return str(-1 - fresh if kind == "generate" and order.capability.seed_max is None else fresh)


def options_of(order: Order) -> SdcppOptions:
    """Return the options that are sent, as the fit left them."""
    sent: dict[str, Any] = order.effective.options if isinstance(order.effective.options, dict) else {}
    return msgspec.convert(sent, SdcppOptions)


def _strength(order: Order) -> str:
    wished = order.spec.strength
    return f"{STRENGTH if isinstance(wished, UnsetType) else max(wished, NO_STRENGTH):g}"


def fresh_seed(order: Order) -> int:
    """Return a seed of 32 bits that belongs to this attempt alone, the same whenever it is asked for."""
    return int.from_bytes(hashlib.sha256(handle_name(order).encode()).digest()[:4], "big")


def to_phase(job: Job) -> Phase:
    """Read the phase: `progress` is a marker, no percentage (wire §5)."""
    if job.status == "pending":
        return "queued_at_backend"
    progress = job.progress or 0
    if job.status == "model_loading" or progress < 0.15:
        return "model_load"
    return "image" if progress < 0.6 else "download"


def to_pending(job: Job) -> Pending:
    """Read a job that is under way. One that has begun is in the list of those that wait no more."""
    progress = min(job.progress or 0.0, 1.0)
    return Pending(POLL_S, phase=to_phase(job), progress=progress, alone=job.status != "pending")


def to_done(job: Job, note: Note) -> Done:
    """Read a finished job: its pictures by id, its seed and size compared with what was sent."""
    pictures = sorted(job.images, key=lambda image: image.index_in_batch)
    return Done(
        outputs=tuple(
            Output(index=index, reference=f"/api/images/{image.id}", revised_prompt=image.revised_prompt)
            for index, image in enumerate(pictures)
        ),
        adjustments=tuple(_differences(job, note)),
        usage=Usage(model_load_s=_seconds(job.model_loading_time_ms), generation_s=_seconds(job.generation_time_ms)),
    )


def _differences(job: Job, note: Note) -> list[Adjustment]:
    """Compare a row with what was sent; a seed is a promise of generates alone, and of upscales nothing is stored."""
    compared: list[tuple[str, Any, Any]] = [("/seed", note.seed, job.seed)] if note.kind == "generate" else []
    if note.size and note.kind != "upscale":
        compared.append(("/size", note.size, job.size))
    return [
        Adjustment(pointer=pointer, requested=sent, applied=got, why="not_honoured", by="backend")
        for pointer, sent, got in compared
        if got is not None and got != sent
    ]


def _seconds(milliseconds: float | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000


def is_ours(job: Job, note: Note, name: str) -> bool:
    """Say whether a row carries our fingerprint: an edit its attempt's name, all others their seed and prompt.

    A variation's seed is stored and shown, though the worker takes another one (wire §6).
    """
    if job.type not in (None, note.kind):
        return False
    if note.kind == "edit":
        return job.source_image_id == name
    return job.seed == note.seed and digest(job.prompt or "") == note.prompt_sha256
