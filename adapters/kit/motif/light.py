"""The light a scene stands in: a curated palette for each hour and weather, a little different for each seed."""

from dataclasses import dataclass

import numpy as np

from adapters.kit.motif.colour import Colour, hexed, hexes, mix, shift

#: Sky from the zenith to the horizon; far and near land; foliage; the sun or moon.
_LIGHTS: dict[str, tuple[tuple[str, str, str, str, str], ...]] = {
    "day": (
        ("#3d86c6 #7fbfe3 #cfe9ee #f4f3e3", "#a9cdd6", "#24524f", "#5f9152", "#fff3cf"),
        ("#4a9bb8 #93cfd0 #dcefdc #fbf0d2", "#b3d2c4", "#2c5048", "#7a9a4c", "#fff0c4"),
        ("#5b8fd0 #a3c4ea #e3e8f2 #fdeee0", "#b9c6dd", "#324a66", "#5c8a6a", "#fff4dc"),
    ),
    "dawn": (
        ("#33477c #7d7fae #d9a0ac #f9c4a0 #ffe7bd", "#b795ab", "#2b2f52", "#4b5f6a", "#fff0cc"),
        ("#3f6689 #8eaebd #e4c9bb #fbd9b0 #fff0d0", "#b9b6b8", "#2c4254", "#55756a", "#fff4d8"),
        ("#4b3f72 #9a6f9c #e79a9a #fcc9a0 #ffe9c2", "#c398a8", "#32274d", "#5b5468", "#ffeccb"),
    ),
    "sunset": (
        ("#2a2455 #7d3f74 #d9626a #f8a060 #ffd58a", "#a95c72", "#241a3a", "#4a3344", "#ffe3a3"),
        ("#1f3a5f #58648c #c9807f #f6a96b #ffdc9a", "#9d7580", "#1f2a40", "#3f4348", "#ffe8b0"),
        ("#3b1f4a #92355f #e0574f #f79249 #fdca74", "#a8485a", "#2b1430", "#4b2a35", "#ffdd8e"),
    ),
    "night": (
        ("#060a20 #0f1b42 #21386b #3f5f8f", "#35507f", "#070c1e", "#16304a", "#f6efd2"),
        ("#0a0820 #1d1546 #3b2a70 #6b4d93", "#4d3d7d", "#0c081f", "#221f4c", "#f8ecd8"),
        ("#04141f #0a2c3d #185261 #3f8585", "#2b6570", "#041119", "#10404a", "#eef5dc"),
    ),
    "storm": (
        ("#1a2430 #31414f #5a6d78 #93a19f", "#64757c", "#131d26", "#2c4241", "#e6ecdf"),
        ("#20223a #3c4259 #66708a #a39fa5", "#6d7285", "#171a2b", "#34424f", "#ece6e2"),
        ("#152a2e #2d4a4d #577674 #9cab98", "#61807b", "#0f2023", "#2a4a42", "#eef0d4"),
    ),
    "fog": (
        ("#93a6ad #b8c6c8 #d8dedb #ece9df", "#bccac9", "#3d5156", "#64796f", "#fbf6e6"),
        ("#a39eb0 #c5bfca #dfd9dc #efe6dd", "#c6bfca", "#4a475c", "#6b7078", "#fdf3e6"),
    ),
}

_DARK_MOODS = frozenset({"night", "storm"})


@dataclass(frozen=True)
class Light:
    """What every part of a scene agrees on."""

    mood: str
    sky: tuple[Colour, ...]
    far: Colour
    near: Colour
    leaf: Colour
    sun: Colour
    #: Where the light comes from: -1 is left, 1 is right.
    side: float

    @property
    def dark(self) -> bool:
        """Whether lamps and windows would be lit."""
        return self.mood in _DARK_MOODS

    @property
    def horizon(self) -> Colour:
        """The sky's colour where it meets the land."""
        return self.sky[-1]

    def depth(self, share: float) -> Colour:
        """Return the colour of land seen from far (0) to near (1)."""
        return mix(self.far, self.near, share)

    def lit(self, colour: Colour, amount: float | None = None) -> Colour:
        """Return how a thing's own colour looks in this light."""
        share = {"night": 0.34, "storm": 0.22, "sunset": 0.16, "dawn": 0.1, "fog": 0.2}.get(self.mood, 0.0)
        return mix(colour, mix(self.near, self.far, 0.55), share if amount is None else amount)


def lighting(mood: str, rng: np.random.Generator) -> Light:
    """Return one of the palettes of a mood, its hues turned a few degrees."""
    variants = _LIGHTS[mood]
    sky, far, near, leaf, sun = variants[int(rng.integers(len(variants)))]
    turn = float(rng.uniform(-7, 7))
    side = -1.0 if rng.random() < 0.5 else 1.0
    return Light(
        mood=mood,
        sky=tuple(shift(colour, hue=turn) for colour in hexes(sky)),
        far=shift(hexed(far), hue=turn),
        near=shift(hexed(near), hue=turn),
        leaf=shift(hexed(leaf), hue=turn),
        sun=hexed(sun),
        side=side * 0.6,
    )
