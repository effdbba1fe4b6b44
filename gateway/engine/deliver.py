"""From what a backend offers to files on disk: fetched within limits, read back, compared, hashed and written once."""

import asyncio
from collections.abc import Sequence

import pybase64
from msgspec import Struct, UnsetType, structs

from contracts.catalog import CatalogError
from contracts.job import Adjustment, Effective, JobOutput
from contracts.port import Done, Output
from contracts.sniff import Media, sniff
from contracts.spec import OutputWish, Watermark
from gateway.clock import Clock, new_id
from gateway.engine.carried import Flight
from gateway.engine.comparing import compare
from gateway.engine.effective import merged
from gateway.engine.encode import encode
from gateway.engine.marking import Mark
from gateway.engine.strip import strip_prompt
from gateway.ops.metrics import Metrics
from gateway.settings import Settings
from gateway.store.assets import AssetFiles
from gateway.store.record import AssetRecord
from gateway.store.threads import Threads

#: Files that may be fetched or decoded at the same moment.
MAX_AT_ONCE = 16
DAY_S = 86_400.0


class Filed(Struct, frozen=True):
    """A file on disk, and what it turned out to be."""

    sha256: str
    length: int
    media: Media
    native: Media
    base64: bytes | None
    stripped: bool
    has_credentials: bool
    fetch_s: float


class Delivered(Struct, frozen=True):
    """Everything an attempt delivered, checked."""

    assets: tuple[AssetRecord, ...]
    outputs: tuple[JobOutput, ...]
    adjustments: tuple[Adjustment, ...]
    effective: Effective
    warnings: tuple[str, ...]
    inline: dict[str, bytes]
    pictures: int
    fetch_s: float


