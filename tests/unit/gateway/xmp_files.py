"""Pictures that carry XMP packets and content credentials, put together by hand."""

import struct

from tests.unit.pictures import TURNED, canvas, decoded, encoded, jpeg_segment, png_chunk, webp_chunk, webp_with

KEYWORD = b"XML:com.adobe.xmp\0"
JPEG_XMP = b"http://ns.adobe.com/xap/1.0/\0"
JPEG_MORE_XMP = b"http://ns.adobe.com/xmp/extension/\0"
#: The three formats whose packets are looked at, and the two chunks that a PNG may keep one in.
KINDS = ("png", "png text", "jpeg", "webp", "webp alpha")
FORMATS = {kind: kind.partition(" ")[0] for kind in KINDS}


def packet(inner: str) -> bytes:
    """Return an XMP packet around some XML."""
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="">'
        f'{inner}</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
    ).encode()


def plain(kind: str) -> bytes:
    """Return the picture without any packet, with other things around it that must stay."""
    match kind:
        case "png" | "png text":
            data = encoded("png")
            return data[:33] + png_chunk(b"pHYs", struct.pack(">IIB", 2835, 2835, 1)) + data[33:]
        case "jpeg":
            return encoded("jpeg", exif=TURNED, comment=b"a comment", icc_profile=b"icc")
        case "webp":
            return encoded("webp", exif=TURNED, icc_profile=b"icc!")
        case _:
            return encoded("webp", "RGBA", lossless=True, exif=TURNED)


def with_packet(kind: str, xmp: bytes) -> bytes:
    """Return the same picture with a packet where writers of that format put it."""
    data = plain(kind)
    match kind:
        case "png":
            return data[:33] + png_chunk(b"iTXt", KEYWORD + b"\0\0\0\0" + xmp) + data[33:]
        case "png text":
            return data[:33] + png_chunk(b"tEXt", KEYWORD + xmp) + data[33:]
        case "jpeg":
            return data[:2] + jpeg_segment(0xE1, JPEG_XMP + xmp) + data[2:]
        case "webp":
            return with_flag(webp_with(data, webp_chunk(b"XMP ", xmp)))
        case _:
            return encoded("webp", "RGBA", lossless=True, exif=TURNED, xmp=xmp)


def with_flag(webp: bytes) -> bytes:
    """Return an extended WebP whose header says that it has XMP."""
    return webp[:20] + bytes([webp[20] | 4]) + webp[21:]


def with_credentials(data: bytes, kind: str) -> bytes:
    """Return a picture with content credentials (C2PA) where each format keeps them."""
    manifest = b"\0\0\0\x1ejumb\0\0\0\x16jumdc2pa" + bytes(10)
    match FORMATS[kind]:
        case "png":
            return data[:33] + png_chunk(b"caBX", manifest) + data[33:]
        case "jpeg":
            return data[:2] + jpeg_segment(0xEB, b"JP\0\1\0\0\0\1" + manifest) + data[2:]
        case _:
            return webp_with(data, webp_chunk(b"C2PA", manifest))


def extended(first: bytes, rest: bytes, *, piece: int) -> bytes:
    """Return a JPEG whose packet goes on in further segments, each of at most `piece` bytes."""
    identity = b"0123456789ABCDEF0123456789ABCDEF"
    more = b"".join(
        jpeg_segment(0xE1, JPEG_MORE_XMP + identity + struct.pack(">II", len(rest), at) + rest[at : at + piece])
        for at in range(0, len(rest), piece)
    )
    data = plain("jpeg")
    return data[:2] + jpeg_segment(0xE1, JPEG_XMP + first) + more + data[2:]


def pixels(data: bytes) -> bytes:
    """Return what a file shows."""
    picture = decoded(data)
    assert picture.size == canvas().size
    return picture.tobytes()
