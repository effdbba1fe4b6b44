"""Makes a run's picture: painted, marked, credited, and written in its format. Slow: call it in a thread."""

from collections.abc import Callable
from io import BytesIO
from typing import Any

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from adapters.imgen.sandbox.provenance import credited, exif, xmp
from adapters.imgen.sandbox.run import Run
from adapters.imgen.sandbox.watermark import marked
from adapters.imgen.sandbox.wish import Mark, Wish
from adapters.kit.render import render


def painted(run: Run, mark: Mark | None, *, width: int, height: int, format: str) -> bytes:  # noqa: A002
    """Return the picture of a run, always the same bytes for the same run, size and format."""
    drawn = render(run.positive, seed=run.seed, width=width, height=height, format="png")
    with Image.open(BytesIO(drawn)) as opened:
        picture = opened.convert("RGB")
    if mark is not None:
        picture = marked(picture, mark)
    file = BytesIO()
    picture.save(file, format, **_WRITERS[format](run.wish), **_credentials(run.wish, format))
    return file.getvalue()


def _credentials(wish: Wish, format: str) -> dict[str, Any]:  # noqa: A002
    fields = credited(wish.credentials)
    if format == "png":
        info = PngInfo()
        info.add_itxt("XML:com.adobe.xmp", xmp(fields).decode())
        return {"exif": exif(fields), "pnginfo": info}
    return {"exif": exif(fields), "xmp": xmp(fields)}


def _avif(wish: Wish) -> dict[str, Any]:
    # Pillow cannot write lossless AVIF: its best, without subsampling, is off by a few levels at most.
    best = {"quality": 100, "subsampling": "4:4:4"}
    return {"speed": 9, **(best if wish.lossless else {"quality": wish.quality})}


_WRITERS: dict[str, Callable[[Wish], dict[str, Any]]] = {
    "jpeg": lambda wish: {"quality": wish.quality},
    "png": lambda _: {"compress_level": 3},
    "webp": lambda wish: {"quality": wish.quality, "lossless": wish.lossless, "method": 2},
    "avif": _avif,
}
