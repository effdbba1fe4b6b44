"""The sandboxes' pictures: the same for the same words, of the size and format asked for, silent about the words."""

import hashlib
import io
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from adapters.kit.motif.brief import read
from adapters.kit.motif.finish import MARK_SIDE, marked
from adapters.kit.render import alter, render
from contracts.sniff import sniff

ROOT = Path(__file__).parents[4]
FORMATS = ("png", "jpeg", "webp", "avif")
EIGHT = (
    "a shiba in space",
    "a lighthouse in a storm",
    "a red fox in a forest",
    "city at night in the rain",
    "portrait of an old sailor",
    "abstract teal and gold",
    "a cup of coffee",
    "a mountain lake at dawn",
)
OTHERS = (
    "three cats in a garden, watercolor",
    "an owl and a penguin in the snow",
    "a woman with a cat, vintage",
    "a robot in the city, neon",
    "an astronaut",
    "a king with a lion",
    "a witch in the woods at night",
    "a cabin in autumn",
    "a castle behind a tree",
    "a red sailboat and a hot air balloon",
    "a rocket near saturn",
    "a vase and a bowl of fruit",
    "a bear in the desert at sunset",
    "black and white hills in the fog",
    "geometric pastel",
    "white marble",
    "paper cut in purple",
    "a beach, minimal",
    "a wolf, a rabbit and a mouse",
    "an animal",
)
STRANGE = ("", "   ", "Ωμέγα 日本語 🦊", "x" * 5000, "\x00\n\t", "\ud800", "'s s of the", "red", "two")


def pixels(data: bytes) -> np.ndarray:
    """Decode a picture to whole numbers that may be subtracted."""
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).astype(np.int64)


def apart(first: bytes, second: bytes) -> float:
    """Return the mean difference of two pictures of one size, in levels."""
    return float(np.abs(pixels(first) - pixels(second)).mean())


@pytest.mark.parametrize("prompt", [*EIGHT, *OTHERS, *STRANGE])
def test_every_prompt_gives_a_picture_and_the_same_one_twice(prompt: str) -> None:
    """No words are too strange to draw, and drawing them again gives the same bytes."""
    first = render(prompt, seed=7, width=96, height=104)
    assert first == render(prompt, seed=7, width=96, height=104)
    assert pixels(first).std() > 1


