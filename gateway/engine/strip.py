"""Taking the prompt out of a file without touching its picture: the XMP packet goes, every other byte stays.

ima2 writes the whole prompt into the files it stores (wire §3). A file that carries content credentials (C2PA) is
never changed: removing anything would break their signature. They are only reported.
"""

import html
import json
from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

_PNG = b"\x89PNG\r\n\x1a\n"
_XMP_KEYWORD = b"XML:com.adobe.xmp\x00"
#: ima2 writes the packet into `tEXt` (recorded: node_file), where the standard says `iTXt`.
_PNG_TEXTS = (b"tEXt", b"iTXt")
_JPEG_XMP = b"http://ns.adobe.com/xap/1.0/\x00"
_JPEG_MORE_XMP = b"http://ns.adobe.com/xmp/extension/\x00"
#: What stands between the name of a further segment and its text: an id, the whole length, the place.
_JPEG_MORE_HEAD = 32 + 4 + 4
_WEBP_HAS_XMP = 0x04
#: So much of a prompt is looked for: enough to be sure, little enough to survive a server's shortening.
NEEDLE_CHARS = 40


class Stripped(Struct, frozen=True):
    """The bytes to store, and what was found in them."""

    data: bytes
    removed: bool = False
    has_credentials: bool = False


def strip_prompt(data: bytes, file_format: str, prompts: Sequence[str]) -> Stripped:
    """Return the file without the XMP packets that hold a prompt, or unchanged when there is none.

    A packet that says other things (who made it, under which title) stays: somebody may have asked for it.
    """
    walk = {"png": _png, "jpeg": _jpeg, "webp": _webp}.get(file_format)
    if walk is None:
        return Stripped(data)
    pieces = list(walk(data))
    if any(kind == "credentials" for kind, _ in pieces):
        return Stripped(data, has_credentials=True)
    packets = [piece for kind, piece in pieces if kind == "xmp"]
    needles = {needle for prompt in prompts for needle in _needles(prompt)}
    if file_format == "jpeg":
        # A packet that is too long for one segment goes on in others: they stay or go together.
        told = set(packets) if _tells(b"".join(map(_packet_text, packets)), needles) else set()
    else:
        told = {packet for packet in packets if _tells(packet, needles)}
    if not told:
        return Stripped(data)
    stripped = b"".join(piece for kind, piece in pieces if kind != "xmp" or piece not in told)
    if file_format == "webp":
        stripped = _rewrap_webp(stripped, len(data) - len(stripped))
    return Stripped(stripped, removed=True)


def _needles(prompt: str) -> set[str]:
    """Return how the beginning of a prompt may be written: plain, or as JSON."""
    start = prompt.strip()[:NEEDLE_CHARS]
    return {start, json.dumps(start, ensure_ascii=False)[1:-1], json.dumps(start)[1:-1]} if start else set()


def _tells(packet: bytes, needles: Iterable[str]) -> bool:
    """Say whether a packet holds one of the texts, as it stands or once XML's escapes are read."""
    text = packet.decode(errors="replace")
    return any(needle in each for each in (text, html.unescape(text)) for needle in needles)


def _png(data: bytes) -> Iterator[tuple[str, bytes]]:
    yield "head", data[:8]
    at = 8
    while at + 8 <= len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        kind = data[at + 4 : at + 8]
        end = at + 12 + length
        piece = data[at:end]
        if kind in _PNG_TEXTS and piece[8:].startswith(_XMP_KEYWORD):
            yield "xmp", piece
        else:
            yield ("credentials" if kind == b"caBX" else "chunk"), piece
        at = end
        if kind == b"IDAT":
            # Metadata may also follow the picture; pixels are passed over whole.
            continue
    yield "tail", data[at:]


def _jpeg(data: bytes) -> Iterator[tuple[str, bytes]]:
    yield "head", data[:2]
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF and data[at + 1] != 0xDA:
        marker = data[at + 1]
        # A marker may be preceded by any number of bytes that only fill.
        length = -1 if marker == 0xFF else int.from_bytes(data[at + 2 : at + 4], "big")
        piece = data[at : at + 2 + length]
        if marker == 0xE1 and piece[4:].startswith((_JPEG_XMP, _JPEG_MORE_XMP)):
            yield "xmp", piece
        else:
            yield ("credentials" if marker == 0xEB and b"jumb" in piece[:64] else "segment"), piece
        at += 2 + length
    yield "tail", data[at:]


def _packet_text(segment: bytes) -> bytes:
    content = segment[4:]
    if content.startswith(_JPEG_MORE_XMP):
        return content[len(_JPEG_MORE_XMP) + _JPEG_MORE_HEAD :]
    return content[len(_JPEG_XMP) :]


def _webp(data: bytes) -> Iterator[tuple[str, bytes]]:
    yield "head", data[:12]
    at = 12
    while at + 8 <= len(data):
        kind = data[at : at + 4]
        length = int.from_bytes(data[at + 4 : at + 8], "little")
        end = at + 8 + length + (length & 1)
        name = {b"XMP ": "xmp", b"C2PA": "credentials"}.get(kind, "chunk")
        yield name, data[at:end]
        at = end
    yield "tail", data[at:]


def _rewrap_webp(data: bytes, removed: int) -> bytes:
    """Mend the length of the whole, and the flag that says that there is XMP."""
    fixed = bytearray(data)
    fixed[4:8] = max(int.from_bytes(data[4:8], "little") - removed, 0).to_bytes(4, "little")
    if fixed[12:16] == b"VP8X":
        fixed[20] &= ~_WEBP_HAS_XMP & 0xFF
    return bytes(fixed)
