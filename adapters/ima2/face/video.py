"""`POST /api/video/generate`: a film, in frames from the first byte on, refusals too (wire §11)."""

from collections.abc import Mapping, Sequence
from typing import Any

from adapters.ima2.face import failure, files
from adapters.ima2.face.asked import (
    Terms,
    body_of,
    check_options,
    may_answer_pictures,
    picture,
    request_id_of,
    text_or_none,
)
from adapters.ima2.face.failure import Failure, Refused, check
from adapters.ima2.face.front import Ask, Front
from adapters.ima2.face.profile import MAX_VIDEO_REFERENCES, MAX_VIDEO_SECONDS, RATIOS, RESOLUTIONS
from adapters.ima2.face.result import filename, milliseconds, pictures, shown
from adapters.ima2.face.said import EVENT_STREAM, frame, said
from adapters.ima2.face.story import Telling, Told
from contracts.caller import Caller
from contracts.catalog import CatalogError
from contracts.event import JobEvent, JobPhase, JobProgress, JobRunning
from contracts.face import Answer, Call, FaceRoute
from contracts.job import Job
from contracts.media import Input
from contracts.names import Named
from contracts.spec import Video as VideoWish
from contracts.spec import VideoGenerate, VideoMode

GUIDANCE = "Describe the visual flow, the motion, sound or silence, dialogue or none, the ending frame, and the pacing."
_PROVIDERS = (None, "", "auto", "grok")
_MODES: dict[VideoMode, str] = {
    "text": "text-to-video", "image": "image-to-video", "reference": "reference-to-video"}  # fmt: skip


class Video:
    """The route."""

    def __init__(self, front: Front) -> None:
        """Take what all routes share."""
        self._front = front

    def routes(self) -> list[FaceRoute]:
        """Return the route."""
        return [FaceRoute(method="POST", template="/api/video/generate", answer=self._post, makes_jobs=True)]

    async def _post(self, call: Call, caller: Caller) -> Answer:
        front, body = self._front, body_of(call) or {}
        request_id = request_id_of(front.profile, call, body, "requestId", "clientRequestId")
        at_once = body.get("async") is True
        try:
            may_answer_pictures(caller)
            if not at_once:
                front.desk.jobs.check_listening(caller)
            ask = await self._ask(caller, body, request_id)
            begun = await front.begin(call, caller, ask, wait_s=0)
        except Refused as refused:
            return _refused(refused.failure, request_id, at_once=at_once)
        except CatalogError as error:
            return _refused(front.failure(error, "video"), request_id, at_once=at_once)
        if at_once:
            return said({"requestId": begun.request_id}, status=202, headers=begun.headers)
        frames = Filmed(front, caller, begun.named).frames()
        return Answer(headers=front.stream_headers(EVENT_STREAM, begun), frames=frames)

    async def _ask(self, caller: Caller, body: dict[str, Any], request_id: str) -> Ask:
        if body.get("provider") not in _PROVIDERS:
            text = "video generation requires provider 'grok'"
            raise check("VIDEO_PROVIDER_UNSUPPORTED", text, catalogue="request.option_unsupported")
        prompt = body.get("prompt")
        if not isinstance(prompt, str) or not prompt.strip():
            raise check("PROMPT_REQUIRED", "Prompt is required")
        check_options(body)
        resolution = _known("INVALID_VIDEO_RESOLUTION", "resolution", body.get("resolution"), RESOLUTIONS)
        ratio = _known("INVALID_VIDEO_ASPECT_RATIO", "aspectRatio", body.get("aspectRatio"), RATIOS)
        duration = _duration(body.get("duration"))
        first, references = await self._pictures(caller, body)
        mode: VideoMode = "image" if first else "reference" if references else "text"
        fields: dict[str, Any] = {"duration_s": duration, "resolution": resolution, "aspect_ratio": ratio}
        video = VideoWish(mode=mode, **{name: value for name, value in fields.items() if value is not None})
        terms = Terms(
            prompt=prompt,
            provider="grok" if body.get("provider") == "grok" else None,
            model=text_or_none(body.get("model")),
            quality=None,
            size=None,
            shown_size="",
            format=None,
            moderation=None,
            direct=False,
            web_search=True,
            effort=None,
        )
        note = {"video": {"mode": _MODES[mode], "duration": duration or 5, "resolution": resolution or RESOLUTIONS[0],
                          "aspectRatio": ratio or "auto",
                          "sourceImageFilename": text_or_none(body.get("sourceFilename"))},
                "requestedModel": terms.model}  # fmt: skip
        return Ask(
            route="video",
            kind=VideoGenerate,
            terms=terms,
            request_id=request_id,
            inputs=first or references,
            video=video,
            session=text_or_none(body.get("sessionId")),
            note=note,
        )

    async def _pictures(self, caller: Caller, body: dict[str, Any]) -> tuple[tuple[Input, ...], tuple[Input, ...]]:
        """Return what the film begins with, and what guides it: one picture begins it, more than one guide it."""
        inline = [picture(each, f"referenceImages[{at}]") for at, each in enumerate(_list(body.get("referenceImages")))]
        given = [Input(role="reference", data=each) for each in inline]
        names = _list(body.get("referenceFilenames"))[: MAX_VIDEO_REFERENCES + 1]
        given += [await self._stored(caller, name, "reference") for name in names]
        if len(given) > MAX_VIDEO_REFERENCES:
            text = f"at most {MAX_VIDEO_REFERENCES} reference images"
            raise check("GROK_VIDEO_REF_TOO_MANY", text, catalogue="request.reference_too_many")
        if body.get("continueFromVideo"):
            raise check("GROK_VIDEO_INVALID_MODE", "a film cannot be continued from another one here")
        source = body.get("sourceImage")
        first: tuple[Input, ...] = ()
        if source:
            first = (Input(role="first_frame", data=picture(source, "sourceImage")),)
        elif body.get("sourceFilename"):
            first = (await self._stored(caller, body["sourceFilename"], "first_frame"),)
        if first and given:
            raise check("GROK_VIDEO_INVALID_MODE", "a film begins with one picture, or is guided by several: not both")
        if len(given) == 1:
            first, given = (Input(role="first_frame", data=given[0].data, asset_id=given[0].asset_id),), []
        return first, tuple(given)

    async def _stored(self, caller: Caller, name: Any, role: Any) -> Input:
        found = await files.find(self._front, caller, name) if isinstance(name, str) else None
        if found is None:
            raise check("GROK_VIDEO_INVALID_MODE", "invalid source filename")
        return Input(role=role, asset_id=found.output.asset_id)


