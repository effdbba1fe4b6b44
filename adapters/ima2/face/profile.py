"""Which build of ima2 the face is: the newer document (seed 000) unless the settings say otherwise (wire §0)."""

from typing import Literal

from msgspec import Struct

Build = Literal["tag", "head", "new"]
Route = Literal["generate", "edit", "multimode", "node", "video", "other"]

#: Names that ima2 clients know, whether or not a backend offers them (wire §3, seed 000).
MODELS = ("gpt-5.5", "gpt-5.4", "gpt-5.4-mini")
TEXT_MODEL = "gpt-5.3-codex-spark"
GROK_MODELS = ("grok-imagine-image", "grok-imagine-image-quality")
VIDEO_MODELS = ("grok-imagine-video", "grok-imagine-video-1.5-preview")
EFFORTS = ("none", "low", "medium", "high", "xhigh")
MODERATIONS = ("auto", "low")
QUALITIES = ("low", "medium", "high")
FORMATS = ("png", "jpeg", "webp")
PROVIDERS = ("auto", "oauth", "api", "grok")
RATIOS = ("1:1", "16:9", "9:16", "4:3", "3:4", "3:2", "2:3", "auto")
RESOLUTIONS = ("480p", "720p")
MAX_IMAGES = 8
MAX_REFERENCES = 5
MAX_GROK_INPUTS = 3
MAX_VIDEO_REFERENCES = 7
MAX_VIDEO_SECONDS = 15
#: Counted in base64 characters (wire §3).
MAX_REFERENCE_CHARS = 7_340_032
MAX_PROMPT_CHARS = 32_000


class Profile(Struct, frozen=True):
    """What tells the builds apart."""

    build: Build

    @property
    def is_new(self) -> bool:
        """Grok, films, capabilities, idempotency, answers at once, and cancels that say what they did."""
        return self.build == "new"

    @property
    def is_tag(self) -> bool:
        """Seed 001: no API key path."""
        return self.build == "tag"

    @property
    def version(self) -> str:
        """What the build calls itself: it decides nothing."""
        return "2.0.0" if self.is_new else "1.1.8"


PROFILES: dict[str, Profile] = {"new": Profile("new"), "head": Profile("head"), "tag": Profile("tag")}
