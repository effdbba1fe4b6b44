"""What a caller asks for: `JobSpec`, one tagged union over the five operations.

Every option is `T | UNSET`. Unset makes no promise; only what the caller set can be refused, adapted or found
not to have been honoured.
"""

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from contracts.media import Format, Input, Size

Operation = Literal["image.generate", "image.edit", "image.variation", "image.upscale", "video.generate"]
OPERATIONS: tuple[Operation, ...] = (
    "image.generate",
    "image.edit",
    "image.variation",
    "image.upscale",
    "video.generate",
)
Effort = Literal["low", "medium", "high", "auto"]
Strictness = Literal["default", "relaxed"]
OnUnsupported = Literal["reject", "adapt", "drop"]
Partial = Literal["accept", "reject"]
VideoMode = Literal["text", "image", "reference"]
Delivery = Literal["url", "inline"]

Text = Annotated[str, Meta(max_length=100_000)]
Prompt = Annotated[str, Meta(max_length=100_000, pattern=r"\S", description="what to make, in words")]
Name = Annotated[str, Meta(min_length=1, max_length=200)]
#: Never blank: a reviewer takes that for rules of its own choice.
Ruleset = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"\S")]
Priority = Annotated[int, Meta(ge=-10, le=10)]
#: The greatest integer that every JSON reader keeps exact.
Seed = Annotated[int, Meta(ge=0, le=9_007_199_254_740_991)]


class Part(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The shape shared by every nested option: frozen, and strict about unknown fields."""


class Route(Part, frozen=True, kw_only=True):
    """Which backends may serve the job, and whether another may take over."""

    backends: Annotated[tuple[Name, ...], Meta(min_length=1)] | UnsetType = UNSET
    accounts: Annotated[tuple[Name, ...], Meta(min_length=1)] | UnsetType = UNSET
    exclude: tuple[Name, ...] | UnsetType = UNSET
    failover: bool | UnsetType = UNSET
    require_healthy: bool | UnsetType = UNSET


class OutputWish(Part, frozen=True, kw_only=True):
    """How the result is encoded and handed over."""

    format: Format | UnsetType = UNSET
    compression: Annotated[int, Meta(ge=1, le=100)] | UnsetType = UNSET
    lossless: bool | UnsetType = UNSET
    delivery: Delivery | UnsetType = UNSET

    def __post_init__(self) -> None:
        """Refuse a contradiction that no encoder can resolve."""
        if self.lossless is True and self.format == "jpeg":
            msg = "jpeg is never lossless: choose png, webp or avif"
            raise ValueError(msg)


class Policy(Part, frozen=True, kw_only=True):
    """How strictly the request and its result are reviewed."""

    strictness: Strictness | UnsetType = UNSET
    ruleset: Ruleset | UnsetType = UNSET
    prescreen_note: Annotated[str, Meta(max_length=2000)] | UnsetType = UNSET


class Cache(Part, frozen=True, kw_only=True):
    """Whether an earlier picture may be the answer."""

    mode: Literal["off", "prefer", "only"] | UnsetType = UNSET
    min_similarity: Literal["strict", "any"] | UnsetType = UNSET
    pool: Annotated[int, Meta(ge=1, le=10)] | UnsetType = UNSET


class Padding(Part, frozen=True, kw_only=True):
    """Distance from the edges, in pixels."""

    x: Annotated[int, Meta(ge=0, le=500)] | UnsetType = UNSET
    y: Annotated[int, Meta(ge=0, le=500)] | UnsetType = UNSET


class Watermark(Part, frozen=True, kw_only=True):
    """Where and how the picture of role `watermark` is drawn."""

    position: Literal["top-left", "top-right", "center", "bottom-left", "bottom-right"] | UnsetType = UNSET
    scale: Annotated[int, Meta(ge=1, le=100)] | UnsetType = UNSET
    opacity: Annotated[float, Meta(ge=0, le=1, description="1 is opaque")] | UnsetType = UNSET
    rotation: Annotated[int, Meta(ge=-360, le=360)] | UnsetType = UNSET
    padding: Padding | UnsetType = UNSET


class Provenance(Part, frozen=True, kw_only=True):
    """What a signing backend writes into its content credentials."""

    author: Text | UnsetType = UNSET
    title: Text | UnsetType = UNSET
    description: Text | UnsetType = UNSET
    organization: Text | UnsetType = UNSET
    vendor: Text | UnsetType = UNSET


class Video(Part, frozen=True, kw_only=True):
    """What only a video has."""

    mode: VideoMode | UnsetType = UNSET
    duration_s: Annotated[int, Meta(ge=1, le=60)] | UnsetType = UNSET
    aspect_ratio: Literal["1:1", "16:9", "9:16", "4:3", "3:4", "3:2", "2:3", "auto"] | UnsetType = UNSET
    resolution: Literal["480p", "720p"] | UnsetType = UNSET


class Webhook(Part, frozen=True, kw_only=True):
    """Where to send the job's events."""

    url: Annotated[str, Meta(pattern="^https://", max_length=2048)]
    events: Annotated[tuple[str, ...], Meta(min_length=1)] | UnsetType = UNSET


Tags = Annotated[
    dict[
        Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9._-]+$")],
        Annotated[str, Meta(max_length=256)],
    ],
    Meta(max_length=16),
]
DialectOptions = dict[str, dict[str, Any]]


