"""Picture and mask of an edit, checked as the server does: messages about the mask say "image" (wire §4)."""

import re
from base64 import b64decode, b64encode
from struct import unpack_from
from typing import Any

from msgspec import Struct

from adapters.ima2.sandbox.failure import Failure, Refused, check
from adapters.ima2.sandbox.terms import decoded
from contracts.sniff import sniff

_LARGEST = 16 * 1024 * 1024
_BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}\Z")
_PNG = b"\x89PNG\r\n\x1a\n"
#: Grey and colour with alpha.
_WITH_ALPHA = (4, 6)


class _Png(Struct, frozen=True):
    data: bytes
    size: tuple[int, int]
    has_alpha: bool


def check_mask(image: Any, mask: Any) -> None:
    """Raise for a mask that cannot be used, with this picture."""
    if mask is None:
        return
    if not isinstance(mask, str) or not mask:
        raise check("INVALID_EDIT_MASK", "mask must be a PNG data URL or base64 string")
    found = _png(mask, "MASK")
    if len(found.data) > _LARGEST:
        raise check("EDIT_MASK_TOO_LARGE", "mask is too large")
    if not found.has_alpha:
        raise check("EDIT_MASK_NO_ALPHA", "mask PNG must include an alpha channel")
    if _png(image, "IMAGE").size != found.size:
        raise check("EDIT_MASK_DIMENSION_MISMATCH", "mask dimensions must match image dimensions")


def read_source(image: Any) -> bytes:
    """Return the picture's bytes; what is none fails late, as an error of the server (recorded: edit_image_*)."""
    data = decoded(image) if isinstance(image, str) else b""
    if not data:
        raise _unreadable("Input Buffer is empty")
    if sniff(data) is None:
        raise _unreadable("Input buffer contains unsupported image format")
    return data


def _unreadable(message: str) -> Refused:
    return Refused(Failure(status=500, code="UNKNOWN", message=message))


def _png(value: Any, what: str) -> _Png:
    text = re.sub(r"\s+", "", value.removeprefix("data:image/png;base64,")) if isinstance(value, str) else ""
    if not text or len(text) % 4 or not _BASE64.match(text):
        raise check(f"INVALID_EDIT_{what}_BASE64", "image must be valid base64")
    data = b64decode(text)
    if b64encode(data).rstrip(b"=") != text.rstrip("=").encode():
        raise check(f"INVALID_EDIT_{what}_BASE64", "image must be valid base64")
    if not data.startswith(_PNG) or len(data) < 26 or data[12:16] != b"IHDR":
        raise check(f"INVALID_EDIT_{what}_PNG", "image must be a PNG image")
    width, height = unpack_from(">II", data, 16)
    return _Png(data, (width, height), data[25] in _WITH_ALPHA)
