"""The queue on our side: priority first, then fair over teams, then age, and nobody waits for another's backend."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, precondition, rule

from gateway.engine.backends import SlotKey
from gateway.engine.lanes import Lanes, Ticket

ALPHA, BETA, GAMMA = SlotKey("alpha", "default"), SlotKey("beta", "oauth"), SlotKey("beta", "api")
EVERYWHERE = [ALPHA, BETA, GAMMA]
KEYS = st.sampled_from(
    [frozenset({ALPHA}), frozenset({BETA}), frozenset({BETA, GAMMA}), frozenset(EVERYWHERE), frozenset()]
)


def ticket(
    job: str,
    *,
    team: str = "red",
    age: float = 0.0,
    priority: int = 0,
    part: int = 1,
    keys: frozenset[SlotKey] = frozenset({ALPHA}),
) -> Ticket:
    """Return a ticket; the smaller `age`, the longer it waits."""
    return Ticket(job, part, team=team, priority=priority, created_at=age, keys=keys)


def served(lanes: Lanes, *free: SlotKey, count: int = 1000) -> list[str]:
    """Give slots out as the carrier does, one at a time; return whose jobs went."""
    went: list[str] = []
    while len(went) < count:
        heads = lanes.heads(free or EVERYWHERE)
        if not heads:
            break
        lanes.take(heads[0])
        lanes.served(heads[0].team)
        went.append(heads[0].job_id)
    return went


def lanes_of(*tickets: Ticket) -> Lanes:
    """Return lanes in which these wait."""
    lanes = Lanes()
    for each in tickets:
        lanes.add(each)
    return lanes


def test_priority_goes_before_everything() -> None:
    """A younger job of a higher priority goes first, whoever's it is and however little they had."""
    lanes = lanes_of(ticket("old", age=1), ticket("urgent", age=9, priority=5), ticket("low", age=0, priority=-5))
    lanes.served("red")
    assert served(lanes) == ["urgent", "old", "low"]


def test_teams_take_turns() -> None:
    """A team with a hundred jobs before everybody else's does not make the others wait for them."""
    crowd = [ticket(f"red{at}", age=at) for at in range(100)]
    few = [ticket(f"blue{at}", team="blue", age=1000 + at) for at in range(3)]
    went = served(lanes_of(*crowd, *few))
    assert went[:7] == ["red0", "blue0", "red1", "blue1", "red2", "blue2", "red3"]
    assert went[7:] == [f"red{at}" for at in range(4, 100)]


def test_within_a_team_the_oldest_goes_first_also_when_it_comes_back() -> None:
    """A job that found no slot, or gets another attempt, keeps its place by age instead of going to the end."""
    lanes = lanes_of(ticket("a", age=1), ticket("b", age=2), ticket("c", age=3))
    assert served(lanes, count=1) == ["a"]
    lanes.add(ticket("d", age=4))
    lanes.add(ticket("a", age=1))
    assert served(lanes) == ["a", "b", "c", "d"]


def test_a_full_backend_blocks_nobody_else() -> None:
    """With slots free at one backend only, the best of those who can use them goes, however many wait before it."""
    beta = frozenset({BETA})
    blocked = [ticket(f"beta{at}", age=at, priority=10, keys=beta) for at in range(50)]
    lanes = lanes_of(*blocked, ticket("alpha", age=99), ticket("either", age=98, keys=frozenset({ALPHA, BETA})))
    assert served(lanes, ALPHA) == ["either", "alpha"]
    assert lanes.heads([]) == []
    assert served(lanes, BETA, count=1) == ["beta0"]


def test_any_of_a_backends_accounts_will_do() -> None:
    """A job that two accounts could serve goes as soon as either has a slot."""
    lanes = lanes_of(ticket("x", keys=frozenset({BETA, GAMMA})))
    assert [head.job_id for head in lanes.heads([GAMMA])] == ["x"]
    assert [head.job_id for head in lanes.heads([BETA])] == ["x"]
    assert lanes.heads([ALPHA]) == []


def test_what_is_discarded_is_gone_with_all_its_parts() -> None:
    """A cancelled job leaves no part behind, wherever in the lane it stood; strangers stay."""
    other = frozenset({BETA})
    parts = [ticket("x", part=part, age=5, keys=keys) for part, keys in ((1, other), (2, frozenset({ALPHA})))]
    lanes = lanes_of(ticket("a", age=1), *parts, ticket("b", age=9))
    assert {each.part for each in lanes.discard("x")} == {1, 2}
    assert lanes.discard("x") == []
    assert not any(part.alive for part in parts)
    assert len(lanes) == 2
    assert served(lanes) == ["a", "b"]
    assert (len(lanes), lanes.count("red"), list(lanes)) == (0, 0, [])


