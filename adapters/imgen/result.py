"""From imgen to the contract, purely: what `status` says of a run, held against what was sent.

Where `meta` differs from the request a value fell back in silence: it is counted, and told where the caller had set it.
Rules of review are no such value: whoever asked for some gets no picture that was judged by others, or not at all.
"""

import base64
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import msgspec
from msgspec import UNSET, Struct, ValidationError

from adapters.imgen.translate import Note
from adapters.imgen.wire import Meta, Status, read_meta
from contracts.catalog import CatalogError, Native
from contracts.job import Adjustment, Effective, Phase, Review
from contracts.port import Done, Output, Pending

PHASES: dict[str, Phase] = {"IN_QUEUE": "queued_at_backend", "IN_PROGRESS": "image"}
#: How long a text of a key that the seed does not name may be to be shown.
MAX_TEXT = 200
#: What the seed says that a hit has in common with the request; everything else of it is another run's.
_OF_HITS = frozenset({"model", "style", "character"})
#: What a hit cannot have, and no key of its `meta` would tell.
_NOT_ON_HITS = ("/negative_prompt", "/watermark", "/provenance")


class Difference(Struct, frozen=True):
    """One field in which a run is not what was sent."""

    field: str
    pointer: str
    applied: Any


def to_pending(status: Status, poll_s: float) -> Pending:
    """Read a run that is under way, to be asked after again in so many seconds."""
    return Pending(poll_s, phase=PHASES[status.status])


def to_done(status: Status, note: Note, *, trust_cache: bool = False) -> Done:
    """Read a finished, safe run; raise `backend.bad_response` where its review is not the one that was asked for.

    A hit in the cache skips the review, whatever its `meta` says (seed, "Caching" 5); only an operator may trust it.
    """
    meta = _meta(status)
    is_hit = status.cache or note.cache
    rules = note.sent.get("compliance_ruleset")
    if rules is not None and (is_hit or meta.compliance_ruleset != rules):
        raise _distrusted("The review was not made by the rules that were asked for.", "other_ruleset")
    review = Review(
        verdict="passed" if not is_hit or trust_cache else "not_reviewed",
        ruleset=meta.compliance_ruleset,
        categories=tuple(str(code) for code in meta.compliance_codes),
        cached=is_hit,
    )
    found = list(_differences(meta, note))
    unasked = is_hit and "use_cache" not in note.sent
    breaches = [each.field for each in found if not is_hit or each.field in _OF_HITS]
    warnings = ("The backend answered from its cache although nobody let it be asked.",) if unasked else ()
    return Done(
        outputs=_outputs(meta, review),
        effective=_effective(meta, note, is_hit=is_hit),
        adjustments=(*_receipts(found, note), *(_of_hit(note, unasked=unasked) if is_hit else ())),
        breaches=(*breaches, *(("cache",) if unasked else ())),
        warnings=warnings,
        review=review,
    )


def _meta(status: Status) -> Meta:
    try:
        return read_meta(status.meta or {})
    except ValidationError:
        raise _distrusted("The backend's answer is not of the shape it promises.", "shape") from None


def _distrusted(detail: str, reason: str) -> CatalogError:
    return CatalogError(
        "backend.bad_response", detail, phase="review", native=Native(http_status=200, code="COMPLETED"), reason=reason
    )


def _outputs(meta: Meta, review: Review) -> tuple[Output, ...]:
    """Return the signed pictures and their thumbnails; without a picture there is nothing to be a thumbnail of."""
    signed = [each for each in meta.images if each.type == "signed"]
    if not signed:
        return ()
    thumbnails = [each for each in meta.images if each.type == "thumbnail"]
    pictures = [
        Output(index=index, reference=each.url, revised_prompt=meta.positive, review=review)
        for index, each in enumerate(signed)
    ]
    small = [
        Output(index=index, role="thumbnail", reference=each.url, review=review)
        for index, each in enumerate(thumbnails)
    ]
    return (*pictures, *small)


