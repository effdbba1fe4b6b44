"""`POST /api/node/generate`, `GET /api/node/:id`: a picture that continues another, in JSON or frames (wire §5)."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from adapters.ima2.face import failure, files, provider
from adapters.ima2.face.asked import (
    body_of,
    check_new,
    may_answer_pictures,
    read_terms,
    references_of,
    request_id_of,
    text_or_none,
)
from adapters.ima2.face.failure import Failure, Refused, check
from adapters.ima2.face.front import WAIT_S, Ask, Front
from adapters.ima2.face.result import filename, images, milliseconds, pictures, shown
from adapters.ima2.face.said import EVENT_STREAM, data_url, frame, read, said
from adapters.ima2.face.story import Telling, Told
from adapters.kit.repeated import replayed
from contracts.caller import Caller
from contracts.catalog import CatalogError
from contracts.event import JobEvent, JobPartialImage
from contracts.face import Answer, Call, FaceRoute
from contracts.job import Job
from contracts.media import FORMATS, Input
from contracts.names import Named
from contracts.spec import ImageEdit, ImageGenerate

_CONTEXTS = ("parent-plus-refs", "parent-only", "ancestry")
_SEARCHES = ("on", "auto", "off")


class Node:
    """The routes."""

    def __init__(self, front: Front) -> None:
        """Take what all routes share."""
        self._front = front

    def routes(self) -> list[FaceRoute]:
        """Return the routes."""
        return [
            FaceRoute(method="POST", template="/api/node/generate", answer=self._post, makes_jobs=True),
            FaceRoute(method="GET", template="/api/node/{id}", answer=self._get),
        ]

    async def _get(self, call: Call, caller: Caller) -> Answer:
        found = await files.find_node(self._front, caller, call.params["id"])
        if found is None:
            missing = Failure(status=404, code="NODE_NOT_FOUND", message="Node metadata missing")
            return said(failure.nested(missing), status=404, code="resource.not_found")
        url = f"/generated/{filename(found.named, found.output)}"
        return read(call, {"nodeId": found.named.native_id, "meta": _meta(found.named), "url": url})

    async def _post(self, call: Call, caller: Caller) -> Answer:
        front, body, replay = self._front, body_of(call) or {}, dict[str, str]()
        parent, request_id = body.get("parentNodeId"), request_id_of(self._front.profile, call, body)
        at_once = front.profile.is_new and body.get("async") is True
        framed = not at_once and "text/event-stream" in call.headers.get("accept", "")
        try:
            may_answer_pictures(caller)
            if framed:
                front.desk.jobs.check_listening(caller)
            ask = await self._ask(call, caller, body, request_id)
            begun = await front.begin(call, caller, ask, wait_s=0 if framed or at_once else WAIT_S)
            replay = replayed(begun.created)
            if at_once:
                return said({"requestId": begun.request_id}, status=202, headers=begun.headers)
            job, telling = begun.created.job, Continued(front, caller, begun.named)
            if framed:
                return Answer(headers=front.stream_headers(EVENT_STREAM, begun), frames=telling.frames())
            found = front.ended(job, "node")
            if found is None:
                answer = await telling.done(job, begun.created.data)
                return said(answer, headers=begun.headers)
        except Refused as refused:
            found = refused.failure
        except CatalogError as error:
            found = front.failure(error, "node")
        if framed and not found.checked:
            # What is no fault of the request comes when the stream is open already (wire §5).
            opened = frame("phase", {"requestId": request_id, "phase": "streaming"})
            body_of_error = frame("error", failure.node_long(found, parent))
            return Answer(body=opened + body_of_error, headers=EVENT_STREAM, code=found.catalogue)
        # Before the stream opens even a client that asked for frames gets plain JSON (recorded).
        body_of_answer = failure.node_short(found, parent) if found.checked else failure.node_long(found, parent)
        return said(body_of_answer, status=found.status, headers={**found.headers, **replay}, code=found.catalogue)

    async def _ask(self, call: Call, caller: Caller, body: dict[str, Any], request_id: str) -> Ask:
        """Check in the server's order: model, effort, context, prompt, references, moderation, source (wire §5)."""
        front = self._front
        check_new(front.profile, body, None)
        if body.get("contextMode") == "ancestry":
            raise check("CONTEXT_MODE_UNSUPPORTED", "Ancestry context is not supported yet.")
        context = _one_of(body.get("contextMode"), _CONTEXTS)
        search = _one_of(body.get("searchMode"), _SEARCHES)
        terms = read_terms(call, body, bare=False, prompt_code="INVALID_PROMPT", search=search != "off")
        provider.check_account(front, caller, terms.provider, is_node=True)
        parent, external = body.get("parentNodeId"), body.get("externalSrc")
        has_source = bool(parent) or (isinstance(external, str) and bool(external))
        references = references_of(body, terms.provider, others=int(has_source))
        asset = await self._source(caller, parent, external) if has_source else None
        source = (Input(role="source", asset_id=asset),) if asset is not None else ()
        shown_references = () if context == "parent-only" else references
        return Ask(
            route="node",
            kind=ImageGenerate if asset is None else ImageEdit,
            terms=terms,
            request_id=request_id,
            inputs=(*source, *(Input(role="reference", data=each) for each in shown_references)),
            options={"node": True},
            session=text_or_none(body.get("sessionId")),
            note={
                "parentNodeId": text_or_none(parent),
                "clientNodeId": text_or_none(body.get("clientNodeId")),
                "contextMode": context,
                "searchMode": search,
                "kind": "generate" if asset is None else "edit",
            },
            is_node=True,
        )

    async def _source(self, caller: Caller, parent: Any, external: Any) -> str:
        if not parent:
            return await files.source(self._front, caller, external)
        node = str(parent)
        if ".." in node or "/" in node:
            raise check("NODE_SOURCE_INVALID", f"Asset path escapes generated/: {node[:200]}.png")
        found = await files.find_node(self._front, caller, node)
        if found is None:
            text = f"Node file not found: {node[:200]}.png"
            raise check("NODE_NOT_FOUND", text, status=404, catalogue="resource.not_found")
        return found.output.asset_id