class SpecBase(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Every field of a request; the operation only decides which of them it must have."""

    prompt: Prompt | UnsetType = UNSET
    negative_prompt: Text | UnsetType = UNSET
    character: Name | UnsetType = UNSET
    style: Name | UnsetType = UNSET
    model: Annotated[str, Meta(min_length=1, max_length=300)] = "auto"
    route: Route | UnsetType = UNSET
    size: Size | Literal["auto"] | UnsetType = UNSET
    n: Annotated[int, Meta(ge=1, le=64, description="how many pictures")] | UnsetType = UNSET
    seed: Seed | UnsetType = UNSET
    effort: Effort | UnsetType = UNSET
    output: OutputWish | UnsetType = UNSET
    inputs: Annotated[tuple[Input, ...], Meta(max_length=32)] | UnsetType = UNSET
    strength: Annotated[float, Meta(ge=0, le=1)] | UnsetType = UNSET
    policy: Policy | UnsetType = UNSET
    cache: Cache | UnsetType = UNSET
    watermark: Watermark | UnsetType = UNSET
    provenance: Provenance | UnsetType = UNSET
    video: Video | UnsetType = UNSET
    optimize_prompt: bool | UnsetType = UNSET
    options: DialectOptions | UnsetType = UNSET
    on_unsupported: OnUnsupported = "reject"
    partial: Partial = "accept"
    deadline_s: Annotated[float, Meta(gt=0, le=86_400)] | UnsetType = UNSET
    priority: Priority = 0
    tags: Tags | UnsetType = UNSET
    client_ref: Annotated[str, Meta(max_length=200)] | UnsetType = UNSET
    webhook: Webhook | UnsetType = UNSET


class ImageGenerate(SpecBase, frozen=True, kw_only=True, tag_field="operation", tag="image.generate"):
    """Pictures from words."""

    prompt: Prompt


class ImageEdit(SpecBase, frozen=True, kw_only=True, tag_field="operation", tag="image.edit"):
    """A picture changed as the words say, within the mask if there is one (alpha 0 = edit here)."""

    prompt: Prompt


class ImageVariation(SpecBase, frozen=True, kw_only=True, tag_field="operation", tag="image.variation"):
    """Pictures like the one given."""


class ImageUpscale(SpecBase, frozen=True, kw_only=True, tag_field="operation", tag="image.upscale"):
    """The same picture, larger."""


class VideoGenerate(SpecBase, frozen=True, kw_only=True, tag_field="operation", tag="video.generate"):
    """A short film from words, a first frame or references."""

    prompt: Prompt


JobSpec = ImageGenerate | ImageEdit | ImageVariation | ImageUpscale | VideoGenerate


def operation_of(spec: SpecBase) -> Operation:
    """Return the operation that a spec is tagged with."""
    operation: Operation = spec.__struct_config__.tag  # type: ignore[assignment]
    return operation
