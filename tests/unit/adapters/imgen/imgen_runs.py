"""Orders, notes and ends of runs for the adapter's pure parts."""

from typing import Any

import msgspec
from msgspec import structs

from adapters.imgen import capability, errors
from adapters.imgen.translate import Note, prepare, to_note, to_request, with_run
from adapters.imgen.wire import GenerateRequest, Model, Models, Run, Status, Style
from contracts.capability import Candidate
from contracts.fit import fit
from contracts.port import InputBytes, Order
from contracts.spec import JobSpec, SpecBase

MODELS = Models(
    characters=("aya", "bella"),
    models={"atlas": Model(default_style="photo", styles={"photo": Style(), "oil": Style()}), "eros": Model()},
)
CAPABILITY = capability.generate(MODELS, "atlas", cache=True, timeouts={})
MARK = InputBytes("watermark", "image/png", b"a mark")
#: The seed's example of a finished run, with a key that it does not name.
META: dict[str, Any] = {
    "id": "run_1", "gen_id": "a1b2", "time": "2026-05-28T20:02:50Z", "prompt": "a sea", "positive": "a sea, sharp",
    "negative": "blurry", "character": "", "model": "atlas", "style": "photo", "width": 1024, "height": 1024,
    "format": "png", "quality": 95, "lossless": False, "optimized": False, "compliance": "safe",
    "compliance_codes": [], "compliance_ruleset": "default", "precompliance": "", "fingerprint": "f00d",
    "images": [
        {"url": "https://s3.example/a.png?sig=1", "filename": "a.png", "type": "signed"},
        {"url": "https://s3.example/t.jpg?sig=2", "filename": "t.jpg", "type": "thumbnail"},
    ],
}  # fmt: skip


def order(**fields: Any) -> Order:
    """Return the order for a request, given as in JSON, that fits."""
    body = {"operation": "image.generate", "prompt": "a sea", **fields}
    spec: SpecBase = msgspec.convert(body, JobSpec)
    fitted = fit(spec, CAPABILITY, "imgen")
    assert fitted.mismatches == (), fitted.mismatches
    return Order(
        job_id="job_1",
        n=1,
        part=1,
        spec=spec,
        effective=fitted.effective,
        candidate=Candidate("imgen", "default", "atlas"),
        capability=CAPABILITY,
    )


def request(*inputs: InputBytes, **fields: Any) -> GenerateRequest:
    """Return what is sent for a request."""
    return to_request(order(**fields), inputs)


def note(*, hit: bool = False, **fields: Any) -> Note:
    """Return what a handle remembers once the run has its id."""
    run = Run(id="run_1", prompt="a sea", model="atlas", cache=hit)
    return to_note(with_run(prepare(order(**fields)).handle, run))


def ended(*, cache: bool = False, meta: dict[str, Any] | None = None, **changes: Any) -> Status:
    """Return the end of a run, with some keys of its `meta` changed."""
    said = {**(META if meta is None else meta), **changes}
    return Status(status="COMPLETED", meta=said, cache=cache)


def verdict(body: dict[str, Any]) -> str:
    """Return the code that an answer of `status` stands for; `safe` for none."""
    signal = errors.read_json("status", 200, body)
    return "safe" if signal is None else errors.TABLE.classify(signal).code


def without(name: str) -> dict[str, Any]:
    """Return the `meta` without a key."""
    return {key: value for key, value in META.items() if key != name}


def also(run: Note, **changes: Any) -> Note:
    """Return a note with some of it changed."""
    return structs.replace(run, **changes)
