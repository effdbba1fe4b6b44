"""What the routes of jobs say of themselves: their queries, headers, answers, examples and refusals."""

from typing import Annotated

from msgspec import Meta

from contracts.codes import ErrorCode
from contracts.desk import Explanation, JobPage
from contracts.job import Job, JobState
from contracts.spec import JobSpec, Operation
from gateway.v1.ask import MAX_WAIT_S, Query
from gateway.v1.doc import Doc, Example, Parameter
from gateway.v1.examples import jobs as shown_as

Limit = Annotated[int, Meta(ge=1, le=200, description="how many at most")]
Token = Annotated[str, Meta(max_length=200, description="where the last page ended")]
Time = Annotated[str, Meta(max_length=40, description="RFC 3339", extra_json_schema={"format": "date-time"})]


class CreateQuery(Query, frozen=True, kw_only=True):
    """Parameters of `POST /v1/jobs`."""

    dry_run: Annotated[bool, Meta(description="explain only: nothing is sent, fetched or stored")] = False


class ShowQuery(Query, frozen=True, kw_only=True):
    """Parameters of `GET /v1/jobs/{id}`."""

    wait: Annotated[float, Meta(ge=0, le=MAX_WAIT_S, description="seconds")] = 0
    inline: Annotated[bool, Meta(description="the pictures as base64, up to 16 MiB in all")] = False


class ListQuery(Query, frozen=True, kw_only=True):
    """Parameters of `GET /v1/jobs`."""

    state: JobState | None = None
    backend: Annotated[str, Meta(max_length=64)] | None = None
    operation: Operation | None = None
    tag: Annotated[str, Meta(pattern=r"^[A-Za-z0-9._-]{1,64}:.{0,256}$", description="key:value")] | None = None
    created_after: Time | None = None
    created_before: Time | None = None
    limit: Limit = 50
    page_token: Token | None = None


WAIT = Parameter("Prefer", "header", "wait=N: answer when the job has ended, at most N seconds (60) later")
KEY = Parameter(
    "Idempotency-Key", "header", "1-255 visible ASCII characters, kept for 24 hours", pattern="^[!-~]{1,255}$"
)
LAST_EVENT = Parameter("Last-Event-ID", "header", "go on after this event", pattern="^[0-9]{0,18}$")
IF_NONE_MATCH = Parameter("If-None-Match", "header", "with wait: answer when something changed, 304 if nothing did")

#: What is refused of a job that is not there, and to who may not see it.
OF_A_JOB: tuple[ErrorCode, ...] = ("auth.forbidden", "resource.not_found", "resource.expired")
QUEUED = Example("queued", "Accepted, and under way", shown_as.QUEUED, 202)
SUCCEEDED = Example("succeeded", "Ended well", shown_as.SUCCEEDED)
FAILED = Example("failed", "Ended with an error, which is the job's: the request itself was fine", shown_as.FAILED)
CREATED = Doc(
    body=JobSpec,
    query=CreateQuery,
    parameters=(WAIT, KEY),
    answers={200: Job, 202: Job},
    also_events=True,
    also=Explanation,
    asked=tuple(Example(name, words, spec) for name, (words, spec) in shown_as.SPECS.items()),
    told=(QUEUED, SUCCEEDED, FAILED, Example("explained", "With dry_run: who would do what", shown_as.EXPLANATION)),
    codes=(
        "request.option_unsupported",
        "request.model_unknown",
        "request.model_incapable",
        "request.reference_invalid",
        "request.reference_too_many",
        "auth.forbidden",
        "quota.rate_limited",
        "idempotency.conflict",
        "routing.no_candidate",
    ),
)
LISTED = Doc(
    query=ListQuery,
    answers={200: JobPage},
    told=(Example("page", "The newest", shown_as.PAGE),),
    codes=("auth.forbidden",),
)
SHOWN = Doc(
    query=ShowQuery,
    parameters=(IF_NONE_MATCH,),
    answers={200: Job, 304: None},
    told=(SUCCEEDED, FAILED),
    codes=OF_A_JOB,
)
TOLD = Doc(parameters=(LAST_EVENT,), answers={204: None}, also_events=True, codes=(*OF_A_JOB, "quota.rate_limited"))
TOLD_ALL = Doc(parameters=(LAST_EVENT,), also_events=True, codes=("auth.forbidden", "quota.rate_limited"))
CANCELS = Doc(
    parameters=(WAIT,),
    answers={200: Job, 202: Job},
    told=(
        Example("cancelled", "The backend stopped", shown_as.CANCELLED),
        Example("cancelling", "The backend has not answered yet", shown_as.CANCELLING, 202),
    ),
    codes=(*OF_A_JOB, "resource.state_conflict", "gateway.overloaded"),
)
