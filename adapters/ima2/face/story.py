"""A job's events, told on in the frames of its route.

The route's own stream and the multiplex (`multiplex.py`) tell the same, by the same telling.
"""

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import Any, ClassVar

from adapters.ima2.face.failure import Failure
from adapters.ima2.face.front import Front
from adapters.ima2.face.profile import Route
from adapters.ima2.face.result import omitted
from adapters.ima2.face.said import frame
from adapters.kit.story import events_of
from contracts.caller import Caller
from contracts.catalog import CatalogError
from contracts.codes import ErrorCode
from contracts.event import JobEvent
from contracts.job import Job
from contracts.names import Named

#: One frame to be: its name, and what it says.
Told = tuple[str, dict[str, Any]]


class Telling(ABC):
    """One job, told in the frames of its route: how it begins, what is heard meanwhile, and how it ends."""

    route: ClassVar[Route]
    #: A failure that this route tells as an end without pictures.
    unsaid: ClassVar[ErrorCode | None] = None

    def __init__(self, front: Front, caller: Caller, named: Named) -> None:
        """Take whose job it is, by its native name."""
        self._front = front
        self._caller = caller
        self._named = named
        self.request_id: str = named.note.get("requestId") or ""

    def begin(self) -> Told:
        """Tell that it is taken in."""
        return "phase", {"requestId": self.request_id, "phase": "streaming"}

    async def hear(self, event: JobEvent) -> Sequence[Told]:
        """Tell of what happens meanwhile, as far as this route does."""
        del event
        return ()

    @abstractmethod
    async def done(self, job: Job, data: Mapping[str, bytes], most: int | None = None) -> dict[str, Any]:
        """Return what the last frame of a success says; pictures longer than `most` characters are left out."""

    async def made(self, job: Job, most: int | None) -> Sequence[Told]:
        """Tell a success."""
        done = await self.done(job, {}, most)
        return (("done", {**done, **omitted(done.get("images", ()))}),)

    @abstractmethod
    def failed(self, found: Failure) -> dict[str, Any]:
        """Return what the last frame of a failure says."""

    async def end(self, most: int | None = None) -> Sequence[Told]:
        """Tell the end of a job that has ended; the last one is `done` or `error`."""
        try:
            job = await self._front.last(self._caller, self._named)
            found = self._front.ended(job, self.route)
            if found is None or (found.catalogue is not None and found.catalogue == self.unsaid):
                return await self.made(job, most)
        except CatalogError as error:
            found = self._front.failure(error, self.route)
        return (("error", self.failed(found)),)

    async def frames(self) -> AsyncGenerator[bytes]:
        """Tell the whole job in a stream of its own."""
        yield frame(*self.begin())
        try:
            async with aclosing(self._front.story(self._caller, self._named.job.id)) as story:
                async for several in story:
                    for event in events_of(several):
                        for told in await self.hear(event):
                            yield frame(*told)
        except CatalogError as error:
            yield frame("error", self.failed(self._front.failure(error, self.route)))
            return
        for told in await self.end():
            yield frame(*told)
