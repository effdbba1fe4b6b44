"""Taking inputs in: every picture of a request becomes an asset of its team before the job exists.

Type by content, pixels counted from the header before anything is decoded. URLs are followed only to hosts that the
settings list, over https, to the very address that was checked, and without redirects.
"""

import asyncio
import ipaddress
import re
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from urllib.parse import urlsplit

import httpx
import pybase64
from msgspec import Struct, UnsetType, structs

from contracts.catalog import CatalogError, Fault, Reason
from contracts.media import FORMATS, Input
from contracts.sniff import Media, sniff
from contracts.spec import SpecBase
from gateway.clock import Clock, new_id
from gateway.ops.metrics import Metrics
from gateway.settings import Settings
from gateway.store.query import asset
from gateway.store.record import AssetRecord
from gateway.store.store import Store

FETCH_S = 20.0
HOUR_S = 3600.0
_DATA_URL = re.compile(r"^data:([a-z]+/[a-z0-9.+-]+)?(?:;[a-z-]+=[^;,]*)*;base64,", re.IGNORECASE)

Resolver = Callable[[str, int], Awaitable[Sequence[str]]]


class TakenIn(Struct, frozen=True):
    """A spec whose inputs are all assets, the new ones among them, and what each is."""

    spec: SpecBase
    assets: tuple[AssetRecord, ...]
    held: tuple[str, ...]
    records: tuple[AssetRecord, ...]


async def resolve(host: str, port: int) -> Sequence[str]:
    """Return the addresses of a name."""
    infos = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(info[4][0]) for info in infos]


