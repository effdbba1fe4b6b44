"""What each build of ima2 can do with each account, from its probes (wire §0, §11) and never from its version.

TAG and HEAD carry the same version number: only `/api/capabilities` and `/api/providers` tell the three apart.
"""

from typing import Any, Literal, get_args

from msgspec import structs

from adapters.ima2.options import ReasoningEffort
from adapters.ima2.wire import AccountStatus, Capabilities, Providers
from contracts.capability import (
    AccountInfo,
    Capability,
    Discovery,
    Limits,
    ModelInfo,
    SizeRange,
    TimeLimits,
    VideoRange,
)
from contracts.media import Dimensions, Format
from contracts.spec import Operation, VideoMode

Profile = Literal["tag", "head", "new"]

#: Models that TAG and HEAD accept; their `/api/oauth/status` also lists some that make no pictures (wire §2, §3).
KNOWN_MODELS = ("gpt-5.5", "gpt-5.4", "gpt-5.4-mini")
#: Recommended by both seeds; the app's own default is gpt-5.4-mini.
RECOMMENDED = ("gpt-5.4", "gpt-5.4-mini")
GROK_MODELS = ("grok-imagine-image", "grok-imagine-image-quality")
#: Counted in base64 characters (wire §3).
MAX_REFERENCE_CHARS = 7_340_032
#: A mask may have 16 MiB and the whole body 50 MB (wire §1, §4).
MAX_EDIT_BYTES = 16 * 1024 * 1024
EFFORTS: tuple[str, ...] = get_args(ReasoningEffort)
#: What seed 000 names, for builds whose capabilities leave it open.
FILM_MODELS = ("grok-imagine-video", "grok-imagine-video-1.5-preview")
VIDEO_MODES: dict[str, VideoMode] = {
    "text-to-video": "text",
    "image-to-video": "image",
    "reference-to-video": "reference",
}
#: What its upstream can read; the server itself lets more pass (wire §3, §4).
TAKEN: tuple[Format, ...] = ("png", "jpeg", "webp")
RESOLUTIONS = ("480p", "720p")
RATIOS = ("auto", "1:1", "16:9", "9:16", "4:3", "3:4", "3:2", "2:3")
#: A film is planned, made and asked after for half an hour at most (wire §11).
FILM_S = 1800.0
SQUARE = Dimensions(1024, 1024)


def profile_of(capabilities: Capabilities | None, providers: Providers) -> Profile:
    """Tell the build by what it answers (wire §0)."""
    if capabilities is not None:
        return "new"
    return "tag" if providers.api_key_disabled and providers.api_key_source is None else "head"


def discovery(
    capabilities: Capabilities | None,
    providers: Providers,
    oauth: AccountStatus | None,
    grok: AccountStatus | None,
    timeouts: dict[str, float],
) -> Discovery:
    """Put the probes together: accounts, their models, and what each can do."""
    profile = profile_of(capabilities, providers)
    valid = capabilities.valid if capabilities is not None else {}
    limits = capabilities.limits if capabilities is not None else {}
    accounts = list(_accounts(profile, valid, providers, oauth, grok))
    models: list[ModelInfo] = []
    for account in accounts:
        ids = _grok_models(valid) if account.name == "grok" else _models(valid, oauth)
        operations: dict[Operation, Capability] = {
            "image.generate": generate(profile, account.name, limits, timeouts),
            "image.edit": edit(profile, account.name, limits, timeouts),
        }
        preferred = next((each for each in RECOMMENDED if each in ids), ids[0] if ids else "")
        models += (
            ModelInfo(id=each, account=account.name, operations=operations, default=each == preferred) for each in ids
        )
        if account.name == "grok":
            models += films(_mapping(valid.get("videoModels")), timeouts)
    return Discovery(
        models=tuple(models),
        accounts=tuple(accounts),
        profile=profile,
        evidence="discovered",
        version=capabilities.version if capabilities is not None else None,
        facts={
            "capabilities": "200 JSON" if capabilities is not None else "404",
            "apiKeyDisabled": str(providers.api_key_disabled).lower(),
        },
        prompts=("optimize",) if capabilities is not None and capabilities.prompt_builder is not None else (),
    )


