"""Both OpenAI packages give up waiting and send a request again by themselves: it is one job, paid for once."""

from typing import Any

import pytest
from msgspec import Struct

from tests.e2e.drawn import picture
from tests.e2e.openai_calls import Case, Ended, Picture, side_by_side
from tests.e2e.openai_world import CLIENTS, OpenAIWorld

pytest_plugins = ("tests.e2e.openai_plugin",)
#: At the speed of these sandboxes the work takes two and a half seconds; who waits less sends its request again.
SLOW, PATIENCE_S = "[[slow:150]]", 1.5
#: How often a client tries again before it has its picture, at most.
TRIES = 40
TIMEOUTS = {"sync": "APITimeoutError", "async": "APITimeoutError", "node": "APIConnectionTimeoutError"}


class Patient(Struct, frozen=True):
    """What came of requests that took longer than their clients wait, and how many were told to have joined a job."""

    ended: dict[str, dict[str, Ended]]
    joined: float


def _team(client: str) -> str:
    return f"patient-{client}"


def _body(client: str, call: str) -> dict[str, Any]:
    files = {"image": Picture(picture("png"))} if call == "images.edit" else {}
    return {"prompt": f"{SLOW} {call} of a slow fox", "model": f"ima2-{client}/gpt-5.4", "size": "256x256", **files}


@pytest.fixture(scope="module")
def patient(openai_world: OpenAIWorld) -> Patient:
    """Let all clients ask for a picture and for an edit, with more tries than patience."""

    def case(client: str, call: str) -> Case:
        how = {"timeout_s": PATIENCE_S, "max_retries": TRIES}
        return openai_world.case(call, _team(client), call=call, body=_body(client, call), **how)

    before = openai_world.counted("joined_retries", face="openai")
    calls = ("images.generate", "images.edit")
    ended = side_by_side({client: [case(client, call) for call in calls] for client in CLIENTS})
    return Patient(ended, openai_world.counted("joined_retries", face="openai") - before)


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("call", ["images.generate", "images.edit"])
def test_a_retry_after_a_timeout_joins_the_job_that_its_first_try_made(
    patient: Patient, openai_world: OpenAIWorld, client: str, call: str
) -> None:
    """The last try has the picture of the one job that there is; the backend was asked once. A form too is known again.

    The package writes each form with another boundary, and no key says that they are the same.
    """
    ended = patient.ended[client][call]
    assert (ended.error, ended.pictures) == (None, 1), ended.message
    assert [attempt.retry for attempt in ended.attempts] == [str(at) for at in range(len(ended.attempts))]
    assert len(ended.attempts) > 1
    assert [attempt.status for attempt in ended.attempts] == [None] * (len(ended.attempts) - 1) + [200]
    words = f"{call} of a slow fox"
    [job] = [job for job in openai_world.jobs(_team(client)) if words in job["spec"]["prompt"]]
    assert (job["id"], len(job["attempts"])) == (ended.job, 1)
    # The native request id is the job's own, so that calls of other teams with the same words are told apart.
    route = {"images.generate": "/api/generate", "images.edit": "/api/edit"}[call]
    sent = openai_world.sandboxes["ima2"].calls("POST", route)
    assert len([each for each in sent if each["body"].get("requestId", "").startswith(job["id"])]) == 1


def test_every_retry_that_joined_is_counted(patient: Patient) -> None:
    """`joined_retries_total` is what was not paid for a second time."""
    assert patient.joined == sum(len(ended.attempts) - 1 for each in patient.ended.values() for ended in each.values())


def test_who_gave_up_finds_the_picture_later(openai_world: OpenAIWorld) -> None:
    """All tries are used up, the job lives; the same request sent anew is answered by it, and nothing is paid twice."""

    def cases(name: str, **how: Any) -> dict[str, list[Case]]:
        body = {"prompt": f"{SLOW} a fox for later", "size": "256x256"}
        return {
            client: [openai_world.case(name, f"late-{client}", body={**body, "model": f"ima2-{client}/gpt-5.4"}, **how)]
            for client in CLIENTS
        }

    first = side_by_side(cases("first", timeout_s=0.7, max_retries=1))
    later = side_by_side(cases("later"))
    for client in CLIENTS:
        gave_up, found = first[client]["first"], later[client]["later"]
        assert gave_up.error == TIMEOUTS[client]
        assert gave_up.is_api_error
        assert [attempt.retry for attempt in gave_up.attempts] == ["0", "1"]
        assert (found.error, found.pictures, len(found.attempts)) == (None, 1, 1), found.message
        assert [job["id"] for job in openai_world.jobs(f"late-{client}")] == [found.job]
