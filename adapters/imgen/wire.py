"""What goes over imgen's wire, as Structs. The seed is the only source: nothing of it was measured."""

from typing import Any

from msgspec import UNSET, Struct, UnsetType


class Action(Struct, frozen=True, kw_only=True, tag_field="action", omit_defaults=True):
    """Every request is one POST with an action."""


class ModelsRequest(Action, frozen=True, kw_only=True, tag="models"):
    """Which characters, models and styles there are."""


class GenerateRequest(Action, frozen=True, kw_only=True, tag="generate"):
    """Start a run. What has a silent fallback (model, style, format, size) is always sent."""

    prompt: str
    model: str
    width: int
    height: int
    format: str
    style: str | UnsetType = UNSET
    negative: str | UnsetType = UNSET
    optimize: bool | UnsetType = UNSET
    use_cache: bool | UnsetType = UNSET
    cache_only: bool | UnsetType = UNSET
    cache_force: bool | UnsetType = UNSET
    cache_pick: int | UnsetType = UNSET
    quality: int | UnsetType = UNSET
    lossless: bool | UnsetType = UNSET
    compliance_ruleset: str | UnsetType = UNSET
    precompliance: str | UnsetType = UNSET
    wm_image: str | UnsetType = UNSET
    wm_position: str | UnsetType = UNSET
    wm_scale: int | UnsetType = UNSET
    wm_transparency: int | UnsetType = UNSET
    wm_rotation: int | UnsetType = UNSET
    wm_padding_x: int | UnsetType = UNSET
    wm_padding_y: int | UnsetType = UNSET
    cs_author: str | UnsetType = UNSET
    cs_title: str | UnsetType = UNSET
    cs_description: str | UnsetType = UNSET
    cs_organization: str | UnsetType = UNSET
    cs_vendor: str | UnsetType = UNSET


class StatusRequest(Action, frozen=True, kw_only=True, tag="status"):
    """Ask after a run: id, prompt and model exactly as `generate` returned them."""

    id: str
    prompt: str
    model: str


class Style(Struct, frozen=True, kw_only=True):
    """A style preset of a model."""

    label: str | None = None


class Model(Struct, frozen=True, kw_only=True):
    """A model with its styles."""

    label: str | None = None
    default_style: str | None = None
    styles: dict[str, Style] = {}


class Models(Struct, frozen=True, kw_only=True):
    """Answer of `models`."""

    characters: tuple[str, ...] = ()
    models: dict[str, Model] = {}


class Run(Struct, frozen=True, kw_only=True):
    """Answer of `generate`."""

    id: str
    prompt: str
    model: str
    format: str | None = None
    gen_id: str | None = None
    cache: bool = False


class Picture(Struct, frozen=True, kw_only=True):
    """A file of a finished run, behind a signed URL that does not live long."""

    url: str
    type: str
    filename: str | None = None


class Meta(Struct, frozen=True, kw_only=True):
    """What a finished run says of itself. Keys that the seed does not name are passed over."""

    positive: str | None = None
    negative: str | None = None
    character: str | None = None
    model: str | None = None
    style: str | None = None
    width: int | None = None
    height: int | None = None
    format: str | None = None
    quality: int | None = None
    lossless: bool | None = None
    optimized: bool | None = None
    compliance: str | None = None
    compliance_codes: tuple[Any, ...] = ()
    compliance_ruleset: str | None = None
    images: tuple[Picture, ...] = ()


class Status(Struct, frozen=True, kw_only=True):
    """Answer of `status`."""

    status: str
    meta: Meta | None = None
    cache: bool = False