def _accounts(
    profile: Profile,
    valid: dict[str, Any],
    providers: Providers,
    oauth: AccountStatus | None,
    grok: AccountStatus | None,
) -> list[AccountInfo]:
    status = oauth.status if oauth is not None else "offline"
    accounts = [AccountInfo(name="oauth", ready=status == "ready", detail=status)]
    if profile != "tag":
        source = providers.api_key_source or "none"
        accounts.append(AccountInfo(name="api", ready=providers.api_key, detail=f"key source: {source}"))
    if "grok" in _strings(valid.get("providers")):
        status = grok.status if grok is not None else "offline"
        accounts.append(AccountInfo(name="grok", ready=status == "ready", detail=status))
    return accounts


def _models(valid: dict[str, Any], oauth: AccountStatus | None) -> tuple[str, ...]:
    listed = _strings(_mapping(valid.get("imageModels")).get("supported"))
    if listed:
        return listed
    shown = oauth.models if oauth is not None else ()
    return tuple(model for model in KNOWN_MODELS if not shown or model in shown)


def _grok_models(valid: dict[str, Any]) -> tuple[str, ...]:
    return _strings(_mapping(valid.get("imageModels")).get("grokSupported")) or GROK_MODELS


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _strings(value: object) -> tuple[str, ...]:
    return tuple(each for each in value if isinstance(each, str)) if isinstance(value, list) else ()


def generate(profile: Profile, account: str, limits: dict[str, Any], timeouts: dict[str, float]) -> Capability:
    """Return what `POST /api/generate` can do for an account of a build."""
    grok = account == "grok"
    new = profile == "new"
    count, references = limits.get("maxGeneratedImages"), limits.get("maxRefCount")
    return Capability(
        # The server passes a size on unchecked (wire §3): its upstream is the judge, and the bytes are read back.
        # Grok knows shapes and tiers, no pixel sizes but the one the seed shows.
        sizes=(SQUARE,) if grok else (),
        size_range=None if grok else SizeRange(min_side=16, max_side=3840),
        default_size=SQUARE,
        formats=("jpeg",) if grok else ("png", "jpeg", "webp"),
        default_format="jpeg" if grok else "png",
        max_n=count if isinstance(count, int) and count > 0 else 8,
        references=3 if grok else (references if isinstance(references, int) else 5),
        input_formats=TAKEN,
        inputs_total=3 if grok else None,
        efforts=("low", "medium", "high"),
        default_effort="medium",
        strictness=("default", "relaxed"),
        optimize_prompt=(True, False),
        options=_options(profile, account, routes=True),
        single_options=("node",),
        # With options.ima2.node or multimode, as far as the upstream sends any (wire §5, §6); Grok sends none.
        previews=not grok,
        preview_options={} if grok else {"node": True},
        cancel="stops" if new else "forgets",
        recover=True,
        resubmit="safe" if new else "unsafe",
        blocking=not new,
        retries_itself=not grok,
        poll_batch=True,
        limits=Limits(reference_base64_chars=MAX_REFERENCE_CHARS, prompt_chars=32_000 if new else None),
        time=_time(profile, grok=grok, timeouts=timeouts),
        evidence="documented" if new else "measured",
    )


def edit(profile: Profile, account: str, limits: dict[str, Any], timeouts: dict[str, float]) -> Capability:
    """Return what `POST /api/edit` can do: it answers when the picture is there, on every build (wire §4)."""
    grok = account == "grok"
    time = _time(profile, grok=grok, timeouts=timeouts)
    return structs.replace(
        generate(profile, account, limits, timeouts),
        formats=("jpeg",) if grok else ("png",),
        max_n=1,
        # The route takes no references but Grok's, whose source is one of the three.
        references=2 if grok else 0,
        inputs_total=3 if grok else None,
        source=True,
        mask=not grok and profile != "tag",
        options=_options(profile, account, routes=False),
        single_options=(),
        previews=False,
        preview_options={},
        # Neither an Idempotency-Key nor `async` is there for this route.
        resubmit="unsafe",
        blocking=True,
        retries_itself=False,
        limits=Limits(input_bytes=MAX_EDIT_BYTES, prompt_chars=32_000 if profile == "new" else None),
        time=structs.replace(time, submit_s=timeouts.get("submit_s", time.attempt_s)),
    )


