"""What imgen can do, by its live `models` answer and the seed's table of fields."""

from adapters.imgen.wire import Models
from contracts.capability import AccountInfo, Capability, Discovery, Limits, ModelInfo, TimeLimits
from contracts.media import Dimensions

ACCOUNT = "default"
#: The seven pairs of the seed: anything else silently becomes 1344x768.
SIZES = tuple(
    Dimensions(*pair)
    for pair in ((1024, 1024), (1344, 768), (768, 1344), (1216, 832), (832, 1216), (1152, 896), (896, 1152))
)
#: A token that begins with `-` or `@` is a negative or a character (seed, "Prompt Syntax").
ACTIVE_SYNTAX = (r"(?:^|[\s,])([-@][^\s,]+)",)
#: Recommended by the seed: 120 polls, 3 s apart.
POLL_S = 3.0
ATTEMPT_S = 360.0


def discovery(models: Models, *, cache: bool, timeouts: dict[str, float]) -> Discovery:
    """Put together what the server listed; the first model is its own default."""
    return Discovery(
        models=tuple(
            ModelInfo(
                id=name,
                label=model.label,
                account=ACCOUNT,
                operations={"image.generate": generate(models, name, cache=cache, timeouts=timeouts)},
                default=position == 0,
            )
            for position, (name, model) in enumerate(models.models.items())
        ),
        accounts=(AccountInfo(name=ACCOUNT, ready=True),),
        profile="v2",
        evidence="documented",
    )


def generate(models: Models, name: str, *, cache: bool, timeouts: dict[str, float]) -> Capability:
    """Return what a run of one model honours."""
    model = models.models[name]
    return Capability(
        sizes=SIZES,
        default_size=SIZES[0],
        formats=("png", "jpeg", "webp", "avif"),
        default_format="png",
        compression_formats=("jpeg", "webp", "avif"),
        lossless_formats=("webp", "avif"),
        negative_prompt=True,
        characters=models.characters,
        styles=tuple(model.styles),
        default_style=model.default_style,
        rulesets=True,
        prescreen_note=True,
        cache=cache,
        watermark=True,
        provenance=True,
        optimize_prompt=(True, False),
        reviewed=True,
        cancel="cannot",
        active_syntax=ACTIVE_SYNTAX,
        limits=Limits(prescreen_note_chars=2000),
        time=TimeLimits(
            submit_s=timeouts.get("submit_s", 60),
            attempt_s=timeouts.get("attempt_s", ATTEMPT_S),
            settle_s=timeouts.get("settle_s", ATTEMPT_S),
        ),
        evidence="documented",
    )
