"""The language model behind `optimize` and the builder behind `random`: both give the same for the same."""

from hashlib import sha256

from adapters.imgen.sandbox.catalogue import CHARACTERS
from adapters.imgen.sandbox.prompt import Parsed

#: Longer prompts come back as they are: a no-op enhancement is part of the promise (seed, "action: optimize").
LONG_PROMPT = 200
LIGHTS = ("lit by a large window", "in warm side light", "with a gentle rim light", "under an overcast sky")
FRAMINGS = ("framed at eye level", "in a wide composition", "close to the camera", "with generous space around")
DETAILS = ("finely textured", "with rich materials", "with a balanced palette", "with deep contrast")
SUBJECTS = (
    "walking along a quiet beach", "reading in a small cafe", "in a garden full of lavender", "on a mountain path",
    "at the window of a lighthouse", "in a city street after the rain", "beside a sailing boat", "in a pine forest",
)  # fmt: skip
CLOTHES = ("linen shirt", "woollen coat", "yellow raincoat", "summer dress", "denim jacket", "dark suit")
HOURS = ("at dawn", "at noon", "at sunset", "by night", "in morning fog")
UNWANTED = ("blurry background", "harsh shadows", "crowd", "text")


def enhanced(parsed: Parsed) -> str:
    """Return a richer text, or the same one where there is nothing to add."""
    if not parsed.text or len(parsed.text) > LONG_PROMPT:
        return parsed.text
    extras = (picked(choices, "optimize", parsed.text) for choices in (LIGHTS, FRAMINGS, DETAILS))
    return ", ".join((parsed.text, *extras))


def invented(character: object, *, count: int) -> str:
    """Return the `count`-th prompt of this process. A character that is not known counts as not named (seed)."""
    if character == "":
        name = ""
    elif isinstance(character, str) and character in CHARACTERS:
        name = character
    else:
        name = picked(tuple(CHARACTERS), "character", count)
    words = (picked(choices, "random", count, place) for place, choices in enumerate((CLOTHES, SUBJECTS, HOURS)))
    return f"{f'@{name} ' if name else ''}{', '.join(words)}, -{picked(UNWANTED, 'unwanted', count)}"


def picked(choices: tuple[str, ...], *seed: object) -> str:
    """Return one of the choices: always the same one for the same seed."""
    return choices[number(*seed) % len(choices)]


def number(*seed: object) -> int:
    """Return a number of 32 bits that depends on nothing but the seed."""
    return int.from_bytes(sha256("\n".join(map(str, seed)).encode()).digest()[:4], "big")
