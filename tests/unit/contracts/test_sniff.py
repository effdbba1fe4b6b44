"""A file's format and size are read from its own header, as a real decoder would say them."""

import io
import struct
from typing import Any

import pytest
from PIL import Image

from contracts.sniff import Media, sniff
from tests.unit.pictures import (
    MODES,
    TURNED,
    box,
    canvas,
    decoded,
    encoded,
    interlaced_png,
    jpeg_segment,
    mp4,
    png_chunk,
)

SIZES = [(1, 1), (7, 5), (16, 16), (300, 2), (3, 259), (1024, 768)]
THUMBNAIL = b"Exif\0\0" + encoded("jpeg", size=(8, 8))


def agrees(data: bytes, kind: str) -> None:
    """Hold what is sniffed against what Pillow decodes."""
    picture = decoded(data)
    assert (picture.format or "").lower() == kind
    assert sniff(data) == Media(kind, picture.width, picture.height)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kind", ["png", "jpeg", "webp", "avif"])
def test_sizes_are_what_a_decoder_says(kind: str, size: tuple[int, int]) -> None:
    """Every format at sizes that are odd, thin, tiny and usual."""
    agrees(encoded(kind, size=size), kind)


@pytest.mark.parametrize(
    ("kind", "mode"),
    [
        *(("png", mode) for mode in MODES if mode != "CMYK"),
        *(("jpeg", mode) for mode in ("L", "RGB", "CMYK")),
        *((kind, mode) for kind in ("webp", "avif") for mode in ("L", "RGB", "RGBA")),
    ],
)
def test_modes_are_what_a_decoder_says(kind: str, mode: str) -> None:
    """One bit, grey, 16 bits, palettes, alpha and inks."""
    agrees(encoded(kind, mode, (33, 17)), kind)


@pytest.mark.parametrize(
    ("kind", "mode", "options"),
    [
        ("jpeg", "RGB", {"progressive": True}),
        ("jpeg", "RGB", {"optimize": True, "subsampling": 0}),
        ("jpeg", "RGB", {"restart_marker_blocks": 1}),
        ("jpeg", "RGB", {"exif": THUMBNAIL}),
        ("jpeg", "RGB", {"exif": TURNED}),
        ("jpeg", "RGB", {"comment": b"\xff\xc0\xff\xd9"}),
        ("jpeg", "RGB", {"icc_profile": b"\xff\xd9" * 60_000}),
        ("jpeg", "RGB", {"xmp": b"\xff\xc0\0\x11"}),
        ("webp", "RGB", {"lossless": True}),
        ("webp", "RGBA", {"lossless": True}),
        ("webp", "RGBA", {"quality": 20}),
        ("webp", "RGB", {"exif": THUMBNAIL, "xmp": b"<x/>", "icc_profile": b"p"}),
        ("webp", "RGB", {"save_all": True, "append_images": [canvas("L", (40, 24))]}),
        ("png", "P", {"transparency": 0}),
        ("png", "RGB", {"exif": THUMBNAIL}),
        ("avif", "RGBA", {"exif": TURNED, "xmp": b"<x/>"}),
        ("avif", "RGB", {"save_all": True, "append_images": [canvas("RGB", (40, 24))]}),
    ],
)
def test_what_else_a_file_carries_does_not_mislead(kind: str, mode: str, options: dict[str, Any]) -> None:
    """Progressive scans, restarts, thumbnails, profiles, packets and frames change nothing of format and size."""
    agrees(encoded(kind, mode, (40, 24), **options), kind)


def test_an_interlaced_png_is_a_png() -> None:
    """Adam7 changes the order of the pixels alone."""
    agrees(interlaced_png(), "png")


def test_a_jpeg_may_be_padded_between_its_segments() -> None:
    """Any number of 0xFF may stand before a marker."""
    data = encoded("jpeg")
    agrees(data[:2] + b"\xff" * 5 + data[2:], "jpeg")


