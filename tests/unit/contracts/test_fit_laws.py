"""Laws of `fit` that hold for every request and every candidate, real or made up."""

import re
from typing import Any

import msgspec
from hypothesis import given, settings
from msgspec import UnsetType

from contracts.capability import Capability
from contracts.fit import Fit, fit
from contracts.job import Effective
from contracts.media import Size
from contracts.spec import SpecBase
from contracts.tags import Tagged, read
from tests.unit.contracts.requests import CANDIDATES, specs

Candidate = tuple[str, Capability]
#: Texts that the wire carries, and where the caller set them.
TEXTS = ("prompt", "negative_prompt", "character", "style")


def wished(spec: SpecBase) -> dict[str, Any]:
    """Return every option that the caller set and that `effective` could show, by its pointer."""
    found: dict[str, Any] = {f"/{name}": getattr(spec, name) for name in (*TEXTS, "n", "seed", "effort")}
    found["/optimize_prompt"] = spec.optimize_prompt
    for at, part, names in (
        ("/output", spec.output, ("format", "compression", "lossless")),
        ("/policy", spec.policy, ("strictness", "ruleset")),
    ):
        if not isinstance(part, UnsetType):
            found |= {f"{at}/{name}": getattr(part, name) for name in names}
    if isinstance(spec.size, Size) and spec.size.exact is not None:
        found["/size"] = (spec.size.exact.width, spec.size.exact.height)
    for dialect, options in (spec.options or {}).items():
        found[f"/options/{dialect}"] = options
    return {pointer: value for pointer, value in found.items() if not isinstance(value, UnsetType)}


def came(spec: SpecBase, effective: Effective, candidate: Candidate) -> dict[str, Any]:
    """Return what is sent of each of these options, by the same pointers."""
    dialect, capability = candidate
    found: dict[str, Any] = {f"/{name}": getattr(effective, name) for name in (*TEXTS, "n", "seed", "effort")}
    found["/optimize_prompt"] = effective.optimize_prompt
    found |= {f"/output/{name}": getattr(effective, name) for name in ("format", "compression", "lossless")}
    found |= {f"/policy/{name}": getattr(effective, name) for name in ("strictness", "ruleset")}
    found["/size"] = (effective.width, effective.height)
    found[f"/options/{dialect}"] = effective.options
    native = effective.format
    if isinstance(effective.lossless, UnsetType) and not isinstance(spec.output, UnsetType):
        # What an encoder always does, or never can, is not asked of it.
        if spec.output.lossless is True and native in capability.always_lossless:
            found["/output/lossless"] = True
        transcoded = spec.output.format not in (native, msgspec.UNSET)
        if spec.output.lossless is False and (transcoded or native not in capability.lossless_formats):
            found["/output/lossless"] = False
    return found


def knowingly(spec: SpecBase, candidate: Candidate) -> Tagged | None:
    """Return a raw prompt taken apart, as the caller means it where its dialect knows orders; or None."""
    dialect, capability = candidate
    raw = (spec.options or {}).get(dialect, {}).get("raw_prompt") is True
    if not raw or capability.tag_syntax is None or not isinstance(spec.prompt, str) or not capability.prompt:
        return None
    orders = read(spec.prompt, capability.tag_syntax)
    return orders if orders.text or orders.characters else None


def differences(spec: SpecBase, result: Fit, candidate: Candidate) -> set[str]:
    """Return the pointers of all options that are not sent as they were set."""
    sent, asked_for = came(spec, result.effective, candidate), wished(spec)
    orders = knowingly(spec, candidate)
    if orders is not None:
        asked_for["/prompt"] = orders.text
        terms = ", ".join((*orders.terms, *([spec.negative_prompt] if isinstance(spec.negative_prompt, str) else ())))
        asked_for |= {"/negative_prompt": terms} if terms else {}
    found = {pointer for pointer, value in asked_for.items() if sent.get(pointer, None) != value}
    if orders is not None and orders.characters and sent["/character"] not in orders.characters:
        found.add("/prompt")
    own = f"/options/{candidate[0]}"
    if own in found:
        # The dialect's own options are honoured or refused one by one.
        kept = sent[own] if isinstance(sent[own], dict) else {}
        asked = (spec.options or {})[candidate[0]]
        found = found - {own} | {f"{own}/{name}" for name, value in asked.items() if kept.get(name) != value}
    appended = any(
        each.pointer == "/negative_prompt" and str(each.applied).startswith("appended") for each in result.adjustments
    )
    if appended and isinstance(result.effective.prompt, str):
        # The receipt of what was appended stands for the change of the prompt.
        own, _, _ = result.effective.prompt.rpartition(", avoid: ")
        found -= {"/prompt"} if own == spec.prompt else set()
    return found


