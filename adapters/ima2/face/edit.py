"""`POST /api/edit`: one picture changed as the words say, within the mask if there is one (wire §4)."""

from collections.abc import Mapping
from typing import Any

from adapters.ima2.face import failure, mask, provider
from adapters.ima2.face.asked import (
    body_of,
    check_new,
    may_answer_pictures,
    picture,
    present,
    read_terms,
    request_id_of,
    text_or_none,
)
from adapters.ima2.face.failure import Failure, Refused, check
from adapters.ima2.face.front import WAIT_S, Ask, Front
from adapters.ima2.face.result import filename, images, pictures, shown
from adapters.ima2.face.said import said
from adapters.ima2.face.story import Telling
from adapters.kit.repeated import replayed
from contracts.caller import Caller
from contracts.catalog import CatalogError
from contracts.face import Answer, Call, FaceRoute
from contracts.job import Job
from contracts.media import Input
from contracts.spec import ImageEdit


class Edit:
    """The route."""

    def __init__(self, front: Front) -> None:
        """Take what all routes share."""
        self._front = front

    def routes(self) -> list[FaceRoute]:
        """Return the route."""
        return [FaceRoute(method="POST", template="/api/edit", answer=self._post, makes_jobs=True)]

    async def _post(self, call: Call, caller: Caller) -> Answer:
        body = body_of(call)
        try:
            may_answer_pictures(caller)
            return await self._accepted(call, caller, present(body))
        except Refused as refused:
            return _refused(refused.failure)
        except CatalogError as error:
            return _refused(self._front.failure(error, "edit"))

    async def _accepted(self, call: Call, caller: Caller, body: dict[str, Any]) -> Answer:
        front = self._front
        check_new(front.profile, body, None)
        if not body.get("prompt") or not body.get("image"):
            raise check("INVALID_EDIT_INPUT", "Prompt and image are required", bare=True)
        # The format of an edit is not the client's to choose (wire §4).
        terms = read_terms(call, {**body, "format": None}, bare=True, prompt_code="INVALID_EDIT_INPUT")
        inputs = (Input(role="source", data=picture(body["image"], "image")), *self._mask(body, terms.provider))
        provider.check_account(front, caller, terms.provider)
        ask = Ask(
            route="edit",
            kind=ImageEdit,
            terms=terms,
            request_id=request_id_of(front.profile, call, body),
            inputs=inputs,
            session=text_or_none(body.get("sessionId")),
        )
        begun = await front.begin(call, caller, ask, wait_s=WAIT_S)
        job = begun.created.job
        found = front.ended(job, "edit")
        if found is not None:
            return _refused(found, replayed(begun.created))
        answer = await Edited(front, caller, begun.named).done(job, begun.created.data)
        return said(answer, headers=begun.headers)

    def _mask(self, body: dict[str, Any], account: str | None) -> tuple[Input, ...]:
        given = body.get("mask")
        if given is None:
            return ()
        if self._front.profile.is_tag:
            text = "Masked edit is not supported by the current OAuth image provider"
            raise check("EDIT_MASK_NOT_SUPPORTED", text, catalogue="request.option_unsupported")
        if account == "grok":
            text = "Grok image editing does not support masks"
            raise check("GROK_MASK_UNSUPPORTED", text, catalogue="request.option_unsupported")
        return (Input(role="mask", data=mask.checked(body["image"], given)),)


class Edited(Telling):
    """Its answer told: to who waits as JSON, to who listens in frames of the multiplex."""

    route = "edit"

    async def done(self, job: Job, data: Mapping[str, bytes], most: int | None = None) -> dict[str, Any]:
        """Return the answer: of an edit it bears no request id (recorded)."""
        front, named = self._front, self._named
        known, output = shown(job, named.note), pictures(job)[0]
        told = await images(front.desk.assets, self._caller, job, data, most)
        return {
            **told[0],
            "elapsed": known.elapsed if front.profile.is_new else f"{known.elapsed:.1f}",
            "filename": filename(named, output),
            "usage": known.usage,
            "provider": known.provider,
            "model": known.model,
            "moderation": known.moderation,
            "warnings": known.warnings,
            "revisedPrompt": output.revised_prompt,
            "promptMode": named.note["promptMode"],
            "webSearchCalls": known.searches,
            "webSearchEnabled": named.note["webSearchEnabled"],
        }

    def failed(self, found: Failure) -> dict[str, Any]:
        """Return the answer to a failure, with the status that no frame has, and whose it is."""
        return {**failure.flat(found), "status": found.status, "requestId": self.request_id}


def _refused(found: Failure, headers: Mapping[str, str] = {}) -> Answer:
    sent = {**found.headers, **headers}
    return said(failure.flat(found), status=found.status, headers=sent, code=found.catalogue)
