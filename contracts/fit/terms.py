"""Fitting the terms: inputs, policy, cache, watermark, provenance, and what only one dialect has."""

from collections.abc import Callable
from typing import Any

from msgspec import UNSET, UnsetType, structs

from contracts.fit.fitting import Fitting


def inputs(f: Fitting) -> None:
    """Check the input pictures by role and number."""
    capability = f.capability
    inputs = () if isinstance(f.spec.inputs, UnsetType) else f.spec.inputs
    references = [at for at, each in enumerate(inputs) if each.role == "reference"]
    taken = {
        "source": capability.source,
        "mask": capability.mask,
        "watermark": capability.watermark or _draws(f),
        "first_frame": "image" in capability.video_modes,
        "reference": capability.references > 0,
    }
    for at, each in enumerate(inputs):
        if not taken[each.role]:
            f.refuse(
                f"/inputs/{at}/role",
                f"takes no {each.role} picture",
                allowed=tuple(role for role, can in taken.items() if can),
            )
    _watermark_picture(f, [at for at, each in enumerate(inputs) if each.role == "watermark"])
    limit = capability.references
    if limit and len(references) > limit:
        f.refuse(
            f"/inputs/{references[limit]}",
            f"takes at most {limit} references",
            code="request.reference_too_many",
            reason="range",
            limit=limit,
        )
    total = [at for at, each in enumerate(inputs) if each.role in ("source", "reference")]
    if capability.inputs_total is not None and len(total) > capability.inputs_total > 0:
        f.refuse(
            f"/inputs/{total[capability.inputs_total]}",
            f"takes at most {capability.inputs_total} pictures, the source included",
            code="request.reference_too_many",
            reason="range",
            limit=capability.inputs_total,
        )


def _draws(f: Fitting) -> bool:
    """Whether the gateway may lay the mark over what comes back."""
    return f.adapts and bool(f.capability.formats)


def watermark(f: Fitting) -> None:
    """Pass the mark on; under `adapt` the gateway draws it where the backend cannot."""
    marked = any(each.role == "watermark" for each in f.spec.inputs or ())
    if marked and _draws(f) and not f.capability.watermark:
        asked = None if isinstance(f.spec.watermark, UnsetType) else f.spec.watermark
        f.adjust("/watermark", asked, "drawn by the gateway", "transcoded")
    else:
        whole("watermark", "draws no watermark")(f)


def _watermark_picture(f: Fitting, pictures: list[int]) -> None:
    """Refuse a second picture to draw, and words about a watermark that is not there."""
    if len(pictures) > 1:
        f.refuse(
            f"/inputs/{pictures[1]}",
            "draws one watermark",
            code="request.reference_too_many",
            reason="range",
            limit=1,
        )
    elif f.capability.watermark and not pictures and not isinstance(f.spec.watermark, UnsetType):
        detail = "a watermark needs a picture of role watermark"
        f.refuse("/inputs", detail, code="request.reference_invalid", reason="missing")


def strength(f: Fitting) -> None:
    """Pass the strength of a variation on."""
    if isinstance(f.spec.strength, UnsetType) or f.capability.strength:
        return
    f.drop_or_refuse("/strength", f.spec.strength, "takes no strength for this operation")


def policy(f: Fitting) -> None:
    """Pass the terms of review on; they are never dropped."""
    policy, capability = f.spec.policy, f.capability
    if capability.strictness:
        f.values["strictness"] = "default"
    if isinstance(policy, UnsetType):
        return
    if policy.strictness in capability.strictness:
        f.values["strictness"] = policy.strictness
    elif not isinstance(policy.strictness, UnsetType):
        f.refuse("/policy/strictness", "has no such strictness", allowed=capability.strictness)
    if not isinstance(policy.ruleset, UnsetType):
        if capability.rulesets:
            f.values["ruleset"] = policy.ruleset
        else:
            f.refuse("/policy/ruleset", "has no reviewer whose rules could be chosen")
    if isinstance(policy.prescreen_note, UnsetType):
        return
    if not capability.prescreen_note:
        f.refuse("/policy/prescreen_note", "has no reviewer to give a note to")
    # As the strictest reader counts: what is too long there is cut off in silence.
    limit, length = (
        capability.limits.prescreen_note_chars,
        len(policy.prescreen_note.encode("utf-16-le", "surrogatepass")) // 2,
    )
    if capability.prescreen_note and limit is not None and length > limit:
        detail = f"must have at most {limit} UTF-16 units here"
        f.refuse("/policy/prescreen_note", detail, code="request.field_invalid", reason="too_long", limit=limit)


