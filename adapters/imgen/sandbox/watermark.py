"""Lays a caller's mark over a picture (seed, the `wm_*` fields). A mark that cannot be read is left out in silence."""

from base64 import b64decode
from binascii import Error as BadBase64
from io import BytesIO

from PIL import Image

from adapters.imgen.sandbox.wish import Mark


def marked(picture: Image.Image, mark: Mark) -> Image.Image:
    """Return the picture with the mark: as wide as `scale` percent of the picture, turned clockwise."""
    stamp = _stamp(mark.image)
    if stamp is None:
        return picture
    width = max(1, picture.width * mark.scale // 100)
    stamp = stamp.resize((width, max(1, round(stamp.height * width / stamp.width))))
    stamp = stamp.rotate(-mark.rotation, expand=True)
    stamp.putalpha(stamp.getchannel("A").point([level * mark.opacity // 100 for level in range(256)]))
    layer = Image.new("RGBA", picture.size)
    layer.paste(stamp, _place(picture.size, stamp.size, mark))
    return Image.alpha_composite(picture.convert("RGBA"), layer).convert("RGB")


def _stamp(uri: str) -> Image.Image | None:
    head, _, data = uri.partition(",")
    if not head.startswith("data:") or not head.endswith(";base64"):
        return None
    try:
        return Image.open(BytesIO(b64decode(data, validate=True))).convert("RGBA")
    except (BadBase64, OSError, ValueError, Image.DecompressionBombError):
        return None


def _place(picture: tuple[int, int], stamp: tuple[int, int], mark: Mark) -> tuple[int, int]:
    right, bottom = picture[0] - stamp[0], picture[1] - stamp[1]
    if mark.position == "center":
        return right // 2, bottom // 2
    across = mark.padding_x if mark.position.endswith("left") else right - mark.padding_x
    down = mark.padding_y if mark.position.startswith("top") else bottom - mark.padding_y
    return across, down
