"""The layer for clients of SD.next and A1111, `/sdapi/v1`, with its own ways to fail (wire §7.8)."""

import asyncio
from collections.abc import Awaitable
from datetime import UTC, datetime
from typing import Any

import msgspec
import pybase64
from aiohttp import web
from msgspec import UNSET

from adapters.kit.emulator import json_response
from adapters.sdcpp.sandbox.binding import either, given
from adapters.sdcpp.sandbox.body import BODY
from adapters.sdcpp.sandbox.draft import fields_of
from adapters.sdcpp.sandbox.express import Express
from adapters.sdcpp.sandbox.fault import CrashError, HandlerError, RefusalError
from adapters.sdcpp.sandbox.model import DEFAULT, MODELS, find
from adapters.sdcpp.sandbox.outcome import is_cut, submitting
from adapters.sdcpp.sandbox.refusal import NO_BODY_SYNC
from adapters.sdcpp.sandbox.studio import Studio
from adapters.sdcpp.sandbox.sync_routes import NO_SEED
from adapters.sdcpp.sandbox.upscaler import enlarged

WAIT_S = 3600.0
SIDE = 1024
NO_CHECKPOINT = "Cannot destructure property 'sd_model_checkpoint' of 'req.body' as it is undefined."

#: Every sampler with its other names; the list of schedulers is the same one ([R:sdapi]).
_NAMES: dict[str, tuple[str, ...]] = {
    "Euler": ("euler",),
    "Euler a": ("euler_a", "Euler Ancestral"),
    "DDIM": ("ddim",),
    "PLMS": ("plms",),
    "DPM++ 2M": ("dpmpp_2m", "DPM++ 2M Karras"),
    "DPM++ 2S a": ("dpmpp_2s_a", "DPM++ 2S Ancestral", "DPM++ 2S Ancestral Karras"),
    "DPM++ SDE": ("dpmpp_sde", "DPM++ SDE Karras"),
    "DPM Fast": ("dpm_fast",),
    "DPM Adaptive": ("dpm_adaptive",),
    "LCM": ("lcm",),
    "TCD": ("tcd",),
    "Heun": ("heun",),
    "DPM2": ("dpm2",),
    "DPM2 a": ("dpm2_a", "DPM2 Ancestral"),
    "UniPC": ("unipc",),
    "LMS": ("lms",),
    "LMS Karras": ("lms_karras",),
}
SAMPLERS: list[dict[str, Any]] = [
    {"name": name, "aliases": list(aliases), "options": {}} for name, aliases in _NAMES.items()
]


