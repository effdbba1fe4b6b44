"""Events: what is told to clients, one type each, replayable by what was stored."""

from datetime import UTC, datetime
from typing import Any, get_args

import msgspec
import pytest

from contracts.event import TERMINAL_EVENTS, EventType, JobEvent
from contracts.job import STATES, TERMINAL, moment
from tests.unit.contracts.samples import EVENTS


def test_every_type_of_event_is_one_of_the_list() -> None:
    """The union, the tags and the words that are documented agree, and the samples here cover them all."""
    tags = {kind.__struct_config__.tag for kind in get_args(JobEvent)}
    assert tags == set(get_args(EventType))
    assert {kind.__struct_config__.tag_field for kind in get_args(JobEvent)} == {"type"}
    assert {type(event) for event in EVENTS} == set(get_args(JobEvent))


def test_a_job_ends_with_the_event_of_its_state() -> None:
    """The terminal events are those of the terminal states, and no others."""
    assert {f"job.{state}" for state in TERMINAL} == TERMINAL_EVENTS
    assert set(get_args(EventType)) >= {f"job.{state}" for state in STATES}


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_an_event_survives_being_stored(event: Any) -> None:
    """Written as JSON and read again it is the same event."""
    assert msgspec.json.decode(msgspec.json.encode(event), type=JobEvent) == event


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_an_event_begins_with_its_type_and_has_no_id_of_its_own(event: Any) -> None:
    """The id is given by the store when the line is written, so the event's JSON leaves room for it."""
    written = msgspec.json.encode(event)
    assert written.startswith(b'{"type":"job.')
    assert b'"id"' not in written.partition(b'"job_id"')[0]
    shown = msgspec.json.decode(written)
    assert "id" not in shown
    assert shown["at"] == "2023-11-14T22:13:20.250000Z"


def test_moments_have_a_zone() -> None:
    """Times inside are UTC seconds; at the door they are RFC 3339, and a time without a zone is refused."""
    assert moment(0) == datetime(1970, 1, 1, tzinfo=UTC)
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(b'{"type":"job.queued","job_id":"j","at":"2023-11-14T22:13:20"}', type=JobEvent)
