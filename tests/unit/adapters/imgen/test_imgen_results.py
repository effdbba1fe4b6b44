"""What a finished run becomes: its verdict, its effective values, and everything in which it is not what was sent."""

from base64 import b64encode
from typing import Any

import msgspec
import pytest
from msgspec import ValidationError

from adapters.imgen.errors import read
from adapters.imgen.result import to_done, to_withheld
from adapters.imgen.translate import to_status
from adapters.imgen.wire import read_meta
from contracts.catalog import CatalogError
from contracts.port import Done
from tests.unit.adapters.imgen.imgen_runs import META, also, ended, note, verdict, without

SAFE = {"status": "COMPLETED", "meta": META}
UNSAFE = {"status": "COMPLETED", "compliance": "unsafe", "error": "Content blocked — flagged for: Hate"}

#: Answers of `status` and the code of each; all but the first two fail closed.
VERDICTS: dict[str, tuple[dict[str, Any], str]] = {
    "safe": (SAFE, "safe"),
    "safe, said twice": ({**SAFE, "compliance": "safe"}, "safe"),
    "unsafe": ({**UNSAFE, "filter_categories": ["hate"]}, "policy.output_blocked"),
    "unsafe in meta": ({"status": "COMPLETED", "meta": {**META, "compliance": "unsafe"}}, "policy.output_blocked"),
    "safe above, unsafe below": (
        {**SAFE, "compliance": "safe", "meta": {**META, "compliance": "unsafe"}}, "policy.output_blocked",
    ),
    "unsafe above, safe below": ({**SAFE, **UNSAFE}, "policy.output_blocked"),
    "no word": ({"status": "COMPLETED", "meta": without("compliance")}, "backend.bad_response"),
    "an unknown word": ({"status": "COMPLETED", "meta": {**META, "compliance": "ok"}}, "backend.bad_response"),
    "two words": ({**SAFE, "compliance": "pending"}, "backend.bad_response"),
    "null": ({**SAFE, "compliance": None}, "backend.bad_response"),
    "a list": ({**SAFE, "compliance": ["safe"]}, "backend.bad_response"),
    "true": ({"status": "COMPLETED", "meta": {**META, "compliance": True}}, "backend.bad_response"),
    "safe with a complaint": ({**SAFE, "error": "Generation failed"}, "backend.bad_response"),
    "safe with flags": ({**SAFE, "filter_categories": ["hate"]}, "backend.bad_response"),
    "safe with a withheld picture": ({**SAFE, "unsafe_url": "aHR0cDovL3gv"}, "backend.bad_response"),
    "safe without meta": ({"status": "COMPLETED", "compliance": "safe"}, "backend.bad_response"),
    "safe with another meta": ({"status": "COMPLETED", "compliance": "safe", "meta": []}, "backend.bad_response"),
    "an unknown state": ({"status": "PAUSED", "meta": META}, "backend.bad_response"),
    "FAILED": ({"status": "FAILED", "error": "Generation failed"}, "backend.failed"),
    "TIMED_OUT": ({"status": "TIMED_OUT", "error": "Generation failed"}, "backend.timeout"),
    "CANCELLED": ({"status": "CANCELLED", "error": "Generation failed"}, "backend.failed"),
}  # fmt: skip


@pytest.mark.parametrize("case", VERDICTS)
def test_nothing_but_a_clear_word_is_safe(case: str) -> None:
    """Missing, unknown, doubled and contradictory verdicts are no permission."""
    body, code = VERDICTS[case]
    assert verdict(body) == code


def test_a_run_that_was_cancelled_unasked_says_so() -> None:
    """No cancel exists there: it is a failure, with the native word beside it."""
    signal = read("status", 200, msgspec.json.encode(VERDICTS["CANCELLED"][0]))
    assert signal is not None
    assert signal.state == "CANCELLED"


def receipts(done: Done) -> dict[str, tuple[Any, Any]]:
    """Return the adjustments by pointer; all of them are the backend's doing."""
    assert {(each.why, each.by) for each in done.adjustments} <= {("not_honoured", "backend")}
    return {each.pointer: (each.requested, each.applied) for each in done.adjustments}


