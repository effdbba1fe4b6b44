"""The mask of an edit, checked as ima2 checks it: a PNG with alpha, of the picture's size (wire §4)."""

import re
from base64 import b64decode
from struct import unpack_from
from typing import Any

from adapters.ima2.face.asked import without_prefix
from adapters.ima2.face.failure import check
from contracts.codes import ErrorCode

LARGEST = 16 * 1024 * 1024
_BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}\Z")
_PNG = b"\x89PNG\r\n\x1a\n"
#: Signature, length and name of the first chunk, and what it says: as base64.
_HEAD_CHARS = 48
#: Grey and colour with alpha.
_WITH_ALPHA = (4, 6)
_BAD: ErrorCode = "request.reference_invalid"


def checked(image: Any, mask: Any) -> str:
    """Return the mask as base64; raise for one that cannot be used with this picture."""
    if not isinstance(mask, str) or not mask:
        raise check("INVALID_EDIT_MASK", "mask must be a PNG data URL or base64 string", catalogue=_BAD)
    text, size, has_alpha = _header(mask, "MASK")
    if len(text) // 4 * 3 > LARGEST:
        raise check("EDIT_MASK_TOO_LARGE", "mask is too large", catalogue="request.too_large")
    if not has_alpha:
        raise check("EDIT_MASK_NO_ALPHA", "mask PNG must include an alpha channel", catalogue=_BAD)
    if _header(image, "IMAGE")[1] != size:
        raise check("EDIT_MASK_DIMENSION_MISMATCH", "mask dimensions must match image dimensions", catalogue=_BAD)
    return text


def _header(given: Any, what: str) -> tuple[str, tuple[int, int], bool]:
    text = without_prefix(given) if isinstance(given, str) else ""
    if not text or len(text) % 4 or not _BASE64.match(text):
        raise check(f"INVALID_EDIT_{what}_BASE64", "image must be valid base64", catalogue=_BAD)
    head = b64decode(text[:_HEAD_CHARS])
    if not head.startswith(_PNG) or len(head) < 26 or head[12:16] != b"IHDR":
        raise check(f"INVALID_EDIT_{what}_PNG", "image must be a PNG image", catalogue=_BAD)
    width, height = unpack_from(">II", head, 16)
    return text, (width, height), head[25] in _WITH_ALPHA