@settings(max_examples=80, deadline=None)
@given(spec=specs(), candidate=CANDIDATES)
def test_a_fit_is_the_same_each_time_and_can_be_stored(spec: SpecBase, candidate: Candidate) -> None:
    """`fit` never raises, answers the same for the same question, and what it returns can be written as JSON."""
    dialect, capability = candidate
    first, second = fit(spec, capability, dialect), fit(spec, capability, dialect)
    assert first == second
    assert msgspec.json.encode(first)
    assert first.count >= 1


@settings(max_examples=150, deadline=None)
@given(spec=specs("reject"), candidate=CANDIDATES)
def test_without_leave_nothing_is_changed(spec: SpecBase, candidate: Candidate) -> None:
    """Under `reject` only an unheeded hint for a cache has a receipt; what does not go as it was set is a mismatch."""
    result = fit(spec, candidate[1], candidate[0])
    assert {each.pointer for each in result.adjustments} <= {"/cache/mode"}
    against = {mismatch.fault.pointer for mismatch in result.mismatches}
    assert differences(spec, result, candidate) <= against


@settings(max_examples=150, deadline=None)
@given(spec=specs("adapt", "drop"), candidate=CANDIDATES)
def test_every_change_has_exactly_one_receipt(spec: SpecBase, candidate: Candidate) -> None:
    """With leave, what is not sent as it was set has one receipt or is a mismatch, and nothing has two."""
    result = fit(spec, candidate[1], candidate[0])
    receipts = [each.pointer for each in result.adjustments]
    assert len(receipts) == len(set(receipts))
    against = {mismatch.fault.pointer for mismatch in result.mismatches}
    assert differences(spec, result, candidate) <= set(receipts) | against


@settings(max_examples=150, deadline=None)
@given(spec=specs("adapt", "drop"), candidate=CANDIDATES)
def test_terms_of_review_and_pictures_are_never_left_out(spec: SpecBase, candidate: Candidate) -> None:
    """Policy and inputs are honoured or refused: no receipt can stand for either."""
    dialect, capability = candidate
    result = fit(spec, capability, dialect)
    assert not [each for each in result.adjustments if each.pointer.startswith(("/policy", "/inputs"))]
    against = {mismatch.fault.pointer for mismatch in result.mismatches}
    sent = came(spec, result.effective, candidate)
    for pointer, value in wished(spec).items():
        if pointer.startswith("/policy"):
            assert sent[pointer] == value or pointer in against
    if not isinstance(spec.policy, UnsetType) and not isinstance(spec.policy.prescreen_note, UnsetType):
        assert capability.prescreen_note or "/policy/prescreen_note" in against
    inputs = () if isinstance(spec.inputs, UnsetType) else spec.inputs
    if not capability.references and any(each.role == "reference" for each in inputs):
        assert any(pointer.startswith("/inputs/") for pointer in against)


@settings(max_examples=150, deadline=None)
@given(spec=specs(), candidate=CANDIDATES)
def test_no_command_is_sent_by_accident(spec: SpecBase, candidate: Candidate) -> None:
    """Where nothing stands against a candidate, no text that is sent holds what its dialect reads as a command."""
    dialect, capability = candidate
    result = fit(spec, capability, dialect)
    own = (spec.options or {}).get(dialect, {})
    if result.mismatches or own.get("raw_prompt") is True:
        return
    for name in TEXTS:
        text = getattr(result.effective, name)
        for pattern in capability.active_syntax:
            assert isinstance(text, UnsetType) or not re.search(pattern, text, re.IGNORECASE)


@settings(max_examples=80, deadline=None)
@given(spec=specs(), candidate=CANDIDATES)
def test_a_prompt_that_is_sent_is_within_the_limit(spec: SpecBase, candidate: Candidate) -> None:
    """Where nothing stands against a candidate, what was appended to the prompt has not made it too long."""
    dialect, capability = candidate
    result = fit(spec, capability, dialect)
    limit = capability.limits.prompt_chars
    if limit is not None and not result.mismatches and isinstance(result.effective.prompt, str):
        assert len(result.effective.prompt) <= limit
