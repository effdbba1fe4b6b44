"""Between the contract and sd.cpp Studio, purely: orders into queue requests, rows into what they mean."""

import hashlib
from typing import Any

import msgspec
from msgspec import Raw, Struct, UnsetType, structs

from adapters.sdcpp.capability import SdcppOptions
from adapters.sdcpp.wire import GenerateRequest, Job
from contracts.job import Adjustment, Phase, Usage
from contracts.port import Done, Handle, Order, Output, Pending, Prepared

POLL_S = 1.0
_FLAGS = ("offload_to_cpu", "clip_on_cpu", "vae_on_cpu", "vae_tiling", "diffusion_fa")


class Note(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a Studio handle remembers: the fingerprint to be found by, and the job's id once there is one."""

    seed: str
    prompt_sha256: str
    size: str
    job_id: str | None = None


def to_handle(note: Note, name: str) -> Handle:
    """Wrap a note."""
    return Handle(name, Raw(msgspec.json.encode(note)))


def to_note(handle: Handle) -> Note:
    """Unwrap a handle."""
    return msgspec.json.decode(handle.note, type=Note)


def digest(prompt: str) -> str:
    """Return what a prompt is recognised by."""
    return hashlib.sha256(prompt.encode()).hexdigest()


def prepare(order: Order) -> Prepared:
    """Make the handle: seed and prompt are the fingerprint by which a lost submit is found (wire §9.3)."""
    request = to_request(order)
    effective = structs.replace(order.effective, seed=int(request.seed), model=order.candidate.model, n=order.count)
    note = Note(seed=request.seed, prompt_sha256=digest(request.prompt), size=request.size)
    return Prepared(
        handle=to_handle(note, f"{order.job_id}.{order.n}"),
        effective=effective,
        preview={"method": "POST", "path": "/api/queue/generate", "body": msgspec.to_builtins(request)},
    )


def to_request(order: Order) -> GenerateRequest:
    """Write the request: size and seed always, the seed as a string so that it comes back as it went."""
    effective = order.effective
    asked = order.spec.options.get("sdcpp", {}) if isinstance(order.spec.options, dict) else {}
    options = msgspec.convert(asked, SdcppOptions)
    flags = {name: int(value) for name in _FLAGS if isinstance(value := getattr(options, name), bool)}
    return GenerateRequest(
        prompt=str(effective.prompt),
        model=order.candidate.model,
        size=f"{effective.width}x{effective.height}",
        n=order.count,
        seed=str(fresh_seed(order) if isinstance(effective.seed, UnsetType) else effective.seed),
        negative_prompt=effective.negative_prompt,
        quality=effective.effort,
        style=effective.style,
        cfg_scale=options.cfg_scale,
        sampling_method=options.sampling_method,
        sample_steps=options.sample_steps,
        clip_skip=options.clip_skip,
        **flags,
    )


def fresh_seed(order: Order) -> int:
    """Return a seed of 32 bits that belongs to this attempt alone, the same whenever it is asked for."""
    return int.from_bytes(hashlib.sha256(f"{order.job_id}.{order.n}".encode()).digest()[:4], "big")


def to_phase(job: Job) -> Phase:
    """Read the phase: `progress` is a marker, no percentage (wire §5)."""
    if job.status == "pending":
        return "queued_at_backend"
    progress = job.progress or 0
    if job.status == "model_loading" or progress < 0.2:
        return "model_load"
    return "image" if progress < 0.6 else "download"


def to_pending(job: Job) -> Pending:
    """Read a job that is under way."""
    return Pending(POLL_S, phase=to_phase(job), progress=min(job.progress or 0.0, 1.0))


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
    compared: tuple[tuple[str, Any, Any], ...] = (("/seed", note.seed, job.seed), ("/size", note.size, job.size))
    return [
        Adjustment(pointer=pointer, requested=sent, applied=got, why="not_honoured", by="backend")
        for pointer, sent, got in compared
        if got is not None and got != sent
    ]


def _seconds(milliseconds: float | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000


def is_ours(job: Job, note: Note) -> bool:
    """Say whether a row carries our fingerprint."""
    return job.seed == note.seed and job.prompt is not None and digest(job.prompt) == note.prompt_sha256
