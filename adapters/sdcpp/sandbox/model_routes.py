"""Models, settings and machine: operations only; the lists here show the upstream's key in clear (wire §7.6)."""

from typing import Any

from aiohttp import web

from adapters.kit.emulator import json_response
from adapters.kit.scenario import Forced
from adapters.sdcpp.sandbox.body import BODY
from adapters.sdcpp.sandbox.express import Express
from adapters.sdcpp.sandbox.failure import FAILURES
from adapters.sdcpp.sandbox.fault import HandlerError, RefusalError
from adapters.sdcpp.sandbox.fleet import gpu_info
from adapters.sdcpp.sandbox.model import AUTOSTOP_MS, DEFAULT, DEFAULTS, FILES, FLAGS, MODELS, Model
from adapters.sdcpp.sandbox.studio import Studio

#: A model's start can be made to fail by a rule with one of these outcomes.
STARTS = frozenset(("startup_failed", "startup_timeout", "port_exhausted", "shutdown"))
_PREFIX = "Model startup failed: "
_FLAG_FIELDS = {
    "offloadToCpu": "offload_to_cpu",
    "clipOnCpu": "clip_on_cpu",
    "vaeOnCpu": "vae_on_cpu",
    "vaeTiling": "vae_tiling",
    "diffusionFa": "diffusion_fa",
}