#: What was asked for, what `meta` says instead, the field that is counted, and the receipt.
FALLEN: dict[str, tuple[dict[str, Any], dict[str, Any], str, tuple[str, Any, Any]]] = {
    "model": ({"model": "imgen/atlas"}, {"model": "eros"}, "model", ("/model", "imgen/atlas", "imgen/eros")),
    "style": ({"style": "oil"}, {"style": "photo"}, "style", ("/style", "oil", "photo")),
    "format": (
        {"output": {"format": "png"}}, {"format": "jpeg"}, "format", ("/output/format", "png", "jpeg"),
    ),
    "size": (
        {"size": {"width": 1024, "height": 1024}}, {"width": 1344, "height": 768}, "size",
        ("/size", {"width": 1024, "height": 1024}, {"width": 1344, "height": 768}),
    ),
    "precompliance": (
        {"policy": {"prescreen_note": "nothing found"}}, {"precompliance": "nothing"}, "prescreen_note",
        ("/policy/prescreen_note", "nothing found", "nothing"),
    ),
    "character": ({"character": "aya"}, {"character": ""}, "character", ("/character", "aya", "")),
    "quality": (
        {"output": {"format": "jpeg", "compression": 40}}, {"format": "jpeg", "quality": 95}, "compression",
        ("/output/compression", 40, 95),
    ),
    "lossless": (
        {"output": {"format": "webp", "lossless": True}}, {"format": "webp", "lossless": False}, "lossless",
        ("/output/lossless", True, False),
    ),
    "optimize": ({"optimize_prompt": True}, {"optimized": False}, "optimize_prompt", ("/optimize_prompt", True, False)),
}  # fmt: skip


@pytest.mark.parametrize("case", FALLEN)
def test_a_silent_fallback_is_found_in_meta(case: str) -> None:
    """It is counted, and told where the caller had set the value: requested and applied."""
    asked, said, field, (pointer, requested, applied) = FALLEN[case]
    meta = {**META, "character": asked.get("character", ""), "style": asked.get("style", "photo"), **said}
    if "policy" in asked:
        meta["precompliance"] = said["precompliance"]
    done = to_done(ended(meta=meta), note(**asked))
    assert done.breaches == (field,)
    assert receipts(done) == {pointer: (requested, applied)}


def test_a_fallback_of_what_was_left_open_is_counted_and_no_receipt() -> None:
    """Only what a caller set was promised; what came instead is in the effective values."""
    done = to_done(ended(style="oil", model="eros", width=1344, height=768, character="bella"), note())
    assert sorted(done.breaches) == ["character", "model", "size", "style"]
    assert done.adjustments == ()
    assert done.effective is not None
    assert (done.effective.style, done.effective.model, done.effective.character) == ("oil", "eros", "bella")


def test_a_key_that_is_not_there_tells_nothing() -> None:
    """An older server that says less is not accused."""
    meta = {name: META[name] for name in ("compliance", "compliance_ruleset", "images")}
    done = to_done(ended(meta=meta), note(style="oil", character="aya"))
    assert (done.breaches, done.adjustments) == ((), ())


@pytest.mark.parametrize(
    "status",
    [ended(), ended(compliance_ruleset=None), ended(meta=without("compliance_ruleset")),
     ended(cache=True, compliance_ruleset="strict")],
    ids=["other rules", "null", "not said", "a hit"],
)  # fmt: skip
def test_a_review_by_other_rules_fails_closed(status: Any) -> None:
    """Whoever names rules gets no picture that was judged by others: the seed's empty ruleset is `default`."""
    with pytest.raises(CatalogError) as caught:
        to_done(status, note(policy={"ruleset": "strict"}), trust_cache=True)
    assert (caught.value.code, caught.value.phase) == ("backend.bad_response", "review")
    assert caught.value.facts["reason"] == "other_ruleset"


def test_a_safe_run_is_passed_by_its_rules_with_its_codes() -> None:
    """The rules that were applied, and whatever codes the reviewer left."""
    done = to_done(ended(compliance_ruleset="strict", compliance_codes=["c1", 7]), note(policy={"ruleset": "strict"}))
    assert done.review is not None
    assert (done.review.verdict, done.review.ruleset, done.review.categories) == ("passed", "strict", ("c1", "7"))
    assert not done.review.cached
    assert [(each.role, each.reference) for each in done.outputs] == [
        ("image", "https://s3.example/a.png?sig=1"),
        ("thumbnail", "https://s3.example/t.jpg?sig=2"),
    ]
    assert {each.review for each in done.outputs} == {done.review}


