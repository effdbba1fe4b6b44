"""What Studio's routes promise: as measured (`head`), or as seed 002 has it where that differs (`seed`, wire §10).

`§` is a section of the wire reference. Recordings keep it all.
"""

from adapters.kit.promise import Promise
from adapters.kit.shape import Like, either, one
from adapters.sdcpp import wire

HEAD = ("head",)
SEED = ("seed",)
UUID = Like(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
STATES = ("pending", "processing", "model_loading", "completed", "failed", "cancelled")


def said(route: str, status: int, text: str, **more: object) -> Promise:
    """Return the envelope of most refusals: `{"error": text}` (§3)."""
    return Promise(route=route, status=status, shape={"error": one(text), **more})


#: §7.1.
HEALTH = Promise(
    route="GET /api/health",
    shape={"status": one("ok"), "timestamp": Like(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")},
)
CONFIG = Promise(
    route="GET /api/config",
    shape={
        "sdApiEndpoint": "text",
        "model": "text",
        "authEnabled": "bool",
        "keyPassed": "bool",
        "keyValid": "bool",
        "terminalUiMode": "bool",
    },
    read_as=wire.Config,
    profiles=HEAD,
)
CONFIG_SEED = Promise(
    route="GET /api/config", shape={"sdApiEndpoint": "text", "model": "text"}, read_as=wire.Config, profiles=SEED
)
#: §4.
_ROW = {
    "id": UUID,
    "type": one("generate", "edit", "variation", "upscale"),
    "model": "text|null",
    "prompt": "text|null",
    "negative_prompt": "text|null",
    "size": "text|null",
    "seed": "text|null",
    "n": "any",
    "quality": "text|null",
    "style": "text|null",
    "source_image_id": "text|null",
    "status": one(*STATES),
    "progress": "number|null",
    "error": "text|null",
    "created_at": "number",
    "updated_at": "number",
    "started_at": "number|null",
    "completed_at": "number|null",
    "image_count": "number",
}
_IMAGE = {
    "id": UUID,
    "generation_id": UUID,
    "index_in_batch": "number",
    "file_path": "text",
    "mime_type": Like(r"image/\w+"),
    "width": "number|null",
    "height": "number|null",
    "revised_prompt": "text|null",
}
STATS = {"pending": "number", "processing": "number", "completed": "number", "failed": "number"}
#: §7.2: unpaged, so that only a state is asked for that few are in.
QUEUE = Promise(route="GET /api/queue", shape={"jobs": [_ROW], "stats": STATS}, read_as=wire.Queue)
QUEUE_STATS = Promise(route="GET /api/queue/stats", shape=STATS)
#: §4: one object for job and generation.
JOB = Promise(route="GET /api/queue/:id", shape={**_ROW, "images": [_IMAGE]}, read_as=wire.Job)
GENERATION = Promise(route="GET /api/generations/:id", shape={**_ROW, "images": [_IMAGE]}, read_as=wire.Job)
#: §7.5: all states in pages; the seed has a bare list.
GENERATIONS = Promise(
    route="GET /api/generations",
    shape={
        "generations": [_ROW],
        "pagination": {"total": "number", "limit": "number", "offset": "number", "hasMore": "bool"},
    },
    profiles=HEAD,
)
GENERATIONS_SEED = Promise(route="GET /api/generations", shape=[_ROW], profiles=SEED)
IMAGES = Promise(route="GET /api/generations/:id/images", shape=[{**_IMAGE, "static_url": "text"}])
#: Of nobody there are none: no element is of this shape.
NO_IMAGES = Promise(route="GET /api/generations/:id/images", shape=[one()])
NO_JOB = said("GET /api/queue/:id", 404, "Job not found")
NO_GENERATION = said("GET /api/generations/:id", 404, "Generation not found")
NO_IMAGE = said("GET /api/images/:id", 404, "Image not found")
NO_FIRST_IMAGE = said("GET /api/generations/:id/image", 404, "Image not found")
NOT_CANCELLED = said("DELETE /api/queue/:id", 404, "Job not found or cannot be cancelled")
#: §3.
NOWHERE = said("GET /api/nope", 404, "Not found")
NO_FILE = said("GET /static/images/:file", 404, "File not found")
NO_JSON = Promise(route="POST * (no JSON)", status=400, body="page")
#: §7.4: the one list of models without secrets.
V1_MODELS = Promise(
    route="GET /api/v1/models",
    shape={
        "object": one("list"),
        "data": [
            {
                "id": "text",
                "object": one("model"),
                "created": "number",
                "name": "text",
                "status": "text",
                "architecture": {
                    "modality": "text",
                    "input_modalities": ["text"],
                    "output_modalities": ["text"],
                },
                "supported_parameters": ["text"],
                "default_parameters": "object",
            }
        ],
    },
    read_as=wire.Models,
)
#: §7.6: keys of upstreams stand in it in clear; nothing of it is shown.
MODELS = Promise(
    route="GET /api/models",
    shape={
        "models": [{"id": "text", "name": "text", "status": "text", "isRunning": "bool", "execMode": "text"}],
        "default": "object|null",
        "default_models": "object",
        "backend_settings": "object",
    },
    read_as=wire.Fleet,
)
RUNNING = Promise(route="GET /api/models/running", shape={"count": "number", "models": "list"})
#: §7.8.
SAMPLERS = Promise(route="GET /sdapi/v1/samplers", shape=[{"name": "text", "aliases": ["text"], "options": "object"}])
SD_MODELS = Promise(
    route="GET /sdapi/v1/sd-models",
    shape=[{"title": "text", "model_name": "text", "filename": "text|null", "type": "text"}],
)
UPSCALERS = Promise(
    route="GET /sdapi/v1/upscalers", shape=[{"name": "text", "scale": "number|null", "model_name": "text|null"}]
)
PROGRESS = Promise(
    route="GET /sdapi/v1/progress",
    shape={"progress": "number", "eta_relative": "number|null", "state": {"job_count": "number"}},
)
#: §2.
NO_KEY = Promise(
    route="GET * (no key)", status=401, shape={"error": one("Unauthorized"), "message": Like(r"Missing API key\..*")}
)
WRONG_KEY = Promise(
    route="GET * (wrong key)", status=403, shape={"error": one("Forbidden"), "message": one("Invalid API key")}
)
#: §7.9.
SOCKET = Promise(
    route="GET /ws",
    status=101,
    shape=[
        either(
            {"type": one("connected"), "channels": ["text"], "timestamp": "number"},
            {"type": one("subscribed"), "channel": one("queue"), "timestamp": "number"},
            {"channel": "text", "type": "text", "data": "object"},
        )
    ],
)
#: §7.2: 200, not 202.
QUEUED = Promise(route="POST /api/queue/*", shape={"job_id": UUID, "status": one("pending")}, read_as=wire.Queued)
CANCELLED = Promise(
    route="DELETE /api/queue/:id",
    shape={"success": one(True), "job": {**_ROW, "status": one("cancelled")}},
    read_as=wire.Cancelled,
)
#: §7.5: always called image/png; a gateway says what it is.
IMAGE = Promise(
    route="GET /api/images/:id", body="picture", headers=("accept-ranges", "cache-control", "etag", "last-modified")
)
IMAGE_RANGE = Promise(
    route="GET /api/images/:id", status=206, body="any", headers=("accept-ranges", "cache-control", "etag")
)
#: §7.3 [R sync_generate, sync_edit_variation].
SYNC_NO_PROMPT = said("POST /api/generate", 400, "Missing required field: prompt")
NO_UPLOAD = said("POST /api/queue/edit", 400, "Image file is required")
#: §7.4: OpenAI's own envelope.
V1_NO_PROMPT = Promise(
    route="POST /api/v1/images/generations",
    status=400,
    shape={"error": {"message": one("Missing required field: prompt"), "type": one("invalid_request_error")}},
)
#: §7.2: multer's page; the reason is lost in production. A gateway says it as every refusal.
NO_PICTURE = Promise(route="POST /api/queue/edit (no picture)", status=500, body="page")
NO_PICTURE_SAID = said("POST /api/queue/edit (no picture)", 400, "Only image files are allowed")
