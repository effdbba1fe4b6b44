"""The pictures a job begins with, read once; of those that an earlier job made, who made them."""

from collections.abc import Sequence

from msgspec import UnsetType

from contracts.catalog import CatalogError
from contracts.port import InputBytes, Origin
from gateway.engine.carried import Carried
from gateway.engine.context import Context
from gateway.store.query import asset, attempts
from gateway.store.record import AssetRecord
from gateway.store.store import Store


async def load_inputs(ctx: Context, carried: Carried) -> Sequence[InputBytes]:
    """Return the bytes of a job's inputs, read once."""
    if carried.inputs is None:
        inputs = carried.record.spec.inputs or ()
        found = []
        for each in inputs:
            record = await ctx.store.read(lambda c, wanted=str(each.asset_id): asset(c, wanted))  # type: ignore[misc]
            if record is None:
                found.append(InputBytes(each.role, "", b""))
                continue
            origin = await origin_of(ctx.store, record) if each.role == "source" else None
            found.append(InputBytes(each.role, record.media_type, await _read_file(ctx, record.sha256), origin))
        carried.inputs = found
    return carried.inputs


async def load_mark(ctx: Context, carried: Carried) -> None:
    """Have a watermark at hand that may have to be drawn, also where another process handed the work over."""
    if any(each.role == "watermark" for each in carried.record.spec.inputs or ()):
        await load_inputs(ctx, carried)


async def origin_of(store: Store, record: AssetRecord) -> Origin | None:
    """Return who made a picture of ours, if the backend had words of its own to say about it."""
    if record.source != "output" or record.job_id is None:
        return None
    job_id = record.job_id
    made = await store.read(lambda connection: attempts(connection, job_id))
    for attempt in reversed(made):
        effective = attempt.effective
        if attempt.error is None and effective is not None and not isinstance(effective.options, UnsetType):
            return Origin(attempt.backend, effective.options)
    return None


async def _read_file(ctx: Context, sha256: str) -> bytes:
    try:
        return await ctx.store.read(lambda _connection: ctx.store.files.read(sha256))
    except OSError:
        raise CatalogError(
            "gateway.internal", "An input picture cannot be read.", reason="storage", outcome="not_started"
        ) from None