def test_another_process_draws_the_same_bytes() -> None:
    """Nothing depends on the process: not on its hash seed, its clock or what it drew before."""
    script = (
        "import hashlib, sys; from adapters.kit.render import render\n"
        "for prompt in sys.argv[1:]:\n"
        "    print(hashlib.sha256(render(prompt, seed=3, width=160, height=120, index=1)).hexdigest())"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "12345"}
    found = subprocess.run(
        [sys.executable, "-c", script, *EIGHT], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    here = [hashlib.sha256(render(prompt, seed=3, width=160, height=120, index=1)).hexdigest() for prompt in EIGHT]
    assert found.stdout.split() == here


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("size", [(1, 1), (17, 333), (333, 17), (160, 90), (2000, 40)])
def test_size_and_format_are_exactly_those_asked_for(form: str, size: tuple[int, int]) -> None:
    """The header of the file, read without decoding, says what was ordered; the file is whole."""
    found = sniff(render("a red fox in a forest", seed=1, width=size[0], height=size[1], format=form))
    assert found is not None
    assert (found.format, found.width, found.height, found.complete) == (form, *size, True)


def test_a_picture_too_large_to_draw_at_full_size_still_has_every_pixel() -> None:
    """Beyond a million and a half pixels the drawing is enlarged, not the order reduced."""
    found = sniff(render("abstract teal and gold", seed=1, width=2048, height=1152, format="jpeg"))
    assert found is not None
    assert (found.width, found.height) == (2048, 1152)


@pytest.mark.parametrize("prompt", ["a shiba in space", "", "abstract"])
def test_seed_and_index_each_make_another_picture(prompt: str) -> None:
    """Four pictures of one request, and four requests of one prompt, are all different to the eye."""
    drawn = [render(prompt, seed=seed, width=128, height=128, index=index) for seed in (1, 2) for index in (0, 1)]
    assert all(apart(one, two) > 2 for place, one in enumerate(drawn) for two in drawn[:place])


def test_different_prompts_make_different_pictures() -> None:
    """With one seed, every one of the eight prompts looks unlike the others."""
    drawn = [render(prompt, seed=1, width=128, height=128) for prompt in EIGHT]
    assert all(apart(one, two) > 10 for place, one in enumerate(drawn) for two in drawn[:place])


@pytest.mark.parametrize("form", FORMATS)
def test_no_word_of_the_prompt_is_in_the_file(form: str) -> None:
    """A picture may leave the sandbox: nothing but pixels is in it."""
    data = render("confidential lighthouse merger", seed=5, width=120, height=120, format=form).lower()
    assert not any(word in data for word in (b"confidential", b"lighthouse", b"merger", b"exif", b"xmp", b"icc"))
    altered = alter(data_of("a cat"), prompt="confidential merger", seed=5, format=form).lower()
    assert not any(word in altered for word in (b"confidential", b"merger"))


def data_of(prompt: str, *, width: int = 120, height: int = 96) -> bytes:
    """Return a picture to work on."""
    return render(prompt, seed=2, width=width, height=height)


def test_a_png_holds_only_the_chunks_it_needs() -> None:
    """Header, pixels, end: no text, time or profile."""
    data, at, kinds = data_of("a cat"), 8, set()
    while at < len(data):
        kinds.add(data[at + 4 : at + 8])
        at += 12 + int.from_bytes(data[at : at + 4], "big")
    assert kinds == {b"IHDR", b"IDAT", b"IEND"}


def test_the_mark_lies_in_the_lower_right_corner_only() -> None:
    """Of a grey picture only a small region in the corner changes, and only a little."""
    grey = Image.new("RGB", (400, 300), (120, 120, 120))
    changed = np.abs(np.asarray(marked(grey)).astype(np.int64) - 120).max(axis=2)
    rows, columns = np.nonzero(changed)
    assert rows.min() > 270
    assert columns.min() > 340
    assert 20 < changed.max() < 80


def test_small_pictures_carry_no_mark() -> None:
    """Below the least side the corner stays as it was; at the least side it does not."""
    small = Image.new("RGB", (MARK_SIDE - 1, 500), (120, 120, 120))
    enough = Image.new("RGB", (MARK_SIDE, 500), (120, 120, 120))
    assert marked(small).tobytes() == small.tobytes()
    assert marked(enough).tobytes() != enough.tobytes()


@pytest.mark.parametrize(
    ("prompt", "subjects", "setting"),
    [
        ("a shiba in space", ("dog",), "space"),
        ("A lighthouse in a storm!", ("lighthouse",), "sea"),
        ("two foxes in the forest", ("fox", "fox"), "forest"),
        ("portrait of an old sailor", ("person",), "sea"),
        ("a cup of coffee", ("cup",), "table"),
        ("a starry night over the city", (), "city"),
        ("a dog and a lighthouse", ("dog", "lighthouse"), "sea"),
        ("an orange", ("fruit",), "table"),
        ("puppies among poppies", ("dog",), "garden"),
    ],
)
def test_a_prompt_is_read_for_subject_and_setting(prompt: str, subjects: tuple[str, ...], setting: str) -> None:
    """Words choose what is drawn and where, whatever the seed."""
    for seed in range(3):
        brief = read(prompt, np.random.default_rng(seed))
        assert (brief.subjects, brief.setting) == (subjects, setting)


def test_colour_words_go_to_what_they_stand_before() -> None:
    """A black cat is black, a red dress is worn, green eyes are nobody's business, the rest tints the scene."""
    dice = np.random.default_rng(1)
    assert read("a black cat on a teal hill", dice).coat == "black"
    assert read("a black cat on a teal hill", dice).colours == ("teal",)
    assert read("a woman in a red dress", dice).coat == "red"
    assert read("a cat with green eyes", dice).colours == ()


@pytest.mark.parametrize(("word", "channel"), [("red", 0), ("green", 1), ("blue", 2)])
def test_colour_words_steer_the_palette(word: str, channel: int) -> None:
    """In an abstract picture the named colour leads."""
    mean = pixels(render(f"abstract {word}", seed=3, width=96, height=96)).mean(axis=(0, 1))
    assert mean.argmax() == channel


def test_black_and_white_has_no_colour() -> None:
    """The channels differ only by the warmth of the paper."""
    drawn = pixels(render("black and white mountains", seed=3, width=128, height=96))
    assert (drawn.max(axis=2) - drawn.min(axis=2)).max() < 12
