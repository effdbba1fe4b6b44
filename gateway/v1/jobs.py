"""The routes of jobs: create, list, show, cancel, and their events."""

from collections.abc import AsyncIterator, Mapping
from typing import Any
from urllib.parse import urlencode

from litestar import get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.response import Response, Stream

from contracts.catalog import CatalogError, Fault
from contracts.decode import invalid
from contracts.desk import Caller, Created, Desk, JobQuery
from contracts.job import TERMINAL
from contracts.spec import JobSpec
from gateway.v1.answer import AnyRequest, answer
from gateway.v1.ask import (
    SSE,
    body_of,
    caller_of,
    demand,
    desk_of,
    idempotency_key,
    preferred_wait,
    query_of,
    wants_events,
)
from gateway.v1.inline import with_pictures
from gateway.v1.jobdoc import (
    CANCELS,
    CREATED,
    LISTED,
    SHOWN,
    TOLD,
    TOLD_ALL,
    CreateQuery,
    ListQuery,
    ShowQuery,
)
from gateway.v1.when import to_seconds

#: How long a cancel waits for the backend's answer when the caller says nothing.
CANCEL_WAIT_S = 2.0
#: What a poller is told to wait.
POLL_HINT_S = "1"
#: Streams must reach the caller as they are written, whatever stands between.
STREAM_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


@post("/v1/jobs", summary="Create a job", opt={"doc": CREATED})
async def create_job(request: AnyRequest) -> Response[Any]:
    """Accept a job: 202, or 200 when it has ended within the wait; with `dry_run`, explain it."""
    desk = desk_of(request)
    caller = await caller_of(request, desk.access)
    query = query_of(request, CreateQuery)
    events = wants_events(request)
    key, wait_s = idempotency_key(request), preferred_wait(request)
    spec: JobSpec = await body_of(request, JobSpec)
    if query.dry_run:
        _check_dry_run(key=key, wait_s=wait_s, events=events)
    if events:
        desk.jobs.check_listening(caller)
    elif getattr(spec.output, "delivery", None) == "inline":
        # Refused before the job exists: it could not be answered with afterwards.
        demand(caller, "assets:read")
    if query.dry_run:
        return answer(await desk.jobs.explain(caller, spec))
    created = await desk.jobs.create(
        caller, spec, idempotency_key=key, wait_s=0 if events else wait_s or 0, route="/v1/jobs"
    )
    headers = {"Location": created.job.links.self}
    if created.replayed:
        headers["Idempotency-Replayed"] = "true"
    if events:
        return _stream(desk.jobs.events(caller, created.job.id, None), headers)
    if wait_s:
        headers["Preference-Applied"] = f"wait={wait_s:.0f}"
    return await _shown(desk, caller, created, headers)


@get(
    "/v1/jobs",
    summary="List jobs, newest first",
    opt={"doc": LISTED},
)
async def list_jobs(request: AnyRequest) -> Response[bytes]:
    """List the jobs of the team, newest first, by cursor."""
    desk = desk_of(request)
    caller = await caller_of(request, desk.access)
    query = query_of(request, ListQuery)
    page = await desk.jobs.list(caller, _job_query(query))
    return answer(page, headers=next_link(request, page.next_page_token))


@get(
    "/v1/jobs/{job_id:str}",
    summary="Show a job",
    opt={"doc": SHOWN},
)
async def show_job(request: AnyRequest, job_id: FromPath[str]) -> Response[bytes]:
    """Show a job, at once, at its end, or when it has changed."""
    desk = desk_of(request)
    caller = await caller_of(request, desk.access)
    query = query_of(request, ShowQuery)
    seen = request.headers.get("if-none-match")
    shown = await desk.jobs.get(caller, job_id, wait_s=query.wait, seen=seen)
    if shown is None:
        return Response(b"", status_code=304, headers={"ETag": seen or ""})
    job = shown.job
    headers = {"ETag": shown.tag}
    if job.state not in TERMINAL:
        headers["Retry-After"] = POLL_HINT_S
    if query.inline:
        return answer(with_pictures(job, await desk.jobs.inline(caller, job)), headers=headers)
    return answer(job, headers=headers)


