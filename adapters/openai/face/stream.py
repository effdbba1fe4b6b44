"""`stream: true`: a job told in OpenAI's frames, previews first, then every picture whole.

A frame is `event` and `data`, whose `type` is the event's name. What fails after the stream began is an `error` frame
with the same `error` object as an answer's: that is how both SDKs know one. The stream ends after it, or after the
last picture.
"""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any

from msgspec import Raw

from adapters.kit.story import events_of
from adapters.openai.face import result
from adapters.openai.face.asked import Ask
from adapters.openai.face.front import Front
from adapters.openai.face.said import encode, error_of
from contracts.caller import Caller
from contracts.catalog import CatalogError, Problem
from contracts.event import JobPartialImage
from contracts.job import Job, JobOutput
from contracts.media import FORMATS

EVENT_STREAM = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-cache, no-transform",
    "X-Accel-Buffering": "no",
}
#: What keeps an idle stream open: the gateway's own comments, passed on.
_COMMENT = b": "
#: The types require a count; nothing was counted.
_NO_USAGE = {
    "input_tokens": 0,
    "input_tokens_details": {"text_tokens": 0, "image_tokens": 0},
    "output_tokens": 0,
    "total_tokens": 0,
}


class Story:
    """One job, told in frames; `name` is `image_generation` or `image_edit`."""

    def __init__(self, front: Front, caller: Caller, job: Job, ask: Ask, name: str) -> None:
        """Take whose job it is, and what was asked for."""
        self._front = front
        self._caller = caller
        self._job = job
        self._ask = ask
        self._name = name
        self._previews = 0

    async def frames(self) -> AsyncGenerator[bytes]:
        """Tell the whole job."""
        try:
            story = self._front.desk.jobs.events(self._caller, self._job.id, None)
            async with aclosing(story) as several:
                async for each in several:
                    for frame in self._heard(each):
                        yield frame
            async for frame in self._end():
                yield frame
        except CatalogError as error:
            yield self._failed(error.problem(job_id=self._job.id))

    def _heard(self, several: bytes) -> list[bytes]:
        """Return what is told of some events: previews, as many as were asked for, and that the stream is alive."""
        if several.startswith(_COMMENT):
            return [several]
        found = []
        for event in events_of(several):
            if isinstance(event, JobPartialImage) and self._previews < self._ask.partials:
                found.append(self._partial(event))
                self._previews += 1
        return found

    def _partial(self, event: JobPartialImage) -> bytes:
        size = self._ask.size
        return frame(
            f"{self._name}.partial_image",
            {
                "b64_json": Raw(b'"%b"' % event.data.encode()),
                "partial_image_index": self._previews,
                "created_at": int(event.at.timestamp()),
                "size": "auto" if size is None else str(size.exact),
                "quality": self._ask.effort or "auto",
                "background": "opaque" if self._ask.format == "jpeg" else "auto",
                "output_format": self._ask.format,
            },
        )

    async def _end(self) -> AsyncIterator[bytes]:
        shown = await self._front.desk.jobs.get(self._caller, self._job.id)
        job = self._job if shown is None else shown.job
        problem = self._front.problem(job)
        if problem is not None:
            yield self._failed(problem)
            return
        for output in result.pictures(job):
            yield await self._completed(job, output)

    async def _completed(self, job: Job, output: JobOutput) -> bytes:
        ask = self._ask
        told: dict[str, Any] = {
            "b64_json": await result.base64(self._front, self._caller, output, {}),
            "created_at": result.created(job),
            "size": result.size(output),
            "quality": result.quality(job) or "auto",
            "background": result.background([output]) or "auto",
            "output_format": FORMATS[output.media_type],
            "usage": result.usage(job) or _NO_USAGE,
        }
        if output.revised_prompt is not None:
            told["revised_prompt"] = output.revised_prompt
        if ask.end_user is not None:
            told["safety_identifier"] = ask.end_user
        return frame(f"{self._name}.completed", told)

    def _failed(self, problem: Problem) -> bytes:
        return frame("error", {"error": error_of(problem)})


def frame(name: str, data: dict[str, Any]) -> bytes:
    """Return one frame."""
    return b"event: %b\ndata: %b\n\n" % (name.encode(), encode({"type": name, **data}))
