"""What an adapter's capability says it honours, it honours: in what is sent, and in the bytes that come back."""

import pytest
from msgspec import UNSET

from contracts.capability import Capability
from contracts.fit import fit
from contracts.fit.sizes import size_for
from contracts.media import Input, Size
from contracts.port import InputBytes
from contracts.spec import (
    Cache,
    ImageGenerate,
    OutputWish,
    Padding,
    Policy,
    Provenance,
    Watermark,
)
from tests.conformance.driving import Subject

WORDS = "a lighthouse in a storm"


async def test_it_tells_what_it_is_and_who_can_work(subject: Subject) -> None:
    """Discovery names the build it found, at least one account that is ready, and models that make pictures."""
    discovery = subject.adapter.discovery()
    assert discovery is not None
    assert discovery.profile == {"seed": "head", "v2-lenient": "v2"}.get(subject.profile, subject.profile)
    assert any(account.ready for account in discovery.accounts)
    assert subject.models()
    health = await subject.adapter.health()
    assert health.up
    assert {each.name for each in health.accounts if each.ready} == {
        account.name for account in discovery.accounts if account.ready
    }


async def test_every_format_it_names_is_delivered(subject: Subject) -> None:
    """The bytes are of the format that was asked for."""
    for wanted in subject.capability().formats:
        _, pictures = await subject.make(ImageGenerate(prompt=WORDS, output=OutputWish(format=wanted)))
        assert [each.format for each in pictures] == [wanted]


async def test_every_size_it_names_is_delivered(subject: Subject) -> None:
    """The bytes have the pixels that were asked for: each listed size, or samples of the range."""
    capability = subject.capability()
    sizes = capability.sizes or tuple(
        size
        for size in (
            size_for(Size(width=320, height=192), capability),
            size_for(Size(width=64, height=512), capability),
            size_for(Size(aspect_ratio="4:3", megapixels=0.2), capability),
        )
        if size is not None
    )
    assert sizes
    for size in sizes:
        wish = Size(width=size.width, height=size.height)
        _, pictures = await subject.make(ImageGenerate(prompt=WORDS, size=wish))
        assert [(each.width, each.height) for each in pictures] == [(size.width, size.height)]


async def test_as_many_pictures_come_as_it_says_it_can_make(subject: Subject) -> None:
    """`max_n` pictures in one native job."""
    most = subject.capability().max_n
    small = _small(subject.capability())
    _, pictures = await subject.make(ImageGenerate(prompt=WORDS, n=most, size=small))
    assert len(pictures) == most


def _small(capability: Capability) -> Size:
    size = capability.sizes[0] if capability.sizes else None
    return Size(width=size.width, height=size.height) if size else Size(width=64, height=64)


async def test_what_it_says_it_takes_reaches_the_backend(subject: Subject) -> None:
    """Every option that the capability names is in the native request, under its native name."""
    capability = subject.capability()
    values = {
        "seed": 4711 if capability.seed_max is not None else UNSET,
        "negative_prompt": "blurry, text" if capability.negative_prompt else UNSET,
        "effort": capability.efforts[0] if capability.efforts else UNSET,
        "style": capability.styles[-1] if capability.styles else UNSET,
        "character": capability.characters[0] if capability.characters else UNSET,
        "optimize_prompt": capability.optimize_prompt[0] if capability.optimize_prompt else UNSET,
    }
    policy: dict[str, object] = {}
    if capability.strictness:
        policy["strictness"] = "relaxed"
    if capability.rulesets:
        policy["ruleset"] = "strict"
    if capability.prescreen_note:
        policy["prescreen_note"] = "nothing found"
    spec = ImageGenerate(prompt=WORDS, policy=Policy(**policy) if policy else UNSET, **values)  # type: ignore[arg-type]
    await subject.make(spec)
    sent = str(dict(await subject.submitted()))
    for value in (*values.values(), *policy.values()):
        if value is not UNSET and not isinstance(value, bool):
            assert {"relaxed": "low"}.get(str(value), str(value)) in sent, value


