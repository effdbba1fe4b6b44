"""The queue on our side: priority, then fair over teams, then age, without a full backend blocking the others.

Tickets that could go to the same accounts stand in one lane. When a slot is free somewhere, the best head of the lanes
that may use it goes.
"""

from bisect import bisect_right
from collections import Counter, deque
from collections.abc import Iterable, Iterator

from gateway.engine.backends import SlotKey


class Ticket:
    """One part of one job that waits for a slot."""

    __slots__ = ("alive", "created_at", "job_id", "keys", "part", "priority", "team")

    def __init__(
        self, job_id: str, part: int, *, team: str, priority: int, created_at: float, keys: frozenset[SlotKey]
    ) -> None:
        """Take what it waits for: any slot of any of its keys."""
        self.job_id = job_id
        self.part = part
        self.team = team
        self.priority = priority
        self.created_at = created_at
        self.keys = keys
        self.alive = True


class _Lane:
    """Tickets with the same keys: by priority, by team, oldest first."""

    __slots__ = ("by_priority", "size")

    def __init__(self) -> None:
        self.by_priority: dict[int, dict[str, deque[Ticket]]] = {}
        self.size = 0

    def add(self, ticket: Ticket) -> None:
        tickets = self.by_priority.setdefault(ticket.priority, {}).setdefault(ticket.team, deque())
        # What comes back (no slot after all, another attempt) keeps its place by age.
        at = len(tickets)
        if tickets and tickets[-1].created_at > ticket.created_at:
            at = bisect_right(tickets, ticket.created_at, key=lambda each: each.created_at)
        tickets.insert(at, ticket)
        self.size += 1

    def heads(self) -> Iterator[Ticket]:
        """Yield each team's oldest ticket of the highest priority that has any."""
        for priority in sorted(self.by_priority, reverse=True):
            teams = self.by_priority[priority]
            for team in list(teams):
                tickets = teams[team]
                while tickets and not tickets[0].alive:
                    tickets.popleft()
                    self.size -= 1
                if tickets:
                    yield tickets[0]
                else:
                    del teams[team]
            if teams:
                return
            del self.by_priority[priority]

    def ahead_of_the_last(self, priority: int) -> int:
        tickets = (len(each) for own, teams in self.by_priority.items() if own >= priority for each in teams.values())
        return sum(tickets) - 1

    def remove(self, ticket: Ticket) -> None:
        tickets = self.by_priority[ticket.priority][ticket.team]
        if tickets and tickets[0] is ticket:
            tickets.popleft()
            self.size -= 1
        ticket.alive = False


class Lanes:
    """All lanes."""

    def __init__(self) -> None:
        """Begin empty."""
        self._lanes: dict[frozenset[SlotKey], _Lane] = {}
        self._waiting: dict[str, dict[int, Ticket]] = {}
        self._by_team: Counter[str] = Counter()
        self._served: dict[str, int] = {}
        self._turn = 0
        self._places: dict[str, int] = {}
        self._placed_at = float("-inf")

    def __len__(self) -> int:
        return self._by_team.total()

    def __iter__(self) -> Iterator[Ticket]:
        return (ticket for tickets in self._waiting.values() for ticket in tickets.values())

    def has(self, job_id: str, part: int) -> bool:
        """Say whether a part of a job waits."""
        return part in self._waiting.get(job_id, ())

    def add(self, ticket: Ticket) -> None:
        """Let a ticket wait."""
        self._waiting.setdefault(ticket.job_id, {})[ticket.part] = ticket
        self._by_team[ticket.team] += 1
        self._lanes.setdefault(ticket.keys, _Lane()).add(ticket)

    def discard(self, job_id: str) -> list[Ticket]:
        """Take all tickets of a job out; return them."""
        gone = list(self._waiting.get(job_id, {}).values())
        for ticket in gone:
            self.take(ticket)
        return gone

    def take(self, ticket: Ticket) -> None:
        """Take a ticket out of its lane, because it goes now (or never)."""
        tickets = self._waiting[ticket.job_id]
        del tickets[ticket.part]
        if not tickets:
            del self._waiting[ticket.job_id]
        self._by_team[ticket.team] -= 1
        lane = self._lanes[ticket.keys]
        lane.remove(ticket)
        if not lane.by_priority or lane.size <= 0:
            del self._lanes[ticket.keys]

    def served(self, team: str) -> None:
        """Note that it was a team's turn."""
        self._turn += 1
        self._served[team] = self._turn

    def heads(self, free: Iterable[SlotKey]) -> list[Ticket]:
        """Return the heads of the lanes that may use a free slot, in the order in which they should go."""
        slots = frozenset(free)
        heads = [
            ticket for keys, lane in list(self._lanes.items()) if keys & slots or not keys for ticket in lane.heads()
        ]
        heads.sort(key=lambda ticket: (-ticket.priority, self._served.get(ticket.team, 0), ticket.created_at))
        return heads

    def position(self, job_id: str, now: float) -> int | None:
        """Return how many tickets go before a job's first one, as it was within the last second."""
        if job_id not in self._waiting:
            return None
        if now - self._placed_at >= 1:
            order = sorted(self, key=lambda ticket: (-ticket.priority, ticket.created_at))
            ahead: Counter[frozenset[SlotKey]] = Counter()
            self._places = {}
            for ticket in order:
                self._places.setdefault(ticket.job_id, ahead[ticket.keys])
                ahead[ticket.keys] += 1
            self._placed_at = now
        if job_id not in self._places:
            # It came since: behind all that stand in its lane with its priority or a higher one.
            first = next(iter(self._waiting[job_id].values()))
            self._places[job_id] = self._lanes[first.keys].ahead_of_the_last(first.priority)
        return self._places[job_id]

    def count(self, team: str) -> int:
        """Return how many tickets of a team wait."""
        return self._by_team[team]
