"""Fitting inputs, policy, cache, watermark, provenance, video and a dialect's own options (options.md §3)."""

from typing import Any

import pytest
from msgspec import UNSET

from contracts.capability import Capability
from contracts.fit import fit
from tests.unit.contracts.requests import REAL, fitted, receipts, refusals, spec

UNSUPPORTED = "request.option_unsupported"
OAUTH, GROK, STUDIO, IMGEN, CACHED = "ima2 new oauth", "ima2 new grok", "sdcpp", "imgen", "imgen with cache"
MODES = ("reject", "adapt", "drop")


def pictures(*roles: str) -> list[dict[str, str]]:
    """Return inputs of these roles."""
    return [{"role": role, "data": "AA=="} for role in roles]


@pytest.mark.parametrize(("candidate", "most"), [("ima2 tag oauth", 5), ("ima2 head api", 5), (OAUTH, 5), (GROK, 3)])
def test_references_are_counted(candidate: str, most: int) -> None:
    """ima2 takes five, Grok three; the first beyond the limit is pointed to, and the limit told."""
    assert not fitted(candidate, inputs=pictures(*["reference"] * most)).mismatches
    for mode in MODES:
        result = fitted(candidate, inputs=pictures(*["reference"] * (most + 1)), on_unsupported=mode)
        assert set(refusals(result)) == {(f"/inputs/{most}", "request.reference_too_many", "range")}
        assert {each.fault.limit for each in result.mismatches} == {most}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("candidate", "role"),
    [
        *(
            (candidate, role)
            for candidate in (STUDIO, IMGEN)
            for role in ("source", "reference", "mask", "first_frame")
        ),
        *((candidate, role) for candidate in (OAUTH, GROK) for role in ("source", "mask", "first_frame", "watermark")),
        (STUDIO, "watermark"),
    ],
)
def test_a_picture_that_nobody_takes_is_refused_whatever_is_allowed(candidate: str, role: str, mode: str) -> None:
    """A role that the candidate has no use for is refused even under `drop`: pictures are never left out."""
    result = fitted(candidate, inputs=pictures(role), on_unsupported=mode)
    if (role, mode) == ("watermark", "adapt"):
        # The gateway draws it itself.
        assert not refusals(result)
        assert [(each.pointer, each.why) for each in result.adjustments] == [("/watermark", "transcoded")]
        return
    assert refusals(result) == [("/inputs/0/role", UNSUPPORTED, "unsupported")]
    assert role not in (result.mismatches[0].fault.allowed or ())


def test_each_picture_is_weighed_at_its_own_place() -> None:
    """Of several inputs exactly those that do not fit are pointed to."""
    result = fitted(OAUTH, inputs=pictures("reference", "mask", "reference", "source"))
    assert [pointer for pointer, _, _ in refusals(result)] == ["/inputs/1/role", "/inputs/3/role"]


def test_the_source_counts_among_the_pictures_where_the_backend_counts_it() -> None:
    """A total of input pictures includes the source (Grok: three in all)."""
    editor = Capability(references=3, inputs_total=3, source=True)
    asked = spec(operation="image.edit", inputs=pictures("source", "reference", "reference", "reference"))
    result = fit(asked, editor, "ima2")
    assert refusals(result) == [("/inputs/3", "request.reference_too_many", "range")]
    fewer = spec(operation="image.edit", inputs=pictures("source", "reference", "reference"))
    assert not fit(fewer, editor, "ima2").mismatches


def test_strictness_is_sent_or_refused_and_never_dropped() -> None:
    """ima2 takes both words; who has no moderation refuses what the caller set, under every mode."""
    for candidate in (OAUTH, GROK, "ima2 tag oauth"):
        assert fitted(candidate).effective.strictness == "default"
        assert fitted(candidate, policy={"strictness": "relaxed"}).effective.strictness == "relaxed"
    for candidate in (STUDIO, IMGEN):
        assert fitted(candidate).effective.strictness is UNSET
        for mode in MODES:
            result = fitted(candidate, policy={"strictness": "default"}, on_unsupported=mode)
            assert refusals(result) == [("/policy/strictness", UNSUPPORTED, "unsupported")]


def test_a_ruleset_needs_a_reviewer_and_is_never_dropped() -> None:
    """The reviewer of imgen takes ruleset and note; everybody else is refused, under every mode."""
    asked = {"policy": {"ruleset": "kids", "prescreen_note": "a poster"}}
    assert fitted(IMGEN, **asked).effective.ruleset == "kids"
    assert not fitted(IMGEN, **asked).mismatches
    for candidate in (OAUTH, GROK, STUDIO):
        for mode in MODES:
            result = fitted(candidate, **asked, on_unsupported=mode)
            assert refusals(result) == [
                ("/policy/ruleset", UNSUPPORTED, "unsupported"),
                ("/policy/prescreen_note", UNSUPPORTED, "unsupported"),
            ]
            assert result.effective.ruleset is UNSET