def cache(f: Fitting) -> None:
    """Follow the wish for cached pictures; `prefer` is only a hint.

    A cached picture was reviewed by whatever rules held then: whoever names rules gets a new one.
    """
    cache = f.spec.cache
    if isinstance(cache, UnsetType):
        return
    if cache.mode in ("off", UNSET):
        for name in ("min_similarity", "pool"):
            if not isinstance(getattr(cache, name), UnsetType):
                detail = "says how to search a cache that cache.mode does not let be asked"
                f.refuse(f"/cache/{name}", detail, code="request.field_invalid", reason="contradiction")
        return
    ruled = f.capability.cache and "ruleset" in f.values
    if f.capability.cache and not ruled:
        return
    if cache.mode == "prefer":
        # A hint: not to follow it is legal, and told.
        f.adjust("/cache/mode", "prefer", "off", "dropped")
    elif ruled:
        detail = "a cached picture is not reviewed by the rules that policy.ruleset names"
        f.refuse("/cache/mode", detail, code="request.field_invalid", reason="contradiction", allowed=("off", "prefer"))
    else:
        f.drop_or_refuse("/cache/mode", cache.mode, "has no cache for you to use", allowed=("off", "prefer"))


def whole(name: str, what: str) -> Callable[[Fitting], None]:
    """Return the step for an option that is taken whole or not at all."""

    def step(f: Fitting) -> None:
        asked = getattr(f.spec, name)
        if isinstance(asked, UnsetType) or getattr(f.capability, name):
            return
        for field in structs.fields(asked):
            value = getattr(asked, field.name)
            if not isinstance(value, UnsetType):
                f.drop_or_refuse(f"/{name}/{field.name}", value, what)

    return step


def optimize_prompt(f: Fitting) -> None:
    """Pass on whether the prompt may be rewritten."""
    asked = f.spec.optimize_prompt
    if isinstance(asked, UnsetType):
        return
    if asked in f.capability.optimize_prompt:
        f.values["optimize_prompt"] = asked
    else:
        f.drop_or_refuse(
            "/optimize_prompt", asked, "cannot be told so about prompts", allowed=f.capability.optimize_prompt
        )


def options(f: Fitting) -> None:
    """Pass the dialect's own options on; another dialect's do not fit."""
    if isinstance(f.spec.options, UnsetType):
        return
    for name, options in f.spec.options.items():
        if name == f.dialect:
            f.values["options"] = _honoured(f, options)
        else:
            f.drop_or_refuse(f"/options/{name}", options, f"these options are for {name} backends alone")


def _honoured(f: Fitting, options: dict[str, Any]) -> dict[str, Any]:
    """Return those of the dialect's own options that this account and build honour."""
    known = f.capability.options
    if known is None:
        return options
    honoured: dict[str, Any] = {}
    for name, value in options.items():
        pointer = f"/options/{f.dialect}/{name}"
        if name not in known:
            f.drop_or_refuse(pointer, value, "is not honoured by this account and build in this operation")
        elif known[name] and value not in known[name]:
            f.drop_or_refuse(
                pointer,
                value,
                "has no such value here",
                code="request.field_invalid",
                reason="enum",
                allowed=known[name],
            )
        else:
            honoured[name] = value
    for name in f.capability.single_options:
        if honoured.get(name) is True and f.count > 1:
            f.refuse(
                "/n",
                f"options.{f.dialect}.{name} makes one picture a job",
                code="request.field_invalid",
                reason="range",
                limit=1,
            )
    return honoured
