"""What the bytes of a picture that comes in must be, whoever will be sent it, and how it is refused."""

from collections.abc import Sequence
from pathlib import Path
from typing import IO

from contracts.catalog import CatalogError, Fault, Reason
from contracts.media import FORMATS, Dimensions
from contracts.sniff import Media, sniff

#: How phones begin their pictures: HEIF's own brands, still and moving.
HEIC = frozenset(b"ftyp" + brand for brand in (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"))
#: Pillow's names for pictures with an alpha channel of their own.
WITH_ALPHA = frozenset({"LA", "PA", "RGBA"})


def check_picture(data: bytes | bytearray, pointer: str, max_pixels: int) -> Media:
    """Return what bytes are; raise when they are no picture, or one with too many pixels."""
    media = sniff(data)
    if media is None:
        hint = "; HEIC must be converted, for example to jpeg" if bytes(data[4:12]) in HEIC else ""
        raise bad_input(pointer, "media_type", f"is none of {', '.join(sorted(FORMATS))}{hint}")
    if media.width * media.height > max_pixels:
        raise CatalogError(
            "request.too_large",
            f"{pointer or 'The body'}: has more than {max_pixels} pixels.",
            limit=max_pixels,
            errors=(Fault(pointer=pointer, reason="dimensions", detail="too many pixels", limit=max_pixels),),
        )
    if not media.complete:
        raise bad_input(pointer, "undecodable", "breaks off before its end")
    return media


def check_mask(file: IO[bytes] | Path, mask: Media, source: Media | None, pointer: str) -> None:
    """Raise for a mask that has no alpha channel, or another size than its source; its pixels are not decoded."""
    if mask.format == "jpeg":
        raise bad_input(pointer, "media_type", "a jpeg has no alpha channel, and alpha 0 marks what is to be edited")
    if not _has_alpha(file, pointer):
        raise bad_input(pointer, "no_alpha", "the mask has no alpha channel: alpha 0 marks what is to be edited")
    if source is None:
        return
    here, there = Dimensions(mask.width, mask.height), Dimensions(source.width, source.height)
    if here != there:
        raise bad_input(pointer, "dimensions", f"the mask has {here} pixels and its source {there}")


def check_decodes(file: IO[bytes] | Path, pointer: str) -> None:
    """Raise for a picture whose header alone is good."""
    from PIL import Image  # noqa: PLC0415

    try:
        with Image.open(file, formats=("PNG", "JPEG", "WEBP", "AVIF")) as picture:
            picture.load()
    except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError):
        raise bad_input(pointer, "undecodable", "the picture cannot be decoded") from None


def _has_alpha(file: IO[bytes] | Path, pointer: str) -> bool:
    # Pillow is only there for those who need it: its import costs as much as a request.
    from PIL import Image  # noqa: PLC0415

    try:
        with Image.open(file, formats=("PNG", "WEBP", "AVIF")) as picture:
            return picture.mode in WITH_ALPHA
    except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError):
        raise bad_input(pointer, "undecodable", "the mask cannot be decoded") from None


def bad_input(pointer: str, reason: Reason, detail: str) -> CatalogError:
    """Return the error for one unusable input."""
    fault = Fault(pointer=pointer, reason=reason, detail=detail)
    return CatalogError("request.reference_invalid", f"{pointer or 'The body'}: {detail}", errors=(fault,))


def too_large(pointer: str, limit: int) -> CatalogError:
    """Return the error for an input of too many bytes."""
    fault = Fault(pointer=pointer, reason="too_long", detail=f"must be at most {limit} bytes", limit=limit)
    where = pointer or "The body"
    return CatalogError("request.too_large", f"{where}: must be at most {limit} bytes", errors=(fault,), limit=limit)


def raise_all(found: Sequence[object]) -> None:
    """Raise what went wrong, all faults together where the codes agree."""
    errors = [each for each in found if isinstance(each, BaseException)]
    if not errors:
        return
    first = errors[0]
    if isinstance(first, CatalogError):
        alike = [each for each in errors if isinstance(each, CatalogError) and each.code == first.code]
        first.errors = tuple(fault for each in alike for fault in each.errors)
    raise first
