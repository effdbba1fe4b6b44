"""Who was answered and who was lost, as the gateway writes it down while it lives, and while it stops."""

import asyncio
from collections.abc import Callable

import pytest

from contracts.caller import Caller
from contracts.catalog import CatalogError
from contracts.sender import Gone, Sent
from gateway.jobs.joining import Joining, unless_gone
from gateway.store.change import Accepted
from gateway.store.sent import KNOWN_S, Resent
from gateway.store.store import Store
from tests.unit.gateway.store.rows import NOW, accept_of, job_row

CALLER = Caller(team="red", key_id=None, scopes=frozenset())
ROUTE = "/openai/v1/images/generations"


class Hand:
    """A clock that is set by hand."""

    at = NOW

    def now(self) -> float:
        """Return UTC seconds."""
        return self.at


class Client:
    """A client that ends when the test says so."""

    def __init__(self) -> None:
        """Be there."""
        self.acts: list[Callable[[bool], None]] = []
        self._left = asyncio.Event()

    async def gone(self) -> None:
        """Wait for its leaving."""
        await self._left.wait()

    def when_over(self, act: Callable[[bool], None]) -> None:
        """Remember who wants to know."""
        self.acts.append(act)

    def end(self, *, written: bool) -> None:
        """Be answered, or leave."""
        if not written:
            self._left.set()
        for act in self.acts:
            act(written)


class Desk:
    """Sends requests to a store through what joins them."""

    def __init__(self, store: Store) -> None:
        """Begin."""
        self.store = store
        self.clock = Hand()
        self.stopping = False
        self.joining = Joining(store, self.clock, is_cut=lambda _job_id: self.stopping)

    def asked(self, job_id: str, *, again: bool = False) -> Resent:
        """Return a request that always wishes the same."""
        sent = Sent(joins="newest" if again else "lost")
        resent = self.joining.resent(CALLER, ROUTE, "fox", job_id, sent)
        assert resent is not None
        return resent

    async def send(self, client: Client | None, *, again: bool = False) -> Accepted:
        """Send it, and have its client followed."""
        job = job_row(created_at=self.clock.at)
        resent = self.asked(job.id, again=again)
        accept = accept_of(job, resent=resent)
        return await self.joining.entered(resent, lambda: self.store.write(accept), client)

    async def settled(self) -> None:
        """Wait until what was told is written: the writer keeps the order, and tasks begin before this one goes on."""
        await asyncio.sleep(0)
        await self.store.write(Nothing())
        await asyncio.sleep(0)


class Nothing:
    """A command that does nothing."""

    def apply(self, _tx: object) -> None:
        """Do nothing."""


async def test_a_client_that_waits_is_joined_by_nobody_until_it_leaves(store: Store) -> None:
    """While it waits an equal request is another wish; as soon as it has left, it is the same one."""
    desk, client = Desk(store), Client()
    first = await desk.send(client)
    assert not (await desk.send(Client())).joined
    client.end(written=False)
    assert await desk.send(Client()) == Accepted(first.job_id, replayed=True, joined=True)


async def test_two_equal_requests_in_one_commit_are_two_jobs(store: Store) -> None:
    """Each finds the other's client waiting, though neither was written before."""
    desk = Desk(store)
    both = await asyncio.gather(desk.send(Client()), desk.send(Client()))
    assert [each.joined for each in both] == [False, False]


async def test_an_answer_that_is_written_ends_it_also_when_a_joined_client_hears_it(store: Store) -> None:
    """Whoever heard it, the wish is granted: the next equal request is another one."""
    desk, first, second = Desk(store), Client(), Client()
    await desk.send(first)
    first.end(written=False)
    assert (await desk.send(second)).joined
    second.end(written=True)
    await desk.settled()
    assert not (await desk.send(Client())).joined


async def test_nobody_slips_in_between_an_answer_and_its_note(store: Store) -> None:
    """From the moment that the answer is written an equal request is another one, before anything is on disk."""
    desk, client = Desk(store), Client()
    await desk.send(client)
    client.end(written=True)
    assert not (await desk.send(Client())).joined


async def test_the_quarter_of_an_hour_begins_when_the_client_leaves(store: Store) -> None:
    """A client that waited ten minutes and left has its quarter still before it."""
    desk, client = Desk(store), Client()
    await desk.send(client)
    desk.clock.at += 600
    client.end(written=False)
    await desk.settled()
    desk.clock.at += KNOWN_S - 1
    assert (await desk.send(Client())).joined


async def test_who_is_sent_away_by_a_stopping_gateway_was_not_answered(store: Store) -> None:
    """The next process takes it for lost: the picture was never told of."""
    desk, client = Desk(store), Client()
    first = await desk.send(client)
    desk.stopping = True
    client.end(written=True)
    await desk.settled()
    assert (await Desk(store).send(Client())).job_id == first.job_id


async def test_a_request_that_was_never_written_is_waited_for_by_nobody(store: Store) -> None:
    """What refuses it leaves nothing behind."""
    desk = Desk(store)
    resent = desk.asked("job_x")

    async def refuse() -> Accepted:
        raise CatalogError("gateway.overloaded", "full")

    with pytest.raises(CatalogError):
        await desk.joining.entered(resent, refuse, Client())
    assert "job_x" not in resent.awaited


async def test_where_no_job_can_be_made_the_refusal_stands_unless_there_is_one(store: Store) -> None:
    """No room, no healthy backend: a lost request is joined all the same, and another one is told why not."""
    desk, full = Desk(store), CatalogError("quota.rate_limited", "full")
    with pytest.raises(CatalogError) as refused:
        await desk.joining.only(desk.asked("job_x"), full, Client())
    assert refused.value is full
    first = await desk.send(None)
    assert (await desk.joining.only(desk.asked("job_x"), full, Client())).job_id == first.job_id


async def test_a_wait_returns_what_it_waits_for_or_ends_with_its_client() -> None:
    """A client that stays gets the answer; one that leaves ends the wait, and what is waited for is let go."""
    client = Client()

    async def soon() -> str:
        return "done"

    assert await unless_gone(soon(), client) == "done"
    never: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    client.end(written=False)
    with pytest.raises(Gone):
        await unless_gone(never, client)
    assert never.cancelled()


async def test_a_request_that_was_turned_away_gets_a_job_of_its_own_when_it_comes_again(store: Store) -> None:
    """Its equal before it was answered with another picture: who asks for two pictures never gets one twice."""
    desk, client, full = Desk(store), Client(), CatalogError("quota.rate_limited", "full", retry_after_s=1)
    first = await desk.send(client)
    client.end(written=True)
    await desk.settled()
    assert (await desk.send(Client(), again=True)).job_id == first.job_id
    desk.clock.at += 1
    with pytest.raises(CatalogError):
        await desk.joining.only(desk.asked("job_x"), full, Client())
    desk.clock.at += 1
    second = await desk.send(Client(), again=True)
    assert not second.joined
    assert (await desk.send(Client(), again=True)).job_id == second.job_id


async def test_a_lost_request_is_joined_though_another_one_was_turned_away(store: Store) -> None:
    """Nobody was told of its picture: whoever asks for the same next is told of it."""
    desk, full = Desk(store), CatalogError("gateway.overloaded", "full", retry_after_s=1)
    first = await desk.send(Client())
    with pytest.raises(CatalogError):
        await desk.joining.only(desk.asked("job_x"), full, Client())
    assert (await Desk(store).send(Client(), again=True)).job_id == first.job_id
