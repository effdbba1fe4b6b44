"""The prompt leaves a file with its packet, and nothing else does: no pixel, no other chunk, no signature."""

import base64
import html
import json
import struct
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.engine.strip import NEEDLE_CHARS, Stripped, strip_prompt
from tests.unit.gateway.xmp_files import (
    FORMATS,
    KEYWORD,
    KINDS,
    extended,
    packet,
    pixels,
    plain,
    with_credentials,
    with_flag,
    with_packet,
)
from tests.unit.pictures import encoded, jpeg_segments, png_chunk, png_chunks, webp_chunk, webp_chunks, webp_with

RECORDINGS = Path(__file__).parents[3] / "adapters" / "ima2" / "recordings"
PROMPT = "a shiba in space, on its way to the red moon of a far planet"
TITLE = packet('<dc:title xmlns:dc="http://purl.org/dc/elements/1.1/">Nightfall</dc:title>')
PIECES = {"png": png_chunks, "jpeg": jpeg_segments, "webp": webp_chunks}

#: What XML can hold: no control characters but tabs and new lines.
PROMPTS = st.text(
    st.characters(exclude_categories=("Cc", "Cs", "Cn", "Co"), include_characters="\n\t"), min_size=1, max_size=80
).filter(str.strip)


def as_attribute(text: str) -> str:
    """Write a text as ima2 does: JSON in an attribute, quotes as entities."""
    written = html.escape(json.dumps({"schema": "x", "prompt": text}, ensure_ascii=False), quote=False)
    return f'<ima2:Meta ima2:GenerationMetadata="{written.replace(chr(34), "&quot;")}"/>'


WAYS = {
    "as it is": lambda text: f"<x:prompt>{text}</x:prompt>",
    "escaped": lambda text: f"<x:prompt>{html.escape(text, quote=False)}</x:prompt>",
    "in an attribute": lambda text: f'<x:prompt value="{html.escape(text)}"/>',
    "with numbered entities": lambda text: "<x:prompt>" + "".join(f"&#{ord(each)};" for each in text) + "</x:prompt>",
    "as json": lambda text: f"<x:meta>{html.escape(json.dumps([text], ensure_ascii=False), quote=False)}</x:meta>",
    "as ascii json": lambda text: f"<x:meta>{html.escape(json.dumps([text]), quote=False)}</x:meta>",
    "as ima2 does": as_attribute,
}


@pytest.mark.parametrize("way", list(WAYS))
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "prompt",
    [PROMPT, "x < y & z > w", 'the "old" fox\'s den', "柴犬 in žluťoučký ⚘ 🚀", 'a\\b "\n\tc', "&amp; &lt;i&gt;"],
)
def test_a_packet_with_the_prompt_goes_however_it_is_written(kind: str, prompt: str, way: str) -> None:
    """What is left is the very file without its packet."""
    data = with_packet(kind, packet(WAYS[way](prompt)))
    result = strip_prompt(data, FORMATS[kind], ["another prompt of another job", prompt])
    assert result.removed
    assert not result.has_credentials
    assert result.data == plain(kind)


@settings(max_examples=150, deadline=None)
@given(
    prompt=PROMPTS,
    way=st.sampled_from(list(WAYS)),
    kind=st.sampled_from(KINDS),
)
def test_no_beginning_of_any_prompt_is_left(prompt: str, way: str, kind: str) -> None:
    """Whatever the prompt is made of and however it was written, its packet is gone and the picture is the same."""
    data = with_packet(kind, packet(WAYS[way](prompt)))
    result = strip_prompt(data, FORMATS[kind], [prompt])
    assert result.data == plain(kind)
    assert pixels(result.data) == pixels(data)


@pytest.mark.parametrize("kind", KINDS)
def test_what_the_recorded_server_wrote_is_found(kind: str) -> None:
    """A server may cut a prompt short or go on after it: its first 40 characters are enough, and needed."""
    shortened = packet(f"<x:p>{PROMPT[:NEEDLE_CHARS]}…</x:p>")
    assert strip_prompt(with_packet(kind, shortened), FORMATS[kind], [f"  {PROMPT}  "]).removed
    shorter = packet(f"<x:p>{PROMPT[: NEEDLE_CHARS - 1]}…</x:p>")
    assert not strip_prompt(with_packet(kind, shorter), FORMATS[kind], [PROMPT]).removed


def test_pngs_of_ima2_have_their_packet_where_it_was_recorded() -> None:
    """The real server writes a `tEXt` chunk of the packet's name (node_file): that is one of the places looked at."""
    recorded = json.loads((RECORDINGS / "node_file.json").read_text())
    head = base64.b64decode(recorded["response"]["body_b64"])
    kinds, at = [], 8
    while at + 8 < len(head):
        length, kind = struct.unpack_from(">I4s", head, at)
        kinds.append(kind)
        at += 12 + length
    assert kinds == [b"IHDR", b"pHYs", b"tEXt"]
    assert KEYWORD in head
    assert strip_prompt(with_packet("png text", packet(as_attribute(PROMPT))), "png", [PROMPT]).removed


@pytest.mark.parametrize("kind", KINDS)
def test_a_packet_that_says_other_things_stays(kind: str) -> None:
    """Somebody may have asked for a title: without the prompt in it, the file is byte for byte the same."""
    data = with_packet(kind, TITLE)
    assert strip_prompt(data, FORMATS[kind], [PROMPT, ""]) == Stripped(data)
    assert strip_prompt(plain(kind), FORMATS[kind], [PROMPT]) == Stripped(plain(kind))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("prompts", [[], [""], ["  \n "]])
