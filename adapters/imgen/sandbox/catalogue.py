"""What this imgen is configured with: characters, models and their styles.

Names and defaults are the seed's; the words behind them are invented, because no server shows them.
"""

from typing import Any

from msgspec import Struct


class Character(Struct, frozen=True, kw_only=True):
    """A LoRA that `@name` activates, with what it adds to both prompts."""

    trigger: str
    positive: str
    negative: str = ""


class Style(Struct, frozen=True, kw_only=True):
    """A preset of a model; both additions may be empty."""

    label: str
    quality_tags: str = ""
    negative_extra: str = ""


class Model(Struct, frozen=True, kw_only=True):
    """A model: its base negative stands in front of every other negative."""

    label: str
    default_style: str
    base_negative: str
    styles: dict[str, Style]


CHARACTERS: dict[str, Character] = {
    "aya": Character(
        trigger="aya_v3",
        positive="a woman in her thirties with a short bob and a calm look",
        negative="long hair, freckles",
    ),
    "bella": Character(
        trigger="bellaXL",
        positive="a woman with long curly hair and thin glasses",
        negative="straight hair",
    ),
    "chen": Character(trigger="ohwx chen", positive="a man in his forties with a trimmed beard"),
    "dario": Character(
        trigger="dario_lora",
        positive="an elderly man with a weathered face and a wool cap",
        negative="smooth skin, bald",
    ),
}

MODELS: dict[str, Model] = {
    "eros": Model(
        label="Eros",
        default_style="professional",
        base_negative="worst quality, low quality, bad anatomy, extra fingers, watermark, text",
        styles={
            "professional": Style(
                label="Professional",
                quality_tags="professional photograph, sharp focus, high detail",
                negative_extra="amateur, overexposed",
            ),
            "cinematic": Style(
                label="Cinematic",
                quality_tags="cinematic still, anamorphic lens, dramatic contrast",
                negative_extra="flat lighting",
            ),
            "film": Style(label="Film", quality_tags="vintage 35mm film, fine grain"),
            "anime": Style(
                label="Anime",
                quality_tags="anime illustration, cel shading, crisp linework",
                negative_extra="photorealistic, 3d render",
            ),
        },
    ),
    "atlas": Model(
        label="Atlas",
        default_style="photographic",
        base_negative="blurry, jpeg artifacts, deformed, signature",
        styles={
            "photographic": Style(label="Photographic", quality_tags="natural colours, high dynamic range"),
            "sketch": Style(
                label="Sketch",
                quality_tags="pencil sketch, monochrome, fine hatching",
                negative_extra="saturated colours",
            ),
            "watercolor": Style(
                label="Watercolor",
                quality_tags="watercolor, translucent washes, loose edges",
                negative_extra="hard outlines",
            ),
        },
    ),
    "terra": Model(
        label="Terra",
        default_style="natural",
        base_negative="distorted, oversharpened, frame",
        styles={
            # A preset with neither addition: both brackets of the construction stay empty.
            "natural": Style(label="Natural"),
            "aerial": Style(label="Aerial", quality_tags="seen from the air, wide horizon", negative_extra="close-up"),
            "twilight": Style(label="Twilight", quality_tags="twilight, long exposure"),
        },
    ),
}

#: An invalid model falls back to the first one (seed, "Silent fallbacks").
FIRST_MODEL = next(iter(MODELS))

#: Anything else falls back to the first pair in silence (seed, "Valid dimensions").
DEFAULT_SIZE = (1344, 768)
SIZES = frozenset({(1024, 1024), DEFAULT_SIZE, (768, 1344), (1216, 832), (832, 1216), (1152, 896), (896, 1152)})
FORMATS = ("jpeg", "png", "webp", "avif")
POSITIONS = ("top-left", "top-right", "center", "bottom-left", "bottom-right")


def listing() -> dict[str, Any]:
    """Return the answer of the action `models` (seed)."""
    return {
        "characters": list(CHARACTERS),
        "models": {
            name: {
                "label": model.label,
                "default_style": model.default_style,
                "styles": {key: {"label": style.label} for key, style in model.styles.items()},
            }
            for name, model in MODELS.items()
        },
    }
