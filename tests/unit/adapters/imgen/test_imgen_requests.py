"""Every field of `generate`: what it is sent for, in which range, and what is refused instead of falling back."""

from base64 import b64encode
from typing import Any

import msgspec
import pytest

from adapters.imgen.capability import characters
from adapters.imgen.translate import prepare
from adapters.imgen.wire import Models
from contracts.catalog import CatalogError
from contracts.decode import decode
from contracts.fit import fit
from contracts.spec import JobSpec
from tests.unit.adapters.imgen.imgen_runs import CAPABILITY, MARK, order, request

MARKED: dict[str, Any] = {"inputs": [{"role": "watermark", "asset_id": "ast_1"}]}


def sent(**fields: Any) -> dict[str, Any]:
    """Return the body for a request."""
    body: dict[str, Any] = msgspec.to_builtins(request(*((MARK,) if "inputs" in fields else ()), **fields))
    return body


#: What a caller sets, and the fields of the wire that it becomes.
WRITTEN: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "prompt": ({}, {"prompt": "a sea"}),
    "model": ({}, {"model": "atlas"}),
    "@name": ({"character": "aya"}, {"prompt": "@aya a sea"}),
    "-term": (
        {"prompt": "a sea, -fog", "options": {"imgen": {"raw_prompt": True}}},
        {"prompt": "a sea", "negative": "fog"},
    ),
    "negative": ({"negative_prompt": "fog, rain"}, {"negative": "fog, rain"}),
    "optimize": ({"optimize_prompt": True}, {"optimize": True}),
    "use_cache": ({"cache": {"mode": "prefer"}}, {"use_cache": True}),
    "cache_only": ({"cache": {"mode": "only"}}, {"use_cache": True, "cache_only": True}),
    "cache_force": ({"cache": {"mode": "prefer", "min_similarity": "any"}}, {"cache_force": True}),
    "cache_pick": ({"cache": {"mode": "prefer", "pool": 10}}, {"cache_pick": 10}),
    "width": ({"size": {"width": 832, "height": 1216}}, {"width": 832, "height": 1216}),
    "height": ({"size": {"aspect_ratio": "1:1"}}, {"width": 1024, "height": 1024}),
    "style": ({"style": "oil"}, {"style": "oil"}),
    "format": ({"output": {"format": "avif"}}, {"format": "avif"}),
    "quality": ({"output": {"format": "jpeg", "compression": 1}}, {"format": "jpeg", "quality": 1}),
    "lossless": ({"output": {"format": "webp", "lossless": True}}, {"lossless": True}),
    "compliance_ruleset": ({"policy": {"ruleset": "strict"}}, {"compliance_ruleset": "strict"}),
    "precompliance": ({"policy": {"prescreen_note": "n" * 2000}}, {"precompliance": "n" * 2000}),
    "wm_image": (MARKED, {"wm_image": f"data:image/png;base64,{b64encode(MARK.data).decode()}"}),
    "wm_position": ({**MARKED, "watermark": {"position": "center"}}, {"wm_position": "center"}),
    "wm_scale": ({**MARKED, "watermark": {"scale": 100}}, {"wm_scale": 100}),
    "wm_transparency": ({**MARKED, "watermark": {"opacity": 0.25}}, {"wm_transparency": 25}),
    "wm_rotation": ({**MARKED, "watermark": {"rotation": -360}}, {"wm_rotation": -360}),
    "wm_padding_x": ({**MARKED, "watermark": {"padding": {"x": 500}}}, {"wm_padding_x": 500}),
    "wm_padding_y": ({**MARKED, "watermark": {"padding": {"y": 0}}}, {"wm_padding_y": 0}),
    "cs_author": ({"provenance": {"author": "Ada"}}, {"cs_author": "Ada"}),
    "cs_title": ({"provenance": {"title": "Sea"}}, {"cs_title": "Sea"}),
    "cs_description": ({"provenance": {"description": "Calm"}}, {"cs_description": "Calm"}),
    "cs_organization": ({"provenance": {"organization": "Acme"}}, {"cs_organization": "Acme"}),
    "cs_vendor": ({"provenance": {"vendor": "Us"}}, {"cs_vendor": "Us"}),
}


@pytest.mark.parametrize("field", WRITTEN)
def test_a_field_of_the_wire_is_written(field: str) -> None:
    """Under its own name, with the value that was asked for."""
    fields, expected = WRITTEN[field]
    body = sent(**fields)
    assert {name: body.get(name) for name in expected} == expected


def test_what_falls_back_in_silence_is_always_sent() -> None:
    """Model, style, format and size by name; of everything else that was left open, nothing."""
    body: dict[str, Any] = msgspec.to_builtins(request())
    assert body == {
        "action": "generate", "prompt": "a sea", "model": "atlas", "style": "photo", "format": "png",
        "width": 1024, "height": 1024,
    }  # fmt: skip


