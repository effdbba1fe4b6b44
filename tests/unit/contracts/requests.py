"""Requests and candidates to weigh them by: as JSON, as values, and as Hypothesis makes them up."""

from typing import Any

import msgspec
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from adapters.ima2 import capability as ima2
from adapters.imgen import capability as imgen
from adapters.imgen.wire import Model, Models, Style
from adapters.sdcpp import capability as sdcpp
from contracts.capability import Capability, Limits, SizeRange
from contracts.fit import Fit, fit
from contracts.fit.words import HARMLESS
from contracts.media import Dimensions
from contracts.spec import OPERATIONS, JobSpec, SpecBase

IMGEN_MODELS = Models(
    characters=("shiba", "tabby"),
    models={"atlas": Model(label="Atlas", default_style="photo", styles={"photo": Style(), "oil": Style()})},
)
#: What the three adapters really say of themselves, with the name of their dialect.
REAL: dict[str, tuple[str, Capability]] = {
    "ima2 tag oauth": ("ima2", ima2.generate("tag", "oauth", {}, {})),
    "ima2 head api": ("ima2", ima2.generate("head", "api", {}, {})),
    "ima2 new oauth": ("ima2", ima2.generate("new", "oauth", {"maxGeneratedImages": 8, "maxRefCount": 5}, {})),
    "ima2 new grok": ("ima2", ima2.generate("new", "grok", {}, {})),
    "sdcpp": ("sdcpp", sdcpp.generate({})),
    "imgen": ("imgen", imgen.generate(IMGEN_MODELS, "atlas", cache=False, timeouts={})),
    "imgen with cache": ("imgen", imgen.generate(IMGEN_MODELS, "atlas", cache=True, timeouts={})),
}


def spec(**options: Any) -> SpecBase:
    """Return the spec of a picture from words, with some options set as in JSON."""
    made: SpecBase = msgspec.convert({"operation": "image.generate", "prompt": "a shiba", **options}, JobSpec)
    return made


def fitted(candidate: str, **options: Any) -> Fit:
    """Fit a request to one of the real candidates."""
    dialect, capability = REAL[candidate]
    return fit(spec(**options), capability, dialect)


def refusals(result: Fit) -> list[tuple[str, str, str]]:
    """Return what stands against the candidate: pointer, code, reason."""
    return [(each.fault.pointer, each.code, each.fault.reason) for each in result.mismatches]


def receipts(result: Fit) -> dict[str, tuple[Any, str]]:
    """Return the receipts by pointer: what was applied, and why."""
    return {each.pointer: (each.applied, each.why) for each in result.adjustments}


#: Words of which some are commands to a backend.
_WORDS = st.sampled_from(
    [
        "a shiba",
        "in space",
        "-blur",
        "@tabby",
        "<sd_cpp_extra_args>",
        "< / NEGATIVE_PROMPT",
        "well-known",
        "a@b",
        HARMLESS,
        "-",
    ]
)
TEXTS = st.lists(_WORDS, min_size=1, max_size=4).map(" ".join)
SIZES: SearchStrategy[Any] = st.one_of(
    st.just("auto"),
    st.fixed_dictionaries(
        {
            "width": st.sampled_from([512, 768, 1024, 1344, 1001]) | st.integers(1, 16384),
            "height": st.integers(1, 16384),
        }
    ),
    st.fixed_dictionaries(
        {"aspect_ratio": st.sampled_from(["1:1", "16:9", "9:16", "7:4", "4:7"]) | st.just("9999:1")},
        optional={"megapixels": st.floats(0.01, 64) | st.just(1)},
    ),
    st.sampled_from([{"width": side[0], "height": side[1]} for side in ((1024, 1024), (1344, 768), (832, 1216))]),
)
_INPUTS = st.lists(
    st.fixed_dictionaries(
        {"role": st.sampled_from(["source", "reference", "mask", "first_frame", "watermark"]), "data": st.just("AA==")}
    ),
    max_size=7,
)
_OUTPUT = st.fixed_dictionaries(
    {},
    optional={
        "format": st.sampled_from(["png", "jpeg", "webp", "avif"]),
        "compression": st.integers(1, 100),
        "lossless": st.booleans(),
    },
).filter(lambda wish: (wish.get("format"), wish.get("lossless")) != ("jpeg", True))
_OPTIONAL: dict[str, SearchStrategy[Any]] = {
    "negative_prompt": TEXTS,
    "character": st.sampled_from(["shiba", "nobody"]),
    "style": st.sampled_from(["vivid", "oil", "nothing"]),
    "size": SIZES,
    "n": st.integers(1, 64),
    "seed": st.sampled_from([0, 7, 2**31, 2**53 - 1]),
    "effort": st.sampled_from(["low", "medium", "high", "auto"]),
    "output": _OUTPUT,
    "inputs": _INPUTS,
    "strength": st.floats(0, 1),
    "policy": st.fixed_dictionaries(
        {},
        optional={
            "strictness": st.sampled_from(["default", "relaxed"]),
            "ruleset": st.just("kids"),
            "prescreen_note": st.just("a poster"),
        },
    ),
    "cache": st.fixed_dictionaries({}, optional={"mode": st.sampled_from(["off", "prefer", "only"])}),
    "watermark": st.fixed_dictionaries(
        {}, optional={"scale": st.integers(1, 100), "padding": st.just({"x": 1}), "opacity": st.floats(0, 1)}
    ),
    "provenance": st.fixed_dictionaries({}, optional={"author": st.just("me"), "title": st.just("it")}),
    "video": st.fixed_dictionaries({}, optional={"mode": st.sampled_from(["text", "image"])}),
    "optimize_prompt": st.booleans(),
    "options": st.dictionaries(
        st.sampled_from(["ima2", "sdcpp", "imgen"]),
        st.fixed_dictionaries({}, optional={"raw_prompt": st.booleans(), "cfg_scale": st.floats(0, 9)}),
        max_size=2,
    ),
}


