"""Edits, variations, upscales and films, model by model: what a capability says of them is true of what comes back."""

import asyncio
import hashlib
import io
from typing import Literal

import pytest
from PIL import Image

from contracts.capability import Capability, ModelInfo
from contracts.fit import fit
from contracts.media import Input, Size
from contracts.port import InputBytes, Pending
from contracts.spec import (
    ImageEdit,
    ImageGenerate,
    ImageUpscale,
    ImageVariation,
    Operation,
    SpecBase,
    Video,
    VideoGenerate,
)
from tests.conformance.driving import PATIENCE_S, SPEED, Subject

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
    handed = tuple(InputBytes(role, "image/png", picture("RGBA" if role == "mask" else "RGB")) for role in roles)
    asked = tuple(
        Input(role=role, asset_id=f"ast_{at}", sha256=hashlib.sha256(each.data).hexdigest(), media_type="image/png")
        for at, (role, each) in enumerate(zip(roles, handed, strict=True))
    )
    return asked, handed


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


async def test_a_variation_comes_in_as_many_pictures_as_it_says(subject: Subject) -> None:
    """With the strength where one is taken, without words where none are wished, and never with a mask."""
    for model in subject.models("image.variation"):
        capability = model.operations["image.variation"]
        asked, inputs = with_roles("source")
        spec = ImageVariation(inputs=asked, n=capability.max_n, size=small(capability), strength=0.4)
        _, made = await subject.make(spec, inputs, model)
        assert [(each.width, each.height) for each in made] == [(SIDE, SIDE)] * capability.max_n
        masked, _ = with_roles("source", "mask")
        refused = fit(ImageVariation(inputs=masked), capability, subject.dialect).mismatches
        assert [each.fault.pointer for each in refused] == ["/inputs/1/role"]


async def test_an_upscale_is_the_same_picture_larger(subject: Subject) -> None:
    """Four times as wide and high; words and sizes that nothing would read do not fit."""
    for model in subject.models("image.upscale"):
        capability = model.operations["image.upscale"]
        asked, inputs = with_roles("source")
        done, made = await subject.make(ImageUpscale(inputs=asked), inputs, model)
        assert [(each.width, each.height) for each in made] == [(4 * SIDE, 4 * SIDE)]
        with Image.open(io.BytesIO(await subject.bytes_of(done.outputs[0]))) as opened:
            middle = opened.convert("RGB").getpixel((2 * SIDE, 2 * SIDE))
        assert isinstance(middle, tuple)
        assert all(abs(one - other) < 40 for one, other in zip(middle, (30, 60, 200), strict=True)), middle
        words = ImageUpscale(inputs=asked, prompt="sharper", size=Size(width=64, height=64), n=2, strength=0.5)
        refused = {each.fault.pointer for each in fit(words, capability, subject.dialect).mismatches}
        assert refused == {"/prompt", "/size", "/n", "/strength"}


TRANSFORMS: dict[Operation, type[SpecBase]] = {
    "image.edit": ImageEdit,
    "image.variation": ImageVariation,
    "image.upscale": ImageUpscale,
}


@pytest.mark.parametrize("operation", TRANSFORMS)
async def test_a_seed_that_is_not_used_is_neither_taken_nor_reported(subject: Subject, operation: Operation) -> None:
    """Reproducibility is a promise: an operation without it refuses the seed, and says of none that it was used."""
    for model in subject.models(operation):
        capability = model.operations[operation]
        if capability.seed_max is not None:
            continue
        asked, _ = with_roles("source")
        words = {"prompt": "at night"} if capability.prompt else {}
        seeded = TRANSFORMS[operation](inputs=asked, seed=7, **words)  # type: ignore[arg-type]
        assert [each.fault.pointer for each in fit(seeded, capability, subject.dialect).mismatches] == ["/seed"]
        order = subject.order(TRANSFORMS[operation](inputs=asked, **words), model)  # type: ignore[arg-type]
        assert not isinstance(subject.adapter.prepare(order).effective.seed, int)


@pytest.mark.parametrize("operation", TRANSFORMS)
async def test_a_lost_answer_of_an_operation_is_found_again(subject: Subject, operation: Operation) -> None:
    """By the handle that was written before it was sent, though another one just like it was sent as well."""
    for model in subject.models(operation):
        capability = model.operations[operation]
        if capability.blocking or not capability.recover:
            continue
        asked, inputs = with_roles("source")
        words = {"prompt": "at night"} if capability.prompt else {}
        spec = TRANSFORMS[operation](inputs=asked, **words)  # type: ignore[arg-type]
        other, mine = subject.order(spec, model), subject.order(spec, model)
        await subject.start(other, inputs)
        before = subject.adapter.prepare(mine).handle
        await subject.adapter.submit(before, mine, inputs, lambda _note: None)
        handle, found = before, Pending(0, found=False)
        async with asyncio.timeout(PATIENCE_S):
            while not found.found:
                answer = await subject.adapter.recover(handle, subject.moments(later_s=30))
                assert isinstance(answer, Pending), answer
                handle, found = answer.handle or handle, answer
                await asyncio.sleep(min(found.poll_after_s / SPEED, 0.1))
        assert len((await subject.finish(handle, found)).outputs) == 1


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
