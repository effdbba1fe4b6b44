"""Who a portrait shows: the choices that face, hair and dress share."""

from dataclasses import dataclass

from adapters.kit.motif.colour import Colour


@dataclass(frozen=True)
class Sitter:
    """Who is portrayed."""

    skin: Colour
    hair: Colour
    cloth: Colour
    accent: Colour
    cut: str
    hat: str
    beard: str
    old: bool
    feminine: bool
    glasses: bool
    seafarer: bool
    pipe: bool
    eyes: Colour
