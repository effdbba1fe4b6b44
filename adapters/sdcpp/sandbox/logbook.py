"""The logs that `/api/logs` shows, `X-Api-Key` in clear and all (wire §7.7). They are not kept over a restart."""

import os
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

KEPT = 2000
LEVELS = {"info": 30, "warn": 40, "error": 50}
#: Only these headers are hidden.
HIDDEN = ("authorization", "cookie")
HOST = "studio"


class Logbook:
    """Three logs: of the application, of the models' processes, of the requests."""

    def __init__(self, *, now: Callable[[], float]) -> None:
        """Begin empty."""
        self._now = now
        self._logs: dict[str, deque[dict[str, Any]]] = {name: deque(maxlen=KEPT) for name in ("app", "sdcpp", "http")}

    def app(self, message: str, *, level: str = "info", module: str = "queueProcessor", **facts: Any) -> None:
        """Note what the application did; `generation_id` in the facts makes it findable by job."""
        self._logs["app"].append({**self._head(level, module), **facts, "msg": message})

    def sdcpp(self, model_id: str, line: str) -> None:
        """Note what a model's process said."""
        head = {"level": "info", "levelNum": 30, "time": self._time(), "type": "sdcpp", "module": "sdcpp"}
        self._logs["sdcpp"].append({**head, "modelId": model_id, "stdout": line, "msg": "Server output"})

    def http(self, request: web.Request, body: Any) -> None:
        """Note a request with its headers and whole body."""
        url = str(request.url)
        headers = {name.lower(): value for name, value in request.headers.items()}
        shown = {name: "[Redacted]" if name in HIDDEN else value for name, value in headers.items()}
        entry = {**self._head("info", "http"), "method": request.method, "url": url, "headers": shown}
        if isinstance(body, dict | list):
            entry["body"] = body
        self._logs["http"].append({**entry, "eventType": "apiRequest", "msg": f"API {request.method} {url}"})

    def last(self, limit: int, generation_id: str | None = None) -> dict[str, list[dict[str, Any]]]:
        """Return the last entries of each log, oldest first, of one job or of all."""
        return {
            name: [entry for entry in log if generation_id in (None, entry.get("generation_id"))][-limit:]
            for name, log in self._logs.items()
        }

    def _head(self, level: str, module: str) -> dict[str, Any]:
        return {
            "level": level,
            "levelNum": LEVELS[level],
            "time": self._time(),
            "pid": os.getpid(),
            "hostname": HOST,
            "module": module,
        }

    def _time(self) -> str:
        return datetime.fromtimestamp(self._now(), UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
