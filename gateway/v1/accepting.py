"""Which of several forms of an answer a caller wants most, by its Accept header (RFC 9110 §12.5.1).

The framework's own reader lets `*/*` stand above what is refused by `q=0`, and falls over `q=inf`.
"""

from msgspec import Struct


class Wish(Struct, frozen=True):
    """One element of an Accept header: what it names, and how much it is wanted (0 to 1)."""

    media_type: str
    quality: float


def preferred(accept: str | None, *offered: str) -> str:
    """Return what of the offered is wanted most; at equal wishes, and where nothing is wanted, the first offered.

    A caller that accepts none of them gets the first all the same: who wants to know what an error means is not helped
    by another error.
    """
    if accept is None:
        return offered[0]
    wishes = [_wish(each) for each in accept.split(",") if each.strip()]
    return max(offered, key=lambda each: (_quality(each, wishes), -offered.index(each)))


def _quality(media_type: str, wishes: list[Wish]) -> float:
    """Return how much a type is wanted: what names it most exactly decides, not what comes first or is the greatest."""
    general = media_type.partition("/")[0] + "/*"
    for name in (media_type, general, "*/*"):
        named = [wish.quality for wish in wishes if wish.media_type == name]
        if named:
            return max(named)
    return 0.0


def _wish(element: str) -> Wish:
    media_type, *parameters = (part.strip().lower() for part in element.split(";"))
    quality = 1.0
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            quality = _number(value.strip())
    return Wish(media_type, quality)


def _number(text: str) -> float:
    """Return a weight; what is none counts as the whole."""
    digits = text.replace(".", "", 1)
    return min(float(text), 1.0) if digits.isascii() and digits.isdecimal() and len(text) <= 5 else 1.0