class Filmed(Telling):
    """A film told: planned, submitted to a backend, and how far it is (wire §11)."""

    route = "video"

    def __init__(self, front: Front, caller: Caller, named: Named) -> None:
        """Take whose job it is, by its native name."""
        super().__init__(front, caller, named)
        self._is_submitted = False

    def begin(self) -> Told:
        """Tell that it is taken in."""
        return "planning", {"requestId": self.request_id}

    async def hear(self, event: JobEvent) -> Sequence[Told]:
        """Tell once that a backend has it, then how far it is."""
        told: list[Told] = []
        if not self._is_submitted and _is_submitted(event):
            told.append(self._submitted(await self._front.last(self._caller, self._named)))
        if self._is_submitted and isinstance(event, JobProgress | JobPhase):
            told.append(
                ("progress", {"requestId": self.request_id, "progress": event.progress, "stalled": False}),
            )
        return told

    def _submitted(self, job: Job) -> Told:
        self._is_submitted = True
        ids = {"requestId": self.request_id, "xaiVideoRequestId": self._named.job.id}
        return "submitted", {**ids, **_models(job, self._named)}

    async def made(self, job: Job, most: int | None) -> Sequence[Told]:
        """Tell a film, and before that it was submitted, if nobody has seen it."""
        before = () if self._is_submitted else (self._submitted(job),)
        return (*before, *await super().made(job, most))

    def failed(self, found: Failure) -> dict[str, Any]:
        """Return the brief envelope."""
        return failure.brief(found, self.request_id)

    async def done(self, job: Job, data: Mapping[str, bytes], most: int | None = None) -> dict[str, Any]:
        """Return what the film became: a file, never bytes."""
        del data, most
        named = self._named
        known, output = shown(job, named.note), pictures(job)[0]
        name = filename(named, output)
        models = _models(job, named)
        seconds = output.duration_s
        length = {} if seconds is None else {"duration": int(seconds) if seconds.is_integer() else seconds}
        return {
            "requestId": self.request_id,
            "filename": name,
            "url": f"/generated/{name}",
            "providerUrl": None,
            "mediaType": "video",
            "revisedPrompt": output.revised_prompt,
            "elapsed": known.elapsed,
            "usage": known.usage,
            **models,
            "video": {**named.note["video"], **length, "xaiVideoRequestId": named.job.id, **models},
            "videoContinuity": _continuity(name, job, output.revised_prompt),
        }


def _is_submitted(event: JobEvent) -> bool:
    """Say whether a backend has begun to make the film: planning comes before, progress after."""
    if isinstance(event, JobPhase):
        return event.phase in ("queued_at_backend", "video", "download")
    return isinstance(event, JobProgress) or (isinstance(event, JobRunning) and event.attempt > 1)


def _models(job: Job, named: Named) -> dict[str, Any]:
    effective = job.model.partition("/")[2] if job.model is not None else None
    asked = named.note.get("requestedModel")
    fallback = effective if asked is not None and effective != asked else None
    return {"requestedModel": asked or effective, "effectiveModel": effective, "modelFallback": fallback}


def _continuity(name: str, job: Job, revised: str | None) -> dict[str, Any]:
    prompts = {"userPrompt": job.spec.prompt or None, "revisedPrompt": revised}
    entry = {"id": f"clip:{name}", "ordinal": 1, "role": "current", "filename": name, **prompts}
    return {
        "lineageId": f"lineage:{name.removesuffix('.mp4')}",
        "parentFilename": None,
        "sourceFrame": None,
        "maxEntries": 4,
        "retention": "keep-start-plus-latest-3",
        "entries": [{**entry, "createdAt": milliseconds(job.finished_at or job.created_at)}],
    }


def _refused(found: Failure, request_id: str, *, at_once: bool) -> Answer:
    guidance = {"guidance": GUIDANCE} if found.code == "PROMPT_REQUIRED" else {}
    body = {**failure.brief(found, request_id), **guidance}
    if at_once or found.catalogue in ("auth.unauthenticated", "auth.forbidden"):
        return said(body, status=found.status, headers=found.headers, code=found.catalogue)
    return Answer(body=frame("error", body), headers=EVENT_STREAM, code=found.catalogue)


def _known(code: str, what: str, given: Any, known: tuple[str, ...]) -> str | None:
    if given is None or given == "":
        return None
    if given not in known:
        raise check(code, f"{what} must be one of: {', '.join(known)}")
    return str(given)


def _duration(given: Any) -> int | None:
    if given is None or given == "":
        return None
    whole = isinstance(given, int | float) and not isinstance(given, bool) and float(given).is_integer()
    if not whole or not 1 <= given <= MAX_VIDEO_SECONDS:
        text = f"duration must be an integer between 1 and {MAX_VIDEO_SECONDS} seconds"
        raise check("INVALID_VIDEO_DURATION", text)
    return int(given)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
