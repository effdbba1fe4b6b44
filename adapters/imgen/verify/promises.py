"""What imgen's actions promise. The seed is the only source: nothing of the hosted service was ever recorded."""

from adapters.imgen import wire
from adapters.kit.promise import Promise
from adapters.kit.shape import Each, Like, one

STRICT = ("v2",)
LENIENT = ("v2-lenient",)
TERMINAL = ("COMPLETED", "FAILED", "TIMED_OUT", "CANCELLED")
WAITING = ("IN_QUEUE", "IN_PROGRESS")


def refused(action: str, status: int, text: str, profiles: tuple[str, ...] = ()) -> Promise:
    """Return a row of the seed's table of errors: `{"error": text}`."""
    return Promise(route=action, status=status, shape={"error": one(text)}, profiles=profiles)


MODELS = Promise(
    route="models",
    shape={
        "characters": ["text"],
        "models": Each({"label": "text", "default_style": "text|null", "styles": Each({"label": "text"})}),
    },
    read_as=wire.Models,
)
_ACCEPTED = {"prompt": "text", "model": "text", "format": one("jpeg", "png", "webp", "avif"), "gen_id": "text"}
RUN = Promise(route="generate", shape={"id": Like("run_[0-9A-Za-z]+"), **_ACCEPTED}, read_as=wire.Run)
HIT = Promise(
    route="generate (cached)",
    shape={"id": Like("cache_[0-9A-Za-z]+"), **_ACCEPTED, "cache": one(True)},
    read_as=wire.Run,
)
WAITS = Promise(route="status", shape={"status": one(*WAITING)}, read_as=wire.Status)
_META = {
    "id": "text",
    "gen_id": "text",
    "time": Like(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"),
    "prompt": "text",
    "positive": "text",
    "negative": "text",
    "character": "text|null",
    "model": "text",
    "style": "text|null",
    "width": "number",
    "height": "number",
    "format": "text",
    "quality": "number|null",
    "lossless": "bool",
    "optimized": "bool",
    "compliance": "text",
    "compliance_codes": "list",
    "compliance_ruleset": "text|null",
    "precompliance": "text",
    "fingerprint": "text|null",
    "images": [{"url": Like(r"https?://.+"), "filename": "text", "type": one("signed", "thumbnail")}],
}
DONE = Promise(route="status", shape={"status": one("COMPLETED"), "meta": _META}, read_as=wire.Status)
DONE_CACHED = Promise(
    route="status (cached)",
    shape={"status": one("COMPLETED"), "meta": _META, "cache": one(True)},
    read_as=wire.Status,
)
BLOCKED = Promise(
    route="status",
    shape={
        "status": one("COMPLETED"),
        "compliance": one("unsafe"),
        "error": Like(r"(?s)Content blocked — flagged for: .+"),
        "filter_categories": ["text"],
        "unsafe_url?": "text",
    },
    read_as=wire.Status,
)
ENDED = Promise(
    route="status",
    shape={"status": one("FAILED", "TIMED_OUT", "CANCELLED"), "error": one("Generation failed")},
    read_as=wire.Status,
)
WRITTEN = Promise(route="optimize, random", shape={"prompt": "text"}, read_as=wire.Written)
NO_KEY = refused("any", 401, "Unauthorized")
WRONG_KEY = refused("any", 401, "Invalid API key")
NO_ACTION = refused("none", 400, "Missing action")
NO_PROMPT = refused("generate", 400, "Prompt is required")
NO_CHARACTER = refused("generate", 400, "Invalid character", STRICT)
BAD_ID = refused("status", 400, "Bad ID")
NO_HIT = refused("status", 404, "Cached result not found or expired")
MISS = refused("generate", 404, "No cached result found")
#: A failing language model, and a server that has none.
NOT_WRITTEN = refused("optimize", 502, "Enhancement failed")
