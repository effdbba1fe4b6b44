"""The one worker: one job at a time, woken by a timer alone, and deaf to cancels (wire §5).

It writes states into rows without looking at them first; this is why a job that was cancelled while it ran comes back
to life, and why a row that was deleted takes the server with it.
"""

import asyncio
from time import monotonic
from typing import Any

from adapters.kit.scenario import Forced
from adapters.sdcpp.sandbox import upstream
from adapters.sdcpp.sandbox.binding import is_truthy
from adapters.sdcpp.sandbox.failure import FAILURES, Stage
from adapters.sdcpp.sandbox.fault import CrashError, JobError
from adapters.sdcpp.sandbox.model import FLAGS, MODELS, UPSTREAM, Model
from adapters.sdcpp.sandbox.picture import commission
from adapters.sdcpp.sandbox.studio import Studio
from adapters.sdcpp.sandbox.table import Entry

TICK_S = 2.0


class Job:
    """One job under way."""

    def __init__(self, studio: Studio, entry: Entry) -> None:
        """Take the claimed row; its events show it as it was then, progress 0 and all (wire §7.9)."""
        self._studio = studio
        self._claimed = dict(entry.row)
        self.id: str = entry.row["id"]
        self.row = entry.row
        self.forced: dict[str, Forced] = entry.forced
        self._began = monotonic()
        self._loading_ms = 0
        self._model: Model | None = None

    async def run(self) -> None:
        """Carry the job to its end; raise `CrashError` when its row is gone by then."""
        self._log("Starting generation")
        try:
            if "odd_state" in self.forced:
                self._write(self.forced["odd_state"].argument or "paused")
                return
            steps = await self._prepared()
            if "stuck_loading" in self.forced:
                return
            pictures = await self._pictures(steps)
            self._save(pictures)
        except JobError as error:
            times = self._times() if error.timed else {}
            self._write("failed", error=error.text, **times)
            self._tell("job_failed", status="failed", error=error.text)
            self._log("Generation failed", level="error", error=error.text, **self._logged(), result="failed")
            return
        self._write("completed", **self._times(), **({} if steps is None else {"sample_steps": steps}))
        self._tell("job_completed", status="completed")
        told = {name: self._claimed[name] for name in ("type", "prompt", "created_at")}
        done = {"id": self.id, "status": "completed", **told, "imageCount": len(pictures)}
        self._studio.feed.announce("generations", "generation_complete", done)
        self._log("Generation completed successfully", imageCount=len(pictures), **self._logged(), result="completed")
        if "expired_row" in self.forced:
            self._studio.table.delete(self.id)

    async def _prepared(self) -> Any:
        """Load the model; return the steps that will be used, if any are known."""
        if self.row["type"] == "upscale":
            self._write("processing", progress=0)
            self._tell("job_updated", status="processing")
            return None
        await self._fail_at("claim")
        self._model = MODELS.get(self.row["model"])
        if self._model is None:
            raise JobError(f"Model not found: {self.row['model']}")
        self._write("model_loading", progress=0)
        self._tell("job_updated", status="model_loading")
        if "loading" in self.forced:
            await self._studio.emulator.pause(self.forced["loading"].number(30))
        if "stuck_loading" in self.forced:
            return None
        await self._load(self._model)
        flags = {name: self._flag(name) for name in ("vae_on_cpu", "offload_to_cpu", "diffusion_fa")}
        self._write("processing", progress=0, **flags)
        self._tell("job_updated", status="processing")
        if self._model.steps is not None:
            return self._model.steps
        own = (self._model.generation_params or {}).get("sample_steps")
        return self.row["sample_steps"] if self.row["sample_steps"] is not None else own

    async def _load(self, model: Model) -> None:
        """Stop what runs and start what is needed; the progress of a start puts the state back to processing."""
        fleet = self._studio.fleet
        local = model.exec_mode == "server"
        if not (local and fleet.is_running(model.id)):
            await fleet.stop_others(None)
        doomed = any(FAILURES[name].stage == "load" for name in self.forced if name in FAILURES)
        if doomed or (local and not fleet.is_running(model.id)):
            self._write("processing", progress=0.05)
            began = monotonic()
            self._write("processing", progress=0.1)
            await self._fail_at("load")
            await fleet.start(model)
            self._loading_ms = int((monotonic() - began) * 1000)

    async def _pictures(self, steps: Any) -> list[bytes]:
        studio, kind = self._studio, self.row["type"]
        await self._fail_at("ready")
        if kind != "generate" and self.row["input_image_path"] is None:
            raise JobError(f"{kind.title()} job requires input_image_path")
        self._write("processing", progress=0.1 if kind == "upscale" else 0.15)
        self._write("processing", progress=0.25)
        if "crash" in self.forced:
            await studio.emulator.pause(self._work_s(upstream.WORK_S) / 2)
            raise CrashError("forced")
        await self._fail_at("call")
        if kind == "variation" and self._model is not None and self._model.exec_mode == "server":
            # Today's sd-server has no such route (wire §6).
            raise JobError(FAILURES["upstream_404"].text)
        pictures = await upstream.answer(
            commission(self.row, studio.read_input(self.row["input_image_path"]), self._mask()),
            self.forced,
            address=self._address(),
            steps=steps,
            tries=studio.profile.upstream_tries,
            pause=studio.emulator.pause,
        )
        self._log("HTTP API request completed successfully")
        if kind != "upscale":
            self._write("processing", progress=0.7)
        self._write("processing", progress=0.85)
        await self._fail_at("save")
        if "none" in self.forced:
            return []
        if not pictures:
            raise JobError(FAILURES["no_images"].text)
        return pictures

    def _save(self, pictures: list[bytes]) -> None:
        self._log("Saving generated images", imageCount=len(pictures))
        revised = self.forced.get("revised")
        for index, data in enumerate(pictures):
            text = None if revised is None else revised.argument or f"revised: image {index}"
            image = self._studio.save_image(self.id, index, data, text)
            if "image_gone" in self.forced:
                self._studio.image_path(image).unlink()

    async def _fail_at(self, stage: Stage) -> None:
        """Fail if a token says so, with the text that belongs to it."""
        for name, forced in self.forced.items():
            failure = FAILURES.get(name)
            if failure is None or failure.stage != stage:
                continue
            await self._studio.emulator.pause(failure.after_s + (self._work_s(0) if stage == "call" else 0))
            facts = {"model": self.row["model"], "kind": self.row["type"].title()}
            facts["argument"] = forced.argument or failure.argument
            if failure.kills_model and self._model is not None:
                self._studio.fleet.kill(self._model.id, code=None, signal="SIGKILL")
            raise JobError(None if failure.text is None else _filled(failure.text, facts), timed=failure.timed)

    def _work_s(self, otherwise: float) -> float:
        return self.forced["slow"].number(otherwise) if "slow" in self.forced else otherwise

    def _address(self) -> str:
        process = self._studio.fleet.process(self.row["model"])
        return process.address if process is not None and process.port is not None else UPSTREAM

    def _mask(self) -> bytes | None:
        return self._studio.read_input(self.row["mask_image_path"])

    def _flag(self, name: str) -> int:
        return int(is_truthy(FLAGS[name] if self.row[name] is None else self.row[name]))

    def _write(self, status: str, **changes: Any) -> None:
        self._studio.table.update(self.id, status, **changes)

    def _tell(self, kind: str, **changes: Any) -> None:
        shown = {name: self._claimed[name] for name in ("id", "status", "type", "prompt", "created_at", "progress")}
        self._studio.feed.announce("queue", kind, {**shown, "error": self._claimed["error"], **changes})

    def _log(self, message: str, *, level: str = "info", **facts: Any) -> None:
        self._studio.logbook.app(message, level=level, generation_id=self.id, **facts)

    def _times(self) -> dict[str, int]:
        whole = int((monotonic() - self._began) * 1000)
        return {"model_loading_time_ms": self._loading_ms, "generation_time_ms": whole - self._loading_ms}

    def _logged(self) -> dict[str, Any]:
        loading, working = self._times().values()
        logged: dict[str, Any] = {"modelLoadingTimeMs": loading, "generationTimeSec": f"{working / 1000:.2f}"}
        return {**logged, "generationTimeMs": working, "totalTimeMs": loading + working}


def _filled(text: str, facts: dict[str, str]) -> str:
    for name, value in facts.items():
        text = text.replace(f"{{{name}}}", value)
    return text


async def work(studio: Studio) -> None:
    """Look for a job at once and then on every tick; a tick that finds the worker busy passes (wire §5)."""
    tick_s = TICK_S / studio.emulator.speed
    began = monotonic()
    while True:
        entry = studio.table.claim()
        if entry is not None:
            await Job(studio, entry).run()
        await asyncio.sleep(tick_s - (monotonic() - began) % tick_s)
