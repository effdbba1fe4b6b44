"""What a spec must obey whoever serves it: its parts fit together, and it asks for nothing that is not there yet."""

import hashlib

import msgspec
from msgspec import UnsetType, structs

from contracts.catalog import CatalogError, Fault
from contracts.decode import convert
from contracts.media import Input
from contracts.port import Dialect
from contracts.spec import SpecBase, operation_of
from gateway.routing import Choice

_CANONICAL = msgspec.json.Encoder(order="deterministic")


def check(spec: SpecBase, dialects: dict[str, Dialect]) -> None:
    """Raise what is wrong with a spec in itself, all faults of one code together."""
    if not isinstance(spec.webhook, UnsetType):
        fault = Fault(pointer="/webhook", reason="unsupported", detail="webhooks are not served here")
        raise CatalogError("request.option_unsupported", fault.detail, errors=(fault,))
    found = [*_inputs(spec), *_cache(spec), *_options(spec, dialects)]
    if found:
        detail = f"{found[0].pointer}: {found[0].detail}"
        raise CatalogError("request.field_invalid", detail, errors=tuple(found))


def healthy(spec: SpecBase, choices: list[Choice]) -> list[Choice]:
    """Return the candidates that can work now, where the route wants such; raise when there is none."""
    if isinstance(spec.route, UnsetType) or spec.route.require_healthy is not True:
        return choices
    ready = [choice for choice in choices if choice.backend.ready(choice.candidate.account)]
    if not ready:
        raise CatalogError("routing.no_candidate", "All backends that could do this are down.", retry_after_s=15)
    return ready


def _inputs(spec: SpecBase) -> list[Fault]:
    inputs: tuple[Input, ...] = () if isinstance(spec.inputs, UnsetType) else spec.inputs
    count = {role: sum(each.role == role for each in inputs) for role in ("source", "mask", "watermark", "first_frame")}
    found = [
        Fault(pointer="/inputs", reason="range", detail=f"at most one picture of role {role}", limit=1)
        for role, number in count.items()
        if number > 1
    ]
    operation = operation_of(spec)
    if operation in ("image.edit", "image.variation", "image.upscale") and not count["source"]:
        found.append(Fault(pointer="/inputs", reason="missing", detail=f"{operation} needs a picture of role source"))
    if count["mask"] and not count["source"]:
        at = next(at for at, each in enumerate(inputs) if each.role == "mask")
        detail = "a mask needs a picture of role source that it lies on"
        found.append(Fault(pointer=f"/inputs/{at}", reason="contradiction", detail=detail))
    marked = not isinstance(spec.watermark, UnsetType)
    if marked and not count["watermark"]:
        found.append(
            Fault(pointer="/watermark", reason="contradiction", detail="needs a picture of role watermark in inputs")
        )
    return found


def _cache(spec: SpecBase) -> list[Fault]:
    cache = spec.cache
    if isinstance(cache, UnsetType) or cache.mode in ("prefer", "only"):
        return []
    return [
        Fault(pointer=f"/cache/{name}", reason="contradiction", detail="means nothing without mode prefer or only")
        for name in ("min_similarity", "pool")
        if not isinstance(getattr(cache, name), UnsetType)
    ]


def _options(spec: SpecBase, dialects: dict[str, Dialect]) -> list[Fault]:
    if isinstance(spec.options, UnsetType):
        return []
    found: list[Fault] = []
    for name, options in spec.options.items():
        pointer = f"/options/{name}"
        dialect = dialects.get(name)
        if dialect is None:
            found.append(
                Fault(pointer=pointer, reason="enum", detail="no such dialect", allowed=_having_options(dialects))
            )
        elif dialect.options is None:
            found += [
                Fault(pointer=f"{pointer}/{each}", reason="unknown_field", detail=f"{name} has no options")
                for each in options
            ]
        else:
            try:
                convert(options, dialect.options, pointer)
            except CatalogError as error:
                found += error.errors
    return found


def _having_options(dialects: dict[str, Dialect]) -> tuple[str, ...]:
    return tuple(sorted(name for name, dialect in dialects.items() if dialect.options is not None))


def fingerprint(spec: SpecBase) -> str:
    """Return what an idempotency key is bound to: the spec as it was understood, pictures by their digests."""
    if not isinstance(spec.inputs, UnsetType):
        spec = structs.replace(
            spec,
            inputs=tuple(Input(role=each.role, asset_id="", sha256=each.sha256) for each in spec.inputs),
        )
    # A default that was spelled out is not another request; the encoder leaves out only what was never named.
    said = {field.name: getattr(spec, field.name) for field in structs.fields(spec)}
    meant = {field.name: said[field.name] for field in structs.fields(spec) if said[field.name] != field.default}
    return hashlib.sha256(_CANONICAL.encode({"operation": operation_of(spec), **meant})).hexdigest()
