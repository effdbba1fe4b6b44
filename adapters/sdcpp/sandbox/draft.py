"""Reads the fields of a submit into what is inserted: as the queue routes read them, and as the sync routes do.

The queue routes take almost anything (wire §7.2); the sync ones check prompt and model, and copy the model's own
parameters into the row (wire §7.3).
"""

from typing import Any

from msgspec import UNSET

from adapters.sdcpp.sandbox.binding import either, given, is_truthy, parse_float
from adapters.sdcpp.sandbox.fault import HandlerError, RefusalError
from adapters.sdcpp.sandbox.model import MODELS, Model, available
from adapters.sdcpp.sandbox.profile import Profile
from adapters.sdcpp.sandbox.refusal import IMAGE_REQUIRED, NO_BODY

_SAMPLING = ("cfg_scale", "sampling_method", "sample_steps", "clip_skip")
_FLAGS = ("offload_to_cpu", "clip_on_cpu", "vae_on_cpu", "vae_tiling", "diffusion_fa")
_TEXTS = ("prompt", "negative_prompt", "size", "n", "model", "seed")
DEFAULT_STRENGTH = 0.75
MAX_N = 10


def fields_of(body: Any, *, complaint: str = NO_BODY) -> dict[str, Any]:
    """Return a body's fields: a list has none, and undefined is a TypeError that the client sees."""
    if body is UNSET:
        raise HandlerError(complaint)
    return body if isinstance(body, dict) else {}


def queued(kind: str, fields: dict[str, Any], profile: Profile) -> dict[str, Any]:
    """Return the draft of a queue route. `quality` and `style` are dropped for edits and variations."""
    names: tuple[str, ...] = (*_TEXTS, *_SAMPLING, *_FLAGS)
    names += ("quality", "style") if kind == "generate" else ("source_image_id",) if kind == "edit" else ()
    draft: dict[str, Any] = {"type": kind, **{name: fields.get(name) for name in names}}
    draft["size"] = either(draft["size"], profile.queue_size)
    if kind == "variation":
        draft["strength"] = strength(fields)
    if profile.checks_queue:
        _check_promises(kind, fields)
    return draft


def _check_promises(kind: str, fields: dict[str, Any]) -> None:
    """Hold a request to what seed 002 calls required."""
    needed = {"generate": ("prompt", "model"), "edit": ("prompt",)}.get(kind, ())
    for name in needed:
        if not is_truthy(fields.get(name)):
            raise RefusalError(400, f"Missing required field: {name}")
    count = fields.get("n")
    if isinstance(count, int | float) and not 1 <= count <= MAX_N:
        raise RefusalError(400, f"Invalid n: must be between 1 and {MAX_N}")


def strength(fields: dict[str, Any]) -> float:
    """Return the strength of a variation: 0 and what is no number become 0.75, 5 stays 5 (wire §7.2)."""
    return either(parse_float(fields.get("strength")), DEFAULT_STRENGTH)  # type: ignore[no-any-return]


def checked(kind: str, fields: dict[str, Any], *, has_image: bool) -> Model:
    """Return the model of a sync request, or refuse: image first, then prompt, then model (wire §7.3)."""
    if kind != "generate" and not has_image:
        raise RefusalError(400, IMAGE_REQUIRED)
    if kind != "variation" and not is_truthy(fields.get("prompt")):
        raise RefusalError(400, "Missing required field: prompt")
    name = fields.get("model")
    if not is_truthy(name):
        raise RefusalError(400, "Missing required field: model")
    return known_model(name)


def known_model(name: Any) -> Model:
    """Return a model by its id, or refuse with the list of all."""
    model = MODELS.get(name) if isinstance(name, str) else None
    if model is None:
        detail = f"Model '{name}' not found in configuration. Available models: {available()}"
        raise RefusalError(400, f"Invalid model: {name}", detail=detail)
    return model


def awaited(kind: str, fields: dict[str, Any], model: Model, *, default_size: str, seed: Any) -> dict[str, Any]:
    """Return the draft of a sync route: memory flags are not read, the model's parameters are."""
    params = model.generation_params or {}
    draft: dict[str, Any] = {
        "type": kind,
        "model": model.id,
        "prompt": fields.get("prompt"),
        "negative_prompt": fields.get("negative_prompt"),
        "size": either(fields.get("size"), default_size),
        "seed": seed,
        "n": fields.get("n"),
        **{name: given(fields.get(name), params.get(name)) for name in _SAMPLING},
    }
    if kind == "generate":
        draft |= {"quality": fields.get("quality"), "style": fields.get("style")}
    if kind == "variation":
        draft["strength"] = strength(fields)
    return draft
