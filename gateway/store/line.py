"""A line of the event log, encoded once for everybody who reads it."""

from contracts.event import TERMINAL_EVENTS

#: The comments that begin a team's stream, keep idle ones open, and end them when the gateway stops.
LISTENING = b": listening\n\n"
PING = b": ping\n\n"
DRAINING = b": draining\n\n"


class Line:
    """One event: its place in the log (None if it is never stored), whose it is, and its bytes on the wire."""

    __slots__ = ("frame", "id", "job_id", "team", "type")

    def __init__(self, line_id: int | None, team: str, job_id: str, kind: str, data: bytes) -> None:
        """Take the event's JSON object without an id; the id is put in front."""
        self.id = line_id
        self.team = team
        self.job_id = job_id
        self.type = kind
        if line_id is None:
            self.frame = b"event: %b\ndata: %b\n\n" % (kind.encode(), data)
        else:
            self.frame = b'id: %d\nevent: %b\ndata: {"id":%d,%b\n\n' % (line_id, kind.encode(), line_id, data[1:])

    @property
    def terminal(self) -> bool:
        """Whether the job's story ends here."""
        return self.type in TERMINAL_EVENTS
