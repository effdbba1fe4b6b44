"""Answers in frames: `event` and `data`, as multimode, node, video and `/api/events` send them (wire §5, §6, §11)."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack
from typing import Any

import httpx
from msgspec import Struct

from adapters.kit.http import MAX_PICTURE_BYTES, UNSAID_BYTES, Exchanges, origin
from contracts.catalog import CatalogError, ErrorPhase

EVENT_STREAM = "text/event-stream"
_END = b"\n\n"
#: Pictures of a sequence travel twice: in frames of their own, and in the last one (wire §6).
MAX_STREAM_BYTES = 2 * MAX_PICTURE_BYTES
#: A frame that is longer than this brings a picture: room is held while it comes.
_SMALL_BYTES = 64 * 1024


class Frame(Struct, frozen=True):
    """One frame: its name, its data as it came, and its id where the stream can be resumed."""

    event: str
    data: bytes
    id: str | None = None


class Streams(Exchanges):
    """Exchanges, of which some are answered in frames, with a server that may come back at another address."""

    def move_to(self, base_url: str) -> None:
        """Go on at an address, the only one from now on that is sent the key and whose files are fetched."""
        if base_url != self._base:
            self._base, self._origin = base_url, origin(base_url)
            self._urls.clear()

    def _request(self, method: str, url: httpx.URL | str, headers: Mapping[str, str], **how: Any) -> httpx.Request:
        if not self._base:
            raise CatalogError(
                "backend.unavailable",
                "The backend has not been found yet.",
                phase="connect",
                outcome="not_started",
                backend=self._settings.name,
            )
        return super()._request(method, url, headers, **how)

    async def frames(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] = {},
        timeout_s: float,
        phase: ErrorPhase,
        max_bytes: int = MAX_STREAM_BYTES,
    ) -> AsyncGenerator[Frame, None]:
        """Make one exchange and yield its frames as they come; raise what an answer without frames means."""
        content = {"Content-Type": "application/json"} if body is not None else {}
        sent = {**content, "Accept": EVENT_STREAM, **self._key, **headers}
        request = self._request(method, self._url(path), sent, timeout_s=timeout_s, content=body)
        response = await self._open(self._lasting, request, phase=phase)
        try:
            chunks = self._bounded(response, max_bytes=max_bytes, phase=phase)
            media_type = response.headers.get("content-type", "")
            if response.status_code >= 400 or not media_type.startswith(EVENT_STREAM):
                whole = b"".join([chunk async for chunk in chunks])
                raise self._no_frames(f"{method} {path}", response.status_code, whole, media_type)
            async with AsyncExitStack() as room:
                held, buffer, looked = False, bytearray(), 0
                async for chunk in chunks:
                    buffer += chunk
                    while (end := buffer.find(_END, looked)) >= 0:
                        frame = _frame(bytes(buffer[:end]))
                        del buffer[: end + len(_END)]
                        looked = 0
                        if frame is not None:
                            yield frame
                    looked = max(0, len(buffer) - 1)
                    if (len(buffer) > _SMALL_BYTES) == held:
                        continue
                    held = not held
                    if held:
                        await room.enter_async_context(self._settings.room(UNSAID_BYTES))
                    else:
                        await room.aclose()
        finally:
            await response.aclose()

    def _no_frames(self, route: str, status: int, body: bytes, media_type: str) -> CatalogError:
        """Return what an answer means that is no stream: mostly a refusal before the stream began."""
        signal = self._read(route, status, body, media_type)
        if signal is not None:
            return self.error(signal)
        return self.broken("The backend answers without the frames it promises.")

    def broken(self, detail: str = "The stream ended before the backend's answer was complete.") -> CatalogError:
        """Return what a stream means that told no end: the work may go on, and is looked for."""
        return CatalogError(
            "backend.bad_response",
            detail,
            outcome="unknown",
            backend=self._settings.name,
            reason="answer_lost",
        )


def _frame(block: bytes) -> Frame | None:
    """Return a frame; None for a comment, or one without data."""
    event, data, name = "message", [], None
    for line in block.split(b"\n"):
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"event":
            event = value.decode(errors="replace")
        elif field == b"data":
            data.append(value)
        elif field == b"id":
            name = value.decode(errors="replace")
    return Frame(event, b"\n".join(data), name) if data else None