@get(
    "/v1/jobs/{job_id:str}/events",
    summary="Listen to a job",
    opt={"doc": TOLD},
)
async def job_events(request: AnyRequest, job_id: FromPath[str]) -> Response[Any]:
    """Stream a job's events from the beginning, or from `Last-Event-ID` on."""
    desk = desk_of(request)
    caller = await caller_of(request, desk.access)
    after = last_event_id(request)
    shown = await desk.jobs.get(caller, job_id)
    if after is not None and shown is not None and shown.job.state in TERMINAL and shown.tag == f'W/"{after}"':
        # The reader has seen the end: 204 tells an EventSource not to come again.
        return Response(b"", status_code=204)
    return _stream(desk.jobs.events(caller, job_id, after), {})


@get(
    "/v1/events",
    summary="Listen to everything of the team",
    opt={"doc": TOLD_ALL},
)
async def team_events(request: AnyRequest) -> Response[Any]:
    """Stream every event that the key may see, from now on."""
    desk = desk_of(request)
    caller = await caller_of(request, desk.access)
    return _stream(desk.jobs.events(caller, None, last_event_id(request)), {})


@post(
    "/v1/jobs/{job_id:str}/cancel",
    summary="Cancel a job",
    status_code=200,
    opt={"doc": CANCELS},
)
async def cancel_job(request: AnyRequest, job_id: FromPath[str]) -> Response[bytes]:
    """Cancel, and tell truthfully what the backend did."""
    desk = desk_of(request)
    caller = await caller_of(request, desk.access)
    wait_s = preferred_wait(request)
    shown = await desk.jobs.cancel(caller, job_id, wait_s=CANCEL_WAIT_S if wait_s is None else wait_s)
    done = shown.job.state in TERMINAL
    headers = {"ETag": shown.tag, "Location": shown.job.links.self}
    if not done:
        headers["Retry-After"] = POLL_HINT_S
    return answer(shown.job, status=200 if done else 202, headers=headers)


ROUTES: tuple[HTTPRouteHandler, ...] = (create_job, list_jobs, show_job, job_events, team_events, cancel_job)


async def _shown(desk: Desk, caller: Caller, created: Created, headers: dict[str, str]) -> Response[bytes]:
    """Return the job as it is: 200 once it has ended, whatever its state, else 202 with a hint when to ask."""
    job = created.job
    headers["ETag"] = created.tag
    if job.state not in TERMINAL:
        return answer(job, status=202, headers={**headers, "Retry-After": POLL_HINT_S})
    if getattr(job.spec.output, "delivery", None) == "inline":
        data = created.data or await desk.jobs.inline(caller, job)
        return answer(with_pictures(job, data), headers=headers)
    return answer(job, headers=headers)


def _check_dry_run(*, key: str | None, wait_s: float | None, events: bool) -> None:
    refused: list[tuple[str, bool]] = [
        ("/headers/Idempotency-Key", key is not None),
        ("/headers/Prefer", wait_s is not None),
        ("/headers/Accept", events),
    ]
    found = tuple(
        Fault(pointer=pointer, reason="contradiction", detail="a dry run makes no job: leave this header out")
        for pointer, given in refused
        if given
    )
    if found:
        raise invalid(found)


def _stream(frames: AsyncIterator[bytes], headers: Mapping[str, str]) -> Stream:
    return Stream(frames, status_code=200, media_type=SSE, headers={**STREAM_HEADERS, **headers})


def last_event_id(request: AnyRequest) -> int | None:
    """Return where to go on; raise when it is no event's id."""
    value = request.headers.get("last-event-id")
    if value is None or not value.strip():
        return None
    if not value.isdecimal() or len(value) > 18:
        fault = Fault(pointer="/headers/Last-Event-ID", reason="format", detail="must be the id of an event")
        raise CatalogError("request.field_invalid", fault.detail, errors=(fault,))
    return int(value)


def _job_query(query: ListQuery) -> JobQuery:
    key, _, value = (query.tag or "").partition(":")
    return JobQuery(
        state=query.state,
        backend=query.backend,
        operation=query.operation,
        tag=(key, value) if query.tag is not None else None,
        created_after=to_seconds(query.created_after, "/query/created_after"),
        created_before=to_seconds(query.created_before, "/query/created_before"),
        limit=query.limit,
        page_token=query.page_token,
    )


def next_link(request: AnyRequest, token: str | None) -> dict[str, str]:
    """Return the `Link` header of the next page (RFC 8288)."""
    if token is None:
        return {}
    kept = [(name, value) for name, value in request.query_params.multi_items() if name != "page_token"]
    query = urlencode([*kept, ("page_token", token)])
    return {"Link": f'<{request.url.path}?{query}>; rel="next"'}
