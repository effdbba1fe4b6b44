"""What goes over imgen's wire, as Structs. The seed is the only source: nothing of it was measured."""

from typing import Any

from msgspec import UNSET, Struct, UnsetType, ValidationError, convert, structs


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


class OptimizeRequest(Action, frozen=True, kw_only=True, tag="optimize"):
    """Have a prompt enhanced, for a model."""

    prompt: str
    model: str | UnsetType = UNSET


class RandomRequest(Action, frozen=True, kw_only=True, tag="random"):
    """Have a prompt made up: without `character` about one of the server's choice, with an empty one about none."""

    character: str | UnsetType = UNSET


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


class Written(Struct, frozen=True, kw_only=True):
    """Answer of `optimize` and `random`."""

    prompt: str


class Picture(Struct, frozen=True, kw_only=True):
    """A file of a finished run, behind a signed URL that does not live long."""

    url: str
    type: str
    filename: str | None = None


class Meta(Struct, frozen=True, kw_only=True):
    """What a finished run says of itself: the seed's keys, and beside them what it does not name (`more`)."""

    id: str | None = None
    gen_id: str | None = None
    time: str | None = None
    prompt: str | None = None
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
    precompliance: str | None = None
    fingerprint: str | None = None
    images: tuple[Picture, ...] = ()
    more: dict[str, Any] = {}


_FIELDS = {field.name: field.type for field in structs.fields(Meta) if field.name != "more"}
#: Without these there is nothing to deliver, or nobody knows whether it may be: they must be what they are said to be.
_VITAL = frozenset({"images", "compliance"})


def read_meta(raw: dict[str, Any]) -> Meta:
    """Read a `meta`; raise ValidationError only where a vital key is malformed.

    A key that the seed does not name, or that has another type than it shows, is kept aside: it is no reason to throw
    a picture away.
    """
    known: dict[str, Any] = {}
    more: dict[str, Any] = {}
    for name, value in raw.items():
        try:
            known[name] = convert(value, _FIELDS[name])
        except KeyError:
            more[name] = value
        except ValidationError:
            if name in _VITAL:
                raise
            more[name] = value
    return Meta(**known, more=more)


class Status(Struct, frozen=True, kw_only=True):
    """Answer of `status`; `unsafe_url` is base64 of a signed URL."""

    status: str
    meta: dict[str, Any] | None = None
    cache: bool = False
    unsafe_url: str | None = None
