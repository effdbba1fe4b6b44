"""Writes who made a picture into its metadata: XMP and EXIF, an emulation of C2PA that says so and signs nothing.

The seed calls the `cs_*` fields a "C2PA override": what is not overridden is the service's own.
"""

from collections.abc import Mapping
from xml.sax.saxutils import escape, quoteattr

from PIL import Image

#: What the service says of itself where `cs_*` says nothing. Invented: the seed shows no manifest.
DEFAULTS = {
    "author": "imgen",
    "title": "Generated image",
    "description": "Made by a generative model",
    "organization": "imgen",
    "vendor": "imgen API v2",
}
#: EXIF's ImageDescription, Software, Artist and Copyright.
_DESCRIPTION, _SOFTWARE, _ARTIST, _COPYRIGHT = 0x010E, 0x0131, 0x013B, 0x8298


def credited(overrides: Mapping[str, str]) -> dict[str, str]:
    """Return all five credentials, each one overridden where an override is not empty."""
    return {name: overrides.get(name) or default for name, default in DEFAULTS.items()}


def exif(credentials: Mapping[str, str]) -> bytes:
    """Return the credentials as EXIF."""
    fields = Image.Exif()
    fields[_DESCRIPTION] = credentials["description"]
    fields[_SOFTWARE] = credentials["vendor"]
    fields[_ARTIST] = credentials["author"]
    fields[_COPYRIGHT] = credentials["organization"]
    return fields.tobytes()


def xmp(credentials: Mapping[str, str]) -> bytes:
    """Return the credentials as an XMP packet."""
    lines = "".join(f"   <imgen:{name}>{escape(value)}</imgen:{name}>\n" for name, value in credentials.items())
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/">\n'
        ' <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">\n'
        '  <rdf:Description rdf:about="" xmlns:imgen="urn:imgen:credentials"'
        f" imgen:kind={quoteattr('emulation of C2PA, not signed')}>\n"
        f"{lines}"
        "  </rdf:Description>\n </rdf:RDF>\n</x:xmpmeta>\n"
    ).encode()
