"""The stored file: converted to the format that was asked, with the whole prompt embedded as XMP (wire §3).

So the bytes of a stored file are never those of the inline picture. A format that is none is stored as it came.
"""

import io
import zlib
from html import escape
from struct import pack
from typing import Any

import msgspec
from PIL import Image

_NAMESPACE = "https://github.com/lidge-jun/ima2-gen/ns/1.0/"
#: Pillow's names of the formats that are embedded.
_FORMATS = {"png": "PNG", "jpeg": "JPEG", "jpg": "JPEG", "webp": "WEBP"}
_TEXTS = (
    "prompt",
    "userPrompt",
    "revisedPrompt",
    "promptMode",
    "quality",
    "size",
    "format",
    "moderation",
    "model",
    "provider",
    "sessionId",
    "nodeId",
    "parentNodeId",
    "clientNodeId",
    "requestId",
)
_AFTER_HEADER = 33


def stored(picture: bytes, format_name: Any, meta: dict[str, Any], version: str) -> bytes:
    """Return the bytes of the stored file; what cannot be converted is stored as it is."""
    name = _FORMATS.get(format_name) if isinstance(format_name, str) else None
    if name is None:
        return picture
    packet = _packet(meta, version)
    try:
        image = Image.open(io.BytesIO(picture))
        image.load()
    except (OSError, SyntaxError):
        return picture
    written = io.BytesIO()
    match name:
        case "PNG":
            image.save(written, "PNG", compress_level=1)
            return _with_chunks(written.getvalue(), packet)
        case "JPEG":
            image.convert("RGB").save(written, "JPEG", quality=80)
            return _with_segment(written.getvalue(), packet)
        case _:
            image.save(written, "WEBP", quality=80, xmp=packet)
            return written.getvalue()


def _packet(meta: dict[str, Any], version: str) -> bytes:
    payload = {
        "schema": "ima2.generation.v1",
        "app": "ima2-gen",
        "version": version,
        "createdAt": meta.get("createdAt"),
        "kind": meta.get("kind"),
        **{name: meta.get(name) for name in _TEXTS},
        "refsCount": meta.get("refsCount", 0),
        "webSearchCalls": meta.get("webSearchCalls", 0),
        "styleSheetApplied": False,
    }
    text = escape(msgspec.json.encode(payload).decode(), quote=False).replace('"', "&quot;")
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f'<rdf:Description xmlns:ima2="{_NAMESPACE}" ima2:GenerationMetadata="{text}"/></rdf:RDF></x:xmpmeta>'
        '<?xpacket end="w"?>'
    ).encode()


def _with_chunks(png: bytes, packet: bytes) -> bytes:
    """Put `pHYs` and the packet after the header, as the real server's files have them (recorded: node_file)."""
    density = _chunk(b"pHYs", pack(">IIB", 2835, 2835, 1))
    text = _chunk(b"tEXt", b"XML:com.adobe.xmp\0" + packet)
    return png[:_AFTER_HEADER] + density + text + png[_AFTER_HEADER:]


def _chunk(kind: bytes, content: bytes) -> bytes:
    return pack(">I", len(content)) + kind + content + pack(">I", zlib.crc32(kind + content))


def _with_segment(jpeg: bytes, packet: bytes) -> bytes:
    """Put the packet first, in front of everything else (recorded: file_jpeg)."""
    content = b"http://ns.adobe.com/xap/1.0/\0" + packet
    if len(content) > 0xFFFD:
        return jpeg
    return jpeg[:2] + b"\xff\xe1" + pack(">H", len(content) + 2) + content + jpeg[2:]
