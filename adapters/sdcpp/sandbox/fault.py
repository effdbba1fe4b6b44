"""What ends a request or a job otherwise than well: native errors in their envelopes, and the death of the server."""

from typing import Any

from aiohttp import web


class HandlerError(Exception):
    """What a native handler throws and catches itself: its words become the error of a 500."""

    def __init__(self, text: str) -> None:
        """Take the words."""
        super().__init__(text)
        self.text = text


class RefusalError(Exception):
    """A native refusal in JSON, whose envelope depends on the route (wire §3)."""

    def __init__(self, status: int, error: str, **more: str) -> None:
        """Take the status, the words, and what stands beside them: `detail`, or the key check's `message`."""
        super().__init__(error)
        self.status = status
        self.error = error
        self.more = more

    def body(self) -> dict[str, Any]:
        """Return the plain envelope."""
        return {"error": self.error, **self.more}


class PageError(Exception):
    """An error that no handler catches: Express answers it with an HTML page that shows the stack (wire §3)."""

    def __init__(self, status: int, error: str, stack: tuple[str, ...] = ()) -> None:
        """Take what the page shows; in production it is the status alone."""
        super().__init__(error)
        self.status = status
        self.error = error
        self.stack = stack
        self.production = False


class ForcedError(Exception):
    """An answer that no handler of the server gave."""

    def __init__(self, response: web.StreamResponse) -> None:
        """Take the answer."""
        super().__init__()
        self.response = response


class CrashError(Exception):
    """The server's process dies of an unhandled rejection (wire §5, §7.8)."""


class JobError(Exception):
    """A job ends as failed."""

    def __init__(self, text: str | None, *, timed: bool = True) -> None:
        """Take the text of the row, and whether the row gets its durations (a crashed process leaves none, wire §4)."""
        super().__init__(text)
        self.text = text
        self.timed = timed
