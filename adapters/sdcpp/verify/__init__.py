"""sd.cpp Studio's contract with its servers: every check, and how the measured release is told from the seed's."""

from adapters.kit.asker import HttpAsker
from adapters.kit.checking import NOBODY, json_of, look
from adapters.sdcpp.verify import making
from adapters.sdcpp.verify import promises as p
from contracts.port import BackendSettings
from contracts.verify import Ask, Check, Checks, Recognising

_WIRE = "wire/sdcpp.md"


def recognise() -> Recognising:
    """Ask for generations: the seed promises a bare list, the measured server has pages (wire §10)."""
    said = json_of((yield Ask(path="/api/generations?limit=1")))
    if isinstance(said, list):
        return ("seed",)
    return ("head",) if isinstance(said, dict) and "pagination" in said else ()


def opened(settings: BackendSettings) -> HttpAsker:
    """Return what asks a server: X-Api-Key would stand in its log in clear (wire §7.7)."""
    return HttpAsker(settings, key_header=lambda key: {"Authorization": f"Bearer {key}"})


def _post(path: str, body: object) -> Ask:
    return Ask(method="POST", path=path, body=body)


HEALTH = Check(
    id="health",
    route="GET /api/health",
    promised="200 JSON, status ok and a timestamp",
    source=f"{_WIRE} §7.1; health_config; seed 002",
    steps=look(Ask(path="/api/health"), p.HEALTH),
)
_READ = (
    HEALTH,
    Check(
        id="config",
        route="GET /api/config",
        promised="200 JSON: 6 fields, with whether the key is right; 2 in the seed",
        source=f"{_WIRE} §7.1, §10; health_config; seed 002",
        steps=look(Ask(path="/api/config"), p.CONFIG, p.CONFIG_SEED),
    ),
    Check(
        id="queue",
        route="GET /api/queue",
        promised="200 JSON: jobs and stats",
        source=f"{_WIRE} §4, §7.2; queue_generate_lifecycle; seed 002",
        steps=look(Ask(path="/api/queue?status=processing"), p.QUEUE),
    ),
    Check(
        id="queue-stats",
        route="GET /api/queue/stats",
        promised="200 JSON: four counters",
        source=f"{_WIRE} §7.2; queue_generate_lifecycle; seed 002",
        steps=look(Ask(path="/api/queue/stats"), p.QUEUE_STATS),
    ),
    Check(
        id="unknown-job",
        route="GET /api/queue/:id",
        promised='404 {"error": "Job not found"}',
        source=f"{_WIRE} §7.2; cancel_pending",
        steps=look(Ask(path=f"/api/queue/{NOBODY}"), p.NO_JOB),
    ),
    Check(
        id="generations",
        route="GET /api/generations",
        promised="200 JSON: pages of all states; a bare list in the seed",
        source=f"{_WIRE} §7.5, §10; queue_generate_lifecycle; seed 002",
        steps=look(Ask(path="/api/generations?limit=1"), p.GENERATIONS, p.GENERATIONS_SEED),
    ),
    Check(
        id="unknown-generation",
        route="GET /api/generations/:id",
        promised='404 {"error": "Generation not found"}',
        source=f"{_WIRE} §7.5; generation_delete",
        steps=look(Ask(path=f"/api/generations/{NOBODY}"), p.NO_GENERATION),
    ),
    Check(
        id="unknown-images",
        route="GET /api/generations/:id/images",
        promised="200 JSON, an empty list, for an unknown id",
        source=f"{_WIRE} §7.5; generation_delete",
        steps=making.unknown_images,
    ),
    Check(
        id="unknown-image",
        route="GET /api/images/:id",
        promised='404 {"error": "Image not found"}',
        source=f"{_WIRE} §7.5; generation_delete",
        steps=look(Ask(path=f"/api/images/{NOBODY}"), p.NO_IMAGE),
    ),
    Check(
        id="v1-models",
        route="GET /api/v1/models",
        promised="200 JSON: a list without secrets",
        source=f"{_WIRE} §7.4; openai_v1",
        steps=look(Ask(path="/api/v1/models"), p.V1_MODELS),
    ),
    Check(
        id="models",
        route="GET /api/models",
        promised="200 JSON: models, default, default_models",
        source=f"{_WIRE} §7.6; models",
        steps=look(Ask(path="/api/models"), p.MODELS),
    ),
    Check(
        id="models-running",
        route="GET /api/models/running",
        promised="200 JSON: count, models",
        source=f"{_WIRE} §7.6; models",
        steps=look(Ask(path="/api/models/running"), p.RUNNING),
    ),
    Check(
        id="samplers",
        route="GET /sdapi/v1/samplers",
        promised="200 JSON: names with aliases",
        source=f"{_WIRE} §7.8; sdapi",
        steps=look(Ask(path="/sdapi/v1/samplers"), p.SAMPLERS),
    ),
    Check(
        id="sd-models",
        route="GET /sdapi/v1/sd-models",
        promised="200 JSON: titles and names",
        source=f"{_WIRE} §7.8; sdapi",
        steps=look(Ask(path="/sdapi/v1/sd-models"), p.SD_MODELS),
    ),
    Check(
        id="upscalers",
        route="GET /sdapi/v1/upscalers",
        promised="200 JSON: the installed ones",
        source=f"{_WIRE} §7.8; sdapi, queue_upscale",
        steps=look(Ask(path="/sdapi/v1/upscalers"), p.UPSCALERS),
    ),
    Check(
        id="progress",
        route="GET /sdapi/v1/progress",
        promised="200 JSON: progress and a state",
        source=f"{_WIRE} §7.8; sdapi",
        steps=look(Ask(path="/sdapi/v1/progress"), p.PROGRESS),
    ),
    Check(
        id="unknown-route",
        route="GET /api/nope",
        promised='404 {"error": "Not found"}',
        source=f"{_WIRE} §3; auth, queue_generate_validation",
        steps=look(Ask(path="/api/nope"), p.NOWHERE),
    ),
    Check(
        id="unknown-file",
        route="GET /static/images/:file",
        promised='404 {"error": "File not found"}',
        source=f"{_WIRE} §3; auth, queue_generate_validation",
        steps=look(Ask(path="/static/images/nope.png"), p.NO_FILE),
    ),
    Check(
        id="malformed",
        route="POST /api/queue/generate",
        promised="400, an HTML page, for what is no JSON",
        source=f"{_WIRE} §3, §7.2; queue_generate_validation",
        steps=look(_post("/api/queue/generate", b'{"prompt": '), p.NO_JSON),
    ),
    Check(
        id="keys",
        route="GET /api/queue/stats",
        promised="401 without a key, 403 with a wrong one, where keys are asked for",
        source=f"{_WIRE} §2; auth",
        steps=making.keys,
    ),
    Check(
        id="socket",
        route="GET /ws",
        promised="101, greeted with the channels, then subscribed",
        source=f"{_WIRE} §7.9; websocket",
        steps=making.socket,
    ),
)
_GENERATE = (
    Check(
        id="no-prompt",
        route="POST /api/generate",
        promised='400 {"error": "Missing required field: prompt"}',
        source=f"{_WIRE} §7.3; sync_generate; seed 002",
        level="generate",
        steps=look(_post("/api/generate", {"model": "verify-nobody"}), p.SYNC_NO_PROMPT),
    ),
    Check(
        id="no-upload",
        route="POST /api/queue/edit",
        promised='400 {"error": "Image file is required"}',
        source=f"{_WIRE} §7.2; queue_edit",
        level="generate",
        steps=look(_post("/api/queue/edit", {"prompt": "x"}), p.NO_UPLOAD),
    ),
    Check(
        id="picture",
        route="POST /api/queue/generate",
        promised="200 {job_id, pending}, completed in the end, a picture of the size asked for, the seed as sent",
        source=f"{_WIRE} §4, §5, §7.2, §7.5; queue_generate_lifecycle",
        level="generate",
        steps=making.one_picture,
    ),
)
_FULL = (
    Check(
        id="cancel-unknown",
        route="DELETE /api/queue/:id",
        promised='404 {"error": "Job not found or cannot be cancelled"}',
        source=f"{_WIRE} §7.2; cancel_pending",
        level="full",
        steps=look(Ask(method="DELETE", path=f"/api/queue/{NOBODY}"), p.NOT_CANCELLED),
    ),
    Check(
        id="cancel",
        route="DELETE /api/queue/:id",
        promised="200 {success, job} with the job cancelled",
        source=f"{_WIRE} §5, §7.2; cancel_pending",
        level="full",
        steps=making.cancel,
    ),
    Check(
        id="edit",
        route="POST /api/queue/edit",
        promised="200 {job_id, pending}, completed in the end, a picture",
        source=f"{_WIRE} §7.2; queue_edit",
        level="full",
        steps=making.edit,
    ),
    Check(
        id="variation",
        route="POST /api/queue/variation",
        promised="200 {job_id, pending}; local servers of models have none",
        source=f"{_WIRE} §6, §7.2; queue_variation, queue_variation_ok",
        level="full",
        steps=making.variation,
    ),
    Check(
        id="upscale",
        route="POST /api/queue/upscale",
        promised="200 {job_id, pending}; fails where the upscaler is not installed",
        source=f"{_WIRE} §7.2; queue_upscale",
        level="full",
        steps=making.upscale,
    ),
    Check(
        id="no-picture",
        route="POST /api/queue/edit",
        promised="500, an HTML page, for a text in a picture's place; 400 from a gateway",
        source=f"{_WIRE} §3, §7.2; queue_edit, queue_variation",
        level="full",
        steps=making.no_picture,
    ),
)
CHECKS = Checks(
    each=(*_READ, *_GENERATE, *_FULL),
    profiles=("head", "seed"),
    recognise=recognise,
    greeting=HEALTH,
    open=opened,
)