class SdapiRoutes:
    """`/sdapi/v1` without the upscalers."""

    def __init__(self, studio: Studio) -> None:
        """Take the server."""
        self._studio = studio

    def register(self, app: web.Application, express: Express) -> None:
        """Add the routes."""
        guarded = express.guarded
        app.router.add_get("/sdapi/v1/{what:samplers|schedulers}", guarded(self.samplers))
        app.router.add_get("/sdapi/v1/sd-models", guarded(self.models))
        app.router.add_get("/sdapi/v1/options", guarded(self.options))
        app.router.add_post("/sdapi/v1/options", guarded(self.set_options))
        app.router.add_get("/sdapi/v1/progress", guarded(self.progress))
        app.router.add_post("/sdapi/v1/interrupt", guarded(self.interrupt))
        app.router.add_post("/sdapi/v1/txt2img", guarded(self.txt2img))

    async def samplers(self, _request: web.Request) -> web.StreamResponse:
        """List the samplers; the schedulers are the same ones."""
        return json_response(SAMPLERS)

    async def models(self, _request: web.Request) -> web.StreamResponse:
        """List the models in A1111's words."""
        nothing = {"filename": "", "type": "safetensors", "hash": None, "sha256": None, "config": None}
        return json_response([{"title": each.name, "model_name": each.id, **nothing} for each in MODELS.values()])

    def _chosen(self) -> str | None:
        kept = self._studio.emulator.shelf.get("config", "sdnext_cached_model")
        return kept if isinstance(kept, str) else None

    async def options(self, _request: web.Request) -> web.StreamResponse:
        """Show the chosen model's name: the one that was set, or runs, or is the default."""
        running = [process.model.id for process in self._studio.fleet.running()]
        name = MODELS[self._chosen() or next(iter(running), DEFAULT)].name
        return json_response({"sd_model_checkpoint": name, "sd_vae": None})

    async def set_options(self, request: web.Request) -> web.StreamResponse:
        """Choose the model of all txt2img callers, for ever."""
        wanted = fields_of(request[BODY], complaint=NO_CHECKPOINT).get("sd_model_checkpoint")
        if not wanted:
            return json_response({"updated": []})
        model = find(wanted)
        if model is None:
            names = ", ".join(each.name for each in MODELS.values())
            raise RefusalError(400, f"Model not found: {wanted}", detail=f"Available models: {names}")
        self._studio.emulator.shelf.put("config", "sdnext_cached_model", model.id)
        return json_response({"updated": [{"sd_model_checkpoint": True}]})

    async def progress(self, _request: web.Request) -> web.StreamResponse:
        """Show the newest job that is processing; `job_count` counts the pending ones."""
        stats = self._studio.table.stats()
        working = self._studio.table.listed("processing")
        progress: float = 0
        state = {"job_count": 0}
        if any(entry["status"] == "starting" for entry in self._studio.fleet.listed()):
            progress, state = 0.25, {"job_count": 1, "job_no": 0}
        elif working:
            progress = working[0].row["progress"] or 0.5
            state = {"job_count": stats["pending"], "job_no": stats["processing"]}
        nothing = {"current_image": None, "textinfo": None}
        return json_response({"progress": progress, "eta_relative": None, "state": state, **nothing})

    async def interrupt(self, _request: web.Request) -> web.StreamResponse:
        """Cancel the newest job that is processing, as weakly as the queue does."""
        for entry in self._studio.table.listed("processing")[:1]:
            self._studio.table.cancel(entry.row["id"])
        return json_response({"success": True})

    async def txt2img(self, request: web.Request) -> web.StreamResponse:
        """Queue a job of 512x512, whatever was asked, and wait for its end; what cannot be bound kills the server."""
        body = request[BODY]
        forced = submitting(self._studio, request, body.get("prompt") if isinstance(body, dict) else None)
        fields = fields_of(body, complaint=NO_BODY_SYNC)
        order = self._order(fields)
        stored = {**order, "type": "generate", "size": None}
        try:
            job_id = self._studio.submit(stored, forced)
        except HandlerError as error:
            # The insert is not awaited: its failure is an unhandled rejection.
            raise CrashError(error.text) from error
        if is_cut(forced):
            return web.Response()
        await self._ended(job_id, is_late="generation_timeout" in forced)
        images = self._studio.table.images(job_id)
        if not images:
            raise HandlerError("No images generated")
        pictures = [path.read_bytes() for path in map(self._studio.image_path, images) if path.exists()]
        if not pictures:
            raise HandlerError("Failed to read generated images")
        enhanced = either(fields.get("enable_hr"), None)
        if enhanced is not None:
            pictures = await self._second_pass(pictures, fields)
        shown = {"id": job_id, "type": "generate", **order, "status": "pending", "created_at": self._time()}
        encoded = [pybase64.b64encode_as_string(each) for each in pictures]
        return json_response({"images": encoded, "parameters": shown, "info": _info(order, fields)})

    def _order(self, fields: dict[str, Any]) -> dict[str, Any]:
        asked = fields.get("override_settings")
        wanted = asked.get("sd_model_checkpoint") if isinstance(asked, dict) else None
        wanted = wanted or fields.get("sd_model_checkpoint")
        # A name that nobody knows falls back to the default without a word.
        model = (find(wanted) if wanted else MODELS.get(self._chosen() or DEFAULT)) or MODELS[DEFAULT]
        params = model.generation_params or {}
        order = {
            "model": model.id,
            "prompt": either(fields.get("prompt"), ""),
            "negative_prompt": either(fields.get("negative_prompt"), ""),
            "width": either(fields.get("width"), SIDE),
            "height": either(fields.get("height"), SIDE),
            "sample_steps": given(fields.get("steps", UNSET), params.get("sample_steps")),
            "cfg_scale": given(fields.get("cfg_scale", UNSET), params.get("cfg_scale")),
            "sampling_method": either(fields.get("sampler_name"), params.get("sampling_method", "euler")),
            "seed": either(fields.get("seed"), NO_SEED),
            "n": fields.get("n", 1),
        }
        return {name: value for name, value in order.items() if value is not None}

    async def _ended(self, job_id: str, *, is_late: bool) -> None:
        late = HandlerError("Generation timeout - the model may still be processing")
        if is_late:
            raise late
        entry = self._studio.table.get(job_id)
        status = entry.row["status"] if entry else None
        if status not in ("completed", "failed", "cancelled"):
            try:
                status = await self._within(self._studio.end_of(job_id))
            except TimeoutError:
                raise late from None
        if status == "cancelled":
            raise HandlerError("Generation cancelled")
        if status == "failed":
            raise HandlerError((entry.row["error"] if entry else None) or "Generation failed")

    async def _within(self, end: Awaitable[str]) -> str:
        return await asyncio.wait_for(end, WAIT_S / self._studio.emulator.speed)

    async def _second_pass(self, pictures: list[bytes], fields: dict[str, Any]) -> list[bytes]:
        options = {"upscaler_1": fields.get("hr_upscaler"), "upscaling_resize": fields.get("hr_scale")}
        return [await asyncio.to_thread(enlarged, each, options) for each in pictures]

    def _time(self) -> str:
        now = datetime.fromtimestamp(self._studio.emulator.now(), UTC)
        return now.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _info(order: dict[str, Any], fields: dict[str, Any]) -> str:
    names = {
        "prompt": "prompt", "negative_prompt": "negative_prompt", "width": "width", "height": "height",
        "steps": "sample_steps", "cfg_scale": "cfg_scale", "sampler_name": "sampling_method", "seed": "seed",
        "model": "model",
    }  # fmt: skip
    info = {shown: order[name] for shown, name in names.items() if name in order}
    info["hr"] = None
    if either(fields.get("enable_hr"), None) is not None:
        info["hr"] = {
            "enabled": True,
            "upscaler": fields.get("hr_upscaler"),
            "scale": fields.get("hr_scale"),
            "second_pass_steps": fields.get("hr_second_pass_steps", 0),
            "denoising_strength": fields.get("denoising_strength", 0),
        }
    return msgspec.json.encode(info).decode()
