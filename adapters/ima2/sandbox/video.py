"""`POST /api/video/generate` of NEW: frames from the first byte on, errors too (wire §11; documented, not measured)."""

import re
from typing import Any

from aiohttp import web

from adapters.ima2.sandbox import page
from adapters.ima2.sandbox.express import call_of
from adapters.ima2.sandbox.failure import Failure, Refused, check
from adapters.ima2.sandbox.faults import forced_of
from adapters.ima2.sandbox.generate import text_or_null
from adapters.ima2.sandbox.javascript import tidy, to_number, to_text
from adapters.ima2.sandbox.profile import (
    MAX_VIDEO_REFERENCES,
    MAX_VIDEO_SECONDS,
    VIDEO_MODELS,
    VIDEO_RATIOS,
    VIDEO_RESOLUTIONS,
)
from adapters.ima2.sandbox.registry import Job, milliseconds
from adapters.ima2.sandbox.server import Server
from adapters.ima2.sandbox.stream import Stream
from adapters.ima2.sandbox.terms import decoded
from adapters.ima2.sandbox.upstream import Wish, revised, xai_id

_GUIDANCE = (
    "Describe the visual flow, the motion, sound or silence, dialogue or none, the ending frame, and the pacing."
)
_NAME = re.compile(r"[\w.-]+\Z")
_PREVIEW = "grok-imagine-video-1.5-preview"
_USAGE = {"grok_cost_usd_ticks": 0}


class Video:
    """The route."""

    def __init__(self, server: Server) -> None:
        """Take the server."""
        self._server = server

    def routes(self) -> list[web.RouteDef]:
        """Return the route."""
        return [web.post("/api/video/generate", self._post)]

    async def _post(self, request: web.Request) -> web.StreamResponse:
        server, body = self._server, call_of(request).body or {}
        job = Job(
            request_id=server.request_id(request, "requestId", "clientRequestId"),
            route="video",
            kind="video",
            forced=forced_of(request),
        )
        asynchronous = body.get("async") is True
        stream = Stream(request, server.publisher(job))
        if not asynchronous:
            await stream.open()
        try:
            wish, video = self._checked(request, body)
            meta = {"kind": "video", "sessionId": text_or_null(body.get("sessionId")), "model": wish.model}
            shown = {name: video[name] for name in ("mode", "duration", "resolution")}
            server.registry.start(job, wish.prompt, {**meta, **shown})
        except Refused as refused:
            found = refused.failure
            said = _said(found, job)
            if asynchronous:
                return page.json_answer(said, status=found.status, headers=found.headers)
            await stream.end("error", said)
            return stream.response()
        vanished = server.vanished(request, job, asynchronous=asynchronous)
        if vanished is not None:
            return vanished
        work = self._work(stream, job, wish, video, body)
        return await server.streamed(stream, job, work, asynchronous=asynchronous)

    def _checked(self, request: web.Request, body: dict[str, Any]) -> tuple[Wish, dict[str, Any]]:
        server = self._server
        server.refuse_if_forced(forced_of(request), "video")
        if body.get("provider", "grok") != "grok":
            raise check("VIDEO_PROVIDER_UNSUPPORTED", "video generation requires provider 'grok' or 'grok-api'")
        prompt = body.get("prompt")
        if not isinstance(prompt, str) or not prompt.strip():
            raise check("PROMPT_REQUIRED", "Prompt is required", extra={"guidance": _GUIDANCE})
        model = _known("INVALID_GROK_VIDEO_MODEL", "Grok video model", body.get("model"), VIDEO_MODELS)
        duration = _duration(body.get("duration"))
        resolution = _known("INVALID_VIDEO_RESOLUTION", "resolution", body.get("resolution"), VIDEO_RESOLUTIONS)
        ratio = _known("INVALID_VIDEO_ASPECT_RATIO", "aspectRatio", body.get("aspectRatio"), VIDEO_RATIOS, "auto")
        sources = self._sources(body)
        if len(sources) > MAX_VIDEO_REFERENCES:
            raise check("GROK_VIDEO_REF_TOO_MANY", f"at most {MAX_VIDEO_REFERENCES} reference images")
        mode = ("text-to-video", "image-to-video", "reference-to-video")[min(len(sources), 2)]
        if model == _PREVIEW and mode != "image-to-video":
            raise check("GROK_VIDEO_INVALID_MODE", f"{_PREVIEW} only makes videos of one image")
        wish = Wish(
            account="grok",
            model=model,
            prompt=prompt,
            size=None,
            quality="medium",
            source=sources[0] if sources else None,
            references=tuple(sources[1:]),
        )
        return wish, {"mode": mode, "duration": duration, "resolution": resolution, "aspectRatio": ratio}

    def _sources(self, body: dict[str, Any]) -> list[bytes]:
        """Return the pictures a video begins with or is guided by: inline ones, then stored ones."""
        inline = [each for each in _list(body.get("referenceImages")) if isinstance(each, str)]
        names = [each for each in _list(body.get("referenceFilenames")) if isinstance(each, str)]
        if isinstance(body.get("sourceImage"), str) and body["sourceImage"]:
            inline.append(body["sourceImage"])
        names += [each for each in (body.get("sourceFilename"), body.get("continueFromVideo")) if isinstance(each, str)]
        return [decoded(each) for each in inline] + [self._file(name) for name in names]

    def _file(self, name: str) -> bytes:
        path = self._server.gallery.resolve(name) if _NAME.match(name) else None
        if path is None or not path.is_file():
            raise check("GROK_VIDEO_INVALID_MODE", "invalid source filename")
        return path.read_bytes()

    async def _work(self, stream: Stream, job: Job, wish: Wish, video: dict[str, Any], body: dict[str, Any]) -> None:
        server = self._server
        try:
            found = server.upstream.forced_failure(job, wish)
            if found is not None:
                await stream.send("planning", {"requestId": job.request_id})
                await server.upstream.fail(job, wish, found)
            made = await server.upstream.video(
                job,
                wish,
                seconds=video["duration"],
                resolution=video["resolution"],
                ratio=video["aspectRatio"],
                say=stream.send,
            )
        except Refused as refused:
            found = refused.failure
            server.registry.finish(job.request_id, status="error", http_status=found.status, error_code=found.code)
            await stream.end("error", _said(found, job))
            return
        filename = server.gallery.new_name(".mp4")
        models = {"requestedModel": wish.model, "effectiveModel": wish.model, "modelFallback": None}
        shown = {
            "duration": video["duration"],
            "resolution": video["resolution"],
            "aspectRatio": video["aspectRatio"],
            "sourceImageFilename": text_or_null(body.get("sourceFilename")),
            "xaiVideoRequestId": xai_id(job),
            **models,
        }
        done = {
            "requestId": job.request_id,
            "filename": filename,
            "url": f"/generated/{filename}",
            "providerUrl": None,
            "mediaType": "video",
            "revisedPrompt": revised(wish),
            "elapsed": tidy(round(job.elapsed(), 1)),
            "usage": _USAGE,
            **models,
            "video": shown,
            "videoContinuity": _continuity(filename, wish),
        }
        meta = {
            **done,
            "kind": "video",
            "sessionId": text_or_null(body.get("sessionId")),
            "prompt": wish.prompt,
            "userPrompt": wish.prompt,
            "provider": wish.account,
            "model": wish.model,
            "format": "mp4",
            "createdAt": milliseconds(),
            "webSearchCalls": 1,
            "refsCount": len(wish.references),
        }
        server.gallery.keep(filename, made, meta, job.forced)
        server.registry.finish(job.request_id, http_status=200, meta={"filename": filename})
        await stream.end("done", done)


