"""What a request asks for becomes a job that says so, or is refused by the name of its field."""

from typing import Any

import pytest
from msgspec import UNSET, structs

from adapters.openai.face.asked import Ask, picture
from adapters.openai.face.fields import Fields
from adapters.openai.face.said import error_of
from adapters.openai.face.wish import wish
from contracts.catalog import CatalogError
from contracts.media import Input, Size
from contracts.spec import ImageEdit, ImageGenerate, ImageVariation, OutputWish, Policy

#: What every job of this face says, whatever its client asked for.
PLAIN = wish(ImageGenerate, Ask(prompt="a fox"))
END_USER = "f2ca1bb6c7e907d06dafe4687e579fce"

HONOURED: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({}, {}),
    ({"model": "gpt-image-1"}, {"model": "gpt-image-1"}),
    ({"n": 1}, {}),
    ({"n": 10}, {"n": 10}),
    ({"n": 2.0}, {"n": 2}),
    ({"size": "auto"}, {}),
    ({"size": "1536x864"}, {"size": Size(width=1536, height=864)}),
    ({"quality": "auto"}, {}),
    ({"quality": "high"}, {"effort": "high"}),
    ({"output_format": "png"}, {}),
    (
        {"output_format": "webp", "output_compression": 1},
        {"output": OutputWish(format="webp", compression=1, delivery="inline")},
    ),
    ({"output_format": "jpeg", "background": "opaque"}, {"output": OutputWish(format="jpeg", delivery="inline")}),
    ({"background": "auto"}, {}),
    ({"moderation": "auto"}, {}),
    ({"moderation": "low"}, {"policy": Policy(strictness="relaxed")}),
    ({"response_format": "b64_json"}, {}),
    ({"response_format": "url"}, {"output": OutputWish(format="png", delivery="url")}),
    ({"style": "vivid"}, {"style": "vivid"}),
    ({"user": "test\n"}, {"tags": {"end_user": END_USER}}),
    ({"user": "older", "safety_identifier": "test\n"}, {"tags": {"end_user": END_USER}}),
    ({"user": "test\n", "safety_identifier": ""}, {"tags": {"end_user": END_USER}}),
    ({"stream": True, "partial_images": 3}, {"output": OutputWish(format="png", delivery="url")}),
    (dict.fromkeys(("model", "n", "size", "quality", "style", "user", "stream", "svg", "nonsense")), {}),
]

REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"prompt": None}, "prompt", "Missing required parameter: 'prompt'."),
    ({"prompt": " "}, "prompt", "prompt: is blank."),
    ({"prompt": 7}, "prompt", "prompt: must be a string."),
    ({"prompt": "x" * 100_001}, "prompt", "prompt: may have at most 100000 characters."),
    ({"n": 0}, "n", "n: must be from 1 to 10."),
    ({"n": 11}, "n", "n: must be from 1 to 10."),
    ({"n": True}, "n", "n: must be a whole number."),
    ({"n": "2"}, "n", "n: must be a whole number."),
    ({"n": 1.5}, "n", "n: must be a whole number."),
    *(
        ({"quality": value}, "quality", "quality: must be one of low, medium, high, auto.")
        for value in ("standard", "hd", "xhigh", "max", "HIGH", "", 80, ["high"])
    ),
    *(
        ({"output_format": value}, "output_format", "output_format: must be one of png, jpeg, webp.")
        for value in ("gif", "svg", "avif", "jpg")
    ),
    (
        {"output_format": "jpeg", "output_compression": 0},
        "output_compression",
        "output_compression: must be from 1 to 100.",
    ),
    ({"output_compression": 90}, "output_compression", "choose output_format jpeg or webp"),
    ({"background": "transparent"}, "background", "no backend promises transparency"),
    ({"background": "opaque"}, "background", "only certain with output_format jpeg"),
    ({"background": "white"}, "background", "background: must be one of auto, opaque, transparent."),
    ({"moderation": "none"}, "moderation", "moderation: must be one of auto, low."),
    ({"response_format": "json"}, "response_format", "response_format: must be one of url, b64_json."),
    ({"response_format": "url", "stream": True}, "response_format", "must be b64_json in a stream"),
    ({"style": ""}, "style", "style: is empty."),
    ({"stream": "yes"}, "stream", "stream: must be true or false."),
    ({"partial_images": 1}, "partial_images", "needs stream: true"),
    ({"partial_images": 4, "stream": True}, "partial_images", "partial_images: must be from 0 to 3."),
    ({"user": "x" * 1001}, "user", "user: may have at most 1000 characters."),
    ({"seed": 7, "guidance": 3}, "guidance", "Unknown parameter: 'guidance', 'seed'."),
    *(
        ({"size": value}, "size", "size: must be auto or WIDTHxHEIGHT in pixels")
        for value in (
            "big",
            "1024",
            "0x64",
            "064x64",
            "1024X1024",
            "16385x16",
            "99999x1",
            "1024x1024 ",
            "\N{FULLWIDTH DIGIT ONE}x1",
        )
    ),
    *(
        ({name: value}, name, f"{name}: is not served here.")
        for name, value in {
            "complexity": "low",
            "frame_count": 9,
            "frame_duration_ms": 200,
            "input_fidelity": "low",
            "prompt_rewriter": {},
            "svg": {"model": "x"},
        }.items()
    ),
]


