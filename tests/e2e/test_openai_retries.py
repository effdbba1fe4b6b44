"""Both OpenAI packages walk the catalogue through the face, and try again exactly where `X-Should-Retry` says so."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest
from msgspec import Struct

from contracts.codes import CATALOG, ErrorCode
from tests.e2e.drawn import png
from tests.e2e.keyed import KeyedGateway
from tests.e2e.openai_calls import Case, Ended, Picture, side_by_side
from tests.e2e.openai_world import CLIENTS, OpenAIWorld, Strained
from tests.harness import SandboxProcess

#: What OpenAI itself closes is served here: the package warns whoever makes films.
pytestmark = pytest.mark.filterwarnings("ignore:The Sora API:DeprecationWarning")
pytest_plugins = ("tests.e2e.openai_plugin",)
#: Rows that nothing leads to yet.
NOT_YET: dict[ErrorCode, str] = {"quota.budget_exhausted": "reached with budgets"}
#: The errors of both packages have the same names; statuses that have none are said by the class of all.
CLASSES = {
    400: "BadRequestError",
    401: "AuthenticationError",
    403: "PermissionDeniedError",
    404: "NotFoundError",
    409: "ConflictError",
    422: "UnprocessableEntityError",
    429: "RateLimitError",
}
OTHERWISE = {"sync": "APIStatusError", "async": "APIStatusError", "node": "APIError"}
MODELS = {
    "ima2": "gpt-5.4", "shaky": "gpt-5.4", "studio": "z-image-turbo", "imgen": "eros", "hasty": "eros",
}  # fmt: skip
MAX_RETRIES = 1


class Stage(Struct, frozen=True):
    """Where situations take place."""

    world: OpenAIWorld
    strained: Strained

    def at(self, gateway: KeyedGateway, team: str) -> dict[str, Any]:
        """Return what a call at another gateway needs."""
        key: str = gateway.client(team).headers["authorization"].removeprefix("Bearer ")
        return {"base_url": f"{gateway.url}/openai/v1", "key": key}

    def narrow(self, team: str) -> dict[str, Any]:
        """Return what a call at the gateway without room needs."""
        return self.at(self.strained.narrow, team)

    def lonely(self) -> dict[str, Any]:
        """Return what a call at the gateway without a living backend needs."""
        return self.at(self.strained.lonely, "somebody")

    def broken(self) -> dict[str, Any]:
        """Return what a call at the gateway whose store is broken needs."""
        return self.at(self.strained.broken, "somebody")


FOX = {"prompt": "an unspeakable fox", "size": "256x256"}
FILE = Picture(png())


def _edit(model: str, *images: Picture) -> dict[str, Any]:
    return {"call": "images.edit", "body": {**FOX, "model": model, "image": list(images)}}


#: What is refused before a job exists: code, how a client asks, status, whether it may be sent again.
AT_THE_DOOR: list[tuple[ErrorCode, Callable[[Stage], dict[str, Any]], int, bool]] = [
    ("request.malformed", lambda _: {"body": FOX, "headers": {"Content-Type": "text/plain"}}, 415, False),
    ("request.field_invalid", lambda _: {"body": {**FOX, "size": "huge"}}, 400, False),
    ("request.option_unsupported", lambda _: {"body": {**FOX, "background": "transparent"}}, 400, False),
    ("request.model_unknown", lambda _: {"body": {**FOX, "model": "dall-e-2"}}, 404, False),
    ("request.model_incapable", lambda _: _edit("imgen/eros", FILE), 400, False),
    ("request.reference_invalid", lambda _: _edit("ima2/gpt-5.4", Picture(b"no picture")), 400, False),
    ("request.reference_too_many", lambda _: _edit("ima2/gpt-5.4", *[FILE] * 17), 400, False),
    ("request.too_large", lambda _: {"body": {"prompt": "x" * 3 * 1024**2}}, 413, False),
    ("auth.unauthenticated", lambda _: {"body": FOX, "key": "sk-of-somebody-else"}, 401, False),
    ("auth.forbidden", lambda s: {"body": FOX, "key": s.world.token_of("readers", "--scope", "jobs:read")}, 403, False),
    ("quota.rate_limited", lambda s: {"body": FOX, **s.narrow("full")}, 429, True),
    ("gateway.overloaded", lambda s: {"body": FOX, **s.narrow("other")}, 503, True),
    ("routing.no_candidate", lambda s: {"body": FOX, **s.lonely()}, 503, True),
    ("resource.not_found", lambda _: {"call": "videos.retrieve", "body": "video_none"}, 404, False),
    ("gateway.internal", lambda s: {**_edit("auto", FILE), **s.broken()}, 500, True),
]
#: What a job ends with: code, backend, what forces it, status, whether it may be sent again.
IN_A_JOB: list[tuple[ErrorCode, str, str, int, bool]] = [
    ("request.field_invalid", "imgen", "prompt_required", 400, False),
    ("request.option_unsupported", "ima2", "CONTEXT_MODE_UNSUPPORTED", 400, False),
    ("request.model_unknown", "studio", "model_not_found", 404, False),
    ("request.model_incapable", "ima2", "IMAGE_MODEL_UNSUPPORTED", 400, False),
    ("request.reference_invalid", "ima2", "REF_EMPTY", 400, False),
    ("request.reference_too_many", "ima2", "REF_TOO_MANY", 400, False),
    ("request.too_large", "ima2", "REF_TOO_LARGE", 413, False),
    ("policy.refused", "ima2", "MODERATION_REFUSED", 400, False),
    ("policy.output_blocked", "imgen", "unsafe:nudity,drugs", 400, False),
    ("resource.expired", "imgen", "cached_expired", 410, False),
    ("resource.state_conflict", "ima2", "GRAPH_PARENT_CONFLICT", 409, False),
    ("resource.precondition_failed", "ima2", "GRAPH_VERSION_REQUIRED", 412, False),
    ("resource.cache_miss", "imgen", "no_cached", 404, False),
    ("idempotency.conflict", "ima2", "IDEMPOTENCY_KEY_CONFLICT", 422, False),
    ("job.cancelled", "studio", "cancelled_by_operator", 409, False),
    ("job.deadline_exceeded", "hasty", "in_queue_forever", 504, False),
    # The same code may have run, or certainly not: only then it is sent again.
    ("backend.unavailable", "imgen", "edge_504", 503, False),
    ("backend.unavailable", "shaky", "refused", 503, True),
    ("backend.overloaded", "ima2", "429", 503, True),
    ("backend.credentials_rejected", "ima2", "401_openai", 502, False),
    ("backend.quota_exhausted", "ima2", "429_quota", 502, False),
    ("backend.misconfigured", "ima2", "APIKEY_DISABLED", 502, False),
    ("backend.rejected_request", "studio", "bad_request", 502, False),
    ("backend.timeout", "ima2", "GROK_IMAGE_TIMEOUT", 504, False),
    ("backend.timeout", "ima2", "GROK_SEARCH_TIMEOUT", 504, True),
    ("backend.failed", "ima2", "UPSTREAM_5XX", 502, True),
    ("backend.bad_response", "imgen", "no_compliance", 502, False),
    ("backend.bad_response", "ima2", "EMPTY_RESPONSE", 502, True),
    ("backend.job_lost", "studio", "lost", 502, False),
]


class Row(Struct, frozen=True):
    """One situation: what it is called, and what it comes to."""

    name: str
    code: ErrorCode
    status: int
    #: Whether it may be sent again.
    again: bool


DOORS = [Row(f"{code} at the door", code, status, again) for code, _, status, again in AT_THE_DOOR]
JOBS = [Row(f"{code} by {token}", code, status, again) for code, _, token, status, again in IN_A_JOB]
ROWS = [*DOORS, *JOBS]


def _cases(stage: Stage, client: str) -> list[Case]:
    asked = [(row.name, ask(stage)) for row, (_, ask, _, _) in zip(DOORS, AT_THE_DOOR, strict=True)]
    for row, (_, name, token, _, _) in zip(JOBS, IN_A_JOB, strict=True):
        body = {"prompt": f"[[{token}]] an unspeakable fox", "model": f"{name}-{client}/{MODELS[name]}"}
        asked.append((row.name, {"body": body}))
    return [stage.world.case(name, client, max_retries=MAX_RETRIES, **how) for name, how in asked]


class Walked(Struct, frozen=True):
    """What came of every row with each client, and how many requests of each status the gateway counted meanwhile."""

    ended: dict[str, dict[str, Ended]]
    counted: float


@pytest.fixture(scope="module")
def walked(
    openai_world: OpenAIWorld, backends: dict[str, dict[str, object]], tmp_path_factory: pytest.TempPathFactory
) -> Walked:
    """Let all clients walk all rows, side by side."""
    with closing(Strained(tmp_path_factory.mktemp("strained"), backends["ima2"])) as strained:
        # What belongs into a table that is gone cannot be stored.
        with closing(sqlite3.connect(strained.broken.data_dir / "triptych.db")) as database:
            database.execute("ALTER TABLE asset RENAME TO asset_gone")
            database.commit()
        stage, route = Stage(openai_world, strained), {"route": "/openai/v1/images/generations"}
        before = openai_world.counted("http_requests", **route)
        ended = side_by_side({client: _cases(stage, client) for client in CLIENTS})
        return Walked(ended, openai_world.counted("http_requests", **route) - before)


def test_every_row_of_the_catalogue_is_walked_or_says_what_it_waits_for() -> None:
    """No row is forgotten, and none is both walked and put off."""
    walked = {row.code for row in ROWS}
    assert walked & set(NOT_YET) == set()
    assert walked | set(NOT_YET) == set(CATALOG)


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_a_row_is_an_error_of_the_package_and_sent_again_as_the_header_says(
    walked: Walked, client: str, row: Row
) -> None:
    """The class of its status, our code in `code`; sent once, or once more for each retry that the client has left.

    Each time that it is sent again it is a job of its own: the answer of the one before was written.
    """
    ended = walked.ended[client][row.name]
    assert (ended.code, ended.status) == (row.code, row.status), ended.message
    assert ended.error == ("InternalServerError" if row.status >= 500 else CLASSES.get(row.status, OTHERWISE[client]))
    assert ended.request_id
    assert "unspeakable" not in str(ended.message)
    assert [attempt.status for attempt in ended.attempts] == [row.status] * (1 + MAX_RETRIES * row.again)
    assert [attempt.retry for attempt in ended.attempts] == ["0", "1"][: len(ended.attempts)]
    assert {attempt.should_retry for attempt in ended.attempts} == {"true" if row.again else "false"}
    jobs = {attempt.job for attempt in ended.attempts}
    assert jobs == {None} if row in DOORS else len(jobs - {None}) == len(ended.attempts)


@pytest.mark.parametrize("client", CLIENTS)
def test_a_client_waits_as_long_as_it_is_told(walked: Walked, client: str) -> None:
    """`Retry-After` where there is one, and only on what waiting helps; else the package's own half a second."""
    for row in ROWS:
        ended = walked.ended[client][row.name]
        assert len(ended.waits) == row.again, row.name
        assert {attempt.retry_after is not None for attempt in ended.attempts} == {row.status in (429, 503)}, row.name
        for wait, attempt in zip(ended.waits, ended.attempts, strict=False):
            if attempt.retry_after is None:
                assert 0.37 <= wait <= 0.5, row.name
            else:
                assert wait == float(attempt.retry_after) >= 1, row.name


