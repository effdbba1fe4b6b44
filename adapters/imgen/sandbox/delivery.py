"""Hands out pictures by signed URLs that expire, and serves them as an object store does (seed: "signed S3 URL")."""

import asyncio
import hmac
import math
import re
import secrets
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import msgspec
from aiohttp import web

from adapters.imgen.sandbox.catalogue import FORMATS
from adapters.imgen.sandbox.edge import answered
from adapters.imgen.sandbox.outcome import BEARS, PICTURE
from adapters.imgen.sandbox.picture import painted
from adapters.imgen.sandbox.run import Run
from adapters.imgen.sandbox.wish import Mark
from adapters.kit.emulator import Emulator
from adapters.kit.render import thumbnail
from adapters.kit.scenario import Forced, without_tokens

#: How long a URL lives, at speed 1. The seed only says that it is signed; an hour is the usual time at object stores.
URL_S = 3600.0
THUMBNAIL_SIDE = 256
#: A host that can never be reached (RFC 2606).
ELSEWHERE = "elsewhere.invalid"
_EXPIRED = ("AccessDenied", "Request has expired")
_FORGED = (
    "SignatureDoesNotMatch",
    "The request signature we calculated does not match the signature you provided. Check your key and signing method.",
)


class Delivery:
    """The object store behind imgen: every picture is made when it is first fetched, and kept."""

    def __init__(self, emulator: Emulator, result_host: str | None) -> None:
        """Take the machinery, and the host that URLs name instead of the one that was asked."""
        self._emulator = emulator
        self._result_host = result_host
        self._secret = _secret(emulator)
        self._dir = emulator.dir / "pictures"
        self._dir.mkdir(exist_ok=True)

    def images(self, request: web.Request, run: Run, forced: Mapping[str, Forced]) -> list[dict[str, str]]:
        """Return the entries of `meta.images`, with fresh URLs."""
        if "none" in forced or ("fewer" in forced and forced["fewer"].number(1) >= 1):
            return []
        files = (("signed", _name(run)), ("thumbnail", f"{run.gen_id}_thumb.jpg"))
        return [
            {"url": self._url(request, run, file, forced), "filename": file, "type": kind}
            for kind, file in files
            if kind != "signed" or "no_signed" not in forced
        ]

    def url(self, request: web.Request, run: Run, forced: Mapping[str, Forced]) -> str:
        """Return a fresh URL of the picture alone."""
        return self._url(request, run, _name(run), forced)

    def _url(self, request: web.Request, run: Run, file: str, forced: Mapping[str, Forced]) -> str:
        lives_s = -URL_S if "expired_url" in forced else URL_S / self._emulator.speed
        path = f"/signed/{run.id}/{file}"
        expires = math.ceil(self._emulator.now() + lives_s)
        said = forced["result_host"].argument or ELSEWHERE if "result_host" in forced else None
        host = said or self._result_host or request.host
        return f"{request.scheme}://{host}{path}?exp={expires}&sig={self._signature(path, str(expires))}"

    def _signature(self, path: str, expires: str) -> str:
        return hmac.new(self._secret, f"{path}?exp={expires}".encode(), "sha256").hexdigest()

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Answer a signed URL with its picture, or with the XML of an object store."""
        expires, signature = request.query.get("exp", ""), request.query.get("sig", "")
        if not hmac.compare_digest(signature.encode(), self._signature(request.path, expires).encode()):
            return _denied(*_FORGED)
        if self._emulator.now() > float(expires):
            return _denied(*_EXPIRED)
        run = msgspec.convert(self._emulator.shelf.get("run", request.match_info["run"]), Run)
        forced = {name: each for name, each in run.forced.items() if name in PICTURE}
        route = f"{request.method} {request.path}"
        forced |= self._emulator.scenario.forced(route, without_tokens(run.prompt), among=BEARS["picture"])
        return await answered(request, forced, lambda: self._picture(run, request.match_info["file"], forced))

    async def _picture(self, run: Run, file: str, forced: Mapping[str, Forced]) -> web.Response:
        if "slow" in forced:
            await self._emulator.pause(forced["slow"].number(1))
        if file.endswith("_thumb.jpg"):
            return web.Response(body=await self._thumbnail(run), content_type="image/jpeg")
        width, height = _size(run, forced)
        data = await self._painted(run, width, height, _format(run, forced))
        if "not_an_image" in forced:
            data = b"This is not a picture. " * 64
        if "truncated" in forced:
            data = data[: len(data) // 2]
        return web.Response(body=data, content_type=f"image/{run.wish.format}")

    async def _painted(self, run: Run, width: int, height: int, format_: str) -> bytes:
        kept = self._emulator.shelf.get("mark", run.id)
        mark = None if kept is None else msgspec.convert(kept, Mark)
        paint = partial(painted, run, mark, width=width, height=height, format=format_)
        return await self._once(f"{run.id}-{width}x{height}.{format_}", paint)

    async def _thumbnail(self, run: Run) -> bytes:
        picture = await self._painted(run, run.wish.width, run.wish.height, run.wish.format)
        shrink = partial(thumbnail, picture, side=THUMBNAIL_SIDE, format="jpeg")
        return await self._once(f"{run.id}-thumb.jpg", shrink)

    async def _once(self, name: str, make: Callable[[], bytes]) -> bytes:
        path = self._dir / name
        if not path.exists():
            await asyncio.to_thread(_write, path, make)
        return path.read_bytes()


def _name(run: Run) -> str:
    return f"{run.gen_id}.{'jpg' if run.wish.format == 'jpeg' else run.wish.format}"


def _size(run: Run, forced: Mapping[str, Forced]) -> tuple[int, int]:
    if "wrong_size" not in forced:
        return run.wish.width, run.wish.height
    wanted = re.fullmatch(r"(\d{1,4})x(\d{1,4})", forced["wrong_size"].argument or "")
    return (int(wanted[1]), int(wanted[2])) if wanted else (run.wish.width // 2, run.wish.height // 2)


def _format(run: Run, forced: Mapping[str, Forced]) -> str:
    if "wrong_format" not in forced:
        return run.wish.format
    wanted = forced["wrong_format"].argument
    return wanted if wanted in FORMATS else "png" if run.wish.format == "webp" else "webp"


def _write(path: Path, make: Callable[[], bytes]) -> None:
    # Renamed into place, so that a kill in the middle leaves no half of a picture behind.
    unfinished = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    unfinished.write_bytes(make())
    unfinished.replace(path)


def _secret(emulator: Emulator) -> bytes:
    kept = emulator.shelf.get("secret", "signing") or secrets.token_hex(32)
    emulator.shelf.put("secret", "signing", kept)
    return bytes.fromhex(kept)


def _denied(code: str, message: str) -> web.Response:
    body = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f"<Error><Code>{code}</Code><Message>{message}</Message><RequestId>{secrets.token_hex(8).upper()}</RequestId>"
        "</Error>"
    )
    return web.Response(status=403, text=body, content_type="application/xml")
