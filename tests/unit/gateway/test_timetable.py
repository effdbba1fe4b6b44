"""What is due comes out in order, once, and never when it was cancelled."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, multiple, rule

from gateway.engine.timetable import FEW, Entry, Timetable


class Against(RuleBasedStateMachine):
    """A timetable against a plain list."""

    entries: Bundle[Entry[int]] = Bundle("entries")

    def __init__(self) -> None:
        super().__init__()
        self.timetable: Timetable[int] = Timetable()
        self.model: list[Entry[int]] = []
        self.now = 0.0
        self.count = 0

    @rule(target=entries, delay=st.floats(0, 10), copies=st.sampled_from([1, 1, 1, 400]))
    def add(self, delay: float, copies: int) -> object:
        """Put things in; sometimes so many that a clean-up is worth it."""
        made = []
        for _ in range(copies):
            self.count += 1
            made.append(self.timetable.add(self.now + delay, self.count))
        self.model += made
        return multiple(*made)

    @rule(entry=consumes(entries))
    def cancel(self, entry: Entry[int]) -> None:
        """Take one out, twice: the second time means nothing."""
        for _ in range(2):
            self.timetable.cancel(entry)
        self.model = [each for each in self.model if each is not entry]

    @rule()
    def cancel_nearly_all(self) -> None:
        """Leave little but leftovers in the heap."""
        for entry in self.model[3:]:
            self.timetable.cancel(entry)
        self.model = self.model[:3]

    @rule(passes=st.floats(0, 12))
    def take(self, passes: float) -> None:
        """Take out what is due by now."""
        self.now += passes
        due = [each for each in self.model if each.at <= self.now]
        self.model = [each for each in self.model if each.at > self.now]
        times = {each.thing: each.at for each in due}
        taken = self.timetable.due(self.now)
        assert sorted(taken) == sorted(times)
        assert [times[thing] for thing in taken] == sorted(times.values())

    @invariant()
    def agree(self) -> None:
        """Length and next moment are those of the list."""
        assert len(self.timetable) == len(self.model)
        assert self.timetable.next_at() == min((each.at for each in self.model), default=None)

    @invariant()
    def stays_small(self) -> None:
        """Leftovers never outweigh what is waiting by much."""
        assert len(self.timetable._heap) <= 2 * len(self.model) + FEW + 1


TestAgainst = Against.TestCase
TestAgainst.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)


def test_an_entry_that_was_taken_cannot_be_cancelled_any_more() -> None:
    """Cancelling late changes no count."""
    timetable: Timetable[str] = Timetable()
    entry = timetable.add(1.0, "a")
    timetable.add(2.0, "b")
    assert timetable.due(1.0) == ["a"]
    timetable.cancel(entry)
    assert len(timetable) == 1
    assert timetable.due(2.0) == ["b"]


def test_nothing_is_due_in_an_empty_timetable() -> None:
    """There is no next moment."""
    timetable: Timetable[str] = Timetable()
    assert timetable.due(1e9) == []
    assert timetable.next_at() is None
