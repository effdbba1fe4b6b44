"""Fitting a film: what it begins with, how long it lasts, and its shape."""

from collections.abc import Sequence
from typing import Any

from msgspec import UNSET, UnsetType

from contracts.capability import VideoRange
from contracts.fit.fitting import Fitting
from contracts.spec import Video, VideoMode

_PICTURES = {"text": "words alone", "image": "a first_frame", "reference": "references"}
_NOTHING = VideoRange(min_s=1, max_s=60, default_s=5, resolutions=(), aspect_ratios=())


def video(f: Fitting) -> None:
    """Refuse what is asked of films where none is made; else settle mode, duration, resolution and shape."""
    wish, capability = f.spec.video, f.capability
    if not capability.video_modes:
        if not isinstance(wish, UnsetType):
            f.refuse("/video", "makes no video in this operation")
        return
    asked = Video() if isinstance(wish, UnsetType) else wish
    bounds = capability.video or _NOTHING
    inputs = () if isinstance(f.spec.inputs, UnsetType) else f.spec.inputs
    roles = [each.role for each in inputs if each.role in ("first_frame", "reference")]
    mode = _mode_of(roles) if isinstance(asked.mode, UnsetType) else asked.mode
    _check_pictures(f, mode, roles, bounds)
    if mode not in capability.video_modes:
        f.refuse("/video/mode", f"makes no film from {_PICTURES[mode]}", allowed=capability.video_modes)
    f.values["video"] = Video(
        mode=mode,
        duration_s=_duration(f, asked, bounds),
        resolution=_listed(f, "resolution", asked.resolution, bounds.resolutions),
        aspect_ratio=_listed(f, "aspect_ratio", asked.aspect_ratio, bounds.aspect_ratios),
    )


def _mode_of(roles: Sequence[str]) -> VideoMode:
    """Return the mode that the pictures of a request speak for."""
    if "first_frame" in roles:
        return "image"
    return "reference" if roles else "text"


def _check_pictures(f: Fitting, mode: VideoMode, roles: Sequence[str], bounds: VideoRange) -> None:
    """Refuse pictures that the mode does not begin with, and a mode whose pictures are not there."""
    wanted = {"text": (), "image": ("first_frame",), "reference": ("reference",)}[mode]
    if any(role not in wanted for role in roles):
        detail = f"a film of mode {mode} begins with {_PICTURES[mode]}"
        f.refuse("/video/mode", detail, code="request.field_invalid", reason="contradiction")
    elif mode == "image" and not roles:
        f.refuse("/inputs", "needs a picture of role first_frame", code="request.reference_invalid", reason="missing")
    elif mode == "reference" and len(roles) < bounds.min_references:
        f.refuse(
            "/inputs",
            f"needs at least {bounds.min_references} pictures of role reference",
            code="request.reference_invalid",
            reason="range",
            limit=bounds.min_references,
        )


def _duration(f: Fitting, asked: Video, bounds: VideoRange) -> int:
    seconds = asked.duration_s
    if isinstance(seconds, UnsetType):
        return bounds.default_s
    nearest = min(max(seconds, bounds.min_s), bounds.max_s)
    if nearest == seconds:
        return seconds
    if f.adapts:
        f.adjust("/video/duration_s", seconds, nearest, "clamped")
        return nearest
    f.drop_or_refuse(
        "/video/duration_s",
        seconds,
        f"must be {bounds.min_s} to {bounds.max_s} seconds",
        code="request.field_invalid",
        reason="range",
        limit=bounds.max_s,
    )
    return bounds.default_s


def _listed(f: Fitting, name: str, asked: str | UnsetType, known: tuple[str, ...]) -> Any:
    if isinstance(asked, str) and asked in known:
        return asked
    if isinstance(asked, str):
        detail = f"makes no film of this {name}"
        f.drop_or_refuse(
            f"/video/{name}", asked, detail, code="request.field_invalid", reason="enum", allowed=known or None
        )
    return known[0] if known else UNSET
