"""The socket: channels to subscribe to, and what happens to the team's jobs (wire §7.9). A hint to look, no history.

As measured, nothing is told of submits, cancels and deletes, and `progress` is always 0. Of the channels `queue` and
`generations` are served; the others stay silent.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from typing import Any

import msgspec

from adapters.kit.story import events
from adapters.sdcpp.face.front import Front
from adapters.sdcpp.face.ids import to_uuid
from adapters.sdcpp.face.row import KINDS, error, milliseconds, pictures
from contracts.caller import Caller
from contracts.event import JobBlocked, JobEvent, JobFailed, JobPhase, JobRunning, JobSucceeded
from contracts.face import SOCKET, Answer, Call, FaceRoute, Socket
from contracts.job import Job, Phase

#: Phases in which a job waits at its backend; nothing is told of those.
_WAITING: tuple[Phase, ...] = ("waiting_for_backend", "submit", "queued_at_backend")
#: Jobs of which is remembered what was told last.
_REMEMBERED = 1000


class Feed:
    """The route."""

    def __init__(self, front: Front) -> None:
        """Take what all routes share."""
        self._front = front

    def routes(self) -> list[FaceRoute]:
        """Return the route."""
        return [FaceRoute(method=SOCKET, template="/ws", answer=self._open)]

    async def _open(self, _call: Call, caller: Caller) -> Answer:
        """Open a socket as one of the team's streams; raise where it may have no more of them."""
        frames = self._front.desk.jobs.events(caller, None, None)
        listener = _Listener(self._front, caller)
        return Answer(socket=Socket(told=listener.told(frames), heard=listener.heard))


class _Listener:
    """One socket."""

    def __init__(self, front: Front, caller: Caller) -> None:
        self._front = front
        self._caller = caller
        self._channels: set[str] = set()
        self._told: dict[str, str] = {}

    def heard(self, text: str) -> Sequence[str]:
        """Answer a message; what is none is passed over. Any name makes a channel."""
        try:
            message = msgspec.json.decode(text)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return ()
        kind, channel = (message.get("type"), message.get("channel")) if isinstance(message, dict) else (None, None)
        if kind == "ping":
            return (self._said({"type": "pong"}),)
        if not isinstance(channel, str) or not channel:
            return ()
        if kind == "unsubscribe":
            self._channels.discard(channel)
        if kind != "subscribe":
            return ()
        if channel in self._front.profile.channels:
            self._channels.add(channel)
        return (self._said({"type": "subscribed", "channel": channel}),)

    async def told(self, frames: AsyncIterator[bytes]) -> AsyncGenerator[str]:
        """Greet, then tell what happens until the stream of the team's events ends."""
        yield self._said({"type": "connected", "channels": self._front.profile.channels})
        async for event in events(frames):
            for text in await self._of(event):
                yield text

    async def _of(self, event: JobEvent) -> list[str]:
        status = self._status(event)
        if status is None or self._told.get(event.job_id) == status or not self._channels:
            return []
        shown = await self._front.desk.jobs.get(self._caller, event.job_id)
        if shown is None or shown.job.operation not in KINDS:
            return []
        self._remember(event.job_id, status)
        return self._lines(shown.job, status)

    def _status(self, event: JobEvent) -> str | None:
        """Return what an event makes of its job, if that is told at all."""
        match event:
            case JobRunning():
                return "processing"
            case JobPhase() if event.phase == "model_load" and self._front.profile.model_loading:
                return "model_loading"
            case JobPhase() if event.phase not in _WAITING:
                return "processing"
            case JobSucceeded():
                return "completed"
            case JobFailed() | JobBlocked():
                return "failed"
        return None

    def _remember(self, job_id: str, status: str) -> None:
        if status in ("completed", "failed"):
            self._told.pop(job_id, None)
            return
        self._told[job_id] = status
        if len(self._told) > _REMEMBERED:
            del self._told[next(iter(self._told))]

    def _lines(self, job: Job, status: str) -> list[str]:
        known = {"id": to_uuid(job.id), "status": status, "type": KINDS[job.operation]}
        asked = {"prompt": job.spec.prompt or None, "created_at": milliseconds(job.created_at)}
        kind = {"completed": "job_completed", "failed": "job_failed"}.get(status, "job_updated")
        why = error(job) if status == "failed" else None
        lines = []
        if "queue" in self._channels:
            lines.append(_event("queue", kind, {**known, **asked, "progress": 0, "error": why}))
        if status == "completed" and "generations" in self._channels:
            data = {**known, **asked, "imageCount": len(pictures(job))}
            lines.append(_event("generations", "generation_complete", data))
        return lines

    def _said(self, message: Mapping[str, Any]) -> str:
        stamp = int(self._front.settings.clock() * 1000)
        return msgspec.json.encode({**message, "timestamp": stamp}).decode()


def _event(channel: str, kind: str, data: Mapping[str, Any]) -> str:
    return msgspec.json.encode({"channel": channel, "type": kind, "data": data}).decode()
