"""Taking inputs in: every picture of a request becomes an asset of its team before the job exists.

Type by content, pixels counted from the header before anything is decoded. URLs are followed only to hosts that the
settings list, over https, to the very address that was checked, and without redirects.
"""

import asyncio
import io
import ipaddress
import re
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import TypeVar
from urllib.parse import urlsplit

import httpx
import pybase64
from msgspec import UNSET, Struct, UnsetType, structs

from contracts.media import FORMATS, Input
from contracts.sniff import Media
from contracts.spec import SpecBase
from gateway.clock import Clock, new_id
from gateway.jobs.pictures import bad_input, check_decodes, check_mask, check_picture, raise_all, too_large
from gateway.ops.metrics import Metrics
from gateway.settings import Settings
from gateway.store.query import asset
from gateway.store.record import AssetRecord
from gateway.store.store import Store

FETCH_S = 20.0
HOUR_S = 3600.0
_DATA_URL = re.compile(r"^data:([a-z]+/[a-z0-9.+-]+)?(?:;[a-z-]+=[^;,]*)*;base64,", re.IGNORECASE)

Resolver = Callable[[str, int], Awaitable[Sequence[str]]]
SpecT = TypeVar("SpecT", bound=SpecBase)


class Seen(Struct, frozen=True):
    """One input picture: what it is, and the asset that it is already, or its bytes."""

    media: Media
    record: AssetRecord | None = None
    data: bytes = b""


class TakenIn(Struct, frozen=True):
    """A spec whose inputs are all assets, the new ones among them, and the ids of all."""

    spec: SpecBase
    assets: tuple[AssetRecord, ...]
    held: tuple[str, ...]


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

    async def see(self, team: str, spec: SpecBase, *, follow: bool = True) -> tuple[Seen | None, ...]:
        """Return what each input is; raise with the faults of all of them. Nothing is stored.

        Addresses are only followed where `follow` says so: else nobody knows what is there (None).
        """
        inputs = () if isinstance(spec.inputs, UnsetType) else spec.inputs
        found = await asyncio.gather(
            *(self._one(team, each, f"/inputs/{at}", follow=follow) for at, each in enumerate(inputs)),
            return_exceptions=True,
        )
        raise_all(found)
        seen = tuple(each for each in found if not isinstance(each, BaseException))
        await self._check_mask(inputs, seen)
        await self._check_mark(inputs, seen)
        return seen

    async def _check_mark(self, inputs: Sequence[Input], seen: Sequence[Seen | None]) -> None:
        """Raise for a watermark that nobody could draw: the picture that it is for may cost."""
        for at, (each, found) in enumerate(zip(inputs, seen, strict=True)):
            if each.role == "watermark" and found is not None:
                file = io.BytesIO(found.data) if found.record is None else self._store.files.path(found.record.sha256)
                await self._store.read(lambda _connection, file=file, at=at: check_decodes(file, f"/inputs/{at}"))  # type: ignore[misc]

    async def _check_mask(self, inputs: Sequence[Input], seen: Sequence[Seen | None]) -> None:
        """Raise for a mask that says nothing of its source, whoever would be sent it."""
        by_role = {each.role: (at, found) for at, (each, found) in enumerate(zip(inputs, seen, strict=True)) if found}
        if "mask" not in by_role:
            return
        at, mask = by_role["mask"]
        _, source = by_role.get("source", (0, None))
        file = io.BytesIO(mask.data) if mask.record is None else self._store.files.path(mask.record.sha256)
        under = None if source is None else source.media
        await self._store.read(lambda _connection: check_mask(file, mask.media, under, f"/inputs/{at}"))

    async def take_in(self, team: str, spec: SpecBase, seen: Sequence[Seen | None]) -> TakenIn:
        """Return the spec with every input that was seen as an asset."""
        keep_s = self._settings.keep.inputs_hours * HOUR_S
        new = {
            at: self.file(team, each.data, each.media, source="input", keep_s=keep_s)
            for at, each in enumerate(seen)
            if each is not None and each.record is None
        }
        filed = dict(zip(new, await asyncio.gather(*new.values()), strict=True))
        known = tuple(
            each if each is None or at not in filed else Seen(each.media, record=filed[at])
            for at, each in enumerate(seen)
        )
        held = tuple(dict.fromkeys(each.record.id for each in known if each is not None and each.record is not None))
        return TakenIn(described(spec, known), tuple(filed.values()), held)

    async def _one(self, team: str, each: Input, pointer: str, *, follow: bool) -> Seen | None:
        claimed = None
        if isinstance(each.asset_id, str):
            record = await self._known(team, each, pointer)
            seen = Seen(Media(FORMATS[record.media_type], record.width, record.height), record=record)
        elif isinstance(each.data, str):
            data, claimed = self._decoded(each.data, pointer)
            seen = Seen(check_picture(data, pointer, self._settings.assets.max_pixels), data=data)
        elif follow:
            data = await self._fetched(str(each.url), pointer)
            seen = Seen(check_picture(data, pointer, self._settings.assets.max_pixels), data=data)
        else:
            return None
        actual = seen.media.media_type
        for said in (claimed, each.media_type):
            if isinstance(said, str) and said.lower() in FORMATS and said.lower() != actual:
                raise bad_input(pointer, "media_type", f"says {said}, but is {actual}")
        if not actual.startswith("image/"):
            raise bad_input(pointer, "media_type", "is a film: an input is a picture")
        return seen

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


def described(spec: SpecT, seen: Sequence[Seen | None]) -> SpecT:
    """Return the spec with its inputs as what they are; those that are no assets are only named."""
    if not seen or isinstance(spec.inputs, UnsetType):
        return spec
    shown = (_shown(each, found, f"input {at}") for at, (each, found) in enumerate(zip(spec.inputs, seen, strict=True)))
    return structs.replace(spec, inputs=tuple(shown))


def _shown(each: Input, found: Seen | None, name: str) -> Input:
    if found is None:
        return Input(role=each.role, asset_id=name)
    record = found.record
    return Input(
        role=each.role,
        asset_id=name if record is None else record.id,
        sha256=UNSET if record is None else record.sha256,
        bytes=len(found.data) if record is None else record.bytes,
        media_type=found.media.media_type,
    )


def _listed(host: str, patterns: Sequence[str]) -> bool:
    return any(host == each or (each.startswith("*.") and host.endswith(each[1:])) for each in patterns)
