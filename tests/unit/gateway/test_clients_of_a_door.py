"""Clients that hang up at a face's door: noticed while they wait and while they are sent to, and never an error."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from contracts.caller import Caller
from contracts.catalog import CatalogError
from contracts.face import Answer, Call, FaceRoute
from contracts.sender import Gone
from tests.unit.gateway.test_face_door import Line, door, piece, serve

LEFT = {"type": "http.disconnect"}
LARGE = b"x" * 1_000_000


class Slow(Line):
    """A line whose client hangs up after so many messages came through."""

    def __init__(self, *messages: dict[str, Any], leaves_after: int | None = None) -> None:
        """Take what the client sends, and how much of an answer it takes."""
        super().__init__("http", *messages)
        self._leaves_after = leaves_after

    async def send(self, message: Any) -> None:
        """Write down what goes out; the server tells of the end, whoever brings it about."""
        await super().send(message)
        if len(self.sent) == self._leaves_after or message.get("more_body") is False:
            self.incoming.put_nowait(LEFT)
            await asyncio.sleep(0)


def route(answer: Any, *, files: int = 0) -> FaceRoute:
    """Return the one address."""
    return FaceRoute(method="POST", template="/x", answer=answer, files=files)


async def ends(*answers: Answer, line: Line | None = None) -> list[bool]:
    """Serve a request that is followed; return how it ended, as often as it was told."""
    told: list[bool] = []

    async def answer(call: Call, _caller: Caller) -> Answer:
        assert call.sender is not None
        call.sender.when_over(told.append)
        return answers[0]

    await serve(door(route(answer)), line or Slow(piece(b"{}", more=False)))
    return told


async def frames() -> AsyncIterator[bytes]:
    """Yield three frames."""
    for each in (b"one", b"two", b"three"):
        yield each


@pytest.mark.parametrize("answer", [Answer(body=b"small"), Answer(body=LARGE), Answer(status=204)])
async def test_an_answer_that_is_sent_to_its_end_is_written(answer: Answer) -> None:
    """Small or large, it arrives whole, and is told of once."""
    line = Slow(piece(b"{}", more=False))
    assert await ends(answer, line=line) == [True]
    assert b"".join(each.get("body", b"") for each in line.sent) == answer.body


async def test_a_stream_that_is_sent_to_its_end_is_written() -> None:
    """Its last frame counts, and the empty one after it."""
    assert await ends(Answer(frames=frames())) == [True]


@pytest.mark.parametrize("answer", [Answer(body=LARGE), Answer(frames=frames())])
async def test_a_client_that_leaves_in_the_middle_has_no_answer(answer: Answer) -> None:
    """Who has taken a part of it has nothing."""
    assert await ends(answer, line=Slow(piece(b"{}", more=False), leaves_after=2)) == [False]


async def test_an_answer_that_cannot_be_sent_is_none() -> None:
    """Whatever breaks on the way out, whoever waited has heard nothing."""
    line = Slow(piece(b"{}", more=False))

    async def broken(_message: Any) -> None:
        raise ConnectionError

    line.send = broken  # type: ignore[method-assign]
    told: list[bool] = []

    async def answer(call: Call, _caller: Caller) -> Answer:
        assert call.sender is not None
        call.sender.when_over(told.append)
        return Answer(body=b"small")

    with pytest.raises(ConnectionError):
        await serve(door(route(answer)), line)
    assert told == [False]


async def test_a_wait_ends_when_its_client_hangs_up_and_nothing_is_sent() -> None:
    """The route hears of it while it waits; there is nobody to be told anything."""
    line = Line("http", piece(b"{}", more=False), LEFT)

    async def answer(call: Call, _caller: Caller) -> Answer:
        assert call.sender is not None
        await call.sender.gone()
        raise Gone

    await serve(door(route(answer)), line)
    assert line.sent == []


async def test_a_form_is_read_to_its_end_before_its_client_is_watched() -> None:
    """What is left of a body after its last file is nothing that a client says of itself."""
    line = Line("http", piece(b"one"), piece(b"two", more=False))

    async def answer(call: Call, _caller: Caller) -> Answer:
        assert call.chunks is not None
        assert call.sender is not None
        assert await anext(aiter(call.chunks)) == b"one"
        leaving = asyncio.ensure_future(call.sender.gone())
        await asyncio.sleep(0)
        line.incoming.put_nowait(LEFT)
        await leaving
        raise Gone

    await serve(door(route(answer, files=1)), line)
    assert line.sent == []


async def test_a_refusal_is_an_answer_too() -> None:
    """A request whose route raises what is wrong is over when that is told."""
    told: list[bool] = []

    async def answer(call: Call, _caller: Caller) -> Answer:
        assert call.sender is not None
        call.sender.when_over(told.append)
        raise CatalogError("backend.unavailable", "away")

    line = Slow(piece(b"{}", more=False))
    await serve(door(route(answer)), line)
    assert told == [True]
    assert line.sent[-1]["body"] == b"backend.unavailable"
