"""What tells one animal from another when all of them sit the same way: coat, ears, face and tail."""

from dataclasses import dataclass

from adapters.kit.motif.colour import Colour, from_lch, hexed, shift, to_lch
from adapters.kit.motif.tint import NAMED


@dataclass(frozen=True)
class Species:
    """One animal's build, by the names of the parts that draw it."""

    coat: str
    pale: str
    dark: str
    ears: str
    face: str
    tail: str
    head: str = "round"
    eyes: str = "#2a1c1a"
    #: Words for extra parts: socks, stripes, mane, whiskers, patches, tongue, blush.
    extras: frozenset[str] = frozenset()


def _marks(words: str) -> frozenset[str]:
    return frozenset(words.split())


SPECIES: dict[str, tuple[Species, ...]] = {
    "dog": (
        Species("#e39a55", "#fff1dc", "#c4703a", "pointed", "urajiro", "curl", extras=_marks("brows blush")),
        Species("#e8a765", "#fff4e2", "#c57f45", "pointed", "urajiro", "curl", extras=_marks("brows tongue")),
        Species("#c98552", "#fbe8d0", "#8a5233", "floppy", "urajiro", "curl", extras=_marks("tongue")),
    ),
    "wolf": (
        Species("#7d8796", "#eef0f0", "#4a5361", "tall", "mask", "brush", "cheeks", "#3a2d16", _marks("socks")),
        Species("#5d6470", "#e6e4e0", "#343944", "tall", "mask", "brush", "cheeks", "#3a2d16", _marks("socks")),
    ),
    "fox": (
        Species("#dd6f2f", "#fff3e4", "#3a2320", "tall", "mask", "brush", "cheeks", extras=_marks("socks tips")),
        Species("#cf5c2a", "#fdeede", "#33201f", "tall", "mask", "brush", "cheeks", extras=_marks("socks tips blush")),
    ),
    "cat": (
        Species("#8f8b90", "#efe9e4", "#5f5a62", "pointed", "cat", "wave", extras=_marks("stripes whiskers")),
        Species("#e0a05c", "#fff0dd", "#b5703a", "pointed", "cat", "wave", extras=_marks("stripes whiskers blush")),
        Species("#3b3744", "#5a5563", "#24212b", "pointed", "cat", "wave", extras=_marks("whiskers")),
        Species("#f3e6d6", "#fffaf2", "#8c6f60", "pointed", "cat", "wave", extras=_marks("tips whiskers blush")),
    ),
    "bear": (
        Species("#94643f", "#d9b185", "#5f3d27", "small", "snout", "stub"),
        Species("#7a5a4a", "#cfae92", "#4d362d", "small", "snout", "stub", extras=_marks("blush")),
    ),
    "panda": (Species("#f6f2ea", "#fffdf8", "#2d2b31", "small", "snout", "stub", extras=_marks("patches socks tips")),),
    "rabbit": (
        Species("#cfb79f", "#fdf5ea", "#a58669", "long", "bunny", "stub", extras=_marks("blush whiskers")),
        Species("#f1ebe4", "#fffdfa", "#cdbfb4", "long", "bunny", "stub", extras=_marks("blush whiskers")),
    ),
    "tiger": (Species("#e88f36", "#fff3e0", "#33211d", "small", "urajiro", "wave", extras=_marks("stripes whiskers")),),
    "lion": (Species("#e0ad62", "#fbe9c8", "#9a5a2c", "small", "snout", "wave", extras=_marks("mane whiskers")),),
    "mouse": (Species("#a9a3ab", "#efe8e8", "#7d7580", "dish", "bunny", "thin", extras=_marks("whiskers blush")),),
}


def dressed(species: Species, coat: str) -> tuple[Colour, Colour, Colour]:
    """Return coat, pale and dark colours, turned towards a colour word if the prompt gave the animal one."""
    own, pale, dark = hexed(species.coat), hexed(species.pale), hexed(species.dark)
    if coat not in NAMED:
        return own, pale, dark
    lightness, chroma, hue = to_lch(NAMED[coat])
    if chroma < 0.05:
        # Black, white and grey replace the coat; a black animal keeps enough light to show its shape.
        own = from_lch(min(max(lightness, 0.33), 0.94), chroma, hue)
        pale = shift(own, light=0.12 if lightness < 0.6 else 0.05)
        return own, pale, shift(own, light=-0.12 if lightness < 0.6 else -0.22)
    own_lightness, own_chroma, own_hue = to_lch(own)
    if abs(own_hue - hue) < 50:
        # "A red fox" is a rust-coloured one: a near hue is only leaned towards.
        hue = own_hue + (hue - own_hue) * 0.4
    own = from_lch((own_lightness + lightness) / 2, max(own_chroma, chroma * 0.85), hue)
    return own, pale, dark if "socks" in species.extras else shift(own, light=-0.16)
