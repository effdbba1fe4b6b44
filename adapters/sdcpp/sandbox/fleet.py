"""The model servers: at most one runs for the queue, and starting and stopping them takes time (wire §5, §7.6).

And the machine under them, which has no graphics card.
"""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct

from adapters.sdcpp.sandbox.model import MODELS, Model

Announce = Callable[[str, str, dict[str, Any]], None]
FIRST_PORT = 44000
FIRST_PID = 26000
_NOTHING = {"image": 0, "video": 0, "llm": 0, "system": 0}


class Process(Struct):
    """A model's process, or the entry that an external model has instead of one."""

    model: Model
    status: str
    started_at: int
    pid: int | None = None
    port: int | None = None
    output: list[str] = []

    @property
    def address(self) -> str:
        """Where its API is."""
        return f"http://127.0.0.1:{self.port}/v1"


class Fleet:
    """Which models run."""

    def __init__(
        self, *, now: Callable[[], float], pause: Callable[[float], Awaitable[None]], announce: Announce
    ) -> None:
        """Take the clock, how to wait, and whom to tell: `announce(channel, type, data)`."""
        self._now = now
        self._pause = pause
        self._announce = announce
        self._processes: dict[str, Process] = {}
        self._started = 0

    def clear(self) -> None:
        """Forget every process, as the server's own death does."""
        self._processes.clear()

    def is_running(self, model_id: str) -> bool:
        """Say whether a model counts as running: a starting one does."""
        process = self._processes.get(model_id)
        return process is not None and process.status in ("running", "starting")

    def running(self) -> list[Process]:
        """Return the processes that are up."""
        return [process for process in self._processes.values() if process.status == "running"]

    def process(self, model_id: str) -> Process | None:
        """Return a model's process, in whatever state."""
        return self._processes.get(model_id)

    async def start(self, model: Model) -> Process:
        """Start a model and wait until it is ready; an external one has nothing to start."""
        process = Process(model, "starting", int(self._now() * 1000))
        self._processes[model.id] = process
        if model.exec_mode == "api":
            process.status = "running"
            return process
        self._started += 1
        process.pid = FIRST_PID + self._started
        process.port = FIRST_PORT + self._started
        self._say(process, "loading model...")
        await self._pause(model.load_s)
        self._say(process, f"listening on 127.0.0.1:{process.port}")
        process.status = "running"
        self._tell(model.id, "running", port=process.port, execMode=model.exec_mode, pid=process.pid)
        return process

    async def stop(self, model_id: str) -> None:
        """Stop a model; its last words on the socket are an error of SIGTERM, then `stopped` (wire §7.9)."""
        process = self._processes.get(model_id)
        if process is None:
            return
        if process.model.exec_mode == "api":
            process.status = "stopped"
            return
        process.status = "stopping"
        await self._pause(process.model.stop_s)
        self._processes.pop(model_id, None)
        self._tell(model_id, "error", exitCode=None, signal="SIGTERM")
        self._tell(model_id, "stopped")

    async def stop_others(self, model_id: str | None) -> None:
        """Stop every running model but one."""
        for process in self.running():
            if process.model.id != model_id:
                await self.stop(process.model.id)

    def kill(self, model_id: str, *, code: int | None, signal: str | None) -> None:
        """Let a process die."""
        if self._processes.pop(model_id, None) is not None:
            self._tell(model_id, "error", exitCode=code, signal=signal)

    def listed(self) -> list[dict[str, Any]]:
        """Return the models as `GET /api/models` shows them (wire §7.6)."""
        return [self._entry(model) for model in MODELS.values()]

    def _entry(self, model: Model) -> dict[str, Any]:
        process = self._processes.get(model.id)
        external = model.exec_mode == "api"
        return {
            **model.config(),
            "isRunning": self.is_running(model.id),
            "status": "stopped" if process is None or external else process.status,
            "pid": process.pid if process else None,
            "port": process.port if process else None,
            "quant": "unknown",
        }

    def status(self, model: Model) -> dict[str, Any]:
        """Return `GET /api/models/:id/status`: short until the model was started once."""
        known = {"exists": True, "id": model.id, "name": model.name}
        process = self._processes.get(model.id)
        if process is None:
            return {**known, "status": "stopped", "execMode": model.exec_mode, "mode": "on_demand"}
        external = model.exec_mode == "api"
        return {
            **known,
            "status": "stopped" if external else process.status,
            "pid": process.pid,
            "port": process.port,
            "execMode": model.exec_mode,
            "mode": "on_demand",
            "uptime": None if external else self._uptime(process),
            "startedAt": process.started_at,
            "recentOutput": process.output[-5:],
            "recentErrors": [],
        }

    def running_listed(self) -> list[dict[str, Any]]:
        """Return `GET /api/models/running`, where `id` and `name` are each the whole object (wire §7.6)."""
        return [{"id": (info := self._info(process)), "name": info, "api": None} for process in self.running()]

    def _info(self, process: Process) -> dict[str, Any]:
        return {
            "id": process.model.id,
            "name": process.model.name,
            "pid": process.pid,
            "port": process.port,
            "execMode": process.model.exec_mode,
            "uptime": self._uptime(process),
            "startedAt": process.started_at,
        }

    def _uptime(self, process: Process) -> int:
        return int(self._now() - process.started_at / 1000)

    def _say(self, process: Process, line: str) -> None:
        stamp = datetime.fromtimestamp(self._now(), UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        process.output.append(f"[{stamp}] {line}")
        spoken = {"content": f"{line}\n", "raw": f"{line}\n", "level": "info", "timestamp": stamp}
        self._announce("terminal", "log", {"generationId": process.model.id, **spoken})

    def _tell(self, model_id: str, status: str, **more: Any) -> None:
        self._announce("models", "model_status_changed", {"modelId": model_id, "status": status, **more})


def gpu_info(now: float) -> dict[str, Any]:
    """Return what a machine without a graphics card reports ([R:models], [R:websocket])."""
    return {
        "available": False,
        "name": "Unknown GPU",
        "vramTotalMB": None,
        "driver": None,
        "cudaVersion": None,
        "method": "none",
        "vramUsedMB": None,
        "vramFreeMB": None,
        "processes": [],
        "usageMethod": "none",
        "usageTimestamp": int(now * 1000),
        "vram": {"totalGB": 0, "usedGB": 0, "freeGB": 0},
        "ram": {"totalMB": 24106, "freeMB": 23023, "usedMB": 1082, "totalGB": 23.5, "freeGB": 22.5, "usedGB": 1.1},
        "breakdownMB": _NOTHING,
        "breakdownGB": _NOTHING,
        "processBreakdown": [],
    }