def test_without_a_prompt_nothing_is_looked_for(kind: str, prompts: list[str]) -> None:
    """An empty prompt is in every packet, and takes none away."""
    data = with_packet(kind, TITLE)
    assert strip_prompt(data, FORMATS[kind], prompts) == Stripped(data)


@pytest.mark.parametrize("kind", KINDS)
def test_everything_else_in_the_file_stays(kind: str) -> None:
    """Densities, profiles, EXIF, comments and pixels: every piece but the packet, in its order."""
    data = with_packet(kind, packet(as_attribute(PROMPT)))
    result = strip_prompt(data, FORMATS[kind], [PROMPT])
    pieces = PIECES[FORMATS[kind]]
    left, before = pieces(result.data), pieces(data)
    gone = [piece for piece in before if piece not in left and piece[0] != b"VP8X"]
    assert len(gone) == 1
    assert PROMPT.encode() in gone[0][1]
    assert len(left) == len(before) - 1
    assert len(result.data) < len(data)
    assert pixels(result.data) == pixels(data)


@pytest.mark.parametrize("kind", KINDS)
def test_a_signed_file_is_never_touched(kind: str) -> None:
    """With content credentials it stays byte for byte, the prompt in it or not, and that is told."""
    for data in (with_packet(kind, packet(as_attribute(PROMPT))), plain(kind)):
        signed = with_credentials(data, kind)
        assert strip_prompt(signed, FORMATS[kind], [PROMPT]) == Stripped(signed, has_credentials=True)


def test_credentials_behind_the_packet_count_too() -> None:
    """A PNG may be signed in a chunk after its packet, and even after its pixels."""
    data = with_packet("png", packet(as_attribute(PROMPT)))
    signed = data[:-12] + png_chunk(b"caBX", b"jumb") + data[-12:]
    assert strip_prompt(signed, "png", [PROMPT]) == Stripped(signed, has_credentials=True)


@pytest.mark.parametrize("split", [-300, 0, 1, 20, NEEDLE_CHARS - 1, NEEDLE_CHARS])
def test_a_packet_that_goes_on_in_further_segments_goes_as_a_whole(split: int) -> None:
    """The prompt may lie in a further segment of a JPEG, or across two of them: none of the segments is left."""
    rest = b"x" * 500 + packet(as_attribute(PROMPT)) + b"y" * 500
    data = extended(TITLE, rest, piece=rest.index(PROMPT.encode()) + split)
    assert len(jpeg_segments(data)) > len(jpeg_segments(plain("jpeg"))) + 2
    assert strip_prompt(data, "jpeg", [PROMPT]) == Stripped(plain("jpeg"), removed=True)


def test_a_long_packet_without_the_prompt_stays_as_a_whole() -> None:
    """Segments stay together too."""
    data = extended(TITLE, b"x" * 2500, piece=1000)
    assert strip_prompt(data, "jpeg", [PROMPT]) == Stripped(data)


def test_a_jpeg_may_be_padded_before_its_packet() -> None:
    """Bytes that only fill stand before a marker, and hide nothing."""
    data = with_packet("jpeg", packet(as_attribute(PROMPT)))
    padded = data[:2] + b"\xff" * 3 + data[2:]
    result = strip_prompt(padded, "jpeg", [PROMPT])
    assert result.removed
    assert PROMPT.encode() not in result.data
    assert pixels(result.data) == pixels(data)


def test_a_webp_keeps_its_own_length_and_its_flags() -> None:
    """Its header says anew how long it is and that there is no XMP; what lies behind its end stays."""
    data = with_packet("webp", packet(as_attribute(PROMPT)))
    result = strip_prompt(data + b"tail", "webp", [PROMPT])
    assert result.data == plain("webp") + b"tail"
    odd = with_flag(webp_with(plain("webp"), webp_chunk(b"XMP ", b"p" + PROMPT.encode()), webp_chunk(b"ODD ", b"1")))
    left = strip_prompt(odd, "webp", [PROMPT]).data
    assert webp_chunks(left)[-1] == (b"ODD ", b"1")
    assert len(left) == struct.unpack_from("<I", left, 4)[0] + 8


@pytest.mark.parametrize("file_format", ["avif", "mp4"])
def test_other_formats_are_left_alone(file_format: str) -> None:
    """What has no packet of the known kind is not walked."""
    data = encoded("avif", xmp=packet(as_attribute(PROMPT)))
    assert strip_prompt(data, file_format, [PROMPT]) == Stripped(data)


@settings(max_examples=200, deadline=None)
@given(
    kind=st.sampled_from(KINDS),
    at=st.integers(0, 2000),
    new=st.binary(max_size=6),
    length=st.none() | st.integers(0, 2000),
)
def test_no_damaged_file_breaks_it(kind: str, at: int, new: bytes, length: int | None) -> None:
    """Whatever a backend delivers, nothing raises, nothing grows, and what was not removed is there unchanged."""
    whole = bytearray(with_packet(kind, packet(as_attribute(PROMPT))))
    whole[at % len(whole) : at % len(whole) + len(new)] = new
    data = bytes(whole[:length])
    result = strip_prompt(data, FORMATS[kind], [PROMPT])
    assert len(result.data) <= len(data)
    assert result.removed == (len(result.data) < len(data))
    if not result.removed:
        assert result.data == data