@pytest.mark.parametrize("trusted", [False, True])
@pytest.mark.parametrize("said_by", ["generate", "status"])
def test_a_hit_is_reviewed_by_nobody_unless_the_operator_trusts_it(said_by: str, *, trusted: bool) -> None:
    """Whichever of the two answers calls it a hit."""
    run = note(hit=said_by == "generate")
    wish = also(run, sent={**run.sent, "use_cache": True})
    done = to_done(ended(cache=said_by == "status"), wish, trust_cache=trusted)
    assert done.review is not None
    assert (done.review.verdict, done.review.cached) == ("passed" if trusted else "not_reviewed", True)
    assert done.effective is not None
    assert done.effective.cache_hit is True
    assert done.warnings == ()


def test_a_hit_tells_what_an_earlier_picture_cannot_have() -> None:
    """Its watermark, credentials and negatives are another run's; what `meta` shows is compared as always."""
    wish = note(
        cache={"mode": "prefer"},
        negative_prompt="fog",
        inputs=[{"role": "watermark", "asset_id": "ast_1"}],
        watermark={"scale": 9},
        provenance={"author": "Ada"},
        output={"format": "jpeg", "compression": 40},
    )
    done = to_done(ended(cache=True, format="jpeg"), wish)
    assert receipts(done) == {
        "/negative_prompt": ("fog", "a picture from the cache"),
        "/watermark": ({"scale": 9}, "a picture from the cache"),
        "/provenance": ({"author": "Ada"}, "a picture from the cache"),
        "/output/compression": (40, 95),
    }
    assert done.breaches == ()


def test_a_hit_that_nobody_let_in_is_a_breach() -> None:
    """The cache is shared: what was not to be asked of it is counted, warned of, and a receipt for who said so."""
    done = to_done(ended(cache=True), note(cache={"mode": "off"}))
    assert done.breaches == ("cache",)
    assert receipts(done) == {"/cache/mode": ("off", "a picture from the cache")}
    assert done.warnings
    assert to_done(ended(cache=True), note()).adjustments == ()


def test_both_prompts_are_shown_as_the_server_built_them() -> None:
    """`positive` and `negative`, so that a caller sees what was added, with the server's own ids beside."""
    effective = to_done(ended(delay_ms=1000, page="https://x.example/", deep={"a": 1}), note()).effective
    assert effective is not None
    assert (effective.prompt, effective.negative_prompt) == ("a sea, sharp", "blurry")
    assert effective.options == {
        "gen_id": "a1b2", "fingerprint": "f00d", "time": "2026-05-28T20:02:50Z", "meta": {"delay_ms": 1000},
    }  # fmt: skip


def test_every_key_of_the_seeds_meta_is_typed_and_others_are_kept_aside() -> None:
    """An unnamed key, or one of another type than the seed shows, is no reason to throw a picture away."""
    meta = read_meta({**META, "version": 2, "time": 17, "seeds": [1]})
    assert meta.more == {"version": 2, "time": 17, "seeds": [1]}
    for name, value in META.items():
        if name not in ("images", "compliance_codes", "time"):
            assert getattr(meta, name) == value, name
    with pytest.raises(ValidationError):
        read_meta({**META, "images": [{"href": "x"}]})
    with pytest.raises(CatalogError) as caught:
        to_done(ended(images="none"), note())
    assert caught.value.facts["reason"] == "shape"


def test_a_run_is_asked_after_with_exactly_what_generate_returned() -> None:
    """Id, prompt and model as they came back, not as they were sent."""
    asked = to_status(also(note(), id="run_x", prompt="@aya richer  words, -fog", model="eros"))
    assert (asked.id, asked.prompt, asked.model) == ("run_x", "@aya richer  words, -fog", "eros")


@pytest.mark.parametrize(
    ("wrapped", "found"),
    [
        (b64encode(b"https://s3.example/u.png?sig=3").decode(), ("https://s3.example/u.png?sig=3",)),
        (b64encode(b"/signed/u.png").decode(), ()),
        (b64encode(b"file:///etc/passwd").decode(), ()),
        (b64encode(b"\xff\xfe").decode(), ()),
        ("https://s3.example/u.png", ()),
        ("", ()),
        (None, ()),
    ],
)
def test_a_withheld_picture_is_found_behind_its_wrapped_url(wrapped: str | None, found: tuple[str, ...]) -> None:
    """Base64 of an address; whatever else stands there, the job is blocked all the same."""
    body = msgspec.json.encode({**UNSAFE, "unsafe_url": wrapped})
    assert to_withheld(body) == found
