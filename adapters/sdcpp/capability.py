"""What sd.cpp Studio can do, by its live list of models and what its queue was measured to honour (wire §4 to §7)."""

from collections.abc import Sequence
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType, structs

from adapters.sdcpp.wire import Config, Fleet, Model, Models, Upscaler
from contracts.capability import (
    AccountInfo,
    Capability,
    Discovery,
    Limits,
    ModelInfo,
    Pace,
    SizeRange,
    TimeLimits,
)
from contracts.media import Dimensions
from contracts.spec import Operation

ACCOUNT = "default"
#: The two tags that the worker writes into prompts and obeys in them (wire §6).
ACTIVE_SYNTAX = (r"<\s*/?\s*(?:sd_cpp_extra_args|negative_prompt)",)
#: The greatest integer that survives the server's JavaScript (wire §7.2).
SEED_MAX = 2**53 - 1
#: Two jobs of one second run newest first (wire §5): one submit a second keeps their order.
SUBMIT_INTERVAL_S = 1.0
STYLES = ("natural", "vivid")
MAX_FILE_BYTES = 50 * 1024 * 1024
#: Latent diffusion works in blocks of so many pixels: another size could only come back rounded.
SIZE_STEP = 8
MAX_SIDE = 4096
FLAGS = ("offload_to_cpu", "clip_on_cpu", "vae_on_cpu", "vae_tiling", "diffusion_fa")
#: What a model's list of parameters names of how it samples; `clip_skip` goes with them, and is never named.
SAMPLING = ("cfg_scale", "sample_steps", "sampling_method")
#: The one upscaler that the queue knows, whatever it is told (wire §7.2).
UPSCALER = "RealESRGAN 4x+"
#: Its name where the list does not tell an id.
UPSCALER_ID = "realesrgan-x4plus"


class SdcppOptions(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """`options.sdcpp`: how the sampler works, and what of the model stays off the accelerator."""

    cfg_scale: Annotated[float, Meta(ge=0, le=100)] | UnsetType = UNSET
    sampling_method: Annotated[str, Meta(min_length=1, max_length=64)] | UnsetType = UNSET
    sample_steps: Annotated[int, Meta(ge=1, le=500)] | UnsetType = UNSET
    clip_skip: Annotated[int, Meta(ge=-1, le=12)] | UnsetType = UNSET
    offload_to_cpu: bool | UnsetType = UNSET
    clip_on_cpu: bool | UnsetType = UNSET
    vae_on_cpu: bool | UnsetType = UNSET
    vae_tiling: bool | UnsetType = UNSET
    diffusion_fa: bool | UnsetType = UNSET
    raw_prompt: bool | UnsetType = UNSET


def discovery(
    models: Models, config: Config, fleet: Fleet, upscalers: Sequence[Upscaler], timeouts: dict[str, float]
) -> Discovery:
    """Put the live lists together."""
    modes = {each.id: each.exec_mode for each in fleet.models}
    for_pictures = fleet.default_models.image_to_image if fleet.default_models is not None else None
    offers: dict[Operation, Capability] = {
        "image.generate": generate(timeouts),
        "image.edit": edit(timeouts),
        "image.variation": variation(timeouts),
    }
    found = [_model(each, modes.get(each.id), offers, (config.model, for_pictures)) for each in models.data]
    found += [
        ModelInfo(
            id=each.id or UPSCALER_ID,
            label=each.name,
            account=ACCOUNT,
            operations={"image.upscale": upscale(timeouts)},
            default=True,
        )
        for each in upscalers
        if each.name == UPSCALER
    ]
    return Discovery(
        models=tuple(found),
        accounts=(AccountInfo(name=ACCOUNT, ready=not config.auth_enabled or config.key_valid),),
        profile="head",
        evidence="discovered",
        facts={"auth": "on" if config.auth_enabled else "off"},
    )


def _model(
    model: Model, mode: str | None, offers: dict[Operation, Capability], defaults: tuple[str | None, str | None]
) -> ModelInfo:
    takes = model.architecture.input_modalities
    names: list[Operation] = ["image.generate"] if "text" in takes else []
    if "image" in takes:
        # Today's sd-server has no route for variations: every such job of a local model fails (wire §6).
        names += ["image.edit", "image.variation"] if mode != "server" else ["image.edit"]
    default, for_pictures = defaults
    operations = {name: offers[name] for name in names}
    if "image.generate" in operations and model.supported_parameters is not None:
        operations["image.generate"] = _named(offers["image.generate"], model.supported_parameters)
    return ModelInfo(
        id=model.id,
        label=model.name,
        account=ACCOUNT,
        operations=operations,
        default=model.id == default or (model.id == for_pictures and "text" not in takes),
    )


def _named(capability: Capability, parameters: Sequence[str]) -> Capability:
    """Return a generate without what the model's list of parameters does not name."""
    if "seed" not in parameters:
        capability = structs.replace(capability, seed_max=None)
    if not set(SAMPLING) <= set(parameters):
        capability = structs.replace(capability, options=dict.fromkeys((*FLAGS, "raw_prompt"), ()))
    return capability


def generate(timeouts: dict[str, float]) -> Capability:
    """Return what `POST /api/queue/generate` honours."""
    interval = timeouts.get("submit_interval_s", SUBMIT_INTERVAL_S)
    return Capability(
        size_range=SizeRange(min_side=SIZE_STEP, max_side=MAX_SIDE, step=SIZE_STEP),
        default_size=Dimensions(1024, 1024),
        formats=("png",),
        max_n=10,
        seed_max=SEED_MAX,
        negative_prompt=True,
        styles=STYLES,
        efforts=("auto", "high", "medium", "low"),
        optimize_prompt=(False,),
        progress=True,
        cancel="forgets",
        recover=True,
        poll_batch=True,
        active_syntax=ACTIVE_SYNTAX,
        # The rows know seconds only: a shorter interval gives the order up, and needs no answer to be waited for.
        pace=Pace(min_submit_interval_s=interval, after_answer=interval >= SUBMIT_INTERVAL_S),
        limits=Limits(input_bytes=MAX_FILE_BYTES),
        time=TimeLimits(
            submit_s=timeouts.get("submit_s", 15),
            attempt_s=timeouts.get("attempt_s", 3600),
            settle_s=timeouts.get("settle_s", 1800),
            stuck_load_s=timeouts.get("stuck_load_s", 120),
        ),
        evidence="measured",
    )


def edit(timeouts: dict[str, float]) -> Capability:
    """Return what `POST /api/queue/edit` honours: the worker ignores seed and sampling, the route quality and style."""
    return structs.replace(
        generate(timeouts),
        # Left open, the picture keeps the size of its source.
        default_size=None,
        seed_max=None,
        styles=None,
        efforts=(),
        options=dict.fromkeys((*FLAGS, "raw_prompt"), ()),
        source=True,
        mask=True,
    )


def variation(timeouts: dict[str, float]) -> Capability:
    """Return what `POST /api/queue/variation` honours; a mask there is an error (wire §7.2)."""
    return structs.replace(edit(timeouts), mask=False, strength=True)


def upscale(timeouts: dict[str, float]) -> Capability:
    """Return what `POST /api/queue/upscale` honours: the picture alone, made four times as wide and high."""
    return structs.replace(
        variation(timeouts),
        prompt=False,
        negative_prompt=False,
        size_range=None,
        max_n=1,
        strength=False,
        optimize_prompt=(),
        options={},
        active_syntax=(),
        # How a finished upscale looks was read in the code: the measured server had no upscaler (wire §7.2).
        evidence="documented",
    )
