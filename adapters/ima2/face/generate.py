"""`POST /api/generate`: n pictures in one JSON answer, whenever they are ready (wire §3)."""

import re
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
    text_or_none,
)
from adapters.ima2.face.failure import Failure, Refused, check
from adapters.ima2.face.front import WAIT_S, Ask, Begun, Front
from adapters.ima2.face.result import filename, images, milliseconds, pictures, shown
from adapters.ima2.face.said import SANDBOX, said
from contracts.caller import Caller
from contracts.catalog import CatalogError
from contracts.face import Answer, Call, FaceRoute
from contracts.job import TERMINAL
from contracts.media import Input
from contracts.spec import ImageGenerate

_KEY = re.compile(r"[\x21-\x7e]{1,255}")


class Generate:
    """The route."""

    def __init__(self, front: Front) -> None:
        """Take what all routes share."""
        self._front = front

    def routes(self) -> list[FaceRoute]:
        """Return the route."""
        return [FaceRoute(method="POST", template="/api/generate", answer=self._post, makes_jobs=True)]

    async def _post(self, call: Call, caller: Caller) -> Answer:
        body = body_of(call)
        request_id = request_id_of(self._front.profile, call, body or {})
        try:
            may_answer_pictures(caller)
            return await self._accepted(call, caller, present(body), request_id)
        except Refused as refused:
            return self._refused(refused.failure, request_id)
        except CatalogError as error:
            return self._refused(self._front.failure(error, "generate"), request_id)

    def _refused(self, found: Failure, request_id: str) -> Answer:
        body = failure.flat(found) if found.checked else failure.long(found, request_id)
        return said(body, status=found.status, headers=found.headers, code=found.catalogue)

    async def _accepted(self, call: Call, caller: Caller, body: dict[str, Any], request_id: str) -> Answer:
        front = self._front
        check_new(front.profile, body, "n")
        terms = read_terms(body, bare=True, prompt_code="PROMPT_REQUIRED")
        count, clamped = count_of(body, "n")
        references = references_of(body, terms.provider)
        provider.check_account(front, caller, terms.provider)
        ask = Ask(
            route="generate",
            kind=ImageGenerate,
            terms=terms,
            request_id=request_id,
            n=count,
            inputs=tuple(Input(role="reference", data=each) for each in references),
            session=text_or_none(body.get("sessionId")),
            note={"clientNodeId": text_or_none(body.get("clientNodeId")), "countWarnings": list(clamped)},
        )
        at_once = front.profile.is_new and body.get("async") is True
        key = self._key(call, body)
        begun = await front.begin(caller, ask, wait_s=0 if at_once else WAIT_S, key=key)
        replay = {"idempotentReplay": True} if begun.created.replayed else {}
        shown_id = begun.named.note.get("requestId") or request_id
        if at_once and begun.created.job.state not in TERMINAL:
            return said({"requestId": shown_id, "async": True, **replay}, status=202)
        found = front.ended(begun.created.job, "generate")
        if found is not None:
            return said({**failure.long(found, shown_id), **replay}, status=found.status, code=found.catalogue)
        return await self._answer(caller, begun, shown_id, replay)

    def _key(self, call: Call, body: dict[str, Any]) -> str | None:
        """Return NEW's idempotency key (wire §11)."""
        key = call.headers.get("idempotency-key", body.get("idempotencyKey"))
        if key is None or not self._front.profile.is_new:
            return None
        if not isinstance(key, str) or not _KEY.fullmatch(key):
            raise check("IDEMPOTENCY_KEY_INVALID", "Idempotency-Key must be 1 to 255 printable characters")
        return key

    async def _answer(self, caller: Caller, begun: Begun, request_id: str, replay: dict[str, bool]) -> Answer:
        """Answer in the form that depends on how many were asked for, not on how many came (recorded)."""
        front, named, job = self._front, begun.named, begun.created.job
        note, known = named.note, shown(job, named.note)
        urls = await images(front.desk.assets, caller, job, begun.created.data)
        created = {"createdAt": milliseconds(job.finished_at or job.created_at)} if front.profile.is_new else {}
        made = [
            {"image": url, "filename": filename(named, output), "revisedPrompt": output.revised_prompt, **created}
            for url, output in zip(urls, pictures(job), strict=True)
        ]
        extra = {
            "usage": known.usage,
            "provider": known.provider,
            "webSearchCalls": known.searches,
            "quality": known.quality,
            "size": known.size,
            "moderation": known.moderation,
            "model": known.model,
            "warnings": [*note.get("countWarnings", ()), *known.warnings],
            "revisedPrompt": made[0]["revisedPrompt"],
            "promptMode": note["promptMode"],
            "webSearchEnabled": note["webSearchEnabled"],
            **replay,
        }
        seconds: Any = known.elapsed if front.profile.is_new else f"{known.elapsed:.1f}"
        headers = {SANDBOX: "true"} if job.sandbox else {}
        if note["n"] > 1:
            body = {"images": made, "elapsed": seconds, "count": len(made), "requestId": request_id, **extra}
            return said(body, headers=headers)
        first = made[0]
        url_of = {"providerUrl": None, **created} if front.profile.is_new else {}
        single = {"image": first["image"], "elapsed": seconds, "filename": first["filename"], "requestId": request_id}
        return said({**single, **url_of, **extra}, headers=headers)
