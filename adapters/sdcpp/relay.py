"""What is passed on to the Studio of one team: its models one by one, their processes, its settings, its logs.

Pure: the addresses, what of each answer goes back, and how texts are cleaned. Keys of upstreams, command lines, paths,
ports and process ids never go back (wire §7.6, §7.7); a model is started with numbers alone, never with arguments for a
command line. Not on the list: terminals, `/static`, downloads.
"""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from adapters.kit.sieve import Shape, sift
from contracts.relay import RelayRoute

#: A start is answered when the model is ready, by default within 90 s (wire §7.6).
START_S = 150.0


def _fields(*names: str) -> dict[str, Shape]:
    whole: Shape = True
    return dict.fromkeys(names, whole)


_STATUS = _fields("exists", "id", "name", "status", "execMode", "mode", "uptime", "startedAt")
_MODEL = _fields(
    "id", "name", "description", "capabilities", "mode", "model_type", "supports_negative_prompt", "autostopMs",
    "isRunning", "status", "quant", "memoryFlags", "execMode", "defaultSteps", "running",
)  # fmt: skip
_DONE = _fields("success", "modelId", "status", "message", "memoryFlags", "restartRequired")
_LINE = _fields("level", "time", "type", "module", "modelId", "code", "signal", "msg")
_GPU = _fields(
    "available", "name", "vramTotalMB", "driver", "cudaVersion", "method", "vramUsedMB", "vramFreeMB", "usageMethod",
    "usageTimestamp", "vram", "ram", "breakdownMB", "breakdownGB",
)  # fmt: skip
_ONE = "/api/models/{model}"


def _route(method: str, template: str, **more: Any) -> RelayRoute:
    return RelayRoute(method=method, template=template, **more)


#: Each with what of its answer goes back.
SHAPES: Mapping[RelayRoute, Shape] = {
    _route("GET", _ONE): _MODEL,
    _route("GET", f"{_ONE}/status"): _STATUS,
    _route("GET", f"{_ONE}/files/status"): _fields("modelId", "hasHuggingFace", "allFilesExist"),
    _route("GET", f"{_ONE}/memory-components"): _fields("modelId", "memoryFlags"),
    _route("POST", f"{_ONE}/memory-flags"): _DONE,
    _route("POST", f"{_ONE}/start", timeout_s=START_S): _DONE,
    _route("POST", f"{_ONE}/stop"): _DONE,
    _route("POST", "/api/v1/models/{model}/start", timeout_s=START_S): _DONE,
    _route("POST", "/api/v1/models/{model}/stop"): _DONE,
    _route("GET", "/api/settings"): _fields(
        "default_autostop", "supports_negative_prompt", "default_model", "default_models"
    ),
    _route("GET", "/api/gpu-info"): _GPU,
    _route("GET", "/api/memory/estimate", query=("modelId",)): True,
    _route("GET", "/api/logs", query=("limit",)): {"app": _LINE, "sdcpp": _LINE, "http": _fields("level", "time")},
}
#: What a body may say; whatever else it says is refused: `extraArgs` would stand in a command line.
BODIES: Mapping[str, frozenset[str]] = {
    "start": frozenset({"steps", "threads"}),
    "memory-flags": frozenset({"offload_to_cpu", "clip_on_cpu", "vae_on_cpu", "vae_tiling", "diffusion_fa"}),
    "stop": frozenset(),
}
_REFUSAL: Shape = {"error": True, "detail": True, "status": _STATUS}
#: Paths, addresses and what looks like a key, in texts of the server.
_PRIVATE = re.compile(r"(?:https?|file)://\S+|(?:[A-Za-z]:)?(?:[/\\][\w.@~-]+){2,}|\b(?:sk|hf|key)[-_][\w-]{8,}")
_HIDDEN = "[...]"


def strangers(route: RelayRoute, body: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the fields of a body that may not go on."""
    known = BODIES.get(route.template.rpartition("/")[2], frozenset())
    return tuple(sorted(body.keys() - known))


def cleaned(route: RelayRoute, status: int, body: bytes) -> bytes | None:
    """Return what of an answer goes back; None where it is no JSON object, as an error page is not."""
    try:
        said = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if not isinstance(said, dict):
        return None
    return msgspec.json.encode(_plain(sift(said, _REFUSAL if status >= 400 else SHAPES[route])))


def _plain(value: Any) -> Any:
    """Return a value whose texts tell nothing of the server's disk and network."""
    match value:
        case str():
            return _PRIVATE.sub(_HIDDEN, value)
        case list():
            return [_plain(each) for each in value]
        case dict():
            return {name: _plain(each) for name, each in value.items()}
    return value
