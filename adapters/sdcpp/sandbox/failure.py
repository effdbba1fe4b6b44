"""The texts with which jobs fail, each by the token that forces it (wire §6 and §8, errors.md §4).

Texts that the running server was seen to write are taken from its recordings; those known from its code or from
errors.md alone say so.
"""

from typing import Literal

from msgspec import Struct

#: Where in a job's life it fails: claimed, model loading, ready, upstream asked, upstream answered. The progress
#: that the row keeps follows from it.
Stage = Literal["claim", "load", "ready", "call", "save"]


class Failure(Struct, frozen=True, kw_only=True):
    """One way to fail. `text` may name {model}, {kind}, {url} and {argument}; `after_s` is what it takes."""

    stage: Stage
    text: str | None
    argument: str = ""
    after_s: float = 0.0
    timed: bool = True
    kills_model: bool = False
    meaning: str


_BODY_401 = (
    '{"error": {"message": "Incorrect API key provided", "type": "invalid_request_error", "code": "invalid_api_key"}}'
)
_BODY_429 = '{"error": {"message": "Rate limit reached", "type": "rate_limit_error"}}'


def _upstream(status: int, body: str) -> Failure:
    return Failure(
        stage="call", text=f"API request failed: {status} {body}", meaning=f"The upstream answers {status}: job failed."
    )


FAILURES: dict[str, Failure] = {
    "upstream_400": _upstream(400, '{"error": "invalid params"}'),
    "upstream_401": _upstream(401, _BODY_401),
    "upstream_403": _upstream(403, '{"error": "forbidden"}'),
    "upstream_404": _upstream(404, ""),
    "upstream_413": _upstream(413, '{"error": "payload too large"}'),
    "upstream_422": _upstream(422, '{"error": "unprocessable"}'),
    "upstream_429": _upstream(429, _BODY_429),
    "upstream_500": _upstream(500, '{"error": "generate_image returned no results"}'),
    "upstream_502_html": _upstream(502, "<html><body><h1>502 Bad Gateway</h1></body></html>"),
    "upstream_503": _upstream(503, '{"error": "model loading"}'),
    "terminated": Failure(
        stage="call", text="terminated", meaning="The upstream cuts the connection in the middle of its answer."
    ),
    "bad_json": Failure(
        stage="call",
        text="Unexpected token 'h', \"this is not json\" is not valid JSON",
        meaning="The upstream answers 200 with a body that is no JSON: job failed.",
    ),
    "no_images": Failure(
        stage="save",
        text="Generation completed but no images were produced",
        meaning="The upstream answers without a picture: job failed.",
    ),
    "no_b64": Failure(
        stage="save",
        text="The first argument must be of type string or an instance of Buffer, ArrayBuffer, or Array or an "
        "Array-like Object. Received undefined",
        meaning="The upstream answers with a URL where base64 was asked for: job failed.",
    ),
    "model_not_found": Failure(
        stage="claim", text="Model not found: {model}", meaning="The worker does not know the model: job failed."
    ),
    "no_endpoint": Failure(
        stage="call",
        text="Model {model} does not have an API endpoint configured",
        meaning="The model has no API endpoint: job failed.",
    ),
    "unknown_mode": Failure(
        stage="load",
        text="Unknown execution mode: {argument}",
        argument="grpc",
        meaning="The model's execution mode is the argument, which the worker does not know: job failed (code).",
    ),
    "unknown_type": Failure(
        stage="ready",
        text="Unknown job type: {argument}",
        argument="remix",
        meaning="The row's type is the argument, which the worker does not know: job failed (code).",
    ),
    "input_missing": Failure(
        stage="ready",
        text="{kind} job requires input_image_path",
        meaning="The row has lost its input picture: job failed (code).",
    ),
    "resize_failed": Failure(
        stage="call",
        text="Failed to resize image: Input buffer contains unsupported image format",
        meaning="The input picture cannot be resized: job failed (errors.md §4).",
    ),
    "startup_failed": Failure(
        stage="load",
        text="Model startup failed: Process exited with code {argument}",
        argument="3",
        after_s=1.5,
        meaning="The model's process exits with code N (default 3) while it starts: job failed.",
    ),
    "startup_timeout": Failure(
        stage="load",
        text="Model startup failed: Timeout waiting for server to be ready (90000ms)",
        after_s=90.0,
        meaning="The model's process is not ready within its 90 s: job failed.",
    ),
    "not_ready": Failure(
        stage="load",
        text="Server at http://127.0.0.1:44000/v1 did not become ready within 30000ms",
        after_s=30.0,
        meaning="The model's server does not answer within 30 s: job failed (errors.md §4).",
    ),
    "prepare_failed": Failure(
        stage="load",
        text="Failed to prepare model {model}: prepareModelForJob returned undefined",
        meaning="The model cannot be prepared: job failed (errors.md §4).",
    ),
    "port_exhausted": Failure(
        stage="load",
        text="Model startup failed: No available ports in range 44000-44999",
        meaning="No port is left for the model's server: job failed (errors.md §4).",
    ),
    "shutdown": Failure(
        stage="load",
        text="Model startup failed: Cannot start model during shutdown",
        meaning="The server is shutting down and starts no model: job failed (code).",
    ),
    "process_crashed": Failure(
        stage="call",
        text="Model process crashed ({argument})",
        argument="SIGKILL",
        timed=False,
        kills_model=True,
        meaning="The model's process dies of a signal while it works: job failed, without durations.",
    ),
    "process_exited": Failure(
        stage="call",
        text="Model process exited unexpectedly (code: {argument})",
        argument="1",
        timed=False,
        kills_model=True,
        meaning="The model's process exits with code N (default 1) while it works: job failed, without durations.",
    ),
    "process_error": Failure(
        stage="load",
        text="Model process error: {argument}",
        argument="spawn /srv/app/sdcpp/bin/sd-server ENOENT",
        timed=False,
        meaning="The model's process cannot be spawned: job failed, without durations (code).",
    ),
    "cli_failed": Failure(
        stage="call",
        text="CLI generation failed: modelManager._mergeMemoryFlags is not a function",
        meaning="What every job of a cli model ends with at f06307c: job failed.",
    ),
    "upscaler_missing": Failure(
        stage="call",
        text="Upscaler not found: RealESRGAN 4x+",
        meaning="The upscaler's file is not installed: job failed.",
    ),
    "restarted": Failure(
        stage="call",
        text="Server restarted - job cancelled",
        timed=False,
        meaning="The job fails as if the server had been restarted while it ran.",
    ),
    "no_reason": Failure(
        stage="call", text=None, meaning="The job fails and its error is null; sync routes say `Generation failed`."
    ),
}
