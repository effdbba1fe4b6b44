"""Fitting the words: prompt, negative prompt, character and style, and the commands that could hide in them."""

import re

from msgspec import UnsetType

from contracts.fit.fitting import Fitting
from contracts.tags import Tagged, read

#: What `adapt` writes for a `<` that Studio would read as the beginning of a command.
HARMLESS = "\N{SINGLE LEFT-POINTING ANGLE QUOTATION MARK}"


def prompt(f: Fitting) -> None:
    """Check the length and the active syntax of the prompt; what is sent knowingly is taken apart."""
    prompt = f.spec.prompt
    if isinstance(prompt, UnsetType):
        return
    if not f.capability.prompt:
        f.drop_or_refuse("/prompt", prompt, "reads no prompt in this operation")
        return
    limit = f.capability.limits.prompt_chars
    if limit is not None and len(prompt) > limit:
        f.refuse(
            "/prompt",
            f"must have at most {limit} characters here",
            code="request.field_invalid",
            reason="too_long",
            limit=limit,
        )
    f.tagged = _taken_apart(f, _sent_text(f, "/prompt", prompt))
    f.values["prompt"] = f.tagged.text


def _taken_apart(f: Fitting, text: str) -> Tagged:
    """Return a prompt's words apart from its orders, where the caller means them as such.

    One of nothing but unwanted terms is left as it is: without them no prompt would be left.
    """
    syntax = f.capability.tag_syntax
    if syntax is None or not _is_raw(f):
        return Tagged(text=text)
    tagged = read(text, syntax)
    return tagged if tagged.text or tagged.characters else Tagged(text=text)


def _is_raw(f: Fitting) -> bool:
    own = f.spec.options.get(f.dialect, {}) if isinstance(f.spec.options, dict) else {}
    return own.get("raw_prompt") is True


def _checked_text(f: Fitting, pointer: str, text: str) -> str:
    """Refuse or disarm what the dialect would read as a command inside a text (contract.md, active prompt syntax)."""
    if _is_raw(f):
        return text
    for pattern in f.capability.active_syntax:
        found = re.search(pattern, text, re.IGNORECASE)
        if found is None:
            continue
        token = found.group(found.lastindex or 0)
        if f.adapts and token.startswith("<"):
            text = re.sub(pattern, lambda match: HARMLESS + match.group(0)[1:], text, flags=re.IGNORECASE)
            continue
        f.refuse(
            pointer,
            f"this backend reads {token!r} as a command, not as words; "
            f"options.{f.dialect}.raw_prompt: true sends it knowingly",
            reason="prompt_syntax",
            token=token,
        )
    return text


def _sent_text(f: Fitting, pointer: str, text: str) -> str:
    """Return the text as it is sent, with a receipt if something in it had to be disarmed."""
    harmless = _checked_text(f, pointer, text)
    if harmless != text:
        f.adjust(pointer, text, harmless, "snapped")
    return harmless


def negative_prompt(f: Fitting) -> None:
    """Pass the negative prompt on, or put it into words under `adapt`."""
    negative = f.spec.negative_prompt
    if isinstance(negative, UnsetType):
        if f.tagged.terms:
            f.values["negative_prompt"] = ", ".join(f.tagged.terms)
        return
    if f.capability.negative_prompt:
        sent = _sent_text(f, "/negative_prompt", negative)
        f.values["negative_prompt"] = ", ".join((*f.tagged.terms, sent))
    elif f.adapts and "prompt" in f.values:
        # It becomes part of the prompt, and obeys what the prompt obeys.
        joined = f"{f.values['prompt']}, avoid: {_checked_text(f, '/negative_prompt', negative)}"
        limit = f.capability.limits.prompt_chars
        if limit is not None and len(joined) > limit >= len(f.values["prompt"]):
            detail = f"leaves no room for it behind a prompt of at most {limit} characters"
            f.refuse("/negative_prompt", detail, code="request.field_invalid", reason="too_long", limit=limit)
        f.values["prompt"] = joined
        f.adjust("/negative_prompt", negative, "appended to the prompt as 'avoid: …'", "snapped")
    else:
        f.drop_or_refuse("/negative_prompt", negative, "takes no negative prompt")


def _listed(f: Fitting, pointer: str, name: str, known: tuple[str, ...] | None, what: str) -> None:
    value = getattr(f.spec, name)
    if isinstance(value, UnsetType):
        return
    if known is None:
        f.drop_or_refuse(pointer, value, f"takes no {what}")
    elif value not in known:
        f.drop_or_refuse(
            pointer, value, f"no such {what}", code="request.field_invalid", reason="enum", allowed=tuple(known)
        )
    else:
        f.values[name] = _sent_text(f, pointer, value)


def character(f: Fitting) -> None:
    """Pass on a character that the backend knows: one, whether it is named in its field or in the prompt."""
    asked = f.spec.character
    names = [name for name in f.tagged.characters if name != asked]
    known = f.capability.characters or ()
    if names and (len(names) > 1 or not isinstance(asked, UnsetType)):
        second = names[-1]
        detail = "one picture has one character"
        f.refuse("/prompt", detail, code="request.field_invalid", reason="contradiction", limit=1, token=second)
    elif names and names[0] not in known:
        f.drop_or_refuse(
            "/prompt",
            names[0],
            "no such character",
            code="request.field_invalid",
            reason="enum",
            allowed=known,
            token=names[0],
        )
    elif names:
        f.values["character"] = names[0]
    _listed(f, "/character", "character", f.capability.characters, "character")


def style(f: Fitting) -> None:
    """Pass on a style of the model's own list."""
    _listed(f, "/style", "style", f.capability.styles, "style")
    if "style" not in f.values and f.capability.default_style is not None:
        f.values["style"] = f.capability.default_style