def is_public(address: str) -> bool:
    """Say whether an address is out in the world, also behind an IPv4-mapped IPv6 address."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    mapped = getattr(parsed, "ipv4_mapped", None)
    return (mapped or parsed).is_global and not (mapped or parsed).is_multicast


class Intake:
    """Takes pictures in."""

    def __init__(
        self,
        store: Store,
        settings: Settings,
        clock: Clock,
        metrics: Metrics,
        *,
        resolver: Resolver = resolve,
        allowed: Callable[[str], bool] = is_public,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """Take where pictures go; names are resolved and addresses judged by what is given."""
        self._store = store
        self._settings = settings
        self._clock = clock
        self._metrics = metrics
        self._resolve = resolver
        self._allowed = allowed
        self._transport = transport

    async def take_in(self, team: str, spec: SpecBase) -> TakenIn:
        """Return the spec with every input as an asset; raise with the faults of all of them."""
        inputs = () if isinstance(spec.inputs, UnsetType) else spec.inputs
        if not inputs:
            return TakenIn(spec, (), (), ())
        found = await asyncio.gather(
            *(self._one(team, each, f"/inputs/{at}") for at, each in enumerate(inputs)), return_exceptions=True
        )
        raise_all(found)
        records = [each for each in found if isinstance(each, tuple)]
        shown = tuple(
            Input(
                role=each.role,
                asset_id=record.id,
                sha256=record.sha256,
                bytes=record.bytes,
                media_type=record.media_type,
            )
            for each, (record, _new) in zip(inputs, records, strict=True)
        )
        new = tuple(record for record, is_new in records if is_new)
        held = tuple(dict.fromkeys(record.id for record, _ in records))
        return TakenIn(structs.replace(spec, inputs=shown), new, held, tuple(record for record, _ in records))

    async def _one(self, team: str, each: Input, pointer: str) -> tuple[AssetRecord, bool]:
        if isinstance(each.asset_id, str):
            return await self._known(team, each, pointer), False
        if isinstance(each.data, str):
            data, claimed = self._decoded(each.data, pointer)
        else:
            data, claimed = await self._fetched(str(each.url), pointer), None
        media = check_picture(data, pointer, self._settings.assets.max_pixels)
        for said in (claimed, each.media_type):
            if isinstance(said, str) and said.lower() in FORMATS and said.lower() != media.media_type:
                raise bad_input(pointer, "media_type", f"says {said}, but is {media.media_type}")
        return await self.file(
            team, data, media, source="input", keep_s=self._settings.keep.inputs_hours * HOUR_S
        ), True

    async def _known(self, team: str, each: Input, pointer: str) -> AssetRecord:
        wanted = str(each.asset_id)
        record = await self._store.read(lambda connection: asset(connection, wanted))
        if record is None or record.team != team or record.deleted_at is not None or record.withheld:
            raise bad_input(f"{pointer}/asset_id", "unknown", "there is no such asset")
        if isinstance(each.sha256, str) and each.sha256 != record.sha256:
            raise bad_input(f"{pointer}/sha256", "format", "is not the digest of this asset")
        return record

    def _decoded(self, text: str, pointer: str) -> tuple[bytes, str | None]:
        claimed = None
        prefix = _DATA_URL.match(text)
        if prefix is not None:
            claimed, text = prefix.group(1), text[prefix.end() :]
        if not text:
            raise bad_input(f"{pointer}/data", "empty", "is empty")
        if len(text) * 3 // 4 > self._settings.server.max_upload_bytes:
            raise too_large(f"{pointer}/data", self._settings.server.max_upload_bytes)
        try:
            return pybase64.b64decode(text, validate=True), claimed
        except ValueError:
            raise bad_input(f"{pointer}/data", "not_base64", "is not base64") from None

    async def _fetched(self, url: str, pointer: str) -> bytes:
        """Fetch a picture for a caller (security.md §3)."""
        at = f"{pointer}/url"
        parts = urlsplit(url)
        host = parts.hostname or ""
        if not self._settings.inputs.allow_hosts:
            raise bad_input(at, "url_forbidden", "this gateway follows no addresses: send data or upload an asset")
        if parts.scheme != "https" or parts.username or not _listed(host, self._settings.inputs.allow_hosts):
            raise bad_input(
                at,
                "url_forbidden",
                "only https to listed hosts is followed",
            )
        port = parts.port or 443
        try:
            addresses = await self._resolve(host, port)
        except OSError:
            raise bad_input(at, "url_forbidden", "the host has no address") from None
        if not addresses or not all(self._allowed(address) for address in addresses):
            raise bad_input(at, "url_forbidden", "the host's address is not a public one")
        limit = self._settings.server.max_upload_bytes
        try:
            async with asyncio.timeout(FETCH_S):
                return b"".join([chunk async for chunk in self._stream(url, host, port, addresses[0], at, limit)])
        except (httpx.HTTPError, TimeoutError):
            raise bad_input(at, "url_forbidden", "the picture could not be fetched") from None

    async def _stream(self, url: str, host: str, port: int, address: str, at: str, limit: int) -> AsyncIterator[bytes]:
        literal = f"[{address}]" if ":" in address else address
        target = httpx.URL(url).copy_with(host=literal.strip("[]"))
        headers = {"Host": host if port == 443 else f"{host}:{port}", "Accept-Encoding": "identity"}
        async with httpx.AsyncClient(transport=self._transport, trust_env=False, follow_redirects=False) as client:
            request = client.build_request("GET", target, headers=headers, extensions={"sni_hostname": host})
            response = await client.send(request, stream=True)
            try:
                if response.status_code != 200:
                    raise bad_input(at, "url_forbidden", "the host did not answer with a picture")
                read = 0
                async for chunk in response.aiter_raw():
                    read += len(chunk)
                    if read > limit:
                        raise too_large(at, limit)
                    yield chunk
            finally:
                await response.aclose()

    async def file(
        self, team: str, data: bytes | bytearray, media: Media, *, source: str, keep_s: float
    ) -> AssetRecord:
        """Put bytes on disk and return the row to be; nobody knows of it until it is committed."""
        sha256 = await self._store.read(lambda _connection: self._store.files.put(data))
        self._metrics.stored_bytes.labels(source).inc(len(data))
        now = self._clock.now()
        return AssetRecord(
            id=new_id("ast"),
            team=team,
            source=source,
            role="image" if media.format != "mp4" else "video",
            sha256=sha256,
            media_type=media.media_type,
            bytes=len(data),
            width=media.width,
            height=media.height,
            duration_s=media.duration_s,
            created_at=now,
            expires_at=now + keep_s,
        )


def check_picture(data: bytes | bytearray, pointer: str, max_pixels: int) -> Media:
    """Return what bytes are; raise when they are no picture, or one with too many pixels."""
    media = sniff(data)
    if media is None:
        hint = (
            "; HEIC must be converted, for example to jpeg"
            if data[4:12] in (b"ftypheic", b"ftypheix", b"ftypmif1")
            else ""
        )
        raise bad_input(pointer, "media_type", f"is none of {', '.join(sorted(FORMATS))}{hint}")
    if media.width * media.height > max_pixels:
        raise CatalogError(
            "request.too_large",
            f"{pointer or 'The body'}: has more than {max_pixels} pixels.",
            limit=max_pixels,
            errors=(Fault(pointer=pointer, reason="dimensions", detail="too many pixels", limit=max_pixels),),
        )
    if not media.complete:
        raise bad_input(pointer, "undecodable", "breaks off before its end")
    return media


def bad_input(pointer: str, reason: Reason, detail: str) -> CatalogError:
    """Return the error for one unusable input."""
    fault = Fault(pointer=pointer, reason=reason, detail=detail)
    return CatalogError("request.reference_invalid", f"{pointer or 'The body'}: {detail}", errors=(fault,))


def too_large(pointer: str, limit: int) -> CatalogError:
    """Return the error for an input of too many bytes."""
    fault = Fault(pointer=pointer, reason="too_long", detail=f"must be at most {limit} bytes", limit=limit)
    where = pointer or "The body"
    return CatalogError("request.too_large", f"{where}: must be at most {limit} bytes", errors=(fault,), limit=limit)


def raise_all(found: Sequence[object]) -> None:
    """Raise what went wrong, all faults together where the codes agree."""
    errors = [each for each in found if isinstance(each, BaseException)]
    if not errors:
        return
    first = errors[0]
    if isinstance(first, CatalogError):
        alike = [each for each in errors if isinstance(each, CatalogError) and each.code == first.code]
        first.errors = tuple(fault for each in alike for fault in each.errors)
    raise first


def _listed(host: str, patterns: Sequence[str]) -> bool:
    return any(host == each or (each.startswith("*.") and host.endswith(each[1:])) for each in patterns)