def _options(profile: Profile, account: str, *, routes: bool) -> dict[str, tuple[Any, ...]]:
    """Return which of `options.ima2` an account honours."""
    node: dict[str, tuple[Any, ...]] = {"node": ()} if routes else {}
    if account == "grok":
        # It plans and searches as it does, and makes no sequences (wire §11).
        return node
    # Nothing shows that TAG reads a reasoning effort: what cannot be checked is not promised.
    effort: dict[str, tuple[Any, ...]] = {} if profile == "tag" else {"reasoning_effort": EFFORTS}
    return {**effort, "web_search": (), **({"multimode": ()} if routes else {}), **node}


def films(valid: dict[str, Any], timeouts: dict[str, float]) -> list[ModelInfo]:
    """Return Grok's video models, each with the films it makes (seed 000, wire §11)."""
    known = _strings(valid.get("modes"))
    modes = tuple(mode for word, mode in VIDEO_MODES.items() if not known or word in known)
    models = _strings(valid.get("supported")) or FILM_MODELS
    return [
        ModelInfo(
            id=model,
            account="grok",
            # The preview of 1.5 only sets a picture in motion (options.md §3).
            operations={"video.generate": film(("image",) if "preview" in model else modes, valid, timeouts)},
            default=model == models[0],
        )
        for model in models
    ]


def film(modes: tuple[VideoMode, ...], valid: dict[str, Any], timeouts: dict[str, float]) -> Capability:
    """Return what `POST /api/video/generate` can do for a model."""
    bounds = valid.get("durationRange")
    least, most = bounds if isinstance(bounds, list) and [type(each) for each in bounds] == [int, int] else (1, 15)
    references = valid.get("maxReferences")
    resolutions = tuple(each for each in _strings(valid.get("resolutions")) or RESOLUTIONS if each in RESOLUTIONS)
    ratios = tuple(each for each in _strings(valid.get("aspectRatios")) or RATIOS if each in RATIOS)
    limit = timeouts.get("attempt_s", FILM_S)
    return Capability(
        formats=(),
        video_modes=modes,
        video=VideoRange(
            min_s=least,
            max_s=most,
            default_s=min(max(5, least), most),
            resolutions=resolutions,
            # Left open, the film takes the shape of its picture.
            aspect_ratios=tuple(sorted(ratios, key=lambda each: each != "auto")),
            min_references=2,
        ),
        references=(references if isinstance(references, int) else 7) if "reference" in modes else 0,
        input_formats=TAKEN,
        optimize_prompt=(True,),
        options={},
        progress=True,
        cancel="stops",
        recover=True,
        blocking=True,
        poll_batch=True,
        limits=Limits(reference_base64_chars=MAX_REFERENCE_CHARS, prompt_chars=32_000),
        time=TimeLimits(
            submit_s=timeouts.get("submit_s", limit), attempt_s=limit, settle_s=timeouts.get("settle_s", FILM_S)
        ),
        evidence="documented",
    )


def _time(profile: Profile, *, grok: bool, timeouts: dict[str, float]) -> TimeLimits:
    """HEAD may be silent for 2 x 400 s and TAG has no limit of its own (wire §3); Grok searches, plans and paints."""
    most = {"tag": 1800.0, "head": 840.0, "new": 840.0}[profile]
    if grok:
        most = 1500.0
    submit = 30.0 if profile == "new" else min(most, 810.0) if profile == "head" else most
    return TimeLimits(
        submit_s=timeouts.get("submit_s", submit),
        attempt_s=timeouts.get("attempt_s", most),
        settle_s=timeouts.get("settle_s", most),
    )
