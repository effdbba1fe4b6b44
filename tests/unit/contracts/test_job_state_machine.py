"""The states of a job as one table: every move that there is, and every story that may be told."""

import itertools
from collections.abc import Sequence
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.event import TERMINAL_EVENTS, EventType, JobEvent
from contracts.job import ENTERED_FROM, STATES, TERMINAL, JobState, is_terminal

#: From where to where a job may go, said once more: each row a state, each column where it may go from there.
MOVES: dict[JobState, frozenset[JobState]] = {
    "queued": frozenset({"running", "failed", "cancelled"}),
    "running": frozenset({"queued", "succeeded", "failed", "blocked", "cancelled"}),
    "succeeded": frozenset(),
    "failed": frozenset(),
    "blocked": frozenset(),
    "cancelled": frozenset(),
}
#: Where a job can get to, however long it takes.
REACHED: dict[JobState, frozenset[JobState]] = {
    "queued": frozenset(STATES),
    "running": frozenset(STATES),
    **{state: frozenset({state}) for state in TERMINAL},
}
wishes = st.lists(st.sampled_from(STATES), max_size=40)


def followed(asked: Sequence[JobState]) -> list[JobState]:
    """Return the story of a job whose moves are wished in this order: what is not legal does not happen."""
    story: list[JobState] = ["queued"]
    for to in asked:
        if story[-1] in ENTERED_FROM[to]:
            story.append(to)
    return story


@pytest.mark.parametrize("start", STATES)
@pytest.mark.parametrize("end", STATES)
def test_each_pair_of_states_is_a_move_or_is_none(start: JobState, end: JobState) -> None:
    """All 36 pairs, as durability.md §2 lists them; nothing moves onto itself, and nothing leaves an end."""
    assert (start in ENTERED_FROM[end]) == (end in MOVES[start])
    assert start != end or start not in ENTERED_FROM[end]
    assert not is_terminal(start) or start not in ENTERED_FROM[end]


@pytest.mark.parametrize("start", STATES)
def test_what_has_not_ended_can_end_in_every_way(start: JobState) -> None:
    """No state is a dead end but the four that are the end, and none is out of reach."""
    reached = {start}
    while more := {to for to in STATES if ENTERED_FROM[to] & reached} - reached:
        reached |= more
    assert reached == REACHED[start]


@given(wishes)
def test_every_story_ends_at_most_once_and_at_its_end(asked: list[JobState]) -> None:
    """Whatever is wished in whatever order: whoever ends a job first wins, and nothing follows."""
    story = followed(asked)
    assert not set(story[:-1]) & TERMINAL
    assert len([state for state in story if is_terminal(state)]) <= 1


@given(wishes)
def test_nothing_is_delivered_or_withheld_that_was_not_carried(asked: list[JobState]) -> None:
    """Only a job that runs can succeed or be blocked, and it runs and waits in turns."""
    story = followed(asked)
    for before, after in itertools.pairwise(story):
        assert after not in {"succeeded", "blocked", "queued"} or before == "running"
        assert after != "running" or before == "queued"


@given(wishes, wishes)
def test_what_is_wished_after_the_end_changes_nothing(asked: list[JobState], late: list[JobState]) -> None:
    """A story that has ended is the same story, however many late results and cancels still come."""
    story = followed(asked)
    if is_terminal(story[-1]):
        assert followed([*asked, *late]) == story
    else:
        assert followed([*asked, *late])[: len(story)] == story


def test_each_state_is_told_by_an_event_of_its_name() -> None:
    """A reader of the events knows the state: each has its event, the ends are the ends, and no event is unknown."""
    tags = {event.__struct_config__.tag for event in get_args(JobEvent)}
    assert tags == set(get_args(EventType))
    assert {f"job.{state}" for state in STATES} <= tags
    assert {f"job.{state}" for state in TERMINAL} == TERMINAL_EVENTS
    assert get_args(JobState) == STATES
