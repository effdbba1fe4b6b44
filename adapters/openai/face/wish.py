"""A request as a job of the contract.

Fewer pictures than asked for is no answer here, because the shape cannot say so: `partial` is `reject`. A client waits
at the other end, so it is told at once when nobody can work (`require_healthy`).
"""

from collections.abc import Sequence

from msgspec import UNSET

from adapters.openai.face import model
from adapters.openai.face.asked import Ask
from contracts.media import Input
from contracts.spec import ImageEdit, ImageGenerate, ImageVariation, OutputWish, Policy, Route

Kind = type[ImageGenerate] | type[ImageEdit] | type[ImageVariation]
HEALTHY = Route(require_healthy=True)


def wish(kind: Kind, ask: Ask, inputs: Sequence[Input] = ()) -> ImageGenerate | ImageEdit | ImageVariation:
    """Write the job."""
    return kind(
        prompt=UNSET if ask.prompt is None else ask.prompt,  # type: ignore[arg-type]  # a variation has none
        model=model.meant(ask.model),
        n=UNSET if ask.n == 1 else ask.n,
        size=UNSET if ask.size is None else ask.size,
        effort=UNSET if ask.effort is None else ask.effort,
        style=UNSET if ask.style is None else ask.style,
        output=OutputWish(
            format=ask.format,
            compression=UNSET if ask.compression is None else ask.compression,
            delivery="url" if ask.as_url or ask.stream else "inline",
        ),
        policy=UNSET if ask.strictness is None else Policy(strictness=ask.strictness),
        inputs=tuple(inputs) or UNSET,
        tags=ask.tags or UNSET,
        route=HEALTHY,
        partial="reject",
    )