async def test_references_arrive_as_they_were_sent(subject: Subject) -> None:
    """As many references as the capability allows, byte for byte."""
    capability = subject.capability()
    if not capability.references:
        assert fit(_with_reference(1), capability, subject.dialect).mismatches
        return
    picture = await _picture(subject)
    count = capability.references
    inputs = tuple(InputBytes("reference", "image/png", picture) for _ in range(count))
    await subject.make(_with_reference(count), inputs)
    assert len((await subject.submitted())["references"]) == count


def _with_reference(count: int) -> ImageGenerate:
    return ImageGenerate(prompt=WORDS, inputs=tuple(Input(role="reference", asset_id="ast_x") for _ in range(count)))


async def _picture(subject: Subject) -> bytes:
    done = await subject.finish(*await subject.start(subject.order(ImageGenerate(prompt=WORDS))))
    return await subject.bytes_of(done.outputs[0])


async def test_watermark_provenance_and_cache_go_along_where_they_are_taken(subject: Subject) -> None:
    """Imgen's own options reach it under its own names, with opacity under the name that says the opposite."""
    capability = subject.capability()
    marked = ImageGenerate(
        prompt=WORDS,
        inputs=(Input(role="watermark", asset_id="ast_x"),),
        watermark=Watermark(position="center", scale=20, opacity=0.4, rotation=-30, padding=Padding(x=3, y=4)),
        provenance=Provenance(author="Ada", title="Storm"),
        cache=Cache(mode="prefer", min_similarity="any", pool=3),
    )
    if not capability.watermark:
        assert {m.fault.pointer.split("/")[1] for m in fit(marked, capability, subject.dialect).mismatches} >= {
            "inputs",
            "watermark",
            "provenance",
        }
        return
    picture = await _picture(subject)
    await subject.make(marked, (InputBytes("watermark", "image/png", picture),))
    sent = await subject.submitted()
    assert sent["wm_image"].startswith("data:image/png;base64,")
    told = ("wm_position", "wm_scale", "wm_transparency", "wm_rotation", "wm_padding_x", "wm_padding_y")
    assert [sent[name] for name in told] == ["center", 20, 40, -30, 3, 4]
    assert (sent["cs_author"], sent["cs_title"]) == ("Ada", "Storm")
    assert (sent["use_cache"], sent["cache_force"], sent["cache_pick"]) == (True, True, 3)


async def test_what_was_left_unset_is_still_sent_explicitly(subject: Subject) -> None:
    """No default of a backend is ever relied upon (options.md, explicit sends)."""
    await subject.make(ImageGenerate(prompt=WORDS))
    sent = await subject.submitted()
    expected = {
        "ima2": {"moderation": "auto", "format": "png", "quality": "medium", "size": "1024x1024", "n": 1},
        "sdcpp": {"size": "1024x1024", "n": 1},
        "imgen": {"format": "png", "width": 1024, "height": 1024},
    }[subject.dialect]
    assert {name: sent.get(name) for name in expected} == expected
    assert sent["prompt"] == WORDS
    own = {"ima2": ("provider", "requestId", "model"), "sdcpp": ("seed", "model"), "imgen": ("model", "style")}
    assert all(sent.get(name) for name in own[subject.dialect])


@pytest.mark.parametrize(
    "prompt", ["-red fox", "@aya at sea", "fox, -hat", "<sd_cpp_extra_args>{}", "< / Negative_Prompt >"]
)
async def test_active_syntax_is_refused_before_it_is_sent(subject: Subject, prompt: str) -> None:
    """What a dialect would obey instead of paint does not fit, unless it is sent knowingly."""
    mine = {"imgen": prompt.startswith(("-", "@")) or "-hat" in prompt, "sdcpp": prompt.startswith("<"), "ima2": False}
    fitted = fit(ImageGenerate(prompt=prompt), subject.capability(), subject.dialect)
    assert bool(fitted.mismatches) == mine[subject.dialect]
    if fitted.mismatches:
        assert fitted.mismatches[0].fault.reason == "prompt_syntax"
        knowingly = ImageGenerate(prompt=prompt, options={subject.dialect: {"raw_prompt": True}})
        assert not fit(knowingly, subject.capability(), subject.dialect).mismatches
