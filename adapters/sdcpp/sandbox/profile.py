"""The two servers that can be emulated: the measured one, and the one that seed 002 promises (wire §10)."""

from msgspec import Struct


class Profile(Struct, frozen=True, kw_only=True):
    """What differs between the releases. Whatever the seed is silent about is as measured."""

    name: str
    #: How long the sync routes wait, in seconds: `/api/*`, and the OpenAI-style ones.
    sync_wait_s: float
    openai_wait_s: float
    #: How often a connection error of the upstream is tried, for generate.
    upstream_tries: int
    #: Express 5 leaves the body of an empty request undefined, Express 4 makes it an empty object.
    empty_body: bool
    #: Whether a model that loads shows as a state of its own.
    model_loading: bool
    #: Whether a cancelled job stays so, whatever the worker writes later.
    cancel_is_final: bool
    #: Whether a number's seed comes back as `42.0`, and not as `42`.
    decimal_seed: bool
    #: Whether jobs carry `generation_id`, and pictures their size in pixels.
    generation_id: bool
    picture_size: bool
    #: Whether `GET /api/generations` is a bare list of completed ones.
    bare_list: bool
    #: Whether deleting a generation deletes its files.
    deletes_files: bool
    #: Whether the queue routes demand prompt, model and n from 1 to 10.
    checks_queue: bool
    #: Whether `/api/edit` takes a mask, and does without a model.
    lenient_edit: bool
    sync_size: str
    queue_size: str | None
    channels: tuple[str, ...]


HEAD = Profile(
    name="head",
    sync_wait_s=3600,
    openai_wait_s=7200,
    upstream_tries=3,
    empty_body=False,
    model_loading=True,
    cancel_is_final=False,
    decimal_seed=True,
    generation_id=False,
    picture_size=False,
    bare_list=False,
    deletes_files=False,
    checks_queue=False,
    lenient_edit=False,
    sync_size="1024x1024",
    queue_size=None,
    channels=("queue", "generations", "models", "download", "gpu", "terminal"),
)
SEED = Profile(
    name="seed",
    sync_wait_s=150,
    openai_wait_s=150,
    upstream_tries=1,
    empty_body=True,
    model_loading=False,
    cancel_is_final=True,
    decimal_seed=False,
    generation_id=True,
    picture_size=True,
    bare_list=True,
    deletes_files=True,
    checks_queue=True,
    lenient_edit=True,
    sync_size="512x512",
    queue_size="512x512",
    channels=("queue", "generations", "models"),
)
PROFILES = {profile.name: profile for profile in (HEAD, SEED)}
