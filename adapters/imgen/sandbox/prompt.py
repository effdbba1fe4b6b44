"""Reads imgen's prompts (`@name`, comma-separated `-term`s, and the rest), and builds from them what a model is sent.

Sources are the seed's "Prompt Syntax" and "Server-side Prompt Construction", both kept to the letter.
"""

import re

from msgspec import Struct

from adapters.imgen.sandbox.catalogue import CHARACTERS, MODELS
from adapters.kit.scenario import TOKEN, without_tokens

_NAME = re.compile(r"(?:^|(?<=[\s,]))@([^\s,]+)")


class Parsed(Struct, frozen=True, kw_only=True):
    """A prompt taken apart. `tokens` are the sandbox's own and never reach a picture."""

    text: str
    character: str = ""
    terms: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    tokens: str = ""


def read(raw: str) -> Parsed:
    """Take a prompt apart: of several characters the first counts, and no name stays in the text."""
    tokens = " ".join(match.group() for match in TOKEN.finditer(raw))
    plain = without_tokens(raw)
    names = _NAME.findall(plain)
    segments = [" ".join(segment.split()) for segment in _NAME.sub(" ", plain).split(",")]
    terms = [segment[1:].strip() for segment in segments if segment.startswith("-")]
    return Parsed(
        text=", ".join(segment for segment in segments if segment and not segment.startswith("-")),
        character=next((name for name in names if name in CHARACTERS), ""),
        terms=tuple(term for term in terms if term),
        unknown=tuple(name for name in names if name not in CHARACTERS),
        tokens=tokens,
    )


def written(parsed: Parsed, text: str) -> str:
    """Return a prompt with another text: character in front, terms behind, as the seed's example shows it."""
    character = f"@{parsed.character} " if parsed.character else ""
    terms = "".join(f", -{term}" for term in parsed.terms)
    return f"{character}{text}{terms} {parsed.tokens}".strip()


def positive(parsed: Parsed, text: str, *, model: str, style: str) -> str:
    """Return `[trigger], [character_positive], <user prompt>[, <style quality tags>]`."""
    character = CHARACTERS.get(parsed.character)
    return _joined(
        character.trigger if character else "",
        character.positive if character else "",
        text,
        MODELS[model].styles[style].quality_tags,
    )


def negative(parsed: Parsed, explicit: str, *, model: str, style: str) -> str:
    """Return the base negative, then those of style and character, the prompt's `-terms`, and the explicit one."""
    character = CHARACTERS.get(parsed.character)
    return _joined(
        MODELS[model].base_negative,
        MODELS[model].styles[style].negative_extra,
        character.negative if character else "",
        ", ".join(parsed.terms),
        explicit.strip(),
    )


def _joined(*parts: str) -> str:
    return ", ".join(part for part in parts if part)
