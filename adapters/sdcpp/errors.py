"""Every complaint of sd.cpp Studio in the catalogue's words (errors.md §4 and §8, wire §3, §6 and §8).

There are no codes anywhere: the text is the only discriminator, and it can be HTML. The text of a failed job and the
text of a sync route's 500 are the same, so one list of patterns serves both.
"""

import html
import re
from typing import Any

from adapters.kit.rules import CLIENT_ERRORS, Refinement, Rule, Shape, Signal, Table, parse
from contracts.port import Verdict

_CHECKED: tuple[Refinement, ...] = ("passed_our_validation",)
_UPLOAD = r"^POST /(api/(queue/)?(edit|variation|upscale)|api/v1/images/|sdapi/v1/extra-)"
_HTML: tuple[Shape, ...] = ("html",)

#: What a failed job, or a sync route on its behalf, says.
_JOB_TEXTS = (
    Rule(to="backend.job_lost", text=r"^Server restarted", outcome="finished_no_result",
         example="Server restarted - job cancelled"),
    # What a gateway says that answers as a Studio: a refusal by policy goes nowhere else.
    Rule(to="policy.refused", text=r"^Refused by policy", stage="unknown", example="Refused by policy"),
    Rule(to="backend.misconfigured", text=r"^No model specified and no default model configured",
         example="No model specified and no default model configured. Please specify a model ID."),
    Rule(to="backend.misconfigured", text=r"^(Model \S+ does not have an API endpoint configured|Unknown .*execution "
         r"mode|.*no command specified)", example="Model x does not have an API endpoint configured"),
    Rule(to="backend.misconfigured", text=r"^Upscaler not found: ", example="Upscaler not found: RealESRGAN 4x+"),
    Rule(to="request.model_unknown", text=r"^(Model not found|Invalid model): ", pointer="/model", reason="enum",
         example="Model not found: nope", refinements=_CHECKED),
    Rule(to="backend.unavailable", phase="model_load", outcome="finished_no_result",
         text=r"^(Model startup failed|Failed to prepare model|Server at \S+ did not become ready|Failed to allocate "
         r"port|No available ports in range|Cannot start model during shutdown|Model process |Process exited with "
         r"code|Timeout waiting for server)", example="Model startup failed: Timeout waiting for server"),
    Rule(to="backend.timeout", phase="image", text=r"^Generation timeout after \d+ ?ms",
         example="Generation timeout after 60000ms - model may need more steps"),
    Rule(to="backend.timeout", phase="queue", text=r"^(Generation|Edit|Variation) timeout$",
         example="Generation timeout"),
    Rule(to="backend.credentials_rejected", text=r"^API request failed: (401|403)\b",
         example="API request failed: 401 {}"),
    Rule(to="backend.overloaded", text=r"^API request failed: 429\b", outcome="finished_no_result",
         example="API request failed: 429 {}"),
    Rule(to="backend.rejected_request", text=r"^API request failed: 4(?!01|03|29)\d\d\b",
         example="API request failed: 404 "),
    Rule(to="backend.failed", text=r"^API request failed: 5\d\d\b", example="API request failed: 502 <html>"),
    Rule(to="backend.failed", text=r"^(Fetch failed: |terminated$)", example="Fetch failed: fetch failed (URL: x)"),
    Rule(to="backend.failed", text=r"^CLI generation failed: ", example="CLI generation failed: x"),
    Rule(to="backend.bad_response", outcome="finished_no_result",
         text=r"^(Generation completed but no images were produced|No image generated)",
         example="Generation completed but no images were produced"),
    Rule(to="backend.bad_response", outcome="finished_no_result",
         text=r"^(Unexpected (token|end of)|Expected property name|The first argument must be of type string)",
         example="Unexpected token 'h', \"this is not json\" is not valid JSON"),
    Rule(to="backend.rejected_request", text=r"^((Edit|Variation|Upscale) job requires input_image_path|Unknown job "
         r"type)", example="Edit job requires input_image_path"),
    Rule(to="request.reference_invalid", pointer="/inputs/0", reason="undecodable",
         text=r"^Failed to (convert|resize) image", example="Failed to convert image to PNG: Input buffer",
         refinements=_CHECKED),
    Rule(to="backend.failed", text=r"^Generation (failed|was cancelled|cancelled)$", example="Generation failed"),
)  # fmt: skip

