"""Fitting size, number, seed, effort and encoding: what the three adapters' candidates really get (options.md §3)."""

from typing import Any

import pytest
from msgspec import UNSET

from tests.unit.contracts.requests import REAL, fitted, receipts, refusals

UNSUPPORTED = "request.option_unsupported"
INVALID = "request.field_invalid"
OAUTH, GROK, STUDIO, IMGEN = "ima2 new oauth", "ima2 new grok", "sdcpp", "imgen"


@pytest.mark.parametrize(
    ("candidate", "sent"),
    [
        (
            "ima2 tag oauth",
            {"width": 1024, "height": 1024, "format": "png", "effort": "medium", "strictness": "default"},
        ),
        (
            "ima2 head api",
            {"width": 1024, "height": 1024, "format": "png", "effort": "medium", "strictness": "default"},
        ),
        (GROK, {"width": 1024, "height": 1024, "format": "jpeg", "effort": "medium", "strictness": "default"}),
        (STUDIO, {"width": 1024, "height": 1024, "format": "png"}),
        (IMGEN, {"width": 1024, "height": 1024, "format": "png", "style": "photo"}),
    ],
)
def test_what_the_caller_left_unset_is_sent_explicitly(candidate: str, sent: dict[str, Any]) -> None:
    """A default of a backend is never relied upon: the dialect's table of explicit sends applies (options.md §1)."""
    result = fitted(candidate)
    for name in type(result.effective).__struct_fields__:
        wanted = {"prompt": "a shiba", "n": 1, **sent}.get(name, UNSET)
        assert getattr(result.effective, name) == wanted, name
    assert not result.adjustments
    assert not result.mismatches


@pytest.mark.parametrize("size", [{"width": 1344, "height": 768}, {"aspect_ratio": "7:4"}])
def test_a_size_that_is_made_is_sent(size: dict[str, Any]) -> None:
    """Pixels, and a shape that one of the sizes has, become width and height."""
    effective = fitted(IMGEN, size=size).effective
    assert (effective.width, effective.height) == (1344, 768)


@pytest.mark.parametrize("candidate", list(REAL))
def test_any_size_may_be_chosen_for_the_caller(candidate: str) -> None:
    """`auto` is the backend's own default size, sent explicitly."""
    result = fitted(candidate, size="auto")
    assert (result.effective.width, result.effective.height) == (1024, 1024)
    assert not result.adjustments


def test_a_size_that_imgen_would_change_in_silence_is_refused_with_the_seven() -> None:
    """Anything but the seven pairs becomes 1344x768 natively: refused, with the list."""
    result = fitted(IMGEN, size={"width": 1920, "height": 1080})
    assert refusals(result) == [("/size", UNSUPPORTED, "unsupported")]
    assert result.mismatches[0].fault.allowed == (
        "1024x1024", "1344x768", "768x1344", "1216x832", "832x1216", "1152x896", "896x1152",
    )  # fmt: skip


def test_a_size_is_snapped_or_left_out_only_with_leave() -> None:
    """`adapt` takes the nearest of the shape and says so; `drop` takes the default and says so; neither is silent."""
    asked = {"width": 1920, "height": 1080}
    snapped = fitted(IMGEN, size=asked, on_unsupported="adapt")
    assert (snapped.effective.width, snapped.effective.height) == (1344, 768)
    assert receipts(snapped) == {"/size": ({"width": 1344, "height": 768}, "snapped")}
    dropped = fitted(IMGEN, size=asked, on_unsupported="drop")
    assert (dropped.effective.width, dropped.effective.height) == (1024, 1024)
    assert receipts(dropped) == {"/size": (None, "dropped")}
    nowhere = fitted(IMGEN, size={"width": 3000, "height": 1000}, on_unsupported="adapt")
    assert refusals(nowhere) == [("/size", UNSUPPORTED, "unsupported")]


