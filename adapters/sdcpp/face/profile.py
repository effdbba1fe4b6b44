"""Which sd.cpp Studio the face is: the newest one as it was measured, or the one that seed 002 promises (wire §10)."""

from msgspec import Struct

#: As long as both documents say that a client is kept waiting; the measured server waits an hour (wire §10).
WAIT_S = 300.0
MAX_IMAGES = 10
#: The greatest integer that every JSON reader keeps exact.
SEED_MAX = 2**53 - 1
#: What `/api/config` names where no model is the default (wire §7.1), and what both documents show as examples.
KNOWN_MODELS = ("qwen-image", "z-image-turbo")
#: Sizes that no client chose: the documents' default, and the code's (wire §10).
DEFAULT_SIZES = ("512x512", "1024x1024")
#: The words of `quality` in the contract's; two of them have no other name there (options.md §3).
QUALITIES = {"auto": "auto", "high": "high", "medium": "medium", "low": "low", "hd": "high", "standard": "medium"}
#: Words that stand for no choice.
DEFAULT_QUALITIES = ("auto", "standard")
DEFAULT_STRENGTH = 0.75
#: What stable-diffusion.cpp does when it is told nothing.
DEFAULT_SAMPLING = {"cfg_scale": 7.0, "sampling_method": "euler", "sample_steps": 20, "clip_skip": -1}
SAMPLING = ("cfg_scale", "sampling_method", "sample_steps", "clip_skip")
#: How a model lies in memory: no picture looks different for it.
FLAGS = ("offload_to_cpu", "clip_on_cpu", "vae_on_cpu", "vae_tiling", "diffusion_fa")
#: The one upscaler of the queue and its factor, whatever the queue is told (wire §7.2).
UPSCALER = "RealESRGAN 4x+"
UPSCALE_FACTOR = 4


class Profile(Struct, frozen=True, kw_only=True):
    """What tells the two apart."""

    name: str
    #: `GET /api/generations` is a list of completed ones, without pages.
    bare_list: bool
    #: A number as a seed comes back with a decimal point (wire §4).
    decimal_seed: bool
    #: A model that loads shows as a state of its own.
    model_loading: bool
    #: Rows carry `generation_id`.
    generation_id: bool
    #: The synchronous edits want a model.
    wants_model: bool
    #: The size of the synchronous routes when none is named.
    size: str
    #: What the socket's greeting names.
    channels: tuple[str, ...]


HEAD = Profile(
    name="head",
    bare_list=False,
    decimal_seed=True,
    model_loading=True,
    generation_id=False,
    wants_model=True,
    size="1024x1024",
    channels=("queue", "generations", "models", "download", "gpu", "terminal"),
)
SEED = Profile(
    name="seed",
    bare_list=True,
    decimal_seed=False,
    model_loading=False,
    generation_id=True,
    wants_model=False,
    size="512x512",
    channels=("queue", "generations", "models"),
)
PROFILES = {profile.name: profile for profile in (HEAD, SEED)}
