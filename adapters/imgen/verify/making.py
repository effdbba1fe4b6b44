"""The checks of imgen that start runs or ask its language model: one picture, and with `full` prompts and the cache."""

from collections.abc import Generator
from typing import Any
from uuid import uuid4

from adapters.imgen.verify import promises as p
from adapters.kit.checking import (
    MOST_POLLS,
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
)
from adapters.kit.promise import broken
from contracts.verify import Ask, Observed, Steps

#: One of the seven pairs, and the smallest.
WIDTH, HEIGHT = 1024, 1024
SIZE = f"{WIDTH}x{HEIGHT}"
FORMAT = "jpeg"
#: No character that anybody has.
NAME = "@verifynobody"


def act(action: str | None, **fields: Any) -> Ask:
    """Return the request for an action: there is but one address."""
    named = {} if action is None else {"action": action}
    return Ask(method="POST", path="", body={**named, **fields}, timeout_s=60)


def _wish(model: str, **more: Any) -> dict[str, Any]:
    return {"prompt": PROMPT, "model": model, "width": WIDTH, "height": HEIGHT, "format": FORMAT, **more}


def _model(profile: str) -> Generator[Ask, Observed, str]:
    listed = json_of(kept("models", (yield act("models")), profile, p.MODELS))
    if not listed["models"]:
        raise not_seen("no model is offered")
    return str(next(iter(listed["models"])))


def _ended(run: dict[str, Any], profile: str) -> Generator[Ask, Observed, Observed]:
    """Return the last answer of a run or a hit."""
    asked = {name: run[name] for name in ("id", "prompt", "model")}
    for poll in range(MOST_POLLS):
        ask = act("status", **asked)
        seen = yield Ask(method=ask.method, path=ask.path, body=ask.body, timeout_s=60, after_s=pause_s(poll))
        if broken(p.WAITS, seen):
            return kept("status", seen, profile, p.DONE, p.BLOCKED, p.ENDED)
    raise not_seen("the run has not ended in a quarter of an hour")


def _picture(seen: Observed, *, size: str | None) -> Generator[Ask, Observed, str]:
    """Return what the picture of a run that is through really is."""
    said = json_of(seen)
    if said["status"] != "COMPLETED":
        raise not_seen("status: 200 JSON, the run ended without a picture to look at")
    if said.get("compliance") == "unsafe":
        raise not_seen("status: 200 JSON, the reviewer blocks the picture")
    meta = said["meta"]
    if size is not None and f"{meta['width']}x{meta['height']}" != size:
        raise drift("status: meta has another size than was asked for")
    signed = [each["url"] for each in meta["images"] if each["type"] == "signed"]
    if not signed:
        raise drift("status: completed, and there is no signed picture")
    fetched = yield Ask(path=signed[0], timeout_s=60)
    return picture("picture", fetched.body, format_=FORMAT, size=size)


def _reviewed(seen: Observed, what: str) -> None:
    """End the course at a server that has no reviewer, and says so by a word that the seed has not."""
    compliance = json_of(seen)["meta"]["compliance"]
    if compliance == "not_reviewed":
        raise not_served(f"200 JSON, COMPLETED, {what}: nobody reviews pictures here, compliance is not_reviewed")
    if compliance != "safe":
        raise drift("status: compliance is neither safe nor unsafe")


@course
def one_picture(profile: str) -> Steps:
    """Make one, by a run that is followed to its end, because the review runs inside it."""
    model = yield from _model(profile)
    run = json_of(kept("generate", (yield act("generate", **_wish(model))), profile, p.RUN))
    seen = yield from _ended(run, profile)
    what = yield from _picture(seen, size=SIZE)
    _reviewed(seen, what)
    return passed(f"200 JSON, COMPLETED, safe, {what}")


@course
def unknown_character(profile: str) -> Steps:
    """Name an unknown character, where nothing is made: refused, or left out and nothing found (the seed says both)."""
    model = yield from _model(profile)
    wish = _wish(model, use_cache=True, cache_only=True) | {"prompt": f"{NAME} {uuid4().hex}"}
    seen = yield act("generate", **wish)
    lenient = p.refused("generate", 404, "No cached result found", p.LENIENT)
    return judged(seen, profile, p.NO_CHARACTER, lenient)


@course
def cache_miss(profile: str) -> Steps:
    """Ask the cache alone for what nobody asked before."""
    model = yield from _model(profile)
    wish = _wish(model, use_cache=True, cache_only=True) | {"prompt": f"a stone named {uuid4().hex}"}
    return judged((yield act("generate", **wish)), profile, p.MISS)


@course
def cache_hit(profile: str) -> Steps:
    """Ask the cache for the picture of `picture`, and follow the hit."""
    model = yield from _model(profile)
    seen = yield act("generate", **_wish(model, use_cache=True, cache_only=True))
    if not broken(p.MISS, seen):
        raise not_seen("the cache has no such picture")
    hit = json_of(kept("generate", seen, profile, p.HIT))
    seen = kept("status", (yield from _ended(hit, profile)), profile, p.DONE_CACHED)
    what = yield from _picture(seen, size=None)
    _reviewed(seen, what)
    return passed(f"200 JSON, cache true, COMPLETED, {what}")


@course
def optimize(profile: str) -> Steps:
    """Have a prompt enhanced."""
    model = yield from _model(profile)
    seen = yield act("optimize", prompt=PROMPT, model=model)
    return judged(
        seen, profile, p.WRITTEN, unserved=((p.NOT_WRITTEN, "no language model enhances prompts for it now"),)
    )


@course
def random(profile: str) -> Steps:
    """Have a prompt made up: about anybody, and about nobody."""
    kept("random", (yield act("random")), profile, p.WRITTEN)
    return judged((yield act("random", character="")), profile, p.WRITTEN)


@course
def keys(profile: str) -> Steps:
    """Ask without a key, and with a wrong one: two texts of 401."""
    ask = act("models")
    seen = yield Ask(method=ask.method, path=ask.path, body=ask.body, key="none")
    if not broken(p.MODELS, seen):
        raise not_seen("this server asks nobody for a key")
    kept("no key", seen, profile, p.NO_KEY)
    wrong = yield Ask(method=ask.method, path=ask.path, body=ask.body, key="wrong")
    return judged(wrong, profile, p.WRONG_KEY)
