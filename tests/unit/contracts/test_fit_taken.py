"""Fitting pictures that have come in: their formats by role, and their lengths."""

from typing import Any

import pytest
from msgspec import UNSET

from adapters.ima2 import asking, capability
from contracts.capability import Candidate, Capability, Limits
from contracts.fit import fit
from contracts.media import Input
from contracts.port import Order
from contracts.spec import ImageEdit, VideoGenerate

INVALID, LARGE = ("request.reference_invalid", "media_type"), ("request.too_large", "too_long")
PLAIN = Capability(source=True, references=2)
PICKY = Capability(source=True, references=2, mask=True, input_formats=("png", "jpeg"), mask_formats=("png",))
BLIND = Capability(source=True, input_formats=("png", "webp"))
SMALL = Capability(source=True, references=2, limits=Limits(input_bytes=100, reference_base64_chars=80))


def here(role: Any, kind: str | None = None, length: int | None = None) -> Input:
    """Return a picture that is an asset, as much as is known of it."""
    return Input(
        role=role,
        asset_id=f"ast_{role}",
        media_type=UNSET if kind is None else f"image/{kind}",
        bytes=UNSET if length is None else length,
    )


@pytest.mark.parametrize(
    ("able", "inputs", "refused"),
    [
        (PLAIN, (here("source", "avif"), here("reference", "webp")), []),
        (PICKY, (here("source", "jpeg"), here("reference", "webp")), [("/inputs/1", INVALID)]),
        (PICKY, (here("source", "png"), here("mask", "png")), []),
        (PICKY, (here("mask", "webp"), here("source", "png")), [("/inputs/0", INVALID)]),
        (PICKY, (here("source", "jpeg"), here("mask", "png")), [("/inputs/0", INVALID)]),
        (PICKY, (here("source", "png"), here("mask", "png"), here("reference", "jpeg")), []),
        (PICKY, (here("source"), here("mask"), Input(role="reference", data="AA==", media_type="image/webp")), []),
        # A mask that is not taken at all is refused for that, and asks nothing of its source.
        (BLIND, (here("source", "webp"), here("mask", "png")), [("/inputs/1/role", None)]),
        (SMALL, (here("source", "png", 60), here("reference", "png", 61)), [("/inputs/1", LARGE)]),
    ],
)
@pytest.mark.parametrize("mode", ["reject", "adapt", "drop"])
def test_a_picture_is_weighed_once_it_is_known(
    able: Capability, inputs: tuple[Input, ...], refused: list[tuple[str, tuple[str, str] | None]], mode: Any
) -> None:
    """By what it is and by its role, never adapted and never left out; what is still to come is not judged."""
    found = fit(ImageEdit(prompt="x", inputs=inputs, on_unsupported=mode), able, "any").mismatches
    told = [(each.fault.pointer, (each.code, each.fault.reason)) for each in found]
    wanted = [(pointer, why or ("request.option_unsupported", "unsupported")) for pointer, why in refused]
    assert told == wanted


def test_a_refused_format_names_those_that_are_taken() -> None:
    """The caller learns what to convert it to, and the limit where that is what it exceeds."""
    (format_fault,) = fit(ImageEdit(prompt="x", inputs=(here("source", "avif"),)), PICKY, "any").mismatches
    assert format_fault.fault.allowed == ("image/png", "image/jpeg")
    assert format_fault.fault.detail == "is avif, but an input picture must be png or jpeg here: convert it"
    (length_fault,) = fit(ImageEdit(prompt="x", inputs=(here("source", "png", 101),)), SMALL, "any").mismatches
    assert length_fault.fault.limit == 60


@pytest.mark.parametrize(
    ("listed", "sent"),
    [
        ({}, "480p"),
        ({"resolutions": ["720p", "1080p"]}, "720p"),
        ({"resolutions": ["1080p"]}, None),
    ],
)
def test_only_resolutions_that_the_contract_knows_are_named(listed: dict[str, Any], sent: str | None) -> None:
    """A server that lists others alone is told none, instead of a word that is none of its own."""
    able = capability.film(("text",), listed, {})
    spec = VideoGenerate(prompt="waves")
    effective = fit(spec, able, "ima2").effective
    candidate = Candidate("ima2", "grok", "grok-imagine-video")
    order = Order(job_id="j", n=1, part=1, spec=spec, effective=effective, candidate=candidate, capability=able)
    assert asking.prepare(order).preview["body"].get("resolution") == sent
