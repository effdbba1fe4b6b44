"""Files that were cut, damaged, or made to keep the reader busy: told, and never a crash."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.sniff import MAX_DEPTH, MAX_PIECES, Media, sniff
from tests.unit.pictures import box, encoded, interlaced_png, jpeg_segment, mp4, png_chunk

THUMBNAIL = b"Exif\0\0" + encoded("jpeg", size=(8, 8))
#: Real files of every kind; some hold a whole picture in their header.
FILES: dict[str, bytes] = {
    "png": encoded("png", size=(40, 30)),
    "png 16 bit": encoded("png", "I;16"),
    "png with a png in it": encoded("png")[:33] + png_chunk(b"caBX", encoded("png")) + encoded("png")[33:],
    "interlaced png": interlaced_png(),
    "jpeg": encoded("jpeg", size=(40, 30)),
    "progressive jpeg": encoded("jpeg", size=(40, 30), progressive=True),
    "jpeg with a thumbnail": encoded("jpeg", exif=THUMBNAIL),
    "cmyk jpeg": encoded("jpeg", "CMYK"),
    "webp": encoded("webp", size=(40, 30)),
    "lossless webp": encoded("webp", lossless=True),
    "webp with alpha": encoded("webp", "RGBA"),
    "avif": encoded("avif"),
    "avif with alpha": encoded("avif", "RGBA"),
    "mp4": mp4(),
    "long mp4": mp4(long=True),
}


@pytest.mark.parametrize("name", list(FILES))
def test_a_file_cut_anywhere_is_never_complete(name: str) -> None:
    """Wherever a file is cut it is unreadable, or known and told to be incomplete; whole it is complete."""
    data = FILES[name]
    whole = sniff(data)
    assert whole is not None
    assert whole.complete
    for length in range(len(data)):
        part = sniff(data[:length])
        assert part is None or not part.complete, length


@pytest.mark.parametrize("name", [name for name in FILES if "mp4" not in name])
def test_a_picture_says_what_it_is_long_before_its_end(name: str) -> None:
    """Half a picture is enough to know format and size: a header of base64 is sniffed before the whole is decoded."""
    data = FILES[name]
    whole, half = sniff(data), sniff(data[: len(data) - 2])
    assert whole is not None
    assert half == Media(whole.format, whole.width, whole.height, complete=False)


@settings(max_examples=300, deadline=None)
@given(data=st.binary(max_size=200))
def test_no_bytes_break_it(data: bytes) -> None:
    """Whatever comes, the answer is what it is, or that it is nothing."""
    for start in (b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"RIFF\0\0\0\0WEBPVP8", b"\0\0\0\x10ftypavif\0\0\0\0"):
        found = sniff(start + data)
        assert found is None or (found.width > 0 and found.height > 0)


@settings(max_examples=300, deadline=None)
@given(
    name=st.sampled_from(list(FILES)),
    at=st.integers(0, 700),
    new=st.binary(min_size=1, max_size=9),
    length=st.none() | st.integers(0, 700),
)
def test_no_damage_breaks_it(name: str, at: int, new: bytes, length: int | None) -> None:
    """Real files with bytes overwritten, and then perhaps cut."""
    data = bytearray(FILES[name])
    data[at % len(data) : at % len(data) + len(new)] = new
    found = sniff(bytes(data[:length]))
    assert found is None or (found.width > 0 and found.height > 0)


def test_boxes_within_boxes_without_end_are_no_film() -> None:
    """A box that holds a box that holds a box: no deeper than any real file, and never as deep as Python's stack."""
    nested = b""
    for _ in range(5000):
        nested = box(b"moov", nested)
    assert sniff(box(b"ftyp", b"isom\0\0\0\0") + nested) is None
    for depth, found in ((MAX_DEPTH - 2, True), (MAX_DEPTH + 1, False)):
        inner = mp4()[24:-24]
        for _ in range(depth):
            inner = box(b"moov", inner)
        assert (sniff(mp4()[:24] + inner + mp4()[-24:]) is not None) == found


def test_pieces_without_end_are_not_walked_to_their_end() -> None:
    """A header of more pieces than any real file has is refused, however small each of them is."""
    jpeg = encoded("jpeg")
    few, many = (jpeg_segment(0xE0, b"") * count for count in (MAX_PIECES - 10, MAX_PIECES))
    assert sniff(jpeg[:2] + few + jpeg[2:]) is not None
    assert sniff(jpeg[:2] + many + jpeg[2:]) is None
    assert sniff(jpeg[:2] + b"\xff" * MAX_PIECES + jpeg[2:]) is None
    film = mp4()
    few, many = (box(b"free") * count for count in (MAX_PIECES - 20, MAX_PIECES))
    assert sniff(film[:24] + few + film[24:]) is not None
    assert sniff(film[:24] + many + film[24:]) is None


@pytest.mark.parametrize("size", [0, 1, 7, 2**31, 2**32 - 1])
def test_a_box_that_lies_about_its_size_ends_the_walk(size: int) -> None:
    """A size of nought reaches to the end, one too small leads nowhere, one too large is incomplete."""
    film = mp4()
    found = sniff(film[:-24] + size.to_bytes(4, "big") + film[-20:])
    if size == 0:
        assert found == sniff(film)
    else:
        assert found is None or not found.complete


def test_a_box_may_say_its_size_in_64_bits() -> None:
    """A film of more than four gigabytes does so; here it is small."""
    film = mp4()
    long = (1).to_bytes(4, "big") + b"mdat" + (32).to_bytes(8, "big") + bytes(16)
    assert sniff(film[:-24] + long) == sniff(film)
    assert sniff(film[:-24] + long[:-1]) != sniff(film)