def _said(found: Failure, job: Job) -> dict[str, Any]:
    classed = {"rawCode": found.code, "errorClass": found.error_class} if found.error_class else {}
    said = {"error": found.message, "code": found.code, "status": found.status, "requestId": job.request_id}
    return {**said, **found.extra, **classed}


def _known(code: str, what: str, given: Any, known: tuple[str, ...], default: str | None = None) -> str:
    if given is None or given == "":
        return default or known[0]
    if given not in known:
        raise check(code, f"{what} must be one of: {', '.join(known)}")
    return str(given)


def _duration(given: Any) -> int:
    if given is None or given == "":
        return 5
    number = to_number(to_text(given))
    if number is None or not number.is_integer() or not 1 <= number <= MAX_VIDEO_SECONDS:
        text = f"duration must be an integer between 1 and {MAX_VIDEO_SECONDS} seconds"
        raise check("INVALID_VIDEO_DURATION", text)
    return int(number)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _continuity(filename: str, wish: Wish) -> dict[str, Any]:
    entry = {"id": f"clip:{filename}", "ordinal": 1, "role": "current", "filename": filename}
    prompts = {"userPrompt": wish.prompt, "revisedPrompt": revised(wish), "createdAt": milliseconds()}
    return {
        "lineageId": f"lineage:{filename.removesuffix('.mp4')}",
        "parentFilename": None,
        "sourceFrame": None,
        "maxEntries": 4,
        "retention": "keep-start-plus-latest-3",
        "entries": [{**entry, **prompts}],
    }
