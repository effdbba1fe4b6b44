"""The checks of ima2 that make pictures: one small one, and with `full` an edit, a node, a sequence and streams."""

import base64
import binascii
from collections.abc import Generator
from typing import Any
from urllib.parse import quote
from uuid import uuid4

from adapters.ima2.verify import made
from adapters.ima2.verify import promises as p
from adapters.kit.checking import (
    MAKING_S,
    PROMPT,
    course,
    drift,
    json_of,
    judged,
    kept,
    not_seen,
    passed,
    picture,
    sample,
)
from adapters.kit.promise import broken, described, frames_of
from contracts.verify import Ask, Observed, Steps

#: Every build takes them, the cheapest first (wire §3).
KNOWN = ("gpt-5.4-mini", "gpt-5.4", "gpt-5.5")
SIZE = "1024x1024"
SSE = {"Accept": "text/event-stream"}
#: What a request that found no way to a picture is answered with: the wire is kept, and there is nothing to look at.
_UPSTREAM = (401, 402, 422, 429, 499, 500, 502, 503, 504)


def _model() -> Generator[Ask, Observed, str]:
    """Return a model that is offered now."""
    seen = yield Ask(path="/api/oauth/status")
    status = json_of(kept("oauth/status", seen, "", p.OAUTH))
    if status["status"] != "ready":
        raise not_seen("no account is ready to make a picture")
    listed: list[str] = status["models"]
    if not listed:
        raise not_seen("no model is offered")
    return next((each for each in KNOWN if each in listed), listed[0])


def _wish(model: str, **more: Any) -> dict[str, Any]:
    return {
        "prompt": PROMPT,
        "provider": "oauth",
        "model": model,
        "quality": "low",
        "size": SIZE,
        "moderation": "low",
        "mode": "direct",
        "requestId": f"verify-{uuid4().hex}",
        **more,
    }


def _making(path: str, body: dict[str, Any], **headers: str) -> Ask:
    return Ask(method="POST", path=path, body=body, headers=headers, timeout_s=MAKING_S, is_large=True)


def _inline(step: str, url: str) -> bytes:
    """Return the bytes of a data URL."""
    try:
        return base64.b64decode(url.partition(",")[2], validate=True)
    except binascii.Error:
        raise drift(f"{step}: the picture is no base64") from None


def _worked(step: str, seen: Observed) -> Observed:
    """Return an answer that is no complaint of the upstream: that is no breach of the wire, and no picture."""
    said = json_of(seen)
    if seen.status in _UPSTREAM and isinstance(said, dict) and "error" in said:
        raise not_seen(f"{step}: {described(seen)}, the work failed and there is no picture to look at")
    return seen


@course
def one_picture(profile: str) -> Steps:
    """Make one, and look at its bytes, its file, its range and its row in the history."""
    model = yield from _model()
    wish = _wish(model, format="png", n=1)
    seen = _worked("generate", (yield _making("/api/generate", wish)))
    answer = json_of(kept("generate", seen, profile, made.GENERATED))
    if answer["requestId"] != wish["requestId"]:
        raise drift("generate: the request id is not the one that was sent")
    what = picture("generate", _inline("generate", answer["image"]), format_=None, size=SIZE)
    path = f"/generated/{quote(answer['filename'])}"
    stored = kept("file", (yield Ask(path=path, is_large=True)), profile, p.FILE)
    picture("file", stored.body, format_="png", size=SIZE)
    part = kept("range", (yield Ask(path=path, headers={"Range": "bytes=0-9"})), profile, p.RANGE)
    if len(part.body) != 10:
        raise drift("range: other than the ten bytes that were asked for")
    listed = json_of(kept("history", (yield Ask(path="/api/history?limit=50")), profile, p.HISTORY))
    if not any(row["requestId"] == wish["requestId"] for row in listed["items"]):
        raise drift("history: no row has the request id")
    return passed(f"200 JSON, {what}, its file, its range and its row")


