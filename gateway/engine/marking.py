"""A caller's mark laid over a picture, where a backend draws none. It means what imgen says of it (seed 003)."""

import io
from typing import TYPE_CHECKING, TypeVar

from msgspec import Struct, UnsetType

from contracts.spec import Padding, Watermark

if TYPE_CHECKING:
    from PIL import Image

T = TypeVar("T")
#: What imgen does with what the caller left open (seed, table of fields).
POSITION, SCALE, OPACITY, ROTATION, PADDING = "bottom-right", 5, 1.0, 0, 10


class Mark(Struct, frozen=True):
    """The picture of a mark, and how it is laid."""

    data: bytes
    wish: Watermark = Watermark()


def marked(picture: "Image.Image", mark: Mark) -> "Image.Image":
    """Return the picture with the mark: `scale` percent as wide as the picture, turned clockwise, then placed."""
    from PIL import Image  # noqa: PLC0415

    wish = mark.wish
    with Image.open(io.BytesIO(mark.data), formats=("PNG", "JPEG", "WEBP", "AVIF")) as opened:
        stamp = opened.convert("RGBA")
    width = max(1, picture.width * _set(wish.scale, SCALE) // 100)
    stamp = stamp.resize((width, max(1, min(round(stamp.height * width / stamp.width), 2 * picture.height))))
    stamp = stamp.rotate(-_set(wish.rotation, ROTATION), resample=Image.Resampling.BICUBIC, expand=True)
    opacity = _set(wish.opacity, OPACITY)
    stamp.putalpha(stamp.getchannel("A").point([round(level * opacity) for level in range(256)]))
    under = _eight_bits(picture)
    layer = Image.new("RGBA", under.size)
    layer.paste(stamp, _place(under.size, stamp.size, wish))
    whole = Image.alpha_composite(under.convert("RGBA"), layer)
    return whole if under.has_transparency_data else whole.convert("RGB")


def _eight_bits(picture: "Image.Image") -> "Image.Image":
    # Pillow would cut 16 bits off at 255, not scale them.
    if picture.mode.startswith("I"):
        return picture.point(lambda value: value / 256).convert("L")
    return picture


def _place(under: tuple[int, int], stamp: tuple[int, int], wish: Watermark) -> tuple[int, int]:
    """Return where its upper left corner is; a mark in the middle keeps no distance from any edge."""
    position = _set(wish.position, POSITION)
    padding = Padding() if isinstance(wish.padding, UnsetType) else wish.padding
    right, down = under[0] - stamp[0], under[1] - stamp[1]
    if position == "center":
        return right // 2, down // 2
    x, y = _set(padding.x, PADDING), _set(padding.y, PADDING)
    return x if position.endswith("left") else right - x, y if position.startswith("top") else down - y


def _set(value: T | UnsetType, default: T) -> T:
    return default if isinstance(value, UnsetType) else value