@pytest.mark.parametrize("long", [False, True])
def test_a_film_says_its_size_and_length(long: bool) -> None:  # noqa: FBT001
    """The largest track is the picture; the duration is in the header, with 32 or 64 bits."""
    assert sniff(mp4(640, 360, scale=600, length=1500, long=long)) == Media("mp4", 640, 360, 2.5)


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp", "avif"])
def test_a_media_type_comes_from_the_content(kind: str) -> None:
    """Each format has its one media type."""
    media = sniff(encoded(kind))
    assert media is not None
    assert media.media_type == f"image/{kind}"
    film = sniff(mp4())
    assert film is not None
    assert film.media_type == "video/mp4"


def foreign(kind: str) -> bytes:
    """Return a picture in a format that is not taken."""
    written = io.BytesIO()
    canvas("RGB").save(written, kind)
    return written.getvalue()


@pytest.mark.parametrize("kind", ["GIF", "BMP", "TIFF", "ICO", "PPM", "JPEG2000", "TGA", "PCX"])
def test_other_pictures_are_refused(kind: str) -> None:
    """What Pillow could read, but the contract does not name, is none of the five."""
    assert Image.open(io.BytesIO(foreign(kind)))
    assert sniff(foreign(kind)) is None


@pytest.mark.parametrize("brand", [b"heic", b"heix", b"mif1", b"msf1", b"hevc", b"qt  ", b"crx "])
def test_relatives_of_a_film_are_no_films(brand: bytes) -> None:
    """HEIC pictures and bursts, camera raw and QuickTime have the same boxes under another brand: refused."""
    burst = box(b"ftyp", brand, bytes(4), brand) + mp4()[24:]
    still = box(b"ftyp", brand, bytes(4), b"mif1heic") + box(b"meta", bytes(4), box(b"iprp", box(b"ipco", ispe(8, 8))))
    assert sniff(burst) is None
    assert sniff(still) is None


def ispe(width: int, height: int) -> bytes:
    """Return the property that holds a picture's size."""
    return box(b"ispe", bytes(4), struct.pack(">II", width, height))


@pytest.mark.parametrize(
    "data",
    [
        b"", b"\0", b"a shiba in space", b"<html></html>", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"%PDF-1.7",
        b"\x89PNG\r\n\x1a\n", b"\xff\xd8", b"\xff\xd8\xff", b"\xff\xd8\xff\xe0", b"RIFF\0\0\0\0WEBP",
        b"RIFF\0\0\0\0WAVEfmt ",
        b"RIFF\0\0\0\0WEBPVP8 ", b"RIFF\0\0\0\0WEBPVP8L\0\0\0\0\0", b"\0\0\0\x18ftypavif", b"\0\0\0\x18ftypisom",
        b"\0\0\0\x18ftyp", encoded("png")[:20], encoded("jpeg")[:30], encoded("webp")[:20], encoded("avif")[:40],
    ],
    ids=range(21),
)  # fmt: skip
def test_texts_and_broken_headers_are_refused(data: bytes) -> None:
    """A header that breaks off before the size says nothing."""
    assert sniff(data) is None


def test_a_side_of_nought_is_refused() -> None:
    """A picture without pixels is none, in every format that could say so."""
    png = b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", struct.pack(">IIBBBBB", 0, 5, 8, 2, 0, 0, 0))
    frame = jpeg_segment(0xC0, struct.pack(">BHHB", 8, 0, 5, 1))
    avif = box(b"ftyp", b"avif\0\0\0\0avif") + box(b"meta", bytes(4), box(b"iprp", box(b"ipco", ispe(0, 9))))
    lossy = bytearray(encoded("webp"))
    lossy[26:28] = b"\0\0"
    for data in (png, b"\xff\xd8" + frame, avif, bytes(lossy), mp4(0, 9)):
        assert sniff(data) is None


def test_a_scale_of_nought_is_refused() -> None:
    """A film whose seconds have no parts has no length that could be told."""
    assert sniff(mp4(scale=0)) is None