@course
def edit(profile: str) -> Steps:
    """Edit a picture of our own."""
    model = yield from _model()
    image = base64.b64encode(sample()).decode()
    seen = _worked("edit", (yield _making("/api/edit", _wish(model, image=image))))
    answer = json_of(kept("edit", seen, profile, made.EDITED))
    return passed(f"200 JSON, {picture('edit', _inline('edit', answer['image']), format_=None, size=None)}")


@course
def sequence(profile: str) -> Steps:
    """Have a sequence of one picture made: its frames, in order."""
    model = yield from _model()
    seen = yield _making("/api/generate/multimode", _wish(model, format="png", maxImages=1))
    frames = _frames("multimode", kept("multimode", seen, profile, made.MULTIMODE))
    if frames[0] != "phase":
        raise drift("multimode: the first frame is not `phase`")
    if "image" not in frames:
        raise drift("multimode: done, and no `image` frame before it")
    return passed("200 stream: phase, image, done")


@course
def node(profile: str) -> Steps:
    """Make a node as JSON, and ask for it again."""
    model = yield from _model()
    seen = _worked("node", (yield _making("/api/node/generate", _wish(model, format="png"))))
    answer = json_of(kept("node", seen, profile, made.NODE_MADE))
    what = picture("node", _inline("node", answer["image"]), format_=None, size=SIZE)
    again = json_of(kept("GET node", (yield Ask(path=f"/api/node/{quote(answer['nodeId'])}")), profile, made.NODE))
    if again["nodeId"] != answer["nodeId"]:
        raise drift("GET node: another node than the one that was made")
    return passed(f"200 JSON, {what}, and found by its id")


@course
def node_stream(profile: str) -> Steps:
    """Make a node as a stream: exactly `event` and `data` a frame, phase first, done last."""
    model = yield from _model()
    seen = yield _making("/api/node/generate", _wish(model, format="png"), **SSE)
    frames = _frames("node", kept("node", seen, profile, made.NODE_STREAM))
    if frames[0] != "phase":
        raise drift("node: the first frame is not `phase`")
    return passed("200 stream: phase, done")


def _frames(step: str, seen: Observed) -> list[str]:
    """Return the events of a stream that ended well."""
    events = [event for event, _ in frames_of(seen.body) or ()]
    if events[-1] == "error":
        raise not_seen(f"{step}: 200 stream, the work failed and there is no picture to look at")
    return events


@course
def refused_stream(profile: str) -> Steps:
    """Be refused by the route that always streams: HTTP 200, and the status in the frame (HEAD, TAG)."""
    body = {"prompt": PROMPT, "moderation": "no", "maxImages": 1}
    seen = yield Ask(method="POST", path="/api/generate/multimode", body=body)
    if seen.status == 200:
        frames = frames_of(kept("multimode", seen, profile, made.MULTIMODE).body) or ()
        if [event for event, _ in frames] != ["error"]:
            raise drift("multimode: a word that is none was not refused")
        return passed("200 stream: error")
    return judged(seen, profile, made.coded("INVALID_MODERATION", "POST /api/generate/multimode"), made.BARE_MODERATION)


@course
def file(profile: str) -> Steps:
    """Look at the newest picture that is there, without asking for all of it."""
    listed = json_of(kept("history", (yield Ask(path="/api/history?limit=1")), profile, p.HISTORY))
    if not listed["items"]:
        raise not_seen("the history is empty")
    path = "/generated/" + "/".join(quote(part) for part in listed["items"][0]["filename"].split("/"))
    seen = yield Ask(path=path, headers={"Range": "bytes=0-9"})
    if seen.status == 404 and not broken(p.NOWHERE, seen):
        raise not_seen("the newest file of the history is gone")
    if len(kept("file", seen, profile, p.RANGE).body) != 10:
        raise drift("file: other than the ten bytes that were asked for")
    return passed("206, the ten bytes that were asked for")