class ModelRoutes:
    """`/api/models`, `/api/v1/models/:id/*`, `/api/settings`, `/api/gpu-info` and `/api/memory`."""

    def __init__(self, studio: Studio) -> None:
        """Take the server; memory flags that are changed last until it restarts."""
        self._studio = studio
        self._flags: dict[str, dict[str, bool]] = {}

    def register(self, app: web.Application, express: Express) -> None:
        """Add the routes; fixed words stand before ids."""
        gets = {
            "/api/models": self.listed,
            "/api/models/running": self.running,
            "/api/models/downloaded": self.downloaded,
            "/api/models/download/{id}": self.download,
            "/api/models/{model}": self.shown,
            "/api/models/{model}/status": self.status,
            "/api/models/{model}/files/status": self.files,
            "/api/models/{model}/memory-components": self.components,
            "/api/settings": self.settings,
            "/api/gpu-info": self.gpu,
            "/api/memory/estimate": self.estimate,
        }
        posts = {
            "/api/models/download": self.new_download,
            "/api/models/{model}/download": self.download_model,
            "/api/models/{model}/memory-flags": self.set_flags,
            "/api/{version:models|v1/models}/{model}/start": self.start,
            "/api/{version:models|v1/models}/{model}/stop": self.stop,
        }
        for path, handler in gets.items():
            app.router.add_get(path, express.guarded(handler))
        for path, handler in posts.items():
            app.router.add_post(path, express.guarded(handler))
        app.router.add_delete("/api/models/download/{id}", express.guarded(self.download))

    async def listed(self, _request: web.Request) -> web.StreamResponse:
        """List all models, with the keys of the external ones."""
        models = [
            {**entry, "memoryFlags": self._memory(entry["id"]), **MODELS[entry["id"]].summary(), "fileStatus": FILES}
            for entry in self._studio.fleet.listed()
        ]
        default = {**MODELS[DEFAULT].config(), **MODELS[DEFAULT].summary()}
        body = {"models": models, "default": default, "default_models": DEFAULTS, "backend_settings": {}}
        return json_response(body)

    async def running(self, _request: web.Request) -> web.StreamResponse:
        """List what runs; each id is itself an object."""
        models = self._studio.fleet.running_listed()
        return json_response({"count": len(models), "models": models})

    async def downloaded(self, _request: web.Request) -> web.StreamResponse:
        """List what was downloaded: nothing."""
        return json_response({"count": 0, "models": []})

    async def shown(self, request: web.Request) -> web.StreamResponse:
        """Show one model, key and all; `process` is null even while it runs."""
        model = _model(request)
        running = self._studio.fleet.is_running(model.id)
        more = {"fileStatus": FILES, "running": running, "process": None}
        return json_response({**model.config(), **model.summary(), **more})

    async def status(self, request: web.Request) -> web.StreamResponse:
        """Show a model's process."""
        return json_response(self._studio.fleet.status(_model(request)))

    async def files(self, request: web.Request) -> web.StreamResponse:
        """Show a model's files: none is known."""
        return json_response({"modelId": _model(request).id, "hasHuggingFace": False, "files": []})

    async def components(self, request: web.Request) -> web.StreamResponse:
        """Show where a model's parts lie."""
        model = _model(request)
        return json_response({"modelId": model.id, "components": [], "memoryFlags": self._memory(model.id)})

    async def set_flags(self, request: web.Request) -> web.StreamResponse:
        """Change a model's memory flags."""
        model, body = _model(request), request[BODY]
        asked = body if isinstance(body, dict) else {}
        changed = {name: bool(asked[field]) for field, name in _FLAG_FIELDS.items() if field in asked}
        self._flags[model.id] = {**self._memory(model.id), **changed}
        running = self._studio.fleet.is_running(model.id)
        message = (
            "Memory flags updated. Model will use new flags on next restart."
            if running
            else "Memory flags updated. Will apply on next model start."
        )
        answer = {"success": True, "modelId": model.id, "memoryFlags": self._memory(model.id)}
        return json_response({**answer, "restartRequired": running, "message": message})

    def _memory(self, model_id: str) -> dict[str, bool]:
        return self._flags.get(model_id, FLAGS)

    async def start(self, request: web.Request) -> web.StreamResponse:
        """Start a model and answer when it is ready; the answer calls it starting all the same."""
        model, fleet = _model(request), self._studio.fleet
        if fleet.is_running(model.id):
            return json_response({"error": "Model is already running", "status": fleet.status(model)}, status=409)
        for forced in self._studio.emulator.forced(request, "", among=STARTS).values():
            await self._fail_to_start(forced)
        process = await fleet.start(model)
        message = f"Model {model.id} is starting"
        answer = {"success": True, "modelId": model.id, "status": "starting", "pid": process.pid, "message": message}
        return json_response(answer)

    async def _fail_to_start(self, forced: Forced) -> None:
        failure = FAILURES[forced.name]
        await self._studio.emulator.pause(failure.after_s)
        text = (failure.text or "").replace("{argument}", forced.argument or failure.argument)
        raise HandlerError(text.removeprefix(_PREFIX))

    async def stop(self, request: web.Request) -> web.StreamResponse:
        """Stop a model; what is stopped already is a 400, or a 409 under `/api/v1`."""
        model, fleet = _model(request), self._studio.fleet
        newer = request.match_info["version"] == "v1/models"
        if not fleet.is_running(model.id):
            stopped = {"error": "Model is not running", "status": fleet.status(model)}
            return json_response(stopped, status=409 if newer else 400)
        await fleet.stop(model.id)
        status, words = ("stopping", "is stopping") if newer else ("stopped", "has been stopped")
        message = f"Model {model.id} {words}"
        return json_response({"success": True, "modelId": model.id, "status": status, "message": message})

    async def download(self, _request: web.Request) -> web.StreamResponse:
        """Show or cancel a download: there is none."""
        raise RefusalError(404, "Download not found")

    async def new_download(self, request: web.Request) -> web.StreamResponse:
        """Refuse a download: without repository and files as the real one, with them because nothing leaves here."""
        body = request[BODY]
        asked = body if isinstance(body, dict) else {}
        if not asked.get("repo") or not isinstance(asked.get("files"), list) or not asked["files"]:
            raise RefusalError(400, "Missing required fields: repo and files array")
        raise HandlerError("fetch failed")

    async def download_model(self, request: web.Request) -> web.StreamResponse:
        """Refuse to download a model whose configuration names no source."""
        _model(request)
        raise RefusalError(400, "Model has no HuggingFace configuration")

    async def settings(self, _request: web.Request) -> web.StreamResponse:
        """Show the global settings."""
        body: dict[str, Any] = {
            "backend_settings": {},
            "default_autostop": AUTOSTOP_MS,
            "supports_negative_prompt": True,
            "default_model": DEFAULT,
            "default_models": DEFAULTS,
        }
        return json_response(body)

    async def gpu(self, _request: web.Request) -> web.StreamResponse:
        """Show the graphics card: none."""
        return json_response(gpu_info(self._studio.emulator.now()))

    async def estimate(self, request: web.Request) -> web.StreamResponse:
        """Fail to estimate memory, in three ways."""
        model_id = request.query.get("modelId")
        if not model_id:
            raise RefusalError(400, "modelId is required")
        if model_id not in MODELS:
            raise RefusalError(404, f"Model not found: {model_id}")
        error = "Could not determine model architecture for memory estimation"
        return json_response({"modelId": model_id, "error": error, "gpuVramMB": None, "gpuFreeVramMB": None})


def _model(request: web.Request) -> Model:
    model = MODELS.get(request.match_info["model"])
    if model is None:
        raise RefusalError(404, "Model not found")
    return model
