"""`POST /api/generate/multimode`: several pictures of one wish, in frames even for refusals (wire §6)."""

from collections.abc import Mapping, Sequence
from typing import Any

from adapters.ima2.face import failure
from adapters.ima2.face.asked import body_of, may_answer_pictures, present, request_id_of
from adapters.ima2.face.failure import Failure, Refused
from adapters.ima2.face.front import Begun, Front
from adapters.ima2.face.result import filename, images, pictures, shown
from adapters.ima2.face.said import EVENT_STREAM, data_url, frame, said
from adapters.ima2.face.several import ask_of
from adapters.ima2.face.story import Telling, Told
from contracts.caller import Caller
from contracts.catalog import CatalogError
from contracts.event import JobEvent, JobPartialImage
from contracts.face import Answer, Call, FaceRoute
from contracts.job import Job

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
            if not at_once:
                self._front.desk.jobs.check_listening(caller)
            begun = await self._begun(call, caller, present(body), request_id)
        except Refused as refused:
            return _refused(refused.failure, request_id, at_once=at_once)
        except CatalogError as error:
            return _refused(self._front.failure(error, "multimode"), request_id, at_once=at_once)
        if at_once:
            return said({"requestId": begun.request_id}, status=202, headers=begun.headers)
        frames = Sequenced(self._front, caller, begun.named).frames()
        return Answer(headers=self._front.stream_headers(EVENT_STREAM, begun), frames=frames)

    async def _begun(self, call: Call, caller: Caller, body: dict[str, Any], request_id: str) -> Begun:
        front = self._front
        sequence = f"seq_{_base36(front.now_ms())}_{front.settings.token(8)}"
        ask = ask_of(
            front,
            call,
            caller,
            body,
            route="multimode",
            request_id=request_id,
            options={"multimode": True},
            note={"sequenceId": sequence},
        )
        return await front.begin(call, caller, ask, wait_s=0)


class Sequenced(Telling):
    """A sequence told: previews if there are any, every picture, and all of them once more at the end (wire §6)."""

    route = "multimode"
    #: A sequence without a picture is no error but an empty one (recorded: multimode_empty).
    unsaid = "backend.bad_response"

    def begin(self) -> Told:
        """Tell that it is taken in, and by which name its pictures belong together."""
        name, told = super().begin()
        return name, {**told, **self._sequence, "maxImages": self._named.note["n"]}

    @property
    def _sequence(self) -> dict[str, Any]:
        return {"sequenceId": self._named.note["sequenceId"]}

    async def hear(self, event: JobEvent) -> Sequence[Told]:
        """Tell of previews, as the newer document does; the older builds ask for none (recorded)."""
        if not (isinstance(event, JobPartialImage) and self._front.profile.is_new):
            return ()
        image = data_url(event.media_type, event.data.encode())
        told = {"image": image, "requestId": self.request_id, **self._sequence, "index": event.index}
        return (("partial", told),)

    async def made(self, job: Job, most: int | None) -> Sequence[Told]:
        """Tell every picture, and all of them once more: so does the real server."""
        end = await super().made(job, most)
        return (*(("image", each) for _, done in end for each in done["images"]), *end)

    async def done(self, job: Job, data: Mapping[str, bytes], most: int | None = None) -> dict[str, Any]:
        """Return what is told of all pictures together."""
        front, named = self._front, self._named
        note, known, made = named.note, shown(job, named.note), pictures(job)
        status = "empty" if not made else "partial" if len(made) < note["n"] else "complete"
        totals = {"sequenceTotalRequested": note["n"], "sequenceTotalReturned": len(made), "sequenceStatus": status}
        told = await images(front.desk.assets, self._caller, job, data, most)
        return {
            "ok": True,
            "requestId": self.request_id,
            **self._sequence,
            "requested": note["n"],
            "returned": len(made),
            "status": status,
            "elapsed": known.elapsed if front.profile.is_new else f"{known.elapsed:.1f}",
            "images": [
                {
                    **image,
                    "filename": filename(named, output),
                    "revisedPrompt": output.revised_prompt,
                    **self._sequence,
                    "sequenceIndex": place,
                    **totals,
                }
                for place, (image, output) in enumerate(zip(told, made, strict=True), 1)
            ],
            "provider": known.provider,
            "quality": known.quality,
            "size": known.size,
            "moderation": known.moderation,
            "model": known.model,
            "usage": known.usage,
            "webSearchCalls": known.searches,
            "webSearchEnabled": note["webSearchEnabled"],
            "warnings": known.warnings,
            "extraIgnored": 0,
            "promptMode": note["promptMode"],
        }

    def failed(self, found: Failure) -> dict[str, Any]:
        """Return the flat envelope of frames."""
        return failure.frame(found, self.request_id)


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
