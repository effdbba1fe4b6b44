"""What imgen can do, by its live `models` answer and the seed's table of fields."""

import re

from adapters.imgen.wire import Models
from contracts.capability import AccountInfo, Capability, Discovery, Limits, ModelInfo, TimeLimits
from contracts.media import Dimensions
from contracts.tags import SPACE, TagSyntax, active_syntax

ACCOUNT = "default"
#: The seven pairs of the seed: anything else silently becomes 1344x768.
SIZES = tuple(
    Dimensions(*pair)
    for pair in ((1024, 1024), (1344, 768), (768, 1344), (1216, 832), (832, 1216), (1152, 896), (896, 1152))
)
#: `@name` is a character, a comma's segment `-term` is a negative (seed, "Prompt Syntax").
TAGS = TagSyntax(character="@", negative="-")
ACTIVE_SYNTAX = active_syntax(TAGS)
#: Recommended by the seed: 120 polls, 3 s apart.
POLL_S = 3.0
ATTEMPT_S = 120 * POLL_S
#: Nobody waits any more, but the review happens in a poll: so long a run is asked after in all.
SETTLE_S = 2 * ATTEMPT_S
#: A name that could not be written behind its sign as one token would become words.
_NAME = re.compile(rf"[^{SPACE},]+")


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
        prompts=("optimize", "random"),
    )


def characters(models: Models) -> tuple[str, ...]:
    """Return the characters that a prompt can name."""
    return tuple(name for name in models.characters if _NAME.fullmatch(name))


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
        characters=characters(models),
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
        tag_syntax=TAGS,
        limits=Limits(prescreen_note_chars=2000),
        time=TimeLimits(
            submit_s=timeouts.get("submit_s", 60),
            attempt_s=timeouts.get("attempt_s", ATTEMPT_S),
            settle_s=timeouts.get("settle_s", SETTLE_S),
        ),
        evidence="documented",
    )
