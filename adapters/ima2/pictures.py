"""What an input picture must be before it is sent: the server lets most things pass, and its upstream then fails.

A mask needs an alpha channel and the size of its source, and both must be PNG (wire §4). Its polarity is the
contract's own, alpha 0 = edit here, so it goes along as it is.
"""

from collections.abc import Sequence
from struct import unpack_from

from contracts.catalog import CatalogError, Fault, Reason
from contracts.port import InputBytes

TAKEN = ("image/png", "image/jpeg", "image/webp")
#: PNG's colour types that have an alpha channel: grey and colour.
_WITH_ALPHA = (4, 6)
_COLOUR_TYPE_AT = 25
MASK_WARNING = "The mask guides the model: what lies outside of it may change as well."


def check(inputs: Sequence[InputBytes]) -> None:
    """Raise `request.reference_invalid` for the first picture that cannot be used."""
    for at, each in enumerate(inputs):
        if each.media_type not in TAKEN:
            hint = "convert it, for example to png" if each.media_type.startswith("image/") else "it is no picture"
            raise _unusable(at, "media_type", f"{each.media_type or 'this input'} is not taken here: {hint}")
    found = {each.role: (at, each) for at, each in enumerate(inputs)}
    if "mask" in found and "source" in found:
        _check_mask(*found["mask"], *found["source"])


def _check_mask(at: int, mask: InputBytes, source_at: int, source: InputBytes) -> None:
    if mask.media_type != "image/png":
        raise _unusable(at, "media_type", "a mask must be a PNG")
    if source.media_type != "image/png":
        raise _unusable(source_at, "media_type", "the source of a masked edit must be a PNG")
    if mask.data[_COLOUR_TYPE_AT] not in _WITH_ALPHA:
        raise _unusable(at, "no_alpha", "the mask has no alpha channel: alpha 0 marks what is to be edited")
    wanted, size = _size(source.data), _size(mask.data)
    if wanted != size:
        there, here = "x".join(map(str, wanted)), "x".join(map(str, size))
        raise _unusable(at, "dimensions", f"the mask has {here} pixels and its source {there}")


def _size(data: bytes) -> tuple[int, int]:
    width, height = unpack_from(">II", data, 16)
    return width, height


def _unusable(at: int, reason: Reason, detail: str) -> CatalogError:
    fault = Fault(pointer=f"/inputs/{at}", reason=reason, detail=detail)
    return CatalogError(
        "request.reference_invalid", f"{fault.pointer}: {detail}", outcome="not_started", errors=(fault,)
    )
