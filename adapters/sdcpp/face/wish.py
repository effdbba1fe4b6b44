"""A request as a job of the contract, with Studio's own defaults as wishes (adapters.kit.wish)."""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import UNSET

from adapters.kit.wish import Wish
from adapters.sdcpp.face.asked import Terms
from adapters.sdcpp.face.profile import (
    DEFAULT_QUALITIES,
    DEFAULT_SAMPLING,
    DEFAULT_SIZES,
    DEFAULT_STRENGTH,
    FLAGS,
    QUALITIES,
    SAMPLING,
)
from contracts.media import Input
from contracts.spec import ImageEdit, ImageGenerate, ImageUpscale, ImageVariation, JobSpec, Operation, OutputWish, Route

DIALECT = "sdcpp"
_KINDS: Mapping[Operation, type[Any]] = {
    "image.generate": ImageGenerate,
    "image.edit": ImageEdit,
    "image.variation": ImageVariation,
    "image.upscale": ImageUpscale,
}


def wish(operation: Operation, terms: Terms, *, model: str, inputs: Sequence[Input] = (), waits: bool = False) -> Wish:
    """Write the job. A client that waits is told at once that nobody can work."""
    spec: JobSpec = _KINDS[operation](
        prompt=UNSET if terms.prompt is None else terms.prompt,
        negative_prompt=UNSET if terms.negative_prompt is None else terms.negative_prompt,
        model=model,
        route=Route(require_healthy=True) if waits else UNSET,
        size=UNSET if terms.size is None else terms.size,
        n=UNSET if terms.n == 1 else terms.n,
        seed=UNSET if terms.seed is None else terms.seed,
        effort=UNSET if terms.quality is None else QUALITIES[terms.quality],
        style=UNSET if terms.style is None else terms.style,
        strength=UNSET if terms.strength is None else terms.strength,
        inputs=tuple(inputs) or UNSET,
        # Studio's pictures are PNG.
        output=OutputWish(format="png"),
        options={DIALECT: dict(terms.options)} if terms.options else UNSET,
    )
    return Wish(spec, frozenset({"/output/format", *_soft(operation, terms)}), DIALECT)


def _soft(operation: Operation, terms: Terms) -> set[str]:
    size = terms.size.exact if terms.size is not None else None
    found = {f"/options/{DIALECT}/{name}" for name in FLAGS}
    found |= {
        f"/options/{DIALECT}/{name}" for name, value in DEFAULT_SAMPLING.items() if terms.options.get(name) == value
    }
    defaults = (
        ("/size", str(size) in DEFAULT_SIZES),
        ("/effort", terms.quality in DEFAULT_QUALITIES),
        ("/strength", terms.strength == DEFAULT_STRENGTH),
    )
    if operation in ("image.edit", "image.variation"):
        # Studio takes them here, stores the seed, and uses none of them (wire §6): nobody can have counted on them.
        found |= {"/seed", *(f"/options/{DIALECT}/{name}" for name in SAMPLING)}
    return found | {pointer for pointer, is_default in defaults if is_default}
