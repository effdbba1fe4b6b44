"""What an input picture must be before it is sent, and what a mask becomes: Studio itself checks nothing (wire §7.2).

Two readers stand behind Studio, of two minds about masks: an API in OpenAI's manner changes what is transparent, the
sd-server what is white (it reads one grey channel, without alpha). A mask is therefore written anew, white and
transparent where the picture is to change, black and opaque where not: both read the same.
"""

import io
from asyncio import to_thread
from collections.abc import Sequence

from PIL import Image

from adapters.sdcpp.capability import MAX_FILE_BYTES, MAX_SIDE, SIZE_STEP
from contracts.catalog import CatalogError, Fault, Reason
from contracts.port import InputBytes
from contracts.sniff import Media, sniff

#: Name and media type by what a picture is: both must say so, or the upload is refused (wire §7.2).
FILES = {"png": ("image.png", "image/png"), "jpeg": ("image.jpg", "image/jpeg"), "webp": ("image.webp", "image/webp")}
CHANGED, KEPT = (255, 255, 255, 0), (0, 0, 0, 255)


async def files(inputs: Sequence[InputBytes]) -> tuple[dict[str, tuple[str, bytes, str]], Media]:
    """Return the parts of the form, and what the source is; raise for the first picture that cannot be used."""
    checked = {each.role: (at, each, _media(at, each)) for at, each in enumerate(inputs)}
    if "source" not in checked:
        raise _unusable(0, "missing", "a picture of role source is needed")
    _, source, media = checked["source"]
    name, media_type = FILES[media.format]
    found = {"image": (name, source.data, media_type)}
    if "mask" in checked:
        at, mask, shape = checked["mask"]
        if (shape.width, shape.height) != (media.width, media.height):
            there = f"{shape.width}x{shape.height} pixels and its source {media.width}x{media.height}"
            raise _unusable(at, "dimensions", f"the mask has {there}")
        found["mask"] = ("mask.png", await to_thread(_two_minded, at, mask.data), "image/png")
    return found, media


def _media(at: int, picture: InputBytes) -> Media:
    if len(picture.data) > MAX_FILE_BYTES:
        fault = Fault(pointer=f"/inputs/{at}", reason="too_long", detail="too many bytes", limit=MAX_FILE_BYTES)
        raise CatalogError(
            "request.too_large",
            f"{fault.pointer}: must be at most {MAX_FILE_BYTES} bytes here",
            outcome="not_started",
            limit=MAX_FILE_BYTES,
            errors=(fault,),
        )
    media = sniff(picture.data)
    if media is None or media.format not in FILES:
        what = (
            "it is no picture" if media is None else f"{media.format} is not taken here: convert it, for example to png"
        )
        raise _unusable(at, "media_type", what)
    return media


def _two_minded(at: int, data: bytes) -> bytes:
    """Return the mask for both readers. The contract's polarity is one: alpha 0 = change here."""
    try:
        with Image.open(io.BytesIO(data)) as given:
            if "A" not in given.getbands() and "transparency" not in given.info:
                raise _unusable(at, "no_alpha", "the mask has no alpha channel: alpha 0 marks what is to be edited")
            alpha = given.convert("RGBA").getchannel("A")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        raise _unusable(at, "undecodable", "the mask cannot be read") from None
    written = Image.new("RGBA", alpha.size, CHANGED)
    written.paste(KEPT, None, alpha.point([0] + [255] * 255))
    out = io.BytesIO()
    written.save(out, "PNG")
    return out.getvalue()


def size_like(media: Media) -> str:
    """Return the size that keeps a picture's own: in Studio's steps and bounds, and in its shape as far as they go."""
    share = min(1.0, MAX_SIDE / max(media.width, media.height))
    sides = (max(SIZE_STEP, round(side * share / SIZE_STEP) * SIZE_STEP) for side in (media.width, media.height))
    return "x".join(map(str, sides))


def _unusable(at: int, reason: Reason, detail: str) -> CatalogError:
    fault = Fault(pointer=f"/inputs/{at}", reason=reason, detail=detail)
    return CatalogError(
        "request.reference_invalid", f"{fault.pointer}: {detail}", outcome="not_started", errors=(fault,)
    )
