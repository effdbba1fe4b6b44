"""What a backend says it can do beside making pictures: review them, keep them, encode them as asked, write prompts."""

import re
from typing import Literal

from contracts.fit import fit
from contracts.port import Done, InputBytes, Output
from contracts.prompts import Prompter, PromptOrder
from contracts.spec import Cache, ImageGenerate, OutputWish, SpecBase, Watermark
from tests.conformance.driving import Subject
from tests.conformance.test_operations import picture, with_roles

WORDS = "a harbour at dusk"


async def bytes_of(subject: Subject, spec: SpecBase, inputs: tuple[InputBytes, ...] = ()) -> tuple[Done, bytes]:
    """Make one picture and return what was said of it, and its bytes."""
    done = await subject.finish(*await subject.start(subject.order(spec), inputs))
    first: Output = done.outputs[0]
    return done, await subject.bytes_of(first)


async def test_a_reviewer_speaks_of_every_picture_and_nobody_else_does(subject: Subject) -> None:
    """Passed by rules that have a name, where there is a reviewer; without one nothing is said, and nothing assumed."""
    done, _ = await bytes_of(subject, ImageGenerate(prompt=WORDS))
    reviews = {output.review for output in done.outputs} | {done.review}
    if not subject.capability().reviewed:
        assert reviews == {None}
        return
    (review,) = reviews
    assert review is not None
    assert (review.verdict, review.cached, bool(review.ruleset)) == ("passed", False, True)


async def test_a_cache_gives_an_earlier_picture_again_and_says_so(subject: Subject) -> None:
    """Only from a cache that it names, only who asks for it, and as what nobody reviewed."""
    only = ImageGenerate(prompt=WORDS, cache=Cache(mode="only"))
    if not subject.capability().cache:
        assert fit(only, subject.capability(), subject.dialect).mismatches
        return
    first, made = await bytes_of(subject, ImageGenerate(prompt=WORDS))
    again, kept = await bytes_of(subject, only)
    assert made == kept
    assert [done.effective.cache_hit for done in (first, again) if done.effective] == [False, True]
    assert again.review is not None
    assert (again.review.verdict, again.review.cached) == ("not_reviewed", True)


async def test_compression_losslessness_and_watermarks_are_in_the_bytes(subject: Subject) -> None:
    """A stronger compression is shorter, without loss is longer, and a mark is seen."""
    capability = subject.capability()
    for wanted in capability.compression_formats:
        lengths = []
        for compression in (1, 100):
            encoding = OutputWish(format=wanted, compression=compression)
            _, data = await bytes_of(subject, ImageGenerate(prompt=WORDS, output=encoding))
            lengths.append(len(data))
        assert lengths[0] < lengths[1], wanted
    for wanted in capability.lossless_formats:
        _, lossy = await bytes_of(subject, ImageGenerate(prompt=WORDS, output=OutputWish(format=wanted)))
        wish = OutputWish(format=wanted, lossless=True)
        _, exact = await bytes_of(subject, ImageGenerate(prompt=WORDS, output=wish))
        assert len(exact) > len(lossy), wanted
    if capability.watermark:
        asked, inputs = with_roles("source")
        marks = tuple(InputBytes("watermark", each.media_type, picture()) for each in inputs)
        marked = ImageGenerate(
            prompt=WORDS, inputs=tuple(type(each)(role="watermark", asset_id="ast_1") for each in asked),
            watermark=Watermark(scale=50, position="center"),
        )  # fmt: skip
        _, plain = await bytes_of(subject, ImageGenerate(prompt=WORDS))
        _, drawn = await bytes_of(subject, marked, marks)
        assert drawn != plain


async def test_prompts_are_written_that_could_be_sent(subject: Subject) -> None:
    """Each kind that discovery names: words alone, with a character that it knows; nothing in them is an order."""
    discovery = subject.adapter.discovery()
    assert discovery is not None
    capability = subject.capability()
    kinds: tuple[Literal["optimize", "random"], ...] = discovery.prompts
    for kind in kinds:
        assert isinstance(subject.adapter, Prompter)
        order = PromptOrder(kind=kind, prompt=WORDS if kind == "optimize" else None)
        written = await subject.adapter.write(order)
        spec = ImageGenerate(
            prompt=written.prompt,
            **({} if written.character is None else {"character": written.character}),
            **({} if written.negative_prompt is None else {"negative_prompt": written.negative_prompt}),
        )
        assert not fit(spec, capability, subject.dialect).mismatches
        assert not any(re.search(pattern, written.prompt) for pattern in capability.active_syntax)
