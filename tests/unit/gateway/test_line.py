"""A line of the log is encoded once, byte for byte as a stream of events wants it."""

import json

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.event import JobFailed, JobPartialImage, JobQueued
from contracts.job import moment
from gateway.store.line import DRAINING, PING, Line
from tests.unit.contracts.samples import EVENTS, PROBLEM

AT = moment(1_700_000_000)


def line(event: msgspec.Struct, line_id: int | None = 7, team: str = "red") -> Line:
    """Return the line of an event, as the store makes it."""
    return Line(line_id, team, "job_1", str(event.__struct_config__.tag), msgspec.json.encode(event))


def parsed(frame: bytes) -> dict[str, str]:
    """Read a frame as a client does (one `data` line, no comments)."""
    assert frame.endswith(b"\n\n")
    assert frame.count(b"\n") == frame[:-2].count(b"\n") + 2
    fields = [each.split(": ", 1) for each in frame.decode()[:-2].split("\n")]
    assert len(fields) == len({name for name, _ in fields})
    return dict(fields)  # type: ignore[arg-type]


def test_a_stored_line_is_a_whole_frame() -> None:
    """Id, event and data, each on its line, and an empty line at the end: byte for byte."""
    assert line(JobQueued(job_id="job_1", at=AT)).frame == (
        b'id: 7\nevent: job.queued\ndata: {"id":7,"type":"job.queued","job_id":"job_1","at":"2023-11-14T22:13:20Z"}\n\n'
    )


def test_a_line_that_is_never_stored_has_no_id() -> None:
    """A client's `Last-Event-ID` never becomes that of a preview."""
    event = JobPartialImage(job_id="job_1", at=AT, index=0, media_type="image/png", data="AA==")
    fields = parsed(line(event, None).frame)
    assert fields.keys() == {"event", "data"}
    assert "id" not in json.loads(fields["data"])


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_every_event_comes_back_out_of_its_frame(event: msgspec.Struct) -> None:
    """The data is the event's own JSON with the id in front, and the event's name stands before it."""
    made = line(event)
    fields = parsed(made.frame)
    assert (fields["id"], fields["event"]) == ("7", made.type)
    shown = json.loads(fields["data"])
    assert next(iter(shown)) == "id"
    assert shown.pop("id") == 7
    assert msgspec.json.decode(json.dumps(shown), type=type(event)) == event


@settings(max_examples=100, deadline=None)
@given(text=st.text(max_size=60), line_id=st.integers(1, 2**63 - 1))
def test_no_text_breaks_out_of_its_frame(text: str, line_id: int) -> None:
    """New lines of any kind in what a job says stay inside its one `data` line."""
    event = JobFailed(job_id="job_1", at=AT, error=msgspec.structs.replace(PROBLEM, detail=f"\n\ndata: {text}\r\n"))
    fields = parsed(line(event, line_id).frame)
    assert fields.keys() == {"id", "event", "data"}
    assert json.loads(fields["data"])["error"]["detail"] == f"\n\ndata: {text}\r\n"
    assert json.loads(fields["data"])["id"] == line_id


@pytest.mark.parametrize(
    ("kind", "terminal"),
    [
        ("job.queued", False), ("job.running", False), ("job.output", False), ("job.partial_image", False),
        ("job.succeeded", True), ("job.failed", True), ("job.blocked", True), ("job.cancelled", True),
    ],
)  # fmt: skip
def test_a_terminal_line_ends_a_jobs_story(kind: str, terminal: bool) -> None:  # noqa: FBT001
    """Only the four ends are terminal."""
    assert Line(1, "red", "job_1", kind, b"{}").terminal is terminal


def test_comments_are_comments() -> None:
    """What keeps a stream open, and what ends it, is nothing to a client but a sign of life."""
    for comment in (PING, DRAINING):
        assert comment.startswith(b": ")
        assert comment.endswith(b"\n\n")
        assert comment.count(b"\n") == 2
