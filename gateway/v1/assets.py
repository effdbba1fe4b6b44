"""The routes of assets: upload, list, show, serve, delete, restore."""

import base64
from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal

import multipart
from litestar import HttpMethod, delete, get, post, route
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.response import Response, Stream
from msgspec import Meta

from contracts.catalog import CatalogError, ErrorCode
from contracts.desk import Asset, AssetPage, Caller, Content, Desk
from gateway.v1.answer import AnyRequest, answer
from gateway.v1.ask import Query, caller_of, chunks_of, desk_of, query_of
from gateway.v1.doc import Doc, Example, Parameter
from gateway.v1.examples import things
from gateway.v1.jobdoc import Limit, Token
from gateway.v1.jobs import next_link
from gateway.v1.ranges import Range, requested_range

CHUNK = 256 * 1024
#: Files up to this length are answered in one piece.
WHOLE = 4 * 1024 * 1024
YEAR_S = 365 * 24 * 3600
EXTENSIONS = {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp", "image/avif": "avif", "video/mp4": "mp4"}
PICTURES = tuple(EXTENSIONS)
#: What is refused of an asset that is not there, and to who may not see it.
OF_AN_ASSET: tuple[ErrorCode, ...] = ("auth.forbidden", "resource.not_found", "resource.expired")
STORED = Example("stored", "A picture that was made here", things.ASSET)


class ListQuery(Query, frozen=True, kw_only=True):
    """Parameters of `GET /v1/assets`."""

    source: Literal["output", "input", "upload"] | None = None
    withheld: Annotated[bool, Meta(description="what reviewers withhold instead: needs scope policy:review")] = False
    limit: Limit = 50
    page_token: Token | None = None


class ContentQuery(Query, frozen=True, kw_only=True):
    """Parameters of `GET /v1/assets/{id}/content`. `exp` and `sig` stand for a key in signed URLs."""

    thumbnail: Literal["128", "256", "512"] | None = None
    exp: Annotated[str, Meta(max_length=20)] | None = None
    sig: Annotated[str, Meta(max_length=128)] | None = None


@post(
    "/v1/assets",
    summary="Upload a picture or a film",
    opt={
        "doc": Doc(
            body=bytes,
            body_media_types=(*PICTURES, "multipart/form-data"),
            answers={201: Asset},
            told=(Example("uploaded", "A picture that was sent in", things.UPLOADED, 201),),
            codes=("auth.forbidden", "request.reference_invalid"),
        )
    },
)
async def upload_asset(request: AnyRequest) -> Response[bytes]:
    """Take the body as it is, or the one file of a multipart form. The type is read from the content."""
    desk = desk_of(request)
    caller = await caller_of(request, desk.access)
    media_type = request.headers.get("content-type", "")
    if media_type.lower().startswith("multipart/form-data"):
        chunks = _file_part(request, media_type)
    elif (plain := media_type.partition(";")[0].strip().lower()) in (*PICTURES, "application/octet-stream"):
        chunks = chunks_of(request)
    else:
        hint = " HEIC must be converted, for example to jpeg." if plain.startswith(("image/heic", "image/heif")) else ""
        detail = f"Send {', '.join(PICTURES)}, application/octet-stream or a form.{hint}"
        raise CatalogError("request.malformed", detail, status=415)
    asset = await desk.assets.upload(caller, chunks)
    return answer(asset, status=201, headers={"Location": f"/v1/assets/{asset.id}"})


async def _file_part(request: AnyRequest, media_type: str) -> AsyncIterator[bytes]:
    """Yield the content of the form's one file; raise when there is none, or more than one."""
    _, options = multipart.parse_options_header(media_type)
    files = 0
    inside = False
    try:
        with multipart.PushMultipartParser(options.get("boundary", ""), max_segment_count=8) as parser:
            async for chunk in chunks_of(request):
                for event in parser.parse(chunk):
                    if isinstance(event, multipart.MultipartSegment):
                        inside = event.filename is not None
                        files += inside
                        if files > 1:
                            raise CatalogError("request.malformed", "A form may carry one file.")
                    elif event and inside:
                        yield bytes(event)
    except multipart.MultipartError:
        raise CatalogError("request.malformed", "The form cannot be read.") from None
    if not files:
        raise CatalogError("request.malformed", "The form carries no file.")


@get(
    "/v1/assets",
    summary="List assets, newest first",
    opt={
        "doc": Doc(
            query=ListQuery,
            answers={200: AssetPage},
            told=(Example("page", "The newest", things.ASSETS),),
            codes=("auth.forbidden",),
        )
    },
)
async def list_assets(request: AnyRequest) -> Response[bytes]:
    """List the gallery of the team."""
    desk = desk_of(request)
    caller = await caller_of(request, desk.access)
    query = query_of(request, ListQuery)
    page = await desk.assets.list(
        caller, limit=query.limit, page_token=query.page_token, source=query.source, withheld=query.withheld
    )
    return answer(page, headers=next_link(request, page.next_page_token))


@get(
    "/v1/assets/{asset_id:str}",
    summary="Show an asset",
    opt={"doc": Doc(answers={200: Asset}, told=(STORED,), codes=OF_AN_ASSET)},
)
async def show_asset(request: AnyRequest, asset_id: FromPath[str]) -> Response[bytes]:
    """Show what is known of one file."""
    desk = desk_of(request)
    caller = await caller_of(request, desk.access)
    return answer(await desk.assets.get(caller, asset_id))


@delete(
    "/v1/assets/{asset_id:str}",
    summary="Delete an asset",
    opt={"doc": Doc(answers={204: None}, codes=(*OF_AN_ASSET, "gateway.overloaded"))},
)
async def delete_asset(request: AnyRequest, asset_id: FromPath[str]) -> None:
    """Delete for now; it can be restored for some days."""
    desk = desk_of(request)
    caller = await caller_of(request, desk.access)
    await desk.assets.delete(caller, asset_id)


@post(
    "/v1/assets/{asset_id:str}/restore",
    summary="Restore a deleted asset",
    status_code=200,
    opt={"doc": Doc(answers={200: Asset}, told=(STORED,), codes=(*OF_AN_ASSET, "gateway.overloaded"))},
)
async def restore_asset(request: AnyRequest, asset_id: FromPath[str]) -> Response[bytes]:
    """Undo a deletion."""
    desk = desk_of(request)
    caller = await caller_of(request, desk.access)
    return answer(await desk.assets.restore(caller, asset_id))


RANGE = Parameter("Range", "header", "bytes=from-to, one range")


@route(
    "/v1/assets/{asset_id:str}/content",
    http_method=[HttpMethod.GET, HttpMethod.HEAD],
    summary="The bytes of an asset",
    opt={
        "doc": Doc(
            query=ContentQuery,
            parameters=(RANGE,),
            answers={200: bytes, 206: bytes, 304: None},
            answer_media_type="*/*",
            codes=(*OF_AN_ASSET, "request.malformed", "request.reference_invalid"),
        )
    },
)
async def asset_content(request: AnyRequest, asset_id: FromPath[str]) -> Response[Any]:
    """Serve the file, whole or one range of it; a signed URL needs no key."""
    desk = desk_of(request)
    query = query_of(request, ContentQuery)
    caller = await _reader(request, asset_id, query)
    asset = await desk.assets.get(caller, asset_id)
    thumbnail = int(query.thumbnail) if query.thumbnail is not None else None
    content = await desk.assets.content(asset, thumbnail=thumbnail)
    return await _serve(request, asset, content)


async def _reader(request: AnyRequest, asset_id: str, query: ContentQuery) -> Caller:
    access = desk_of(request).access
    if query.exp is not None and query.sig is not None:
        return await access.signed(asset_id, query.exp, query.sig, query.thumbnail or "")
    return await caller_of(request, access)


async def _serve(request: AnyRequest, asset: Asset, content: Content) -> Response[Any]:
    etag = f'"{content.sha256}"'
    headers = {
        "ETag": etag,
        "Accept-Ranges": "bytes",
        "Cache-Control": f"private, max-age={YEAR_S}, immutable",
        "Content-Disposition": f'inline; filename="{asset.id}.{EXTENSIONS[content.media_type]}"',
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "X-Content-Type-Options": "nosniff",
    }
    if content.sha256 == asset.sha256:
        digest = base64.b64encode(bytes.fromhex(content.sha256)).decode()
        headers["Repr-Digest"] = f"sha-256=:{digest}:"
    known = request.headers.get("if-none-match")
    if known is not None and (known.strip() == "*" or etag in known):
        return Response(b"", status_code=304, headers=headers)
    part = requested_range(request, content.length, etag)
    if part is None:
        status, part = 200, Range(0, content.length)
        if "Repr-Digest" in headers:
            headers["Content-Digest"] = headers["Repr-Digest"]
    else:
        status = 206
        headers["Content-Range"] = f"bytes {part.start}-{part.end - 1}/{content.length}"
    headers["Content-Length"] = str(part.end - part.start)
    if request.method == "HEAD":
        return Response(b"", status_code=status, media_type=content.media_type, headers=headers)
    desk, length = desk_of(request), part.end - part.start
    if length <= WHOLE:
        data = await desk.assets.read(content.path, part.start, length)
        return Response(data, status_code=status, media_type=content.media_type, headers=headers)
    first = await desk.assets.read(content.path, part.start, CHUNK)
    body = _chunks(desk, content.path, part, first)
    return Stream(body, status_code=status, media_type=content.media_type, headers=headers)


async def _chunks(desk: Desk, path: str, part: Range, first: bytes) -> AsyncIterator[bytes]:
    """Yield a long range in pieces, each read on a thread."""
    yield first
    at = part.start + len(first)
    while at < part.end:
        chunk = await desk.assets.read(path, at, min(CHUNK, part.end - at))
        if not chunk:
            return
        at += len(chunk)
        yield chunk


ROUTES: tuple[HTTPRouteHandler, ...] = (
    upload_asset,
    list_assets,
    show_asset,
    delete_asset,
    restore_asset,
    asset_content,
)