def test_grok_knows_one_size_in_pixels() -> None:
    """A pixel size that is no known tier is refused."""
    assert not fitted(GROK, size={"width": 1024, "height": 1024}).mismatches
    assert refusals(fitted(GROK, size={"width": 1536, "height": 1024})) == [("/size", UNSUPPORTED, "unsupported")]


@pytest.mark.parametrize(
    ("candidate", "most", "code", "reason"),
    [
        (OAUTH, 8, INVALID, "range"),
        (STUDIO, 10, INVALID, "range"),
        (IMGEN, 1, UNSUPPORTED, "unsupported"),
    ],
)
def test_more_pictures_than_one_job_makes(candidate: str, most: int, code: str, reason: str) -> None:
    """Up to the limit they are made at once; beyond it they are refused, made by several native jobs, or fewer."""
    assert fitted(candidate, n=most).effective.n == most
    refused = fitted(candidate, n=most + 1)
    assert refusals(refused) == [("/n", code, reason)]
    assert refused.mismatches[0].fault.limit == most
    several = fitted(candidate, n=2 * most + 1, on_unsupported="adapt")
    assert (several.count, several.effective.n) == (2 * most + 1, 2 * most + 1)
    assert receipts(several) == {"/n": ({"native_jobs": 3, "pictures_each": most}, "snapped")}
    assert "3 bills, seeds and reviews" in several.warnings[0]
    fewer = fitted(candidate, n=most + 1, on_unsupported="drop")
    assert (fewer.count, fewer.effective.n) == (most, most)
    assert receipts(fewer) == {"/n": (most, "clamped")}


@pytest.mark.parametrize("seed", [0, 2**53 - 1])
def test_a_seed_is_a_promise(seed: int) -> None:
    """Studio's queue keeps any seed, nought too; whoever takes none is refused, also under `adapt`."""
    assert fitted(STUDIO, seed=seed).effective.seed == seed
    for candidate in (OAUTH, GROK, IMGEN):
        assert refusals(fitted(candidate, seed=seed)) == [("/seed", UNSUPPORTED, "unsupported")]
        assert refusals(fitted(candidate, seed=seed, on_unsupported="adapt")) == [("/seed", UNSUPPORTED, "unsupported")]
    assert receipts(fitted(IMGEN, seed=seed, on_unsupported="drop")) == {"/seed": (None, "dropped")}


@pytest.mark.parametrize(
    ("candidate", "effort", "sent"),
    [(OAUTH, "high", "high"), (GROK, "low", "low"), (STUDIO, "auto", "auto"), (STUDIO, "medium", "medium")],
)
def test_effort_is_sent_in_the_canonical_words(candidate: str, effort: str, sent: str) -> None:
    """Words that a backend knows go as they are."""
    assert fitted(candidate, effort=effort).effective.effort == sent


def test_effort_never_becomes_imgens_quality() -> None:
    """There is no effort at imgen: refused, dropped with a receipt, and never written into the compression."""
    assert refusals(fitted(IMGEN, effort="high")) == [("/effort", UNSUPPORTED, "unsupported")]
    assert refusals(fitted(IMGEN, effort="high", on_unsupported="adapt")) == [("/effort", UNSUPPORTED, "unsupported")]
    dropped = fitted(IMGEN, effort="high", on_unsupported="drop")
    assert receipts(dropped) == {"/effort": (None, "dropped")}
    assert dropped.effective.compression is UNSET


def test_automatic_effort_where_there_is_none_becomes_the_default_with_leave() -> None:
    """ima2 has no `auto`: refused by default, its own default under `adapt`."""
    refused = fitted(OAUTH, effort="auto")
    assert refused.mismatches[0].fault.allowed == ("low", "medium", "high")
    adapted = fitted(OAUTH, effort="auto", on_unsupported="adapt")
    assert adapted.effective.effort == "medium"
    assert receipts(adapted) == {"/effort": ("medium", "snapped")}