def test_the_gateway_counts_as_many_requests_as_the_clients_sent(walked: Walked) -> None:
    """No proxy between them sent anything again, and nothing was answered twice."""
    here = [
        attempt
        for each in walked.ended.values()
        for name, ended in each.items()
        for attempt in ended.attempts
        if attempt.path.endswith("/images/generations") and not name.startswith(("quota", "gateway", "routing"))
    ]
    assert walked.counted == len(here)


def test_the_second_try_gets_the_picture(openai_world: OpenAIWorld, sandboxes: dict[str, SandboxProcess]) -> None:
    """A failure that was told is not joined: what is sent again is another job, and the backend is asked again."""
    words = {client: f"a fox for {client} at second sight" for client in CLIENTS}
    rule = {"outcome": "UPSTREAM_5XX", "route": "POST /api/generate", "times": 1}
    sandboxes["ima2"].force(*({**rule, "contains": each} for each in words.values()))
    made = side_by_side(
        {
            client: [
                openai_world.case("fox", client, max_retries=2, body={**FOX, "prompt": each, "model": "gpt-image-1"})
            ]
            for client, each in words.items()
        }
    )
    for client, each in words.items():
        ended = made[client]["fox"]
        assert (ended.error, ended.pictures) == (None, 1), client
        assert [attempt.status for attempt in ended.attempts] == [502, 200], client
        assert len({attempt.job for attempt in ended.attempts}) == 2, client
        assert len([call for call in sandboxes["ima2"].submits() if each in call["body"]["prompt"]]) == 2, client
