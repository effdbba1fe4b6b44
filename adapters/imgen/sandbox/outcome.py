"""Every outcome that can be forced, what it means, on which action it bears, and imgen's own error answers."""

from aiohttp import web
from msgspec import Struct

from adapters.kit.emulator import json_response

#: The same names with the same meaning in every sandbox. By token they bear on `generate`, and what spoils an answer on
#: `optimize` too; by rule on every route where they have a meaning.
COMMON = {
    "slow": "The work takes so many seconds, divided by the speed.",
    "hang": "No answer for so many seconds of real time (30), then the connection is cut; the work was accepted.",
    "cut": "The connection is cut before any answer; the work was accepted and goes on.",
    "cut_early": "The connection is cut, and nothing was accepted.",
    "cut_body": "Half of the answer, then the connection is cut; the work was accepted.",
    "html": "A proxy's HTML page with the status of the argument (502); nothing was accepted.",
    "garbage": "200 with a body that is no JSON; the work was accepted.",
    "huge": "The answer is padded to so many megabytes (100); the work was accepted.",
    "fewer": "So many pictures fewer than the one that was asked for.",
    "none": "The run completes without any picture.",
    "wrong_size": "The picture has the size of the argument (half of each side); `meta` does not say so.",
    "wrong_format": "The picture has the format of the argument (webp; png instead of webp); `meta` does not say so.",
    "not_an_image": "Junk instead of a picture.",
    "truncated": "A picture that ends in the middle, in an answer that is complete.",
}

#: What only this dialect has.
OWN = {
    "missing_action": "400 `Missing action`.",
    "prompt_required": "400 `Prompt is required`.",
    "invalid_character": "400 `Invalid character`.",
    "unauthorized": "401 `Unauthorized`.",
    "invalid_key": "401 `Invalid API key`.",
    "disabled_key": "401 `API key is disabled`.",
    "no_cached": "404 `No cached result found`.",
    "rate_limited": "429 in JSON, with `Retry-After: 1`; nothing was accepted.",
    "too_large": "The edge's HTML page 413; nothing was accepted.",
    "edge_502": "The edge's HTML page 502; nothing was accepted.",
    "edge_503": "The edge's HTML page 503; nothing was accepted.",
    "edge_504": "The edge's HTML page 504; the work was accepted and goes on.",
    "generation_failed": "502 `Generation failed` on `generate`; the run is not started.",
    "generation_failed_started": "502 `Generation failed` on `generate`, but the run was started.",
    "enhancement_failed": "502 `Enhancement failed` where a prompt is to be enhanced; no run is started.",
    "enhancement_skipped": "The enhancement fails in silence: the run goes on with the prompt as it was.",
    "noop": "The enhancement changes nothing.",
    "cache_hit": "Answered as a cache hit, whatever the cache holds.",
    "fallback_model": "The first model is used although the one asked for exists.",
    "fallback_style": "The model's default style is used although the one asked for exists.",
    "fallback_format": "The format is jpeg, whatever was asked for.",
    "fallback_size": "The size is 1344x768, whatever was asked for.",
    "fallback_ruleset": "The ruleset is `default`, whatever was asked for.",
    "fallback_precompliance": "The note for the reviewer is cut off after its first half.",
    "bad_id": "400 `Bad ID` on `status`.",
    "lost": "404 `Not found` on `status`: the service has forgotten the run.",
    "cached_expired": "Answered as a cache hit, whose `status` is 404 `Cached result not found or expired`.",
    "status_502": "`status` answers 502 `Generation failed` so many times (1), then goes on.",
    "in_queue_forever": "The run never leaves `IN_QUEUE`.",
    "failed": "The run ends as `FAILED`.",
    "timed_out": "The run ends as `TIMED_OUT`.",
    "cancelled": "The run ends as `CANCELLED`, which nobody asked for.",
    "odd_state": "The run ends in the state of the argument (PAUSED), which the documents do not know.",
    "unsafe": "The review blocks the picture for the categories of the argument (nudity), separated by commas.",
    "compliance": "The run completes with the argument (pending) as its compliance.",
    "no_compliance": "The run completes, and `meta` says nothing of compliance.",
    "no_meta": "The run completes, and there is no `meta`.",
    "no_signed": "The run completes with a thumbnail, but without a signed image.",
    "expired_url": "The signed URLs are past their time from the beginning.",
    "result_host": "Pictures are said to lie on the host of the argument (elsewhere.invalid).",
}

TOKENS = COMMON | OWN

#: What spoils an answer on its way, so that it can be forced on every route by rule.
TRANSPORT = frozenset({
    "slow", "hang", "cut", "cut_early", "cut_body", "html", "garbage", "huge",
    "rate_limited", "too_large", "edge_502", "edge_503", "edge_504",
})  # fmt: skip
REFUSALS = frozenset({"missing_action", "unauthorized", "invalid_key", "disabled_key"})
#: What befalls the bytes of a picture.
PICTURE = frozenset({"wrong_size", "wrong_format", "not_an_image", "truncated"})
#: What a run remembers from its `generate`, to take effect on its later routes.
LATER = PICTURE | {
    "slow", "fewer", "none", "bad_id", "lost", "cached_expired", "status_502", "in_queue_forever", "failed",
    "timed_out", "cancelled", "odd_state", "unsafe", "compliance", "no_compliance", "no_meta", "no_signed",
    "expired_url", "result_host",
}  # fmt: skip
#: What can be forced on each action, and on fetching a picture.
BEARS: dict[str, frozenset[str]] = {
    "generate": frozenset(TOKENS),
    "status": TRANSPORT | REFUSALS | LATER - PICTURE,
    "optimize": TRANSPORT | REFUSALS | {"prompt_required", "invalid_character", "enhancement_failed", "noop"},
    "picture": TRANSPORT | PICTURE,
}
ANYWHERE = TRANSPORT | REFUSALS


class Answer(Struct, frozen=True):
    """A row of the seed's table of errors."""

    status: int
    error: str


#: The last three are not in the seed: a status without its model, a limit, and an id that nobody knows.
ANSWERS: dict[str, Answer] = {
    "missing_action": Answer(400, "Missing action"),
    "prompt_required": Answer(400, "Prompt is required"),
    "invalid_character": Answer(400, "Invalid character"),
    "bad_id": Answer(400, "Bad ID"),
    "unauthorized": Answer(401, "Unauthorized"),
    "invalid_key": Answer(401, "Invalid API key"),
    "disabled_key": Answer(401, "API key is disabled"),
    "no_cached": Answer(404, "No cached result found"),
    "cached_expired": Answer(404, "Cached result not found or expired"),
    "generation_failed": Answer(502, "Generation failed"),
    "enhancement_failed": Answer(502, "Enhancement failed"),
    "model_required": Answer(400, "Model is required"),
    "rate_limited": Answer(429, "Too many requests"),
    "lost": Answer(404, "Not found"),
}


class Refusal(Exception):  # noqa: N818 - it is an answer, not an error of the program
    """Ends an action with one of imgen's error answers."""

    def __init__(self, name: str) -> None:
        """Take the name of a row of `ANSWERS`."""
        super().__init__(name)
        self.name = name


def refused(name: str) -> web.Response:
    """Return a row of the table as imgen sends it: `{"error": ...}` with its status."""
    answer = ANSWERS[name]
    headers = {"Retry-After": "1"} if name == "rate_limited" else None
    return json_response({"error": answer.error}, status=answer.status, headers=headers)
