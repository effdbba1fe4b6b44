"""What the server says of itself and of its models: the gateway's, as the caller's key sees them (wire §7.1, §7.6).

Of no backend is a key, a path or an address told: the lists are made of names alone.
"""

from datetime import UTC, datetime
from typing import Any

from adapters.kit.express import read
from adapters.sdcpp.face.front import Front
from adapters.sdcpp.face.model import Offered, default_of, offered
from adapters.sdcpp.face.profile import FLAGS, KNOWN_MODELS
from contracts.caller import Caller
from contracts.face import Answer, Call, FaceRoute
from contracts.spec import Operation

_FILES = {"hasHuggingFace": False, "allFilesExist": True, "files": [], "source": None}
_MODALITIES: dict[Operation, str] = {"image.generate": "text", "image.edit": "image", "image.variation": "image"}


class Status:
    """The routes."""

    def __init__(self, front: Front) -> None:
        """Take what all routes share."""
        self._front = front

    def routes(self) -> list[FaceRoute]:
        """Return the routes."""
        found = {
            "/api/health": self._health,
            "/api/config": self._config,
            "/api/models": self._models,
            "/api/models/running": self._running,
            "/api/v1/models": self._listed,
        }
        return [FaceRoute(method="GET", template=path, answer=each) for path, each in found.items()]

    async def _health(self, call: Call, _caller: Caller) -> Answer:
        return read(call, {"status": "ok", "timestamp": iso(self._front.settings.clock())})

    async def _config(self, call: Call, caller: Caller) -> Answer:
        """Show where the server is, and its default model. Whoever comes in without a key has passed none."""
        models = offered(self._front.desk.catalogue, caller)
        default = default_of(models, "image.generate")
        body = {
            "sdApiEndpoint": self._front.settings.base_url,
            "model": default.id if default is not None else KNOWN_MODELS[0],
        }
        if self._front.profile.name == "seed":
            return read(call, body)
        has_key = caller.key_id is not None
        keys = {"authEnabled": has_key, "keyPassed": has_key, "keyValid": has_key}
        return read(call, {**body, **keys, "terminalUiMode": False})

    async def _models(self, call: Call, caller: Caller) -> Answer:
        models = offered(self._front.desk.catalogue, caller)
        default = default_of(models, "image.generate")
        for_pictures = default_of(models, "image.edit") or default_of(models, "image.variation")
        body = {
            "models": [_entry(each) for each in models],
            "default": None if default is None else _config_of(default),
            "default_models": {
                "text_to_image": None if default is None else default.id,
                "image_to_image": None if for_pictures is None else for_pictures.id,
            },
            "backend_settings": {},
        }
        return read(call, body)

    async def _running(self, call: Call, caller: Caller) -> Answer:
        """List what can work now, each id being itself an object, as measured."""
        settings = self._front.settings
        models = [
            {"id": info, "name": info, "api": None}
            for each in offered(self._front.desk.catalogue, caller)
            if each.ready
            and (
                info := {
                    "id": each.id,
                    "name": each.name,
                    "pid": None,
                    "port": None,
                    "execMode": _mode(each),
                    "uptime": int(settings.clock() - settings.started_at),
                    "startedAt": int(settings.started_at * 1000),
                }
            )
        ]
        return read(call, {"count": len(models), "models": models})

    async def _listed(self, call: Call, caller: Caller) -> Answer:
        """List the models in OpenAI's manner (wire §7.4): an adapter like ours reads it."""
        now = int(self._front.settings.clock() * 1000)
        data = [
            {
                "id": each.id,
                "object": "model",
                "created": now,
                "name": each.name,
                "description": each.name,
                "quant": "unknown",
                "status": _state(each),
                "architecture": _architecture(each),
                "context_length": None,
                "supported_parameters": each.parameters,
                "default_parameters": {"cfg_scale": None, "sample_steps": None, "sampling_method": None},
                "fileStatus": _FILES,
            }
            for each in offered(self._front.desk.catalogue, caller)
        ]
        return read(call, {"object": "list", "backend_settings": {}, "data": data})


def iso(at: float) -> str:
    """Return a moment as JavaScript's `toISOString` writes it."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _state(model: Offered) -> str:
    return "running" if model.ready else "stopped"


def _mode(model: Offered) -> str:
    """Return how a model runs: as a local server, which has no variations (wire §6), or as an API, which has."""
    return "server" if "image.edit" in model.operations and "image.variation" not in model.operations else "api"


def _capabilities(model: Offered) -> list[str]:
    words = {"image.generate": "text-to-image", "image.edit": "imgedit", "image.variation": "image-to-image"}
    return [word for operation, word in words.items() if operation in model.operations]


def _config_of(model: Offered) -> dict[str, Any]:
    return {
        "id": model.id,
        "name": model.name,
        "description": model.name,
        "capabilities": _capabilities(model),
        "mode": "on_demand",
        "model_type": "text-to-image" if "image.generate" in model.operations else "imgedit",
        "supports_negative_prompt": True,
        "execMode": _mode(model),
        "defaultSteps": None,
    }


def _entry(model: Offered) -> dict[str, Any]:
    return {
        **_config_of(model),
        "isRunning": model.ready,
        "status": _state(model),
        "pid": None,
        "port": None,
        "quant": "unknown",
        "memoryFlags": dict.fromkeys(FLAGS, False),
        "fileStatus": _FILES,
    }


def _architecture(model: Offered) -> dict[str, Any]:
    takes = list(dict.fromkeys(word for each, word in _MODALITIES.items() if each in model.operations))
    modality = f"{'+'.join(takes)}+image->image"
    return {"modality": modality, "input_modalities": takes, "output_modalities": ["image"]}
