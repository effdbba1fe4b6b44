"""Encoding a picture anew, only where a caller asked for it (`on_unsupported: adapt`), and off the event loop."""

import io
from typing import TYPE_CHECKING

from contracts.catalog import CatalogError
from contracts.media import Format
from gateway.engine.marking import Mark, marked

if TYPE_CHECKING:
    from PIL import Image

#: The quality of a transcoded picture when the caller named none.
DEFAULT_QUALITY = 90


def encode(
    data: bytes, target: Format, *, quality: int | None = None, lossless: bool = False, mark: Mark | None = None
) -> bytes:
    """Return the picture in another format, or with a mark; raise `backend.bad_response` when it cannot be decoded."""
    # Pillow is only there for those who need it: its import costs as much as a request.
    from PIL import Image, UnidentifiedImageError  # noqa: PLC0415

    try:
        with Image.open(io.BytesIO(data), formats=("PNG", "JPEG", "WEBP", "AVIF")) as picture:
            picture.load()
            ready = _ready(picture if mark is None else marked(picture, mark), target)
            out = io.BytesIO()
            options: dict[str, object] = {}
            if target != "png":
                options["quality"] = DEFAULT_QUALITY if quality is None else quality
            if target == "webp" and lossless:
                options |= {"lossless": True, "exact": True}
            ready.save(out, format=target.upper(), **options)
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError):
        raise CatalogError(
            "backend.bad_response", "The delivered picture cannot be decoded.", outcome="finished_no_result"
        ) from None
    return out.getvalue()


def _ready(picture: "Image.Image", target: Format) -> "Image.Image":
    """Return the picture in a mode that the format takes: Pillow would cut 16 bits off at 255, not scale them."""
    if picture.mode.startswith("I") and target != "png":
        picture = picture.point(lambda value: value / 256).convert("L")
    if picture.mode == "CMYK" or (target == "jpeg" and picture.mode != "RGB"):
        picture = picture.convert("RGB")
    return picture