class Continued(Telling):
    """A node told: its previews, and its picture."""

    route = "node"

    async def hear(self, event: JobEvent) -> Sequence[Told]:
        """Tell of previews."""
        if not isinstance(event, JobPartialImage):
            return ()
        image = data_url(event.media_type, event.data.encode())
        return (("partial", {"requestId": self.request_id, "image": image, "index": event.index}),)

    def failed(self, found: Failure) -> dict[str, Any]:
        """Return the long envelope."""
        return failure.node_long(found, self._named.note["parentNodeId"])

    async def done(self, job: Job, data: Mapping[str, bytes], most: int | None = None) -> dict[str, Any]:
        """Return the answer."""
        named = self._named
        note, known, output = named.note, shown(job, named.note), pictures(job)[0]
        name = filename(named, output)
        told = await images(self._front.desk.assets, self._caller, job, data, most)
        return {
            "nodeId": named.native_id,
            "parentNodeId": note["parentNodeId"],
            "requestId": note["requestId"],
            **told[0],
            "filename": name,
            "url": f"/generated/{name}",
            "elapsed": known.elapsed,
            "usage": known.usage,
            "webSearchCalls": known.searches,
            "webSearchEnabled": note["webSearchEnabled"],
            "provider": known.provider,
            "model": known.model,
            "size": known.size,
            "moderation": known.moderation,
            "refsCount": note["refsCount"],
            "contextMode": note["contextMode"],
            "searchMode": note["searchMode"],
            "warnings": known.warnings,
            "revisedPrompt": output.revised_prompt,
            "promptMode": note["promptMode"],
        }


def _meta(named: Named) -> dict[str, Any]:
    """Return what the server keeps beside a node's picture."""
    job, note, known = named.job, named.note, shown(named.job, named.note)
    output = pictures(job)[0]
    created = milliseconds(job.finished_at or job.created_at)
    options = {
        "quality": known.quality,
        "size": known.size,
        "format": FORMATS[output.media_type],
        "moderation": known.moderation,
    }
    return {
        "nodeId": named.native_id,
        "parentNodeId": note["parentNodeId"],
        "sessionId": named.collection,
        "clientNodeId": note["clientNodeId"],
        "prompt": job.spec.prompt or None,
        "userPrompt": job.spec.prompt or None,
        "revisedPrompt": output.revised_prompt,
        "promptMode": note["promptMode"],
        "options": options,
        "model": known.model,
        "createdAt": created,
        "createdAtIso": _iso(created),
        "elapsed": known.elapsed,
        "usage": known.usage,
        "webSearchCalls": known.searches,
        "webSearchEnabled": note["webSearchEnabled"],
        "contextMode": note["contextMode"],
        "searchMode": note["searchMode"],
        "provider": known.provider,
        "kind": note["kind"],
        "requestId": note["requestId"],
        "refsCount": note["refsCount"],
        **options,
    }


def _one_of(value: Any, known: tuple[str, ...]) -> str:
    return value if value in known else known[0]


def _iso(milli: int) -> str:
    return datetime.fromtimestamp(milli / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
