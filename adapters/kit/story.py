"""A job's events, read back from the frames in which the desk tells them."""

from collections.abc import AsyncIterator, Iterator

import msgspec

from contracts.event import JobEvent

BLOCK = b"\n\n"
_EVENT: msgspec.json.Decoder[JobEvent] = msgspec.json.Decoder(JobEvent)


def event_of(block: bytes) -> JobEvent | None:
    """Return the event that one of the desk's frames tells; None for a comment, and for what is no event of a job."""
    if b"event: job." in block:
        for line in block.split(b"\n"):
            if line.startswith(b"data: "):
                return _EVENT.decode(line[6:])
    return None


def events_of(several: bytes) -> Iterator[JobEvent]:
    """Yield the events that some of the desk's frames tell."""
    for block in several.split(BLOCK):
        event = event_of(block)
        if event is not None:
            yield event


async def events(frames: AsyncIterator[bytes]) -> AsyncIterator[JobEvent]:
    """Yield the events of a stream in order."""
    async for several in frames:
        for event in events_of(several):
            yield event