def _effective(meta: Meta, note: Note, *, is_hit: bool) -> Effective:
    """Return what the server says it used: both prompts as it built them, and its own ids and keys beside."""
    sent = note.sent
    more = {name: value for name, value in meta.more.items() if _may_be_shown(value)}
    own = {"gen_id": meta.gen_id, "fingerprint": meta.fingerprint, "time": meta.time, "meta": more or None}
    options = {name: value for name, value in own.items() if value is not None}
    return Effective(
        prompt=meta.positive or UNSET,
        negative_prompt=meta.negative or UNSET,
        model=meta.model or UNSET,
        style=meta.style or UNSET,
        character=meta.character or UNSET,
        compression=meta.quality if "quality" in sent and meta.quality is not None else UNSET,
        lossless=meta.lossless if "lossless" in sent and meta.lossless is not None else UNSET,
        optimize_prompt=meta.optimized if "optimize" in sent and meta.optimized is not None else UNSET,
        ruleset=meta.compliance_ruleset or UNSET if not is_hit else UNSET,
        cache_hit=is_hit,
        options=options or UNSET,
    )


def _may_be_shown(value: object) -> bool:
    """Say whether a value of an unnamed key is a plain one: no list, no picture, no address."""
    if isinstance(value, str):
        return len(value) <= MAX_TEXT and "://" not in value
    return isinstance(value, bool | int | float)


def _differences(meta: Meta, note: Note) -> Iterator[Difference]:
    """Yield everything in `meta` that differs from what was sent; a key that is not there tells nothing."""
    sent = note.sent
    size = {"width": sent.get("width"), "height": sent.get("height")}
    came = {"width": meta.width, "height": meta.height}
    pairs = (
        ("model", "/model", sent.get("model"), meta.model),
        ("style", "/style", sent.get("style"), meta.style),
        ("character", "/character", sent.get("character"), meta.character),
        ("size", "/size", size, None if None in came.values() else came),
        ("format", "/output/format", sent.get("format"), meta.format),
        ("compression", "/output/compression", sent.get("quality"), meta.quality),
        ("lossless", "/output/lossless", sent.get("lossless"), meta.lossless),
        ("optimize_prompt", "/optimize_prompt", sent.get("optimize"), meta.optimized),
        ("prescreen_note", "/policy/prescreen_note", sent.get("precompliance"), meta.precompliance),
    )
    for field, pointer, wanted, got in pairs:
        if wanted is not None and got is not None and wanted != got:
            yield Difference(field, pointer, f"{note.backend}/{got}" if field == "model" else got)


def _receipts(found: list[Difference], note: Note) -> tuple[Adjustment, ...]:
    return tuple(
        _unhonoured(each.pointer, note.asked[each.pointer], each.applied)
        for each in found
        if each.pointer in note.asked
    )


def _of_hit(note: Note, *, unasked: bool) -> Iterator[Adjustment]:
    """Yield receipts for what an earlier run's picture cannot have."""
    for pointer in _NOT_ON_HITS:
        if pointer in note.asked:
            yield _unhonoured(pointer, note.asked[pointer], "a picture from the cache")
    if unasked and "/cache/mode" in note.asked:
        yield _unhonoured("/cache/mode", note.asked["/cache/mode"], "a picture from the cache")


def _unhonoured(pointer: str, requested: object, applied: object) -> Adjustment:
    return Adjustment(pointer=pointer, requested=requested, applied=applied, why="not_honoured", by="backend")


def to_withheld(body: bytes) -> tuple[str, ...]:
    """Return the address of a blocked picture; nothing where that cannot be read: its job is blocked either way."""
    try:
        wrapped = msgspec.json.decode(body, type=Status).unsafe_url
        url = base64.b64decode(wrapped or "", validate=True).decode()
        is_url = urlsplit(url).scheme in ("http", "https")
    except (ValueError, msgspec.DecodeError):
        return ()
    return (url,) if is_url else ()
