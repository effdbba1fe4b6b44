"""Prompts with orders in them: names of characters and unwanted terms, written among the words and marked by a sign.

Which signs a dialect obeys its capability says; a dialect without them has only words. A name stands anywhere, between
spaces or commas; a term is a whole segment between commas; everything else is words.
"""

import re
from functools import cache

from msgspec import Struct

#: What parts words, as a set for regular expressions: JavaScript counts the byte order mark too.
SPACE = r"\s\ufeff"


class TagSyntax(Struct, frozen=True, kw_only=True):
    """The signs that make a token an order."""

    character: str
    negative: str


class Tagged(Struct, frozen=True, kw_only=True):
    """A prompt taken apart."""

    text: str
    #: In the order of the prompt, each once.
    characters: tuple[str, ...] = ()
    terms: tuple[str, ...] = ()


@cache
def _name(sign: str) -> re.Pattern[str]:
    return re.compile(rf"(?:^|(?<=[{SPACE},])){re.escape(sign)}([^{SPACE},]+)")


def active_syntax(syntax: TagSyntax) -> tuple[str, ...]:
    """Return the pattern of what could be read as an order: a sign before a token, or a negative before a segment."""
    signs = "".join(re.escape(sign) for sign in (syntax.negative, syntax.character))
    # A byte order mark parts words for one reader and is part of them for another: either way it is an order.
    token = rf"(?:^|[{SPACE},])([{signs}][^\s,]+)"
    segment = rf"(?:^|[,\n\r])[{SPACE}]*({re.escape(syntax.negative)})(?=[{SPACE},]|$)"
    return (f"{token}|{segment}",)


def read(raw: str, syntax: TagSyntax) -> Tagged:
    """Take a prompt apart; one without any order stays as it is, to the last space."""
    name = _name(syntax.character)
    characters = tuple(dict.fromkeys(name.findall(raw)))
    segments = [" ".join(re.split(rf"[{SPACE}]+", segment)).strip() for segment in name.sub(" ", raw).split(",")]
    orders = [each[len(syntax.negative) :].strip() for each in segments if each.startswith(syntax.negative)]
    if not characters and not orders:
        return Tagged(text=raw)
    words = ", ".join(each for each in segments if each and not each.startswith(syntax.negative))
    return Tagged(text=words, characters=characters, terms=tuple(each for each in orders if each))


def written(tagged: Tagged, syntax: TagSyntax) -> str:
    """Put a prompt together again: the names in front, then the words, the terms behind."""
    names = " ".join(f"{syntax.character}{each}" for each in tagged.characters)
    head = " ".join(each for each in (names, tagged.text) if each)
    return ", ".join((*((head,) if head else ()), *(f"{syntax.negative}{term}" for term in tagged.terms)))