def test_preferring_a_cache_is_a_hint_and_insisting_on_one_is_not() -> None:
    """`prefer` without a cache is told and never refused; `only` is refused; `off` is what happens anyway."""
    for candidate in (OAUTH, STUDIO, IMGEN):
        for mode in MODES:
            hint = fitted(candidate, cache={"mode": "prefer"}, on_unsupported=mode)
            assert receipts(hint) == {"/cache/mode": ("off", "dropped")}
            assert not hint.mismatches
        off = fitted(candidate, cache={"mode": "off"})
        assert not off.adjustments
        assert not off.mismatches
        only = fitted(candidate, cache={"mode": "only"})
        assert refusals(only) == [("/cache/mode", UNSUPPORTED, "unsupported")]
        assert only.mismatches[0].fault.allowed == ("off", "prefer")
    for wish in ("prefer", "only"):
        result = fitted(CACHED, cache={"mode": wish})
        assert not result.adjustments
        assert not result.mismatches


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("watermark", {"position": "center", "scale": 20, "padding": {"x": 1}}),
        ("provenance", {"author": "me", "vendor": "us"}),
    ],
)
def test_a_watermark_and_provenance_are_imgens_alone(name: str, asked: dict[str, Any]) -> None:
    """The imgen backend takes them; elsewhere each part that was set is refused or dropped by itself."""
    wish = {name: asked, **({"inputs": pictures("watermark")} if name == "watermark" else {})}
    assert not fitted(IMGEN, **wish).mismatches
    for candidate in (OAUTH, GROK, STUDIO):
        refused = [pointer for pointer, _, _ in refusals(fitted(candidate, **{name: asked}))]
        assert refused == [f"/{name}/{part}" for part in asked]
        dropped = fitted(candidate, **{name: asked}, on_unsupported="drop")
        assert set(receipts(dropped)) == {f"/{name}/{part}" for part in asked}
        assert not dropped.mismatches


@pytest.mark.parametrize("candidate", list(REAL))
def test_video_and_strength_have_no_taker_yet(candidate: str) -> None:
    """What no landed adapter serves is refused by name, so that nobody believes that it was done."""
    assert refusals(fitted(candidate, video={"mode": "text"})) == [("/video", UNSUPPORTED, "unsupported")]
    assert refusals(fitted(candidate, strength=0.5)) == [("/strength", UNSUPPORTED, "unsupported")]
    assert receipts(fitted(candidate, strength=0.5, on_unsupported="drop")) == {"/strength": (None, "dropped")}


@pytest.mark.parametrize(("candidate", "can"), [(OAUTH, {True, False}), (STUDIO, {False}), (IMGEN, {True, False})])
def test_whether_prompts_may_be_rewritten_is_passed_on(candidate: str, can: set[bool]) -> None:
    """ima2 and imgen can be told either way; Studio never rewrites, so only `false` fits it."""
    assert fitted(candidate).effective.optimize_prompt is UNSET
    for asked in (True, False):
        result = fitted(candidate, optimize_prompt=asked)
        if asked in can:
            assert (result.effective.optimize_prompt, result.mismatches) == (asked, ())
        else:
            assert refusals(result) == [("/optimize_prompt", UNSUPPORTED, "unsupported")]


def test_options_of_one_dialect_are_refused_by_another() -> None:
    """A dialect's own options reach it whole; a candidate of another dialect is out, or drops them with a receipt."""
    asked = {"options": {"sdcpp": {"cfg_scale": 7.0}}}
    assert fitted(STUDIO, **asked).effective.options == {"cfg_scale": 7.0}
    for candidate in (OAUTH, IMGEN):
        assert refusals(fitted(candidate, **asked)) == [("/options/sdcpp", UNSUPPORTED, "unsupported")]
        assert refusals(fitted(candidate, **asked, on_unsupported="adapt")) == [
            ("/options/sdcpp", UNSUPPORTED, "unsupported")
        ]
        dropped = fitted(candidate, **asked, on_unsupported="drop")
        assert receipts(dropped) == {"/options/sdcpp": (None, "dropped")}
        assert dropped.effective.options is UNSET


def test_everything_that_does_not_fit_is_told_at_once() -> None:
    """Several mismatches of one candidate are all there, in the order in which options are weighed."""
    asked = {"prompt": "-blur", "seed": 1, "effort": "high", "policy": {"strictness": "relaxed"}}
    assert [pointer for pointer, _, _ in refusals(fitted(IMGEN, **asked))] == [
        "/prompt", "/seed", "/effort", "/policy/strictness",
    ]  # fmt: skip
