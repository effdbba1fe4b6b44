"""What sd.cpp Studio can do, by its live list of models and what its queue was measured to honour (wire §4 to §7)."""

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from adapters.sdcpp.wire import Config, Models
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

ACCOUNT = "default"
#: The two tags that the worker writes into prompts and obeys in them (wire §6).
ACTIVE_SYNTAX = (r"<\s*/?\s*(?:sd_cpp_extra_args|negative_prompt)",)
#: The greatest integer that survives the server's JavaScript (wire §7.2).
SEED_MAX = 2**53 - 1
#: Two jobs of one second run newest first (wire §5): one submit a second keeps their order.
SUBMIT_INTERVAL_S = 1.0
STYLES = ("natural", "vivid")


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


def discovery(models: Models, config: Config, timeouts: dict[str, float]) -> Discovery:
    """Put the live lists together."""
    capability = generate(timeouts)
    return Discovery(
        models=tuple(
            ModelInfo(
                id=model.id,
                label=model.name,
                account=ACCOUNT,
                operations={"image.generate": capability} if "text" in model.architecture.input_modalities else {},
                default=model.id == config.model,
            )
            for model in models.data
        ),
        accounts=(AccountInfo(name=ACCOUNT, ready=not config.auth_enabled or config.key_valid),),
        profile="head",
        evidence="discovered",
        facts={"auth": "on" if config.auth_enabled else "off"},
    )


def generate(timeouts: dict[str, float]) -> Capability:
    """Return what `POST /api/queue/generate` honours."""
    return Capability(
        # Latent diffusion works in blocks of 8 pixels: another size could only come back rounded.
        size_range=SizeRange(min_side=8, max_side=4096, step=8),
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
        active_syntax=ACTIVE_SYNTAX,
        pace=Pace(min_submit_interval_s=timeouts.get("submit_interval_s", SUBMIT_INTERVAL_S)),
        limits=Limits(input_bytes=50 * 1024 * 1024),
        time=TimeLimits(
            submit_s=timeouts.get("submit_s", 15),
            attempt_s=timeouts.get("attempt_s", 3600),
            settle_s=timeouts.get("settle_s", 1800),
            stuck_load_s=timeouts.get("stuck_load_s", 120),
        ),
        evidence="measured",
    )
