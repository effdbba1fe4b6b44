"""The checks of Studio that queue jobs: one to its end, and with `full` a cancel, an edit, a variation, an upscale.

Only jobs of our own are cancelled, and nothing is ever deleted: that kills a server at work (wire §5).
"""

from collections.abc import Generator, Mapping
from typing import Any, Literal
from urllib.parse import quote
from uuid import uuid4

from adapters.kit.checking import (
    MOST_POLLS,
    NOBODY,
    PROMPT,
    course,
    drift,
    json_of,
    judged,
    kept,
    not_seen,
    not_served,
    passed,
    pause_s,
    picture,
    sample,
)
from adapters.kit.promise import broken
from adapters.sdcpp.verify import promises as p
from contracts.verify import SOCKET, Ask, Observed, Part, Steps

SIZE = "512x512"
Takes = Literal["text", "image"]
Job = dict[str, Any]
_SUBSCRIBE = '{"type":"subscribe","channel":"queue"}'


def _model(takes: Takes, profile: str) -> Generator[Ask, Observed, str]:
    """Return a model that takes words or pictures: the default, if it does."""
    listed = json_of(kept("v1/models", (yield Ask(path="/api/v1/models")), profile, p.V1_MODELS))
    able: list[str] = [each["id"] for each in listed["data"] if takes in each["architecture"]["input_modalities"]]
    if not able:
        raise not_seen(f"no model takes {takes}")
    if takes == "text":
        config = yield Ask(path="/api/config")
        default = json_of(kept("config", config, profile, p.CONFIG, p.CONFIG_SEED))["model"]
    else:
        fleet = json_of(kept("models", (yield Ask(path="/api/models")), profile, p.MODELS))
        default = fleet["default_models"].get("image_to_image")
    return default if default in able else able[0]


def _wish(model: str) -> dict[str, Any]:
    # Any 32 bits; as a text, so that it comes back as it went (wire §9.3).
    return {"prompt": PROMPT, "model": model, "size": SIZE, "n": 1, "seed": str(uuid4().int % 2**32)}


def _png(side: int = 512) -> Part:
    return Part(name="verify.png", data=sample(side), media_type="image/png")


def _form(path: str, fields: Mapping[str, Any], part: Part) -> Ask:
    texts = {name: str(value) for name, value in fields.items()}
    return Ask(method="POST", path=path, fields=texts, files={"image": part})


def _ended(job_id: str, profile: str) -> Generator[Ask, Observed, Job]:
    """Return a job of ours when it has ended."""
    for poll in range(MOST_POLLS):
        seen = yield Ask(path=f"/api/queue/{quote(job_id)}", after_s=pause_s(poll))
        job: Job = json_of(kept("queue/:id", seen, profile, p.JOB))
        if job["status"] in ("completed", "failed", "cancelled"):
            return job
    raise not_seen("the job has not ended in a quarter of an hour")


def _made(step: str, seen: Observed, profile: str, *, size: str | None) -> Generator[Ask, Observed, str]:
    """Follow a job that was queued to its picture, and return what that is."""
    job_id = json_of(kept(step, seen, profile, p.QUEUED))["job_id"]
    job = yield from _ended(job_id, profile)
    if job["status"] == "failed" and isinstance(job["error"], str):
        for text, meaning in _UNABLE.items():
            if job["error"].startswith(text):
                raise not_served(f"{step}: 200 JSON, the job failed: {meaning}")
    if job["status"] != "completed":
        raise not_seen(f"{step}: 200 JSON, the job ended without a picture to look at")
    if not job["images"]:
        raise drift(f"{step}: completed, and there is no picture")
    image = Ask(path=f"/api/images/{job['images'][0]['id']}", is_large=True)
    seen = kept("image", (yield image), profile, p.IMAGE)
    return picture("image", seen.body, format_=None, size=size)


_UNABLE = {
    "API request failed: 404": "what runs the model has no such operation",
    "Upscaler not found": "the upscaler is not installed",
}


@course
def one_picture(profile: str) -> Steps:
    """Queue one, wait for it, and look at its bytes, a range of them, and its generation."""
    model = yield from _model("text", profile)
    wish = _wish(model)
    seen = yield Ask(method="POST", path="/api/queue/generate", body=wish)
    job_id = json_of(kept("queue/generate", seen, profile, p.QUEUED))["job_id"]
    what = yield from _made("queue/generate", seen, profile, size=SIZE)
    shown = json_of(kept("generation", (yield Ask(path=f"/api/generations/{job_id}")), profile, p.GENERATION))
    if shown["seed"] != wish["seed"] or shown["id"] != job_id:
        raise drift("generation: another id or seed than the job's")
    listed = json_of(kept("images", (yield Ask(path=f"/api/generations/{job_id}/images")), profile, p.IMAGES))
    if not listed:
        raise drift("images: the generation shows none of the job's pictures")
    part = Ask(path=f"/api/images/{listed[0]['id']}", headers={"Range": "bytes=0-9"})
    if len(kept("range", (yield part), profile, p.IMAGE_RANGE).body) != 10:
        raise drift("range: other than the ten bytes that were asked for")
    return passed(f"200 JSON, completed, {what}, found as a generation too")