class Deliverer:
    """Fetches and files outputs."""

    def __init__(self, files: AssetFiles, settings: Settings, clock: Clock, metrics: Metrics) -> None:
        """Take where files go and what limits they have."""
        self._files = files
        self._settings = settings
        self._clock = clock
        self._metrics = metrics
        self._threads = Threads(8, "triptych-files")
        self._room = asyncio.Semaphore(MAX_AT_ONCE)

    def close(self) -> None:
        """End the threads."""
        self._threads.close()

    async def deliver(self, flight: Flight, done: Done, first_index: int) -> Delivered:
        """File what a backend offers; raise `CatalogError` when none of it, or too little, is usable."""
        pictures = [each for each in done.outputs if each.role != "thumbnail"]
        offered = pictures[: flight.attempt.count]
        surplus = len(pictures) - len(offered)
        if surplus:
            self._metrics.discarded_outputs.labels(flight.backend.name).inc(surplus)
        if not offered:
            raise CatalogError(
                "backend.bad_response",
                "The backend says that it is done and has no picture.",
                outcome="finished_no_result",
                backend=flight.backend.name,
            )
        offered += [each for each in done.outputs if each.role == "thumbnail"]
        results = await asyncio.gather(*(self._file(flight, each) for each in offered), return_exceptions=True)
        filed: list[tuple[Output, Filed]] = []
        failure: BaseException | None = None
        for output, result in zip(offered, results, strict=True):
            if isinstance(result, BaseException):
                failure = failure or (result if output.role != "thumbnail" else None)
            else:
                filed.append((output, result))
        if failure is not None and (not isinstance(failure, CatalogError) or not _has_picture(filed)):
            raise failure
        return self._compose(flight, done, filed, first_index)

    async def withhold(self, flight: Flight, references: Sequence[str]) -> tuple[AssetRecord, ...]:
        """File what a reviewer blocks, for those alone who may see it; raise `CatalogError` when it cannot be had."""
        now = self._clock.now()
        offered = [Output(index=index, reference=each) for index, each in enumerate(references)]
        files = [(each, await self._file(flight, each)) for each in offered]
        part = flight.attempt.part
        first = sum(each.count for number, each in flight.carried.parts.items() if number < part)
        assets = tuple(
            structs.replace(self._asset(flight, output, file, first, now), withheld=True) for output, file in files
        )
        self._metrics.stored_bytes.labels("withheld").inc(sum(asset.bytes for asset in assets))
        return assets

    async def _file(self, flight: Flight, output: Output) -> Filed:
        async with self._room:
            data: bytes | None = None
            began = self._clock.now()
            if output.base64 is None:
                data = b"".join([chunk async for chunk in flight.backend.adapter.fetch(output)])
            fetch_s = self._clock.now() - began if data is not None else 0.0
            inline = flight.carried.wants_inline()
            return await self._threads.run(lambda: self._put(flight, output, data, inline=inline, fetch_s=fetch_s))

    def _put(self, flight: Flight, output: Output, data: bytes | None, *, inline: bool, fetch_s: float) -> Filed:
        """Decode, read back, clean, encode if asked, hash and write: all that touches bytes, on a thread."""
        encoded = output.base64
        if data is None:
            data = _decoded(encoded or b"", flight.backend.name)
        native = self._checked(data, flight.backend.name)
        media, stripped, credentials = native, False, False
        if output.role == "image":
            changed, stripped, credentials = self._cleaned(flight, output, data, native)
            changed = self._encoded(flight, changed, native)
            if changed is not data:
                data, encoded = changed, None
                media = self._checked(data, flight.backend.name)
        sha256 = self._files.put(data)
        if not inline:
            encoded = None
        elif encoded is None:
            encoded = pybase64.b64encode(data)
        return Filed(sha256, len(data), media, native, encoded, stripped, credentials, fetch_s)

    def _checked(self, data: bytes, backend: str) -> Media:
        media = sniff(data)
        what = None
        if media is None:
            what = "What the backend delivered is no picture."
        elif media.width * media.height > self._settings.assets.max_pixels:
            what = "The delivered picture has more pixels than are allowed."
        elif not media.complete:
            what = "The delivered picture breaks off before its end."
        if what is not None or media is None:
            raise CatalogError("backend.bad_response", str(what), outcome="finished_no_result", backend=backend)
        return media

    def _cleaned(self, flight: Flight, output: Output, data: bytes, media: Media) -> tuple[bytes, bool, bool]:
        if self._settings.assets.strip_metadata == "none":
            return data, False, False
        effective = flight.attempt.effective or Effective()
        known = (flight.carried.record.spec.prompt, effective.prompt, output.revised_prompt)
        result = strip_prompt(data, media.format, [each for each in known if isinstance(each, str)])
        return result.data, result.removed, result.has_credentials

    def _encoded(self, flight: Flight, data: bytes, media: Media) -> bytes:
        """Encode anew what the fit promised to transcode, unless the backend delivered it so."""
        wish = flight.carried.record.spec.output
        promised = {a.pointer for a in flight.attempt.adjustments if a.why == "transcoded" and a.by == "gateway"}
        if not promised:
            return data
        wish = OutputWish() if isinstance(wish, UnsetType) else wish
        target = media.format if isinstance(wish.format, UnsetType) else wish.format
        if target == media.format and not promised & {"/output/compression", "/watermark"}:
            return data
        quality = None if isinstance(wish.compression, UnsetType) else wish.compression
        mark = _mark_of(flight) if "/watermark" in promised else None
        return encode(data, target, quality=quality, lossless=wish.lossless is True, mark=mark)  # type: ignore[arg-type]

    def _compose(self, flight: Flight, done: Done, filed: list[tuple[Output, Filed]], first_index: int) -> Delivered:
        now = self._clock.now()
        record = flight.carried.record
        assets: list[AssetRecord] = []
        outputs: list[JobOutput] = []
        inline: dict[str, bytes] = {}
        differences: dict[str, Adjustment] = {}
        counted: set[str] = set()
        warnings: list[str] = list(done.warnings)
        sent = merged(flight.attempt.effective or Effective(), done.effective)
        effective = sent
        pictures = 0
        for output, file in filed:
            asset = self._asset(flight, output, file, first_index, now)
            assets.append(asset)
            verdict = output.review.verdict if output.review is not None else "not_reviewed"
            outputs.append(
                JobOutput(
                    asset_id=asset.id,
                    url=f"/v1/assets/{asset.id}/content",
                    media_type=file.media.media_type,
                    width=file.media.width,
                    height=file.media.height,
                    bytes=file.length,
                    sha256=file.sha256,
                    role=output.role,
                    index=first_index + output.index,
                    review=verdict,
                    revised_prompt=output.revised_prompt,
                    duration_s=file.media.duration_s,
                )
            )
            if file.base64 is not None and output.role != "thumbnail":
                inline[asset.id] = file.base64
            if output.role == "thumbnail":
                continue
            pictures += 1
            compared = compare(record.spec, sent, file.native, stripped=file.stripped)
            for field in compared.fields:
                self._breach(flight, field, counted)
            for difference in compared.receipts:
                differences.setdefault(difference.pointer, difference)
            effective = structs.replace(
                effective, width=file.media.width, height=file.media.height, format=file.media.format
            )
            if file.has_credentials:
                warnings.append("The file carries content credentials (C2PA): it is stored as it came.")
        for field in set(done.breaches) - counted:
            self._breach(flight, field, counted)
        # What the bytes are counts for more than what the backend says of them.
        told = (each for each in done.adjustments if each.pointer not in differences)
        self._metrics.stored_bytes.labels("output").inc(sum(asset.bytes for asset in assets))
        return Delivered(
            assets=tuple(assets),
            outputs=tuple(outputs),
            adjustments=(*told, *differences.values()),
            effective=effective,
            warnings=tuple(dict.fromkeys(warnings)),
            inline=inline if record.spec.output is not None else {},
            pictures=pictures,
            fetch_s=max((file.fetch_s for _, file in filed), default=0.0),
        )

    def _asset(self, flight: Flight, output: Output, file: Filed, first_index: int, now: float) -> AssetRecord:
        record = flight.carried.record
        return AssetRecord(
            id=new_id("ast"),
            team=record.team,
            job_id=record.id,
            source="output",
            role=output.role,
            position=first_index + output.index,
            sha256=file.sha256,
            media_type=file.media.media_type,
            bytes=file.length,
            width=file.media.width,
            height=file.media.height,
            duration_s=file.media.duration_s,
            sandbox=flight.backend.sandbox,
            created_at=now,
            expires_at=now + self._settings.keep.assets_days * DAY_S,
        )

    def _breach(self, flight: Flight, field: str, counted: set[str]) -> None:
        counted.add(field)
        self._metrics.contract_breaches.labels(flight.backend.name, field).inc()


def _mark_of(flight: Flight) -> Mark | None:
    """Return the mark that the gateway lays over what came."""
    wish = flight.carried.record.spec.watermark
    found = next((each.data for each in flight.carried.inputs or () if each.role == "watermark"), None)
    return None if found is None else Mark(found, Watermark() if isinstance(wish, UnsetType) else wish)


def _has_picture(filed: list[tuple[Output, Filed]]) -> bool:
    return any(output.role != "thumbnail" for output, _ in filed)


def _decoded(encoded: bytes, backend: str) -> bytes:
    try:
        return pybase64.b64decode(encoded, validate=True)
    except ValueError:
        raise CatalogError(
            "backend.bad_response",
            "The delivered picture is not valid base64.",
            outcome="finished_no_result",
            backend=backend,
        ) from None
