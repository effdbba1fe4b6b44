"""Who sent a request, whether anybody is still there to be answered, and how a request is known when it comes again."""

from collections.abc import Callable
from typing import Literal, Protocol

from msgspec import Struct

from contracts.spec import SpecBase


class Gone(Exception):  # noqa: N818 - it is no error of anybody
    """The client hung up: there is nobody to tell anything. What it began goes on."""


class Sender(Protocol):
    """The client at the other end of one request."""

    async def gone(self) -> None:
        """Return when it has hung up before its answer was written."""

    def when_over(self, act: Callable[[bool], None]) -> None:
        """Call once, when the request is over: with True if its answer was written, with False if it hung up before.

        Written means handed to the network whole while the client was there: more is not known of any answer.
        """


class Sent(Struct, frozen=True, kw_only=True):
    """What there is to a request besides what it asks for."""

    #: Whoever waits for the answer. The wait ends when it hangs up (`Gone`), the job never does. None: nobody knows.
    sender: Sender | None = None
    #: What the client asked for, where the face made of it what may differ the next time: a candidate that was settled
    #: on, an id of its own. By this, and by what its pictures are, an equal request is known again. None: by the spec.
    meant: SpecBase | None = None
    #: Join the job of an equal request of the same key instead of making another one: `lost` where its client hung up
    #: before its answer was written, `newest` also where the client says that it sends it again. None: never.
    joins: Literal["lost", "newest"] | None = None
