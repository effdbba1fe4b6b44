"""Every complaint and every state of imgen in the catalogue's words (errors.md §5, seed 003).

The text and the status both count: the seed's own clients read only the body. A review that is missing or unknown is
never taken for safe.
"""

from typing import Any

from adapters.kit.rules import CLIENT_ERRORS, SERVER_ERRORS, Rule, Signal, Table, parse
from contracts.port import Verdict

_ON_STATUS = r"^(POST \S+[ #])?status$"
_ON_GENERATE = r"^(POST \S+[ #])?generate$"

TABLE = Table(
    # --- not imgen's own words: an edge proxy, or another server altogether ---
    Rule(to="backend.unavailable", shape=("html", "text", "empty"), status=(502, 503, 504), route=_ON_GENERATE,
         outcome="unknown", reason="answer_lost"),
    Rule(to="backend.unavailable", shape=("html", "text", "empty"), status=(502, 503, 504)),
    Rule(to="request.too_large", status=(413,)),
    Rule(to="backend.overloaded", status=(429,)),
    Rule(to="backend.credentials_rejected", text=r"^API key is disabled", reason="disabled",
         example="API key is disabled"),
    Rule(to="backend.credentials_rejected", text=r"^(Unauthorized|Invalid API key)", example="Invalid API key"),
    Rule(to="backend.credentials_rejected", status=(401, 403)),
    Rule(to="backend.bad_response", shape=("html", "text", "empty"), reason="not_json"),
    # --- the states of a run ---
    Rule(to="policy.output_blocked", state=("unsafe",)),
    Rule(to="backend.bad_response", state=("unreviewed",), reason="no_review"),
    Rule(to="backend.timeout", state=("TIMED_OUT",), phase="image", outcome="finished_no_result"),
    Rule(to="backend.failed", state=("CANCELLED",), reason="canceled_unasked", refinements=("we_asked_to_cancel",)),
    Rule(to="backend.failed", state=("FAILED",)),
    Rule(to="backend.bad_response", state=("unknown_state",)),
    # --- the seed's table of errors, by text whatever the status ---
    Rule(to="backend.rejected_request", text=r"^Missing action", example="Missing action"),
    Rule(to="request.field_invalid", text=r"^Prompt is required", pointer="/prompt", reason="missing",
         example="Prompt is required", refinements=("passed_our_validation",)),
    Rule(to="request.field_invalid", text=r"^Invalid character", pointer="/character", reason="enum",
         example="Invalid character", refinements=("passed_our_validation",)),
    Rule(to="backend.rejected_request", text=r"^Bad ID", example="Bad ID"),
    Rule(to="resource.cache_miss", text=r"^No cached result found", example="No cached result found"),
    Rule(to="resource.expired", text=r"^Cached result not found or expired",
         example="Cached result not found or expired"),
    Rule(to="backend.failed", text=r"^Generation failed", route=_ON_GENERATE, outcome="unknown",
         example="Generation failed"),
    Rule(to="backend.failed", text=r"^Generation failed", example="Generation failed"),
    Rule(to="backend.failed", text=r"^Enhancement failed", phase="optimize", example="Enhancement failed"),
    # --- the rest, by status ---
    Rule(to="backend.job_lost", status=(404,), route=_ON_STATUS),
    Rule(to="backend.bad_response", status=(404,), outcome="not_started"),
    Rule(to="backend.rejected_request", status=CLIENT_ERRORS),
    Rule(to="backend.failed", status=SERVER_ERRORS, route=_ON_GENERATE, outcome="unknown"),
    Rule(to="backend.failed"),
)  # fmt: skip

PENDING = frozenset({"IN_QUEUE", "IN_PROGRESS"})
ENDED = frozenset({"FAILED", "TIMED_OUT", "CANCELLED"})


def read(route: str | None, status: int, body: bytes, media_type: str | None = None) -> Signal | None:
    """Reduce an answer to its signal; None if it is no error."""
    shape, parsed = parse(body, media_type)
    if isinstance(parsed, dict):
        return read_json(route, status, parsed)
    # imgen answers every action with an object: anything else is an error, whatever its status.
    return Signal(route=route, status=status, shape="text" if shape == "json" else shape)


def read_json(route: str | None, status: int, body: dict[str, Any]) -> Signal | None:
    """Reduce a parsed answer: the state of a run first, then `{error}` whatever the HTTP status."""
    state = body.get("status")
    error = body.get("error")
    text = error if isinstance(error, str) else ""
    if isinstance(state, str) and status < 400:
        return _run(route, status, state, text, body)
    if error is None and status < 400:
        return None
    return Signal(route=route, status=status, text=text)


def _run(route: str | None, status: int, state: str, text: str, body: dict[str, Any]) -> Signal | None:
    if state in PENDING:
        return None
    if state in ENDED:
        return Signal(route=route, status=status, text=text, state=state)
    if state != "COMPLETED":
        return Signal(route=route, status=status, state="unknown_state")
    meta = body.get("meta")
    verdicts = [each["compliance"] for each in (body, meta) if isinstance(each, dict) and "compliance" in each]
    categories = body.get("filter_categories")
    if "unsafe" in verdicts:
        named = tuple(str(each) for each in categories) if isinstance(categories, list) else ()
        return Signal(route=route, status=status, state="unsafe", categories=named)
    is_safe = bool(verdicts) and all(each == "safe" for each in verdicts)
    # Whoever says "safe" beside a complaint, flags or a withheld picture contradicts itself.
    if is_safe and not text and not categories and not body.get("unsafe_url") and isinstance(meta, dict):
        return None
    return Signal(route=route, status=status, state="unreviewed")


def explain(
    route: str | None, status: int, body: bytes, media_type: str | None = None, *, profile: str | None = None
) -> Verdict | None:
    """Return what an answer means, by the table alone; None if it is no error. All builds mean the same by it."""
    del profile
    signal = read(route, status, body, media_type)
    return None if signal is None else TABLE.classify(signal)
