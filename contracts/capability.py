"""What a candidate can do, and what it would have to drop: routing, refusal, docs and tests read only this.

A candidate is (backend, account, model). Its capability is stated for each operation apart, because one model may
honour a seed when it generates and ignore it when it edits.
"""

from typing import Any, Literal

from msgspec import Struct

from contracts.media import Dimensions, Format
from contracts.prompts import PromptKind
from contracts.spec import Effort, Operation, Strictness, VideoMode
from contracts.tags import TagSyntax

Evidence = Literal["measured", "documented", "discovered"]
CancelPower = Literal["stops", "forgets", "cannot"]
ProfileName = str


class Candidate(Struct, frozen=True, order=True):
    """Who could serve a job."""

    backend: str
    account: str | None
    model: str

    @property
    def full_model(self) -> str:
        """The model's name in the contract: `<backend>/<id>`."""
        return f"{self.backend}/{self.model}"


class SizeRange(Struct, frozen=True, kw_only=True):
    """Any size within bounds, each side a multiple of `step` pixels."""

    min_side: int
    max_side: int
    step: int = 1
    max_pixels: int | None = None


class Pace(Struct, frozen=True, kw_only=True):
    """How fast work may be handed to a backend."""

    min_submit_interval_s: float = 0.0
    serial: bool = False
    #: The interval begins with the answer to a submit, and until then nothing else is handed over: the order is kept.
    after_answer: bool = False


class Limits(Struct, frozen=True, kw_only=True):
    """Hard limits of what is sent."""

    prompt_chars: int | None = None
    reference_base64_chars: int | None = None
    input_bytes: int | None = None
    prescreen_note_chars: int | None = None


class TimeLimits(Struct, frozen=True, kw_only=True):
    """How long the engine waits, in seconds: for one submit, for the whole attempt, and after a cancel."""

    submit_s: float
    attempt_s: float
    settle_s: float
    stuck_load_s: float | None = None


class VideoRange(Struct, frozen=True, kw_only=True):
    """The films a candidate can make. The first of each list is what is sent when the caller left it open."""

    min_s: int
    max_s: int
    default_s: int
    resolutions: tuple[str, ...]
    aspect_ratios: tuple[str, ...]
    #: A film guided by references needs at least so many of them.
    min_references: int = 1


class Capability(Struct, frozen=True, kw_only=True):
    """One operation of one candidate. What is not named here it cannot do."""

    #: Whether words are read at all.
    prompt: bool = True
    #: The sizes it makes: a list of exact ones, or a range. Neither: it takes no size.
    sizes: tuple[Dimensions, ...] = ()
    size_range: SizeRange | None = None
    default_size: Dimensions | None = None
    #: The formats of its pictures; none: what it makes is a film.
    formats: tuple[Format, ...] = ("png",)
    default_format: Format = "png"
    #: Formats whose encoder takes a compression of 1 to 100; formats that can be lossless when asked.
    compression_formats: tuple[Format, ...] = ()
    lossless_formats: tuple[Format, ...] = ()
    #: Formats the backend always delivers losslessly.
    always_lossless: tuple[Format, ...] = ("png",)
    max_n: int = 1
    references: int = 0
    #: Source image and references together.
    inputs_total: int | None = None
    source: bool = False
    mask: bool = False
    #: What its input pictures may be, and what a mask and the picture under it must be.
    input_formats: tuple[Format, ...] = ("png", "jpeg", "webp", "avif")
    mask_formats: tuple[Format, ...] = ("png",)
    strength: bool = False
    seed_max: int | None = None
    negative_prompt: bool = False
    #: Known characters and styles; None: takes none at all.
    characters: tuple[str, ...] | None = None
    styles: tuple[str, ...] | None = None
    default_style: str | None = None
    efforts: tuple[Effort, ...] = ()
    default_effort: Effort | None = None
    strictness: tuple[Strictness, ...] = ()
    rulesets: bool = False
    prescreen_note: bool = False
    cache: bool = False
    watermark: bool = False
    provenance: bool = False
    optimize_prompt: tuple[bool, ...] = ()
    video_modes: tuple[VideoMode, ...] = ()
    video: VideoRange | None = None
    #: The dialect's own options that are honoured here, each with its values (none: any). None: all of them are.
    options: dict[str, tuple[Any, ...]] | None = None
    #: Those of them that make one picture a job.
    single_options: tuple[str, ...] = ()
    previews: bool = False
    #: The dialect's own options with which previews come; none: they come anyhow.
    preview_options: dict[str, Any] = {}
    progress: bool = False
    reviewed: bool = False
    cancel: CancelPower = "cannot"
    recover: bool = False
    #: Whether a second submit of the same attempt is harmless.
    resubmit: Literal["safe", "unsafe"] = "unsafe"
    #: A submit lasts until the work is done: it holds a connection for minutes.
    blocking: bool = False
    #: The server itself tries again: the gateway makes no second attempt there.
    retries_itself: bool = False
    poll_batch: bool = False
    #: Regular expressions of what the dialect would read as commands inside its texts.
    active_syntax: tuple[str, ...] = ()
    #: How characters and negatives are written in a prompt, where a caller sends such orders knowingly.
    tag_syntax: TagSyntax | None = None
    pace: Pace = Pace()
    limits: Limits = Limits()
    time: TimeLimits = TimeLimits(submit_s=60, attempt_s=600, settle_s=600)
    evidence: Evidence = "documented"


class ModelInfo(Struct, frozen=True, kw_only=True):
    """One model of one account of a backend, with what it can do for each operation."""

    id: str
    operations: dict[Operation, Capability]
    account: str | None = None
    label: str | None = None
    default: bool = False


class AccountInfo(Struct, frozen=True, kw_only=True):
    """One account of a backend: who pays, and whether it can work now."""

    name: str
    ready: bool
    detail: str | None = None


class Discovery(Struct, frozen=True, kw_only=True):
    """What a backend said of itself when it was last asked, and how we know."""

    models: tuple[ModelInfo, ...]
    accounts: tuple[AccountInfo, ...]
    profile: ProfileName
    evidence: Evidence
    version: str | None = None
    facts: dict[str, str] = {}
    #: Where it was found, if its settings name only the file that tells.
    address: str | None = None
    #: Kinds of prompts that it writes.
    prompts: tuple[PromptKind, ...] = ()
