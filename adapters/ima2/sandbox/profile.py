"""The three builds that a sandbox can be. Two of them carry the same version number (wire §0)."""

from typing import Literal

from msgspec import Struct

Build = Literal["tag", "head", "new"]

#: Models that every build takes, and the one that its upstream lists although it makes no pictures (wire §2, §3).
MODELS = ("gpt-5.5", "gpt-5.4", "gpt-5.4-mini")
DEFAULT_MODEL = "gpt-5.4-mini"
TEXT_MODEL = "gpt-5.3-codex-spark"
EFFORTS = ("none", "low", "medium", "high", "xhigh")
MODERATIONS = ("auto", "low")
QUALITIES = ("low", "medium", "high")
#: Seed 000.
GROK_MODELS = ("grok-imagine-image", "grok-imagine-image-quality")
VIDEO_MODELS = ("grok-imagine-video", "grok-imagine-video-1.5-preview")
VIDEO_RESOLUTIONS = ("480p", "720p", "1080p")
VIDEO_RATIOS = ("1:1", "16:9", "9:16", "4:3", "3:4", "3:2", "2:3", "auto")
MAX_VIDEO_SECONDS = 15
MAX_VIDEO_REFERENCES = 7
MAX_GROK_INPUTS = 3
MAX_IMAGES = 8
MAX_REFERENCES = 5
#: Counted in base64 characters (wire §3).
MAX_REFERENCE_CHARS = 7_340_032
#: Wire §11.
MAX_PARALLEL = 24
MAX_PROMPT_CHARS = 32_000


class Profile(Struct, frozen=True, kw_only=True):
    """What tells one build from another, as far as it is not a route of its own."""

    build: Build
    version: str
    #: An OpenAI key is configured: provider `api` works, and so does the extraction of style sheets.
    has_key: bool = False

    @property
    def is_tag(self) -> bool:
        """The build that seed 001 documents: no API key path, a trash with ids."""
        return self.build == "tag"

    @property
    def is_new(self) -> bool:
        """The build of wire §11 and seed 000: Grok, video, events, real cancellation."""
        return self.build == "new"


PROFILES = {
    "tag": Profile(build="tag", version="1.1.8"),
    "head": Profile(build="head", version="1.1.8"),
    "new": Profile(build="new", version="2.0.0", has_key=True),
}


def profile_named(name: str | None) -> Profile:
    """Return a profile, `head` by default; raise `ValueError` for a name that is none."""
    found = PROFILES.get(name or "head")
    if found is None:
        raise ValueError(f"no such profile: {name} (there are {', '.join(PROFILES)})")
    return found
