"""What came of one cell in one situation, reduced to what must be the same wherever it happens."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, get_args

import msgspec
from msgspec import Struct

from contracts.catalog import Outcome, Problem, should_retry
from contracts.codes import ErrorCode, Retry
from contracts.event import TERMINAL_EVENTS, JobEvent
from contracts.job import CancelAnswer, Job, Phase

#: Told as far as it lasts: how far the work is says something about time, and nothing about what came of it.
PASSING = frozenset({"job.phase", "job.progress", "job.partial_image"})
PHASES: tuple[str, ...] = get_args(Phase)
_EVENTS: msgspec.json.Decoder[JobEvent] = msgspec.json.Decoder(JobEvent)
#: What a dialect knows and another does not: no part of the shape that all share.
OF_THE_DIALECT: Mapping[str, str] = {
    "spec": "what was asked: compared by itself",
    "effective": "what was really sent, as far as the dialect has words for it",
    "adjustments": "what the dialect changed of it",
    "usage": "what the backend says it cost",
    "timings": "how long which part took, and null for a part that the dialect does not have",
    "progress": "a number where the dialect tells one",
    "review": "a verdict where the dialect has a reviewer",
    "revised_prompt": "the backend's own words for the picture, where it tells them",
    "duration_s": "a number for films alone",
    "native": "the backend's own words of the error",
    "phase": "where it went wrong, where the dialect tells",
    "reason": "what the operator should know besides",
    "errors": "the fields, where the backend names them",
    "retry_after_s": "a number where the backend names one",
    "ended_at": "null while the backend is still at what nobody waits for",
    "how": "null while the backend is still at what nobody waits for",
    "candidates": "why each model was not chosen: as many as there are",
    "supported_by": "who would do it",
    "limits_by_backend": "who takes how many pictures",
}


class Seen(Struct, frozen=True, kw_only=True):
    """One observation."""

    #: The status of the request that made the job, or was refused.
    status: int
    code: ErrorCode | None
    #: The states that the job went through, in order; empty: no job was made.
    path: tuple[str, ...] = ()
    #: The events but for the passing ones, in order.
    events: tuple[str, ...] = ()
    outcome: Outcome | None = None
    retry: tuple[Retry, ...] = ()
    should_retry: bool | None = None
    answer: CancelAnswer | None = None
    #: Of every member of the document, by its path, what it is.
    shape: Mapping[str, str] = {}
    #: What of the request the job still says, but for its words and its way.
    spec: Mapping[str, Any] = {}
    #: The members that its shape passes over, and what they are here.
    left_out: frozenset[tuple[str, str]] = frozenset()


def refused(status: int, headers: Mapping[str, str], content: bytes) -> Seen:
    """Read a refusal."""
    problem, shown = msgspec.json.decode(content, type=Problem), msgspec.json.decode(content)
    assert problem.status == status, content
    said = headers["x-should-retry"]
    assert said in ("true", "false"), said
    return Seen(
        status=status,
        code=problem.code,
        outcome=problem.outcome,
        retry=problem.retry,
        should_retry=said == "true",
        shape=shape_of(shown),
        left_out=_passed_over(shown),
    )


def carried(status: int, document: bytes, history: str) -> Seen:
    """Read a job that has ended, and its whole history."""
    shown = msgspec.json.decode(document)
    job = msgspec.json.decode(document, type=Job)
    events = _events(history)
    _check_phases(events)
    path = tuple(event.removeprefix("job.") for event, _ in events if event not in PASSING and event != "job.output")
    assert path[-1] == job.state, (path, job.state)
    last = events[-1][1]
    assert last.get("error") == (shown["error"] if job.state in ("failed", "blocked") else None)
    runs = [body for event, body in events if event == "job.running"]
    assert [body["attempt"] for body in runs] == [attempt.n for attempt in job.attempts]
    error = job.error
    return Seen(
        status=status,
        code=None if error is None else error.code,
        path=path,
        events=tuple(event for event, _ in events if event not in PASSING),
        outcome=None if error is None else error.outcome,
        retry=() if error is None else error.retry,
        should_retry=None if error is None else should_retry(error.retry, error.outcome),
        answer=None if job.cancel is None else job.cancel.answer,
        shape=shape_of(shown),
        left_out=_passed_over(shown),
        spec=_asked(shown["spec"]),
    )


def _asked(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is the same of a request wherever it goes: a picture counts by its bytes."""
    kept = {name: each for name, each in spec.items() if name not in ("prompt", "route", "inputs")}
    pictures = [(each["role"], each["sha256"], each["media_type"]) for each in spec.get("inputs", ())]
    return {**kept, "inputs": pictures}


def _events(history: str) -> list[tuple[str, dict[str, Any]]]:
    """Return type and body of every event, after checking that this is the history of one job."""
    blocks = [
        dict(line.split(": ", 1) for line in block.splitlines() if ": " in line) for block in history.split("\n\n")
    ]
    told = [block for block in blocks if "event" in block]
    for block in told:
        assert _EVENTS.decode(block["data"]).__struct_config__.tag == block["event"]
    numbers = [int(block["id"]) for block in told if "id" in block]
    assert numbers == sorted(set(numbers))
    names = [block["event"] for block in told]
    assert [name in TERMINAL_EVENTS for name in names] == [False] * (len(names) - 1) + [True], names
    return [(block["event"], msgspec.json.decode(block["data"])) for block in told]


def _check_phases(events: Sequence[tuple[str, dict[str, Any]]]) -> None:
    """Check that within an attempt phases follow one another as the contract lists them, whichever are told.

    Where an exchange lasts until the picture is there, that the work is queued is learnt only when it is looked for.
    """
    rounds: list[list[int]] = [[]]
    for name, body in events:
        if name == "job.running":
            rounds.append([])
        elif name == "job.phase" and body["phase"] != "queued_at_backend":
            rounds[-1].append(PHASES.index(body["phase"]))
    for each in rounds:
        assert all(before <= after for before, after in pairwise(each)), [PHASES[at] for at in each]


def shape_of(value: Any, at: str = "") -> dict[str, str]:
    """Return what every member of a document is, by its path; lists count by what their members are."""
    if isinstance(value, dict):
        found: dict[str, str] = {at: "object"}
        for name, each in value.items():
            if name not in OF_THE_DIALECT:
                found |= shape_of(each, f"{at}/{name}")
        return found
    if isinstance(value, list):
        found = {at: "list"}
        for each in value:
            found |= shape_of(each, f"{at}/*")
        return found
    kinds = {type(None): "null", bool: "boolean", int: "number", float: "number", str: "text"}
    return {at: kinds[type(value)]}


def _passed_over(value: Any) -> frozenset[tuple[str, str]]:
    """Return every member of a document that may differ, with the shape that it has."""
    if isinstance(value, list):
        return frozenset().union(*map(_passed_over, value))
    if not isinstance(value, dict):
        return frozenset()
    here = {(name, str(shape_of(each))) for name, each in value.items() if name in OF_THE_DIALECT}
    return frozenset(here).union(*map(_passed_over, value.values()))
