"""A job's events, read back from the frames in which the desk tells them."""

from collections.abc import AsyncIterator

import msgspec

from contracts.event import JobEvent

_EVENT: msgspec.json.Decoder[JobEvent] = msgspec.json.Decoder(JobEvent)


async def events(frames: AsyncIterator[bytes]) -> AsyncIterator[JobEvent]:
    """Yield the events in order; comments and what is no event of a job are passed over."""
    async for several in frames:
        for block in several.split(b"\n\n"):
            for line in block.split(b"\n"):
                if line.startswith(b"data: ") and b"event: job." in block:
                    yield _EVENT.decode(line[6:])
