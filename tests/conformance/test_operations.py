"""Edits and films, model by model: what a capability says of them is true of what comes back."""

import io
from typing import Literal

import pytest
from PIL import Image

from contracts.capability import Capability, ModelInfo
from contracts.fit import fit
from contracts.media import Input, Size
from contracts.port import InputBytes
from contracts.spec import ImageEdit, ImageGenerate, SpecBase, Video, VideoGenerate
from tests.conformance.driving import Subject

SIDE = 64
Role = Literal["source", "reference", "mask", "first_frame"]


def picture(mode: str = "RGB") -> bytes:
    """Return a small PNG; with alpha, its left half is transparent."""
    image = Image.new(mode, (SIDE, SIDE), (30, 60, 200, 255)[: len(mode)])
    if mode == "RGBA":
        image.paste((0, 0, 0, 0), (0, 0, SIDE // 2, SIDE))
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def with_roles(*roles: Role) -> tuple[tuple[Input, ...], tuple[InputBytes, ...]]:
    """Return pictures of these roles as they are asked for and as they are handed over."""
    asked = tuple(Input(role=role, asset_id=f"ast_{at}") for at, role in enumerate(roles))
    return asked, tuple(InputBytes(role, "image/png", picture("RGBA" if role == "mask" else "RGB")) for role in roles)


def editors(subject: Subject) -> list[tuple[ModelInfo, Capability]]:
    """Return one model of each account that edits."""
    first = {each.account: each for each in reversed(subject.models("image.edit"))}
    return [(model, model.operations["image.edit"]) for model in first.values()]


def small(capability: Capability) -> Size:
    """Return the smallest size worth its time."""
    size = capability.sizes[0] if capability.sizes else None
    return Size(width=size.width, height=size.height) if size else Size(width=SIDE, height=SIDE)


async def test_an_edit_brings_one_picture_of_the_size_and_format_it_promises(subject: Subject) -> None:
    """From each account that edits: of each of its formats, the source sent along, more pictures refused."""
    for model, capability in editors(subject):
        asked, inputs = with_roles("source")
        spec = ImageEdit(prompt="at night", inputs=asked, size=small(capability))
        _, made = await subject.make(spec, inputs, model)
        wanted = spec.size
        assert isinstance(wanted, Size)
        assert [(each.width, each.height) for each in made] == [(wanted.width, wanted.height)]
        assert made[0].format == capability.default_format


async def test_a_mask_goes_along_where_it_is_taken_and_is_refused_where_not(subject: Subject) -> None:
    """Nothing is sent with a mask that the backend would refuse, or forget."""
    for model, capability in editors(subject):
        asked, inputs = with_roles("source", "mask")
        spec = ImageEdit(prompt="at night", inputs=asked, size=small(capability))
        mismatches = fit(spec, capability, subject.dialect).mismatches
        assert [each.fault.pointer for each in mismatches] == ([] if capability.mask else ["/inputs/1/role"])
        if capability.mask:
            _, made = await subject.make(spec, inputs, model)
            assert len(made) == 1


async def test_as_many_pictures_go_into_an_edit_as_it_says(subject: Subject) -> None:
    """References beside the source, up to the number named; one more does not fit."""
    for model, capability in editors(subject):
        if not capability.references:
            continue
        roles: list[Role] = ["source", *["reference"] * capability.references]  # type: ignore[list-item]
        asked, inputs = with_roles(*roles)
        _, made = await subject.make(ImageEdit(prompt="together", inputs=asked, size=small(capability)), inputs, model)
        assert len(made) == 1
        more, _ = with_roles(*roles, "reference")
        refused = fit(ImageEdit(prompt="together", inputs=more), capability, subject.dialect).mismatches
        assert {each.code for each in refused} == {"request.reference_too_many"}


@pytest.mark.parametrize("mode", ["text", "image", "reference"])
async def test_a_film_lasts_as_long_as_asked_in_every_mode_it_names(
    subject: Subject, mode: Literal["text", "image", "reference"]
) -> None:
    """An MP4 whose own header has the duration and the lines that were asked for; other modes do not fit."""
    for model in subject.models("video.generate"):
        capability = model.operations["video.generate"]
        assert capability.video is not None
        roles: tuple[Role, ...] = {"text": (), "image": ("first_frame",), "reference": ("reference",) * 2}[mode]  # type: ignore[assignment]
        asked, inputs = with_roles(*roles)
        video = Video(mode=mode, duration_s=capability.video.min_s, resolution="480p", aspect_ratio="16:9")
        spec: SpecBase = VideoGenerate(prompt="waves", inputs=asked, video=video)
        if mode not in capability.video_modes:
            refused = {each.fault.pointer for each in fit(spec, capability, subject.dialect).mismatches}
            assert "/video/mode" in refused
            continue
        done, made = await subject.make(spec, inputs, model)
        assert [each.role for each in done.outputs] == ["video"]
        assert (made[0].format, made[0].height) == ("mp4", 480)
        assert made[0].duration_s == pytest.approx(capability.video.min_s, abs=0.5)


async def test_a_film_out_of_bounds_does_not_fit(subject: Subject) -> None:
    """Too long, of one reference, or as a png."""
    for model in subject.models("video.generate"):
        capability = model.operations["video.generate"]
        assert capability.video is not None
        long = VideoGenerate(prompt="waves", video=Video(duration_s=capability.video.max_s + 1))
        pointers = {each.fault.pointer: each.code for each in fit(long, capability, subject.dialect).mismatches}
        assert pointers["/video/duration_s"] == "request.field_invalid"
        if "reference" in capability.video_modes:
            asked, _ = with_roles("reference")
            one = fit(VideoGenerate(prompt="waves", inputs=asked), capability, subject.dialect).mismatches
            assert [each.code for each in one] == ["request.reference_invalid"]


async def test_its_own_ways_of_making_pictures_make_as_many_as_asked(subject: Subject) -> None:
    """Each route that an option of the dialect leads to, from each account that honours it."""
    first = {each.account: each for each in reversed(subject.models())}
    for model in first.values():
        capability = model.operations["image.generate"]
        for option in {"multimode", "node"} & (capability.options or {}).keys():
            count = 1 if option in capability.single_options else capability.max_n
            size, chosen = small(capability), {subject.dialect: {option: True}}
            _, made = await subject.make(ImageGenerate(prompt="a fox", n=count, size=size, options=chosen), (), model)
            wanted = (size.width, size.height)
            assert [(each.width, each.height) for each in made] == [wanted] * count