def test_a_place_in_the_queue_counts_those_before_it() -> None:
    """Only those who want the same slots count, by priority and age; it is as it was within the last second."""
    lanes = lanes_of(
        ticket("a", age=1),
        ticket("b", age=2, team="blue"),
        ticket("z", age=0, keys=frozenset({BETA})),
        ticket("c", age=3),
    )
    assert [lanes.position(job, 10.0) for job in "abcz"] == [0, 1, 2, 0]
    lanes.take(lanes.heads([ALPHA])[0])
    assert lanes.position("a", 10.5) is None
    assert lanes.position("c", 10.5) == 2
    assert lanes.position("c", 11.0) == 1
    lanes.add(ticket("d", age=0.5, priority=1))
    assert lanes.position("d", 11.1) == 0
    assert lanes.position("nobody", 12.0) is None


class AgainstAList(RuleBasedStateMachine):
    """The lanes against a plain list of everybody who waits."""

    jobs: Bundle[Ticket] = Bundle("jobs")

    def __init__(self) -> None:
        super().__init__()
        self.lanes = Lanes()
        self.waiting: list[Ticket] = []
        self.turns: dict[str, int] = {}
        self.turn = 0
        self.number = 0
        self.gone: list[Ticket] = []

    def _wait(self, made: Ticket) -> Ticket:
        self.lanes.add(made)
        self.waiting.append(made)
        return made

    @rule(target=jobs, team=st.sampled_from("rgb"), priority=st.sampled_from([-1, 0, 0, 0, 5]), keys=KEYS)
    def come(self, team: str, priority: int, keys: frozenset[SlotKey]) -> Ticket:
        """A new job waits; jobs are numbered by age."""
        self.number += 1
        return self._wait(ticket(f"j{self.number}", team=team, age=self.number, priority=priority, keys=keys))

    @rule(job=jobs)
    def split(self, job: Ticket) -> None:
        """Another part of a job that waits begins to wait for other slots."""
        mine = [each.part for each in self.waiting if each.job_id == job.job_id]
        if mine and len(mine) < 3:
            self._wait(
                Ticket(
                    job.job_id,
                    max(mine) + 1,
                    team=job.team,
                    priority=job.priority,
                    created_at=job.created_at,
                    keys=job.keys,
                )
            )

    @precondition(lambda self: self.gone)
    @rule(at=st.integers(0, 5), keys=KEYS)
    def come_back(self, at: int, keys: frozenset[SlotKey]) -> None:
        """A job that went waits once more, perhaps for other slots, as old as it was."""
        old = self.gone.pop(at % len(self.gone))
        if any(each.job_id == old.job_id and each.part == old.part for each in self.waiting):
            return
        self._wait(
            Ticket(old.job_id, old.part, team=old.team, priority=old.priority, created_at=old.created_at, keys=keys)
        )

    @rule(job=jobs)
    def cancel(self, job: Ticket) -> None:
        """A job is taken out, whether it waits or not."""
        mine = {each for each in self.waiting if each.job_id == job.job_id}
        assert set(self.lanes.discard(job.job_id)) == mine
        self.waiting = [each for each in self.waiting if each not in mine]

    @rule(free=st.sets(st.sampled_from(EVERYWHERE)), count=st.integers(1, 4))
    def give_out(self, free: set[SlotKey], count: int) -> None:
        """Slots are free: whoever goes is the one whom a plain sort of all who could go puts first."""
        for _ in range(count):
            heads = self.lanes.heads(free)
            able = [each for each in self.waiting if each.keys & free or not each.keys]
            assert bool(heads) == bool(able)
            if not able:
                return
            assert self._rank(heads[0]) == min(map(self._rank, able))
            self.lanes.take(heads[0])
            self.lanes.served(heads[0].team)
            self.turn += 1
            self.turns[heads[0].team] = self.turn
            self.waiting.remove(heads[0])
            self.gone.append(heads[0])

    def _rank(self, each: Ticket) -> tuple[int, int, float]:
        return -each.priority, self.turns.get(each.team, 0), each.created_at

    @invariant()
    def agree(self) -> None:
        """Everybody who waits is known, is counted once, and has a place."""
        assert set(self.lanes) == set(self.waiting)
        assert len(self.lanes) == len(self.waiting)
        for team in "rgb":
            assert self.lanes.count(team) == sum(each.team == team for each in self.waiting)

    @invariant()
    def heads_are_the_best_of_their_teams(self) -> None:
        """With every slot free, each head is alive and the oldest of its team at its priority in its lane."""
        for head in self.lanes.heads(EVERYWHERE):
            assert head in self.waiting
            rivals = [
                each
                for each in self.waiting
                if (each.team, each.priority, each.keys) == (head.team, head.priority, head.keys)
            ]
            assert head.created_at == min(each.created_at for each in rivals)


TestAgainstAList = AgainstAList.TestCase
TestAgainstAList.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
