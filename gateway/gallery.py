"""The gallery: files of a team, put in, shown, served, deleted and restored."""

import asyncio
import io
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

from msgspec import structs

from contracts.catalog import CatalogError, Fault
from contracts.decode import invalid
from contracts.desk import Asset, AssetPage, Caller, Content
from contracts.job import moment
from gateway.access.gate import need
from gateway.access.signing import Signer
from gateway.clock import Clock
from gateway.jobs.intake import HOUR_S, Intake
from gateway.jobs.pictures import bad_input, check_picture, too_large
from gateway.settings import Settings
from gateway.store import query
from gateway.store.keep import AddAssets, MarkAsset, PurgeAsset
from gateway.store.record import AssetRecord
from gateway.store.store import Store

DAY_S = 86_400.0
#: Uploads that are read at the same moment; each may be as large as an upload may be.
MAX_UPLOADS = 8
THUMBNAIL_TYPE = "image/webp"


class GalleryService:
    """Assets of the caller's team (see contracts.desk.Assets)."""

    def __init__(self, store: Store, intake: Intake, settings: Settings, clock: Clock, signer: Signer) -> None:
        """Take where files are."""
        self._store = store
        self._intake = intake
        self._settings = settings
        self._clock = clock
        self._signer = signer
        self._uploads = asyncio.Semaphore(MAX_UPLOADS)
        self._thumbnails = store.data_dir.thumbnails

    async def upload(self, caller: Caller, chunks: AsyncIterator[bytes], *, for_job: bool = False) -> Asset:
        """Store what is streamed in; raise `request.too_large` or `request.reference_invalid`."""
        need(caller, "jobs:write" if for_job else "assets:write")
        keep = self._settings.keep
        source, keep_s = ("input", keep.inputs_hours * HOUR_S) if for_job else ("upload", keep.assets_days * DAY_S)
        limit = self._settings.server.max_upload_bytes
        async with self._uploads:
            data = bytearray()
            async for chunk in chunks:
                data += chunk
                if len(data) > limit:
                    raise too_large("", limit)
            media = check_picture(data, "", self._settings.assets.max_pixels)
            record = await self._intake.file(caller.team, data, media, source=source, keep_s=keep_s)
        await self._store.write(AddAssets((record,)))
        return _shown(record)

    async def get(self, caller: Caller, asset_id: str) -> Asset:
        """Return an asset."""
        need(caller, "assets:read")
        record = await self._mine(caller, asset_id)
        if record.deleted_at is not None:
            raise _no_asset()
        prompts = await self._prompts(caller, [record])
        return _shown(record, prompts.get(record.job_id or ""))

    async def _mine(self, caller: Caller, asset_id: str) -> AssetRecord:
        now = self._clock.now()

        def read(connection: query.Connection) -> tuple[AssetRecord | None, bool]:
            return query.asset(connection, asset_id), query.is_gone(connection, asset_id, caller.team, now)

        record, gone = await self._store.read(read)
        if record is None or record.team != caller.team or (record.withheld and not caller.may("policy:review")):
            raise CatalogError("resource.expired", "This asset is past its retention.") if gone else _no_asset()
        return record

    async def _prompts(self, caller: Caller, records: list[AssetRecord]) -> dict[str, str]:
        """Return the prompts of the jobs that made these, if the caller may see jobs."""
        jobs = {record.job_id for record in records if record.job_id is not None}
        if not jobs or not caller.may("jobs:read"):
            return {}

        def read(connection: query.Connection) -> dict[str, str]:
            found = (query.job(connection, job_id) for job_id in jobs)
            return {each.id: str(each.spec.prompt) for each in found if each is not None and each.spec.prompt}

        return await self._store.read(read)

    async def list(
        self, caller: Caller, *, limit: int, page_token: str | None, source: str | None, withheld: bool = False
    ) -> AssetPage:
        """Return a page of assets, newest first; or of those that reviewers withhold."""
        need(caller, "assets:read")
        if withheld:
            need(caller, "policy:review")
        after = None if page_token is None else query.read_page_token(page_token)
        wanted = query.Filter(team=caller.team, source=source, withheld=withheld, limit=limit, after=after)
        rows = await self._store.read(lambda connection: query.assets_page(connection, wanted))
        page = rows[:limit]
        prompts = await self._prompts(caller, page)
        token = query.page_token(page[-1].created_at, page[-1].id) if len(rows) > limit else None
        return AssetPage(
            assets=tuple(_shown(record, prompts.get(record.job_id or "")) for record in page), next_page_token=token
        )

    async def withheld(self, caller: Caller, job_id: str) -> Sequence[Asset]:
        """Return what a reviewer withholds of a job."""
        need(caller, "assets:read")
        need(caller, "policy:review")
        records = await self._store.read(lambda connection: query.job_assets(connection, job_id))
        kept = [each for each in records if each.team == caller.team and each.withheld and each.deleted_at is None]
        prompts = await self._prompts(caller, kept)
        return tuple(_shown(each, prompts.get(job_id)) for each in kept)

    async def delete(self, caller: Caller, asset_id: str, *, for_good: bool = False) -> None:
        """Delete an asset; it can be restored for some days, or by nobody, also if it was deleted before."""
        need(caller, "assets:write")
        record = await self._mine(caller, asset_id)
        if for_good:
            await self._store.write(PurgeAsset(asset_id, caller.team, self._clock.now()))
        elif record.deleted_at is None:
            await self._store.write(MarkAsset(asset_id, caller.team, self._clock.now()))

    async def restore(self, caller: Caller, asset_id: str) -> Asset:
        """Undo a deletion."""
        need(caller, "assets:write")
        record = await self._mine(caller, asset_id)
        if record.deleted_at is not None:
            if not await self._store.write(MarkAsset(asset_id, caller.team, None)):
                raise _no_asset()
            record = structs.replace(record, deleted_at=None)
        prompts = await self._prompts(caller, [record])
        return _shown(record, prompts.get(record.job_id or ""))

    async def content(self, asset: Asset, *, thumbnail: int | None) -> Content:
        """Return the file to serve, or a thumbnail of it that fits into a square of so many pixels."""
        path = self._store.files.path(asset.sha256)
        if thumbnail is None:
            return Content(
                path=str(path),
                length=asset.bytes,
                media_type=asset.media_type,
                sha256=asset.sha256,
                created_at=asset.created_at,
            )
        if not asset.media_type.startswith("image/"):
            raise invalid((Fault(pointer="/query/thumbnail", reason="unsupported", detail="only pictures have one"),))
        small = self._thumbnails / asset.sha256 / f"{thumbnail}.webp"
        await self._store.read(_maker(path, small, thumbnail))
        return Content(
            path=str(small),
            length=small.stat().st_size,
            media_type=THUMBNAIL_TYPE,
            sha256=f"{asset.sha256}-{thumbnail}",
            created_at=asset.created_at,
        )

    async def read(self, path: str, start: int, length: int) -> bytes:
        """Return a piece of a file that `content` named."""
        try:
            return await self._store.read(lambda _connection: _piece(Path(path), start, length))
        except FileNotFoundError:
            raise _no_file() from None

    def signed_path(self, asset_id: str, *, thumbnail: int | None = None, withheld: bool = False) -> str:
        """Return a path that needs no key for an hour, to the file or to a thumbnail of it."""
        variant = "" if thumbnail is None else str(thumbnail)
        return self._signer.path(asset_id, now=self._clock.now(), variant=variant, withheld=withheld)