#: One step out of every range: where, and why it is refused.
OUTSIDE: dict[str, tuple[dict[str, Any], str, str]] = {
    "an unknown style": ({"style": "vivid"}, "/style", "enum"),
    "an unknown character": ({"character": "nobody"}, "/character", "enum"),
    "an eighth size": ({"size": {"width": 512, "height": 512}}, "/size", "unsupported"),
    "a swapped pair": ({"size": {"width": 1024, "height": 768}}, "/size", "unsupported"),
    "an effort": ({"effort": "high"}, "/effort", "unsupported"),
    "a seed": ({"seed": 1}, "/seed", "unsupported"),
    "two pictures": ({"n": 2}, "/n", "unsupported"),
    "compression of a png": ({"output": {"format": "png", "compression": 90}}, "/output/compression", "unsupported"),
    "a note of astral signs": (
        {"policy": {"prescreen_note": "\U0001d51e" * 1001}}, "/policy/prescreen_note", "too_long",
    ),
    "a search without a cache": ({"cache": {"pool": 5}}, "/cache/pool", "contradiction"),
    "only hits, by rules": (
        {"cache": {"mode": "only"}, "policy": {"ruleset": "strict"}}, "/cache/mode", "contradiction",
    ),
    "a mark without its picture": ({"watermark": {"scale": 5}}, "/inputs", "missing"),
    "two marks": ({"inputs": [*MARKED["inputs"], {"role": "watermark", "asset_id": "ast_2"}]}, "/inputs/1", "range"),
    "a picture to change": ({"inputs": [{"role": "source", "asset_id": "ast_2"}]}, "/inputs/0/role", "unsupported"),
}  # fmt: skip
#: What no request can say, whoever would serve it.
UNSAYABLE: dict[str, tuple[dict[str, Any], str]] = {
    "a pool of 0": ({"cache": {"mode": "prefer", "pool": 0}}, "/cache/pool"),
    "a pool of 11": ({"cache": {"mode": "prefer", "pool": 11}}, "/cache/pool"),
    "a blank ruleset": ({"policy": {"ruleset": " \t"}}, "/policy/ruleset"),
    "a note of 2001": ({"policy": {"prescreen_note": "n" * 2001}}, "/policy/prescreen_note"),
    "an unknown format": ({"output": {"format": "gif"}}, "/output/format"),
    "compression 0": ({"output": {"compression": 0}}, "/output/compression"),
    "compression 101": ({"output": {"compression": 101}}, "/output/compression"),
    "a scale of 101": ({"watermark": {"scale": 101}}, "/watermark/scale"),
    "a scale of 0": ({"watermark": {"scale": 0}}, "/watermark/scale"),
    "an opacity above 1": ({"watermark": {"opacity": 1.01}}, "/watermark/opacity"),
    "a rotation of 361": ({"watermark": {"rotation": 361}}, "/watermark/rotation"),
    "a rotation of -361": ({"watermark": {"rotation": -361}}, "/watermark/rotation"),
    "a padding of 501": ({"watermark": {"padding": {"x": 501}}}, "/watermark/padding/x"),
    "a padding below 0": ({"watermark": {"padding": {"y": -1}}}, "/watermark/padding/y"),
    "a position of its own": ({"watermark": {"position": "top"}}, "/watermark/position"),
}


@pytest.mark.parametrize("mode", ["reject", "drop"])
@pytest.mark.parametrize("case", OUTSIDE)
def test_what_it_does_not_honour_is_refused_or_left_out_with_a_receipt(case: str, mode: str) -> None:
    """At its place, with its reason; policy, pictures and contradictions are refused whatever the caller allows."""
    fields, pointer, reason = OUTSIDE[case]
    spec = msgspec.convert(
        {"operation": "image.generate", "prompt": "a sea", "on_unsupported": mode, **fields}, JobSpec
    )
    result = fit(spec, CAPABILITY, "imgen")
    found = {(each.fault.pointer, each.fault.reason) for each in result.mismatches}
    receipts = {each.pointer for each in result.adjustments}
    assert (pointer, reason) in found or (mode == "drop" and pointer in receipts)
    if reason in ("contradiction", "missing", "too_long"):
        assert (pointer, reason) in found


@pytest.mark.parametrize("case", UNSAYABLE)
def test_a_value_out_of_its_range_never_becomes_a_request(case: str) -> None:
    """It is refused by the contract itself, with its pointer: nothing clamps or cuts it."""
    fields, pointer = UNSAYABLE[case]
    with pytest.raises(CatalogError) as caught:
        decode(msgspec.json.encode({"operation": "image.generate", "prompt": "a sea", **fields}), JobSpec)
    assert caught.value.code == "request.field_invalid"
    assert [each.pointer for each in caught.value.errors] == [pointer]


def test_rules_of_review_keep_the_cache_out() -> None:
    """A hit is reviewed by nobody: `prefer` is not followed then, and told."""
    ruled = order(cache={"mode": "prefer"}, policy={"ruleset": "strict"})
    body: dict[str, Any] = prepare(ruled).preview["body"]
    assert "use_cache" not in body
    assert body["compliance_ruleset"] == "strict"
    told = fit(ruled.spec, CAPABILITY, "imgen").adjustments
    assert [(each.pointer, each.applied, each.why) for each in told] == [("/cache/mode", "off", "dropped")]


def test_an_opacity_between_two_percents_is_rounded_with_a_receipt() -> None:
    """The wire knows whole percents alone."""
    rounded = prepare(order(**MARKED, watermark={"opacity": 0.333})).adjustments
    assert [(each.pointer, each.requested, each.applied, each.why) for each in rounded] == [
        ("/watermark/opacity", 0.333, 0.33, "snapped")
    ]
    assert prepare(order(**MARKED, watermark={"opacity": 0.29})).adjustments == ()


def test_a_character_that_no_prompt_could_name_is_not_offered() -> None:
    """A name with a space or a comma in it would become words."""
    assert characters(Models(characters=("aya", "jane doe", "a,b", ""))) == ("aya",)