TABLE = Table(
    # --- who may ---
    Rule(to="backend.credentials_rejected", status=(401, 403)),
    # --- HTML and text: body parser, multer, uncaught errors, a proxy in between ---
    Rule(to="request.too_large", shape=_HTML, text=r"^(MulterError: )?File too large",
         example="MulterError: File too large", refinements=_CHECKED),
    Rule(to="request.reference_invalid", shape=_HTML, text=r"^(Error: )?Only image files are allowed",
         pointer="/inputs/0", reason="media_type", example="Error: Only image files are allowed",
         refinements=_CHECKED),
    Rule(to="request.reference_invalid", shape=_HTML, status=(500,), route=_UPLOAD, pointer="/inputs/0",
         reason="undecodable", refinements=_CHECKED),
    Rule(to="request.too_large", shape=("html", "text", "empty"), status=(413,)),
    Rule(to="backend.overloaded", status=(429,)),
    Rule(to="backend.bad_response", shape=("html", "text", "empty"), status=(404,), outcome="not_started"),
    Rule(to="backend.rejected_request", shape=("html", "text", "empty"), status=CLIENT_ERRORS),
    Rule(to="backend.unavailable", shape=("html", "text", "empty"), status=(502, 503, 504), outcome="unknown",
         reason="answer_lost"),
    Rule(to="backend.bad_response", shape=("html", "text", "empty"), reason="answer_lost"),
    # --- things by id ---
    Rule(to="resource.state_conflict", status=(404,), text=r"^Job not found or cannot be cancelled$",
         reason="look_again", example="Job not found or cannot be cancelled"),
    Rule(to="backend.job_lost", status=(404,), text=r"^Job not found$", example="Job not found"),
    Rule(to="resource.expired", status=(404,), text=r"^Image file not found on disk$",
         example="Image file not found on disk"),
    Rule(to="resource.not_found", status=(404,), text=r"^(Generation|Image|File|Download) not found$",
         example="Generation not found", refinements=("ours_by_id",)),
    Rule(to="request.model_unknown", status=(404, 400), text=r"^Model not found", pointer="/model", reason="enum",
         example="Model not found: nope", refinements=_CHECKED),
    Rule(to="backend.bad_response", status=(404,), text=r"^Not found$", outcome="not_started", example="Not found"),
    Rule(to="resource.state_conflict", status=(400, 409), text=r"^Model is (already|not) running",
         example="Model is already running"),
    # --- what a request lacks ---
    Rule(to="request.field_invalid", status=(400,), text=r"^Missing required field: prompt", pointer="/prompt",
         reason="missing", example="Missing required field: prompt", refinements=_CHECKED),
    Rule(to="request.field_invalid", status=(400,), text=r"^Missing required field: model", pointer="/model",
         reason="missing", example="Missing required field: model", refinements=_CHECKED),
    Rule(to="request.field_invalid", status=(400,), text=r"^(Missing required fields?: (image|imageList)\b|Image file "
         r"is required)", pointer="/inputs", reason="missing", example="Image file is required",
         refinements=_CHECKED),
    Rule(to="request.field_invalid", status=(400,), text=r"^(Missing required fields?: |modelId is required)",
         reason="missing", example="modelId is required"),
    Rule(to="request.model_unknown", status=(400,), text=r"^Invalid model: ", pointer="/model", reason="enum",
         example="Invalid model: nope", refinements=_CHECKED),
    Rule(to="backend.misconfigured", status=(400,), text=r"^Model has no HuggingFace configuration",
         example="Model has no HuggingFace configuration"),
    # --- 500s that are a wrong request: nothing was inserted ---
    Rule(to="backend.rejected_request", status=(500,), refinements=_CHECKED,
         text=r"^(SQLite3 can only bind|Too few parameter values|Cannot (read|destructure) propert)",
         example="SQLite3 can only bind numbers, strings, bigints, buffers, and null"),
    Rule(to="backend.rejected_request", status=(500,), text=r'^near "OFFSET"', example='near "OFFSET": syntax error'),
    *_JOB_TEXTS,
    # --- the states of a job ---
    Rule(to="job.cancelled", state=("cancelled",)),
    Rule(to="backend.failed", state=("failed",)),
    Rule(to="backend.bad_response", state=("unknown_state",)),
    Rule(to="backend.rejected_request", status=(400,), text=r"^(Bad Request|invalid parameters)",
         example="Bad Request", refinements=_CHECKED),
    Rule(to="backend.failed", status=(500,)),
)  # fmt: skip

STATES = frozenset({"pending", "model_loading", "processing", "completed", "failed", "cancelled"})
#: Objects whose `status` is not a job's state.
_JOB_KEYS = frozenset({"prompt", "job_id", "created_at", "type", "image_count"})
_PRE = re.compile(rb"<pre>(.*?)(<br>|</pre>)", re.DOTALL)


def read(route: str | None, status: int, body: bytes, media_type: str | None = None) -> Signal | None:
    """Reduce an answer, or a job that it shows, to its signal; None if it is no error."""
    # A picture that is missing on disk comes as JSON labelled image/png (wire §3): only HTML labels are believed.
    shape, parsed = parse(body, media_type)
    if isinstance(parsed, dict):
        return read_json(route, status, parsed)
    if status < 400 and shape != "html":
        return None
    text = ""
    if shape == "html":
        found = _PRE.search(body)
        text = html.unescape(found.group(1).decode(errors="replace")) if found else ""
    return Signal(route=route, status=status, shape="text" if shape == "json" else shape, text=text)


def read_json(route: str | None, status: int, body: dict[str, Any]) -> Signal | None:
    """Reduce a parsed answer: `{error}`, `{error, message}`, `{error: {message, type}}`, or a job."""
    error = body.get("error")
    if isinstance(error, dict):
        error = error.get("message")
    state = body.get("status") if isinstance(body.get("status"), str) else None
    text = error if isinstance(error, str) else ""
    if status >= 400:
        return Signal(route=route, status=status, text=text)
    if state in ("failed", "cancelled") or (state is not None and state not in STATES and _JOB_KEYS & body.keys()):
        return job_signal(state, text)
    return None


def job_signal(state: str, text: str | None) -> Signal:
    """Reduce a job that ended without a picture, or is in a state that nobody knows."""
    known = state in ("failed", "cancelled")
    return Signal(status=200, text=text or "", state=state if known else "unknown_state")


def explain(
    route: str | None, status: int, body: bytes, media_type: str | None = None, *, profile: str | None = None
) -> Verdict | None:
    """Return what an answer means, by the table alone; None if it is no error. All builds mean the same by it."""
    del profile
    signal = read(route, status, body, media_type)
    return None if signal is None else TABLE.classify(signal)