def _piece(path: Path, start: int, length: int) -> bytes:
    with path.open("rb") as file:
        file.seek(start)
        return file.read(length)


def _maker(path: Path, small: Path, side: int) -> Callable[[object], None]:
    return lambda _connection: _make_thumbnail(path, small, side)


def _make_thumbnail(path: Path, small: Path, side: int) -> None:
    if small.exists():
        return
    from PIL import Image  # noqa: PLC0415

    small.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    out = io.BytesIO()
    try:
        with Image.open(path, formats=("PNG", "JPEG", "WEBP", "AVIF")) as picture:
            picture.draft("RGB", (side * 2, side * 2))
            picture.thumbnail((side, side))
            picture.save(out, format="WEBP", quality=80)
    except FileNotFoundError:
        raise _no_file() from None
    except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError):
        # Only its header was looked at when it came in.
        raise bad_input("/query/thumbnail", "undecodable", "the picture cannot be decoded") from None
    temporary = small.with_suffix(f".{id(out)}")
    temporary.write_bytes(out.getvalue())
    temporary.rename(small)


def _shown(record: AssetRecord, prompt: str | None = None) -> Asset:
    return Asset(
        id=record.id,
        url=f"/v1/assets/{record.id}/content",
        media_type=record.media_type,
        bytes=record.bytes,
        sha256=record.sha256,
        width=record.width,
        height=record.height,
        source=record.source,
        role=record.role,
        created_at=moment(record.created_at),
        expires_at=moment(record.expires_at),
        duration_s=record.duration_s,
        job_id=record.job_id,
        prompt=prompt,
        sandbox=record.sandbox,
        withheld=record.withheld,
        deleted_at=None if record.deleted_at is None else moment(record.deleted_at),
    )


def _no_file() -> CatalogError:
    return CatalogError("resource.expired", "This file is no longer kept.")


def _no_asset() -> CatalogError:
    return CatalogError("resource.not_found", "There is no such asset.")
