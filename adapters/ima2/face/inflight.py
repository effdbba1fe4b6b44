"""The in-flight list: the team's open requests under the ids that its clients gave them (wire §7)."""

from typing import Any

from adapters.ima2.face import failure
from adapters.ima2.face.front import FACE, REQUEST, Front
from adapters.ima2.face.result import filename, milliseconds, pictures
from adapters.ima2.face.said import read, said
from contracts.caller import Caller
from contracts.catalog import CatalogError
from contracts.face import Answer, Call, FaceRoute
from contracts.job import TERMINAL, Job
from contracts.names import Named

#: How long an end is told of.
TERMINAL_S = 300.0
#: How long a cancel waits for what the backend says to it.
CANCEL_WAIT_S = 8.0
_PROMPT_CHARS = 500
_KINDS = {"generate": "classic", "edit": "classic", "node": "node", "multimode": "multimode", "video": "video"}


class Inflight:
    """The routes."""

    def __init__(self, front: Front) -> None:
        """Take what all routes share."""
        self._front = front

    def routes(self) -> list[FaceRoute]:
        """Return the routes."""
        return [
            FaceRoute(method="GET", template="/api/inflight", answer=self._all),
            FaceRoute(method="DELETE", template="/api/inflight/{id:path}", answer=self._cancel),
        ]

    async def _all(self, call: Call, caller: Caller) -> Answer:
        front, query = self._front, call.query
        ends = query.get("includeTerminal") in ("1", "true")
        since = front.settings.clock() - TERMINAL_S if ends else None
        found = [
            each
            for each in await front.desk.names.open(caller, FACE, REQUEST, ended_since=since)
            if _wanted(each, query.get("kind"), query.get("sessionId"))
        ]
        body: dict[str, Any] = {"jobs": [_row(each) for each in found if each.job.state not in TERMINAL]}
        if ends:
            over = [each for each in found if each.job.state in TERMINAL]
            over.sort(key=lambda each: each.job.finished_at or each.job.created_at, reverse=True)
            body["terminalJobs"] = [self._end(each) for each in over]
        return read(call, body)

    async def _cancel(self, call: Call, caller: Caller) -> Answer:
        """Cancel the job behind an id: NEW says what that did, the older builds answer 204 for any id."""
        front, request_id = self._front, call.params["id"]
        named = await front.desk.names.find(caller, FACE, REQUEST, request_id)
        active = named is not None and named.job.state not in TERMINAL
        aborted = False
        if named is not None and active:
            try:
                done = await front.desk.jobs.cancel(caller, named.job.id, wait_s=CANCEL_WAIT_S)
                aborted = done.job.cancel is not None and done.job.cancel.answer == "stopped"
            except CatalogError as error:
                if error.code != "resource.state_conflict":
                    found = front.failure(error, "other")
                    return said(failure.flat(found), status=found.status, headers=found.headers, code=found.catalogue)
                active = False
        if not front.profile.is_new:
            return Answer(status=204)
        return said({"requestId": request_id, "active": active, "aborted": aborted})

    def _end(self, named: Named) -> dict[str, Any]:
        job, note = named.job, named.note
        route: Any = note.get("route", "other")
        found = self._front.ended(job, route)
        began = milliseconds(job.created_at)
        ended = milliseconds(job.finished_at or job.created_at)
        status = {"succeeded": "completed", "cancelled": "canceled"}.get(job.state, "error")
        said_of = {"httpStatus": 200} if found is None else {"httpStatus": found.status}
        error = {} if found is None or found.code is None else {"errorCode": found.code}
        return {
            "requestId": named.native_id,
            "kind": _KINDS.get(route, "classic"),
            "status": status,
            "startedAt": began,
            "finishedAt": ended,
            "durationMs": ended - began,
            "phase": "decoding" if found is None else "streaming",
            "phaseAt": ended,
            **said_of,
            **error,
            "meta": {**_meta(named), **_made(named)},
        }


def _row(named: Named) -> dict[str, Any]:
    job = named.job
    began = milliseconds(job.created_at)
    return {
        "requestId": named.native_id,
        "kind": _KINDS.get(str(named.note.get("route")), "classic"),
        "prompt": (job.spec.prompt or "")[:_PROMPT_CHARS],
        "meta": _meta(named),
        "startedAt": began,
        "phase": _phase(job),
        "phaseAt": milliseconds(job.started_at) if job.started_at is not None else began,
    }


def _phase(job: Job) -> str:
    """Return the phase in the three words that ima2 has."""
    if job.state == "queued" or job.phase in ("waiting_for_backend", "submit", "queued_at_backend", "model_load"):
        return "queued"
    return "decoding" if job.phase in ("download", "store") else "streaming"


def _meta(named: Named) -> dict[str, Any]:
    note = named.note
    route = note.get("route")
    inputs = named.job.spec.inputs or ()
    length = sum(each.bytes for each in inputs if each.role == "reference" and isinstance(each.bytes, int))
    sizes = {
        "refsCount": note.get("refsCount", 0),
        "referenceBytes": length,
        "referenceB64Chars": (length + 2) // 3 * 4,
    }
    made_with = {"quality": note.get("quality"), "model": _model(named.job), "size": note.get("size")}
    session = {"sessionId": named.collection}
    match route:
        case "edit":
            return {"kind": "edit", **session, **made_with}
        case "node":
            ids = {"parentNodeId": note.get("parentNodeId"), "clientNodeId": note.get("clientNodeId")}
            return {"kind": "node", **session, **ids, **sizes}
        case "multimode":
            return {"kind": "multimode", **made_with, "maxImages": note.get("n"), **sizes}
        case "video":
            return {"kind": "video", **session, "model": _model(named.job), **note.get("video", {})}
    ids = {"parentNodeId": None, "clientNodeId": note.get("clientNodeId")}
    return {"kind": "classic", **session, **ids, **made_with, "n": note.get("n"), **sizes}


def _model(job: Job) -> str | None:
    return (job.model or job.spec.model).rpartition("/")[2]


def _made(named: Named) -> dict[str, Any]:
    """Say what came of it, in each route's way (recorded: inflight_terminal)."""
    made, note = pictures(named.job), named.note
    names = [filename(named, each) for each in made]
    if not names:
        return {}
    match note.get("route"):
        case "node":
            return {"nodeId": note["stem"], "filename": names[0], "imageChars": (made[0].bytes + 2) // 3 * 4}
        case "multimode":
            status = "partial" if len(names) < note["n"] else "complete"
            return {"sequenceId": note["sequenceId"], "imageCount": len(names), "status": status, "filenames": names}
        case "generate":
            return {"filenames": names, "imageCount": len(names)}
    return {"filename": names[0], "imageChars": (made[0].bytes + 2) // 3 * 4}


def _wanted(named: Named, kind: str | None, session: str | None) -> bool:
    is_kind = not kind or _KINDS.get(str(named.note.get("route"))) == kind
    return is_kind and (not session or named.collection == session)