@pytest.mark.parametrize(
    ("candidate", "known"),
    [(OAUTH, {"png", "jpeg", "webp"}), (GROK, {"jpeg"}), (STUDIO, {"png"}), (IMGEN, {"png", "jpeg", "webp", "avif"})],
)
@pytest.mark.parametrize("wish", ["png", "jpeg", "webp", "avif"])
def test_a_format_is_delivered_refused_or_encoded_by_the_gateway(candidate: str, known: set[str], wish: str) -> None:
    """What a backend delivers is asked of it; the rest is refused, and under `adapt` transcoded with a receipt."""
    asked = {"output": {"format": wish}}
    if wish in known:
        assert fitted(candidate, **asked).effective.format == wish
        return
    assert refusals(fitted(candidate, **asked)) == [("/output/format", UNSUPPORTED, "unsupported")]
    native = REAL[candidate][1].default_format
    adapted = fitted(candidate, **asked, on_unsupported="adapt")
    assert adapted.effective.format == native
    assert receipts(adapted) == {"/output/format": (f"{native}, transcoded by the gateway", "transcoded")}
    dropped = fitted(candidate, **asked, on_unsupported="drop")
    assert dropped.effective.format == native
    assert receipts(dropped) == {"/output/format": (None, "dropped")}


def test_compression_is_imgens_alone() -> None:
    """It goes to imgen's encoders; elsewhere it is refused, or the gateway encodes anew under `adapt`."""
    for wish in ("jpeg", "webp", "avif"):
        assert fitted(IMGEN, output={"format": wish, "compression": 80}).effective.compression == 80
    assert refusals(fitted(IMGEN, output={"compression": 80})) == [("/output/compression", UNSUPPORTED, "unsupported")]
    asked = {"output": {"format": "jpeg", "compression": 80}}
    assert refusals(fitted(OAUTH, **asked)) == [("/output/compression", UNSUPPORTED, "unsupported")]
    adapted = fitted(OAUTH, **asked, on_unsupported="adapt")
    assert adapted.effective.compression is UNSET
    assert receipts(adapted) == {"/output/compression": ("encoded by the gateway", "transcoded")}
    both = fitted(STUDIO, **asked, on_unsupported="adapt")
    assert set(receipts(both)) == {"/output/format", "/output/compression"}
    assert refusals(fitted(STUDIO, output={"compression": 80}, on_unsupported="adapt")) == [
        ("/output/compression", UNSUPPORTED, "unsupported")
    ]


def test_lossless_is_asked_where_it_must_be_and_refused_where_it_cannot() -> None:
    """The imgen backend is asked for it, either way; a png is so by itself; a lossy encoder elsewhere is refused."""
    assert fitted(IMGEN, output={"format": "webp", "lossless": True}).effective.lossless is True
    assert fitted(IMGEN, output={"format": "avif", "lossless": False}).effective.lossless is False
    for candidate in (OAUTH, STUDIO, IMGEN):
        result = fitted(candidate, output={"format": "png", "lossless": True})
        assert (result.effective.lossless, result.mismatches) == (UNSET, ())
    assert refusals(fitted(OAUTH, output={"format": "webp", "lossless": True})) == [
        ("/output/lossless", UNSUPPORTED, "unsupported")
    ]
    assert refusals(fitted(GROK, output={"lossless": True})) == [("/output/lossless", UNSUPPORTED, "unsupported")]


def test_the_gateway_promises_lossless_only_where_it_can_keep_it() -> None:
    """Of a lossless original it can write a lossless webp; its avif encoder always loses something: refused."""
    kept = fitted(STUDIO, output={"format": "webp", "lossless": True}, on_unsupported="adapt")
    assert receipts(kept)["/output/lossless"] == ("encoded by the gateway", "transcoded")
    for candidate, wish in ((STUDIO, "avif"), (GROK, "png"), (GROK, "webp")):
        result = fitted(candidate, output={"format": wish, "lossless": True}, on_unsupported="adapt")
        assert refusals(result) == [("/output/lossless", UNSUPPORTED, "unsupported")]