@pytest.mark.parametrize(("body", "changes"), HONOURED)
def test_an_option_becomes_the_contracts_own(body: dict[str, Any], changes: dict[str, Any]) -> None:
    """What is `auto`, null or not sent makes no promise; everything else is a demand of the job."""
    assert wish(ImageGenerate, picture(Fields({"prompt": "a fox", **body}))) == structs.replace(PLAIN, **changes)


@pytest.mark.parametrize(("body", "param", "text"), REFUSED)
def test_what_is_not_offered_is_refused_by_its_name(body: dict[str, Any], param: str, text: str) -> None:
    """400 with `param` and a sentence that says what would be right; nothing is mapped to something near."""
    with pytest.raises(CatalogError) as raised:
        picture(Fields({"prompt": "a fox", **body}))
    told = error_of(raised.value.problem())
    assert (raised.value.status, told["type"], told["param"]) == (400, "invalid_request_error", param)
    assert text in told["message"]
    assert raised.value.code in ("request.field_invalid", "request.option_unsupported")


def test_every_job_is_all_or_nothing_and_is_refused_when_nobody_can_work() -> None:
    """The shape cannot say that pictures are missing, and a client waits at the other end."""
    assert (PLAIN.partial, PLAIN.on_unsupported, PLAIN.model) == ("reject", "reject", "auto")
    assert PLAIN.output == OutputWish(format="png", delivery="inline")
    assert not isinstance(PLAIN.route, type(UNSET))
    assert PLAIN.route.require_healthy is True


def test_a_form_has_the_same_fields_in_words() -> None:
    """Numbers and flags come as texts; a list's brackets are no part of a name that is known."""
    sent = {"prompt": "a fox", "n": "2", "stream": "true", "partial_images": "1", "quality": "low"}
    assert picture(Fields(sent, texts=True)) == Ask(prompt="a fox", n=2, stream=True, partials=1, effort="low")
    for name, value in (("n", "two"), ("n", "2.0"), ("n", ""), ("n", "--2"), ("stream", "1")):
        with pytest.raises(CatalogError) as raised:
            picture(Fields({"prompt": "a fox", name: value}, texts=True))
        assert error_of(raised.value.problem())["param"] == name
    with pytest.raises(CatalogError) as raised:
        picture(Fields({"prompt": "a fox", "svg[model]": "x"}, texts=True))
    assert error_of(raised.value.problem())["param"] == "svg"


def test_a_variation_has_half_of_the_fields() -> None:
    """A picture, how many, how large; what only a generation knows is no parameter of it."""
    source = Input(role="source", asset_id="ast_1")
    made = wish(ImageVariation, picture(Fields({"n": "2", "size": "512x512"}, texts=True), prompted=False), [source])
    assert (made.prompt, made.n, made.size, made.inputs) == (UNSET, 2, Size(width=512, height=512), (source,))
    with pytest.raises(CatalogError, match="'prompt', 'quality'"):
        picture(Fields({"prompt": "a fox", "quality": "low"}, texts=True), prompted=False)


def test_an_edit_keeps_its_pictures_in_order() -> None:
    """The first is changed, the others are references, the mask lies on the first."""
    inputs = [
        Input(role="source", asset_id="a"),
        Input(role="reference", asset_id="b"),
        Input(role="mask", asset_id="c"),
    ]
    assert wish(ImageEdit, Ask(prompt="a fox"), inputs).inputs == tuple(inputs)