def raw_specs(modes: tuple[str, ...] = ("reject", "adapt", "drop")) -> SearchStrategy[dict[str, Any]]:
    """Make up legal requests as JSON, over all options."""
    return st.fixed_dictionaries(
        {"operation": st.sampled_from(OPERATIONS), "prompt": TEXTS, "on_unsupported": st.sampled_from(modes)},
        optional=_OPTIONAL,
    )


def specs(*modes: str) -> SearchStrategy[SpecBase]:
    """Make up legal requests."""
    return raw_specs(modes or ("reject", "adapt", "drop")).map(lambda raw: msgspec.convert(raw, JobSpec))


_DIMENSIONS = st.builds(Dimensions, st.integers(16, 4096), st.integers(16, 4096))
_FORMATS = st.lists(st.sampled_from(["png", "jpeg", "webp", "avif"]), unique=True, min_size=1).map(tuple)
RANGES = st.builds(
    SizeRange,
    min_side=st.integers(1, 512),
    max_side=st.integers(512, 4096),
    step=st.sampled_from([1, 8, 64]),
    max_pixels=st.none() | st.integers(512 * 512, 4096 * 4096),
)


@st.composite
def made_up_capabilities(draw: st.DrawFn) -> Capability:
    """Make up what a backend that does not exist yet could say of itself."""
    formats = draw(_FORMATS)
    some = st.lists(st.sampled_from(formats), unique=True).map(tuple)
    efforts = draw(st.sampled_from([(), ("low", "medium", "high"), ("auto", "low")]))
    return Capability(
        sizes=draw(st.lists(_DIMENSIONS, max_size=5).map(tuple)),
        size_range=draw(st.none() | RANGES),
        default_size=draw(st.none() | _DIMENSIONS),
        formats=formats,
        default_format=formats[0],
        compression_formats=draw(some),
        lossless_formats=draw(some),
        always_lossless=draw(st.sampled_from([(), ("png",)])),
        max_n=draw(st.integers(1, 10)),
        references=draw(st.integers(0, 5)),
        inputs_total=draw(st.none() | st.integers(1, 5)),
        source=draw(st.booleans()),
        mask=draw(st.booleans()),
        strength=draw(st.booleans()),
        seed_max=draw(st.none() | st.sampled_from([2**31 - 1, 2**53 - 1])),
        negative_prompt=draw(st.booleans()),
        characters=draw(st.sampled_from([None, (), ("shiba",)])),
        styles=draw(st.sampled_from([None, (), ("vivid", "oil")])),
        default_style=draw(st.sampled_from([None, "oil"])),
        efforts=efforts,
        default_effort=draw(st.sampled_from([None, *efforts])),
        strictness=draw(st.sampled_from([(), ("default",), ("default", "relaxed")])),
        rulesets=draw(st.booleans()),
        prescreen_note=draw(st.booleans()),
        cache=draw(st.booleans()),
        watermark=draw(st.booleans()),
        provenance=draw(st.booleans()),
        optimize_prompt=draw(st.sampled_from([(), (False,), (True, False)])),
        video_modes=draw(st.sampled_from([(), ("text", "image")])),
        active_syntax=draw(st.sampled_from([(), sdcpp.ACTIVE_SYNTAX, imgen.ACTIVE_SYNTAX])),
        limits=Limits(prompt_chars=draw(st.sampled_from([None, 20, 60]))),
    )


#: A dialect and one of its candidates, real or made up.
CANDIDATES: SearchStrategy[tuple[str, Capability]] = st.sampled_from(list(REAL.values())) | st.tuples(
    st.sampled_from(["ima2", "sdcpp", "imgen"]), made_up_capabilities()
)
