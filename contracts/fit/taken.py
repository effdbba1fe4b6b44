"""Fitting the input pictures as they are: their formats and lengths, once they are assets and not only said to be."""

from msgspec import UnsetType

from contracts.capability import Capability
from contracts.fit.fitting import Fitting
from contracts.media import FORMATS, MEDIA_TYPES, Input


def taken(f: Fitting) -> None:
    """Weigh what is known of each picture; what is still to come in is weighed when it is there."""
    inputs: tuple[Input, ...] = () if isinstance(f.spec.inputs, UnsetType) else f.spec.inputs
    masked = f.capability.mask and any(each.role == "mask" for each in inputs)
    for at, each in enumerate(inputs):
        if isinstance(each.asset_id, str):
            _format(f, f"/inputs/{at}", each, masked=masked)
            _length(f, f"/inputs/{at}", each)


def _format(f: Fitting, pointer: str, each: Input, *, masked: bool) -> None:
    known = FORMATS.get(each.media_type) if isinstance(each.media_type, str) else None
    under_mask = masked and each.role in ("mask", "source")
    allowed = f.capability.mask_formats if under_mask else f.capability.input_formats
    if known is None or known in allowed:
        return
    what = {"mask": "a mask", "source": "the picture under a mask"}[each.role] if under_mask else "an input picture"
    f.refuse(
        pointer,
        f"is {known}, but {what} must be {' or '.join(allowed)} here: convert it",
        code="request.reference_invalid",
        reason="media_type",
        allowed=tuple(MEDIA_TYPES[name] for name in allowed),
    )


def _length(f: Fitting, pointer: str, each: Input) -> None:
    most = _most_bytes(f.capability)
    if most is not None and isinstance(each.bytes, int) and each.bytes > most:
        detail = f"must be at most {most} bytes here"
        f.refuse(pointer, detail, code="request.too_large", reason="too_long", limit=most)


def _most_bytes(capability: Capability) -> int | None:
    """Return how long a picture may be, whether that is counted in bytes or in base64."""
    limits = capability.limits
    in_base64 = None if limits.reference_base64_chars is None else limits.reference_base64_chars // 4 * 3
    return min((each for each in (limits.input_bytes, in_base64) if each is not None), default=None)
