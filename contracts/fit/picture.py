"""Fitting the picture: its size, number, seed, effort and encoding."""

from msgspec import UNSET, UnsetType

from contracts.catalog import Reason
from contracts.codes import ErrorCode
from contracts.fit.fitting import Fitting
from contracts.fit.sizes import nearest_size, size_for, size_words
from contracts.media import Dimensions, Format, Size
from contracts.spec import OutputWish

#: What the gateway's own encoder can write without loss.
GATEWAY_LOSSLESS: frozenset[Format] = frozenset({"png", "webp"})


def size(f: Fitting) -> None:
    """Meet the wished size, or the nearest one when asked to adapt."""
    wish, capability = f.spec.size, f.capability
    size: Dimensions | None = capability.default_size
    if isinstance(wish, Size):
        size = size_for(wish, capability)
        if size is None and f.adapts:
            size = nearest_size(wish, capability)
            if size is not None:
                f.adjust("/size", wish, {"width": size.width, "height": size.height}, "snapped")
        if size is None:
            size = capability.default_size
            allowed = tuple(str(each) for each in capability.sizes) or None
            f.drop_or_refuse("/size", wish, size_words(capability), allowed=allowed)
    if size is not None:
        f.values["width"], f.values["height"] = size.width, size.height


def n(f: Fitting) -> None:
    """Count the pictures; more than the backend makes at once become several native jobs under `adapt`."""
    n = 1 if isinstance(f.spec.n, UnsetType) else f.spec.n
    if n > f.capability.max_n:
        most = f.capability.max_n
        if f.adapts:
            jobs = -(-n // most)
            f.warnings.append(f"{n} pictures are made by {jobs} native jobs: {jobs} bills, seeds and reviews.")
            f.adjust("/n", n, {"native_jobs": jobs, "pictures_each": most}, "snapped")
        elif f.drops:
            f.adjust("/n", n, most, "clamped")
            n = most
        else:
            code: ErrorCode = "request.option_unsupported" if most == 1 else "request.field_invalid"
            reason: Reason = "unsupported" if most == 1 else "range"
            detail = f"makes at most {most} a job; on_unsupported: adapt makes several native jobs"
            f.refuse("/n", detail, code=code, reason=reason, limit=most)
            n = most
    f.count = n
    f.values["n"] = n


def seed(f: Fitting) -> None:
    """Pass the seed on: reproducibility is a promise, so it is never adapted."""
    seed = f.spec.seed
    if isinstance(seed, UnsetType):
        return
    if f.capability.seed_max is None:
        f.drop_or_refuse("/seed", seed, "takes no seed: the picture cannot be made again")
    elif seed > f.capability.seed_max:
        f.drop_or_refuse(
            "/seed",
            seed,
            f"must be at most {f.capability.seed_max}",
            code="request.field_invalid",
            reason="range",
            limit=f.capability.seed_max,
        )
    else:
        f.values["seed"] = seed


def effort(f: Fitting) -> None:
    """Pass the effort on in the canonical words."""
    effort, capability = f.spec.effort, f.capability
    if isinstance(effort, UnsetType):
        if capability.default_effort is not None:
            f.values["effort"] = capability.default_effort
    elif effort in capability.efforts:
        f.values["effort"] = effort
    elif effort == "auto" and f.adapts and capability.default_effort is not None:
        f.values["effort"] = capability.default_effort
        f.adjust("/effort", effort, capability.default_effort, "snapped")
    else:
        f.drop_or_refuse("/effort", effort, "takes no such effort", allowed=capability.efforts)
        if capability.default_effort is not None:
            f.values["effort"] = capability.default_effort


def output(f: Fitting) -> None:
    """Choose the native encoding; under `adapt` the gateway encodes what the backend cannot."""
    wish, capability = f.spec.output, f.capability
    if not capability.formats:
        _no_encoding(f, wish)
        return
    native = f.values["format"] = capability.default_format
    if isinstance(wish, UnsetType):
        return
    transcoded = False
    if wish.format in capability.formats and not _lossless_by_gateway(f, wish):
        native = f.values["format"] = wish.format
    elif not isinstance(wish.format, UnsetType):
        transcoded = f.adapts
        if transcoded:
            f.adjust("/output/format", wish.format, f"{native}, transcoded by the gateway", "transcoded")
        else:
            f.drop_or_refuse("/output/format", wish.format, "delivers no such format", allowed=capability.formats)
    _compression(f, wish, native, transcoded=transcoded)
    _lossless(f, wish, native, transcoded=transcoded)


def _lossless_by_gateway(f: Fitting, wish: OutputWish) -> bool:
    """Say whether the gateway writes without loss, from what comes so, what the backend would only write with loss."""
    capability = f.capability
    native = (*capability.lossless_formats, *capability.always_lossless)
    can = wish.format in GATEWAY_LOSSLESS and capability.default_format in capability.always_lossless
    return f.adapts and wish.lossless is True and wish.format not in native and can


def _no_encoding(f: Fitting, wish: OutputWish | UnsetType) -> None:
    """Refuse what is only said of pictures where a film is made."""
    for name in ("format", "compression", "lossless"):
        value = UNSET if isinstance(wish, UnsetType) else getattr(wish, name)
        if not isinstance(value, UnsetType):
            f.drop_or_refuse(f"/output/{name}", value, "encodes its films as it does")


def _compression(f: Fitting, wish: OutputWish, native: Format, *, transcoded: bool) -> None:
    if isinstance(wish.compression, UnsetType):
        return
    final = wish.format if transcoded else native
    known = f.capability.compression_formats
    if native in known and not transcoded:
        f.values["compression"] = wish.compression
    elif f.adapts and final != "png":
        f.adjust("/output/compression", wish.compression, "encoded by the gateway", "transcoded")
    else:
        detail = f"sets no compression for {final}"
        f.drop_or_refuse("/output/compression", wish.compression, detail, allowed=known)


def _lossless(f: Fitting, wish: OutputWish, native: Format, *, transcoded: bool) -> None:
    by_request, always = f.capability.lossless_formats, f.capability.always_lossless
    if wish.lossless is not True:
        if wish.lossless is False and native in by_request and not transcoded:
            f.values["lossless"] = False
        return
    if transcoded and native in always and wish.format in GATEWAY_LOSSLESS:
        f.adjust("/output/lossless", requested=True, applied="encoded by the gateway", why="transcoded")
    elif not transcoded and native in by_request:
        f.values["lossless"] = True
    elif transcoded or native not in always:
        f.drop_or_refuse(
            "/output/lossless", requested=True, detail=f"{native} is not lossless here", allowed=by_request + always
        )