@course
def cancel(profile: str) -> Steps:
    """Cancel a job of ours at once; one that began meanwhile goes on, and nobody is told (wire §5)."""
    model = yield from _model("text", profile)
    seen = yield Ask(method="POST", path="/api/queue/generate", body=_wish(model))
    job_id = json_of(kept("queue/generate", seen, profile, p.QUEUED))["job_id"]
    path = f"/api/queue/{quote(job_id)}"
    seen = yield Ask(method="DELETE", path=path)
    if not broken(p.NOT_CANCELLED, seen):
        job = json_of(kept("queue/:id", (yield Ask(path=path)), profile, p.JOB))
        if job["status"] in ("completed", "failed", "model_loading"):
            raise not_seen("the job was past cancelling before it was cancelled")
    return judged(seen, profile, p.CANCELLED)


@course
def edit(profile: str) -> Steps:
    """Queue an edit of a picture of our own."""
    model = yield from _model("image", profile)
    seen = yield _form("/api/queue/edit", _wish(model), _png())
    return passed(f"200 JSON, completed, {(yield from _made('queue/edit', seen, profile, size=None))}")


@course
def variation(profile: str) -> Steps:
    """Queue a variation, which no local server of models knows (wire §6)."""
    model = yield from _model("image", profile)
    seen = yield _form("/api/queue/variation", _wish(model), _png())
    _refused(seen, "no model here makes variations")
    return passed(f"200 JSON, completed, {(yield from _made('queue/variation', seen, profile, size=None))}")


@course
def upscale(profile: str) -> Steps:
    """Queue an upscale, which needs no model."""
    seen = yield _form("/api/queue/upscale", {}, _png(128))
    _refused(seen, "nothing here upscales")
    return passed(f"200 JSON, completed, {(yield from _made('queue/upscale', seen, profile, size=None))}")


def _refused(seen: Observed, meaning: str) -> None:
    """End the course where a server says at once, in Studio's envelope, that nobody can do it."""
    said = json_of(seen)
    if seen.status in (400, 422) and isinstance(said, dict) and isinstance(said.get("error"), str):
        raise not_served(f"{seen.status} JSON: {meaning}")


@course
def no_picture(profile: str) -> Steps:
    """Send a text in a picture's place: refused, as an HTML page or in the usual envelope (wire §7.2)."""
    part = Part(name="verify.txt", data=b"no picture", media_type="text/plain")
    seen = yield _form("/api/queue/edit", {"prompt": PROMPT}, part)
    return judged(seen, profile, p.NO_PICTURE, p.NO_PICTURE_SAID)


@course
def keys(profile: str) -> Steps:
    """Ask without a key, and with a wrong one: 401 and 403, in the same envelope."""
    seen = yield Ask(path="/api/queue/stats", key="none")
    if not broken(p.QUEUE_STATS, seen):
        raise not_seen("this server asks nobody for a key")
    kept("no key", seen, profile, p.NO_KEY)
    kept("wrong key", (yield Ask(path="/api/queue/stats", key="wrong")), profile, p.WRONG_KEY)
    return passed("401 JSON without a key, 403 JSON with a wrong one")


@course
def socket(profile: str) -> Steps:
    """Open the socket, be greeted, and subscribe."""
    seen = yield Ask(method=SOCKET, path="/ws", says=(_SUBSCRIBE,), hears=2, timeout_s=10)
    said = json_of(kept("ws", seen, profile, p.SOCKET))
    types = [each["type"] for each in said]
    if types != ["connected", "subscribed"]:
        raise drift("ws: it was not greeted and then subscribed")
    wanted = ("queue", "generations", "models")
    if not set(wanted) <= set(said[0].get("channels", ())):
        raise drift(f"ws: the greeting lacks a channel of {', '.join(wanted)}")
    return passed("101 socket: connected, subscribed")


@course
def unknown_images(profile: str) -> Steps:
    """Ask for the pictures of nobody: an empty list, and no 404."""
    seen = yield Ask(path=f"/api/generations/{NOBODY}/images")
    return judged(seen, profile, p.NO_IMAGES)
