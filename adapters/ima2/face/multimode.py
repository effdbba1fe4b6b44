"""`POST /api/generate/multimode`: several pictures of one wish, in frames even for refusals (wire §6)."""

from collections.abc import AsyncIterator
from typing import Any

from adapters.ima2.face import failure, provider
from adapters.ima2.face.asked import (
    body_of,
    check_new,
    count_of,
    may_answer_pictures,
    present,
    read_terms,
    references_of,
    request_id_of,
)
from adapters.ima2.face.failure import Failure, Refused
from adapters.ima2.face.front import Ask, Begun, Front
from adapters.ima2.face.result import filename, images, pictures, shown
from adapters.ima2.face.said import EVENT_STREAM, frame, said
from adapters.kit.story import events
from contracts.caller import Caller
from contracts.catalog import CatalogError
from contracts.face import Answer, Call, FaceRoute
from contracts.job import Job
from contracts.media import Input
from contracts.names import Named
from contracts.spec import ImageGenerate

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


class Multimode:
    """The route."""

    def __init__(self, front: Front) -> None:
        """Take what all routes share."""
        self._front = front

    def routes(self) -> list[FaceRoute]:
        """Return the route."""
        return [FaceRoute(method="POST", template="/api/generate/multimode", answer=self._post, makes_jobs=True)]

    async def _post(self, call: Call, caller: Caller) -> Answer:
        body = body_of(call)
        request_id = request_id_of(self._front.profile, call, body or {})
        at_once = self._front.profile.is_new and (body or {}).get("async") is True
        try:
            may_answer_pictures(caller)
            self._front.desk.jobs.check_listening(caller)
            begun = await self._begun(caller, present(body), request_id)
        except Refused as refused:
            return _refused(refused.failure, request_id, at_once=at_once)
        except CatalogError as error:
            return _refused(self._front.failure(error, "multimode"), request_id, at_once=at_once)
        if at_once:
            return said({"requestId": request_id}, status=202)
        return Answer(headers=self._front.stream_headers(EVENT_STREAM), frames=self._frames(caller, begun, request_id))

    async def _begun(self, caller: Caller, body: dict[str, Any], request_id: str) -> Begun:
        front = self._front
        check_new(front.profile, body, "maxImages")
        count, clamped = count_of(body, "maxImages")
        terms = read_terms(body, bare=False, prompt_code="PROMPT_REQUIRED")
        references = references_of(body, terms.provider)
        provider.check_account(front, caller, terms.provider)
        sequence = f"seq_{_base36(front.now_ms())}_{front.settings.token(8)}"
        ask = Ask(
            route="multimode",
            kind=ImageGenerate,
            terms=terms,
            request_id=request_id,
            n=count,
            inputs=tuple(Input(role="reference", data=each) for each in references),
            options={"multimode": True},
            note={"sequenceId": sequence, "countWarnings": list(clamped)},
        )
        return await front.begin(caller, ask, wait_s=0)

    async def _frames(self, caller: Caller, begun: Begun, request_id: str) -> AsyncIterator[bytes]:
        named = begun.named
        sequence = named.note["sequenceId"]
        started = {"phase": "streaming", "requestId": request_id, "sequenceId": sequence}
        yield frame("phase", {**started, "maxImages": named.note["n"]})
        try:
            # Previews are not told: the real server asks for none here (wire §6).
            async for _event in events(self._front.story(caller, named.job.id)):
                pass
            job = await self._front.last(caller, named)
            found = self._front.ended(job, "multimode")
            if found is None or found.catalogue == "backend.bad_response":
                # A sequence without a picture is no error but an empty one (recorded: multimode_empty).
                async for each in self._images(caller, named, job, request_id):
                    yield each
                return
        except CatalogError as error:
            found = self._front.failure(error, "multimode")
        yield frame("error", failure.frame(found, request_id))

    async def _images(self, caller: Caller, named: Named, job: Job, request_id: str) -> AsyncIterator[bytes]:
        """Tell every picture, and all of them once more at the end: so does the real server (wire §6)."""
        front, note, known = self._front, named.note, shown(job, named.note)
        made = pictures(job)
        status = "empty" if not made else "partial" if len(made) < note["n"] else "complete"
        totals = {"sequenceTotalRequested": note["n"], "sequenceTotalReturned": len(made), "sequenceStatus": status}
        told = [
            {
                "image": url,
                "filename": filename(named, output),
                "revisedPrompt": output.revised_prompt,
                "sequenceId": note["sequenceId"],
                "sequenceIndex": place,
                **totals,
            }
            for place, (url, output) in enumerate(
                zip(await images(front.desk.assets, caller, job, {}), made, strict=True), 1
            )
        ]
        for each in told:
            yield frame("image", each)
        done = {
            "ok": True,
            "requestId": request_id,
            "sequenceId": note["sequenceId"],
            "requested": note["n"],
            "returned": len(made),
            "status": status,
            "elapsed": known.elapsed if front.profile.is_new else f"{known.elapsed:.1f}",
            "images": told,
            "provider": known.provider,
            "quality": known.quality,
            "size": known.size,
            "moderation": known.moderation,
            "model": known.model,
            "usage": known.usage,
            "webSearchCalls": known.searches,
            "webSearchEnabled": note["webSearchEnabled"],
            "warnings": [*note.get("countWarnings", ()), *known.warnings],
            "extraIgnored": 0,
            "promptMode": note["promptMode"],
        }
        yield frame("done", done)


def _refused(found: Failure, request_id: str, *, at_once: bool) -> Answer:
    """Answer a frame with HTTP 200; plain JSON for NEW's own checks, and to who does not wait (wire §11)."""
    if found.nested:
        return said(failure.nested(found), status=found.status, headers=found.headers, code=found.catalogue)
    body = failure.frame(found, request_id)
    if at_once or found.catalogue in ("auth.unauthenticated", "auth.forbidden"):
        return said(body, status=found.status, headers=found.headers, code=found.catalogue)
    return Answer(body=frame("error", body), headers=EVENT_STREAM, code=found.catalogue)


def _base36(number: int) -> str:
    digits = ""
    while number:
        number, rest = divmod(number, 36)
        digits = _DIGITS[rest] + digits
    return digits or "0"
