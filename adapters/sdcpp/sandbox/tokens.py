"""Every outcome that can be forced, by `[[name]]` or `[[name:argument]]` in a prompt or by a rule of a scenario."""

from adapters.sdcpp.sandbox.failure import FAILURES
from adapters.sdcpp.sandbox.refusal import REFUSALS

#: Rude endings, which every route can have.
ENDINGS = ("cut", "cut_early", "cut_body", "hang", "html", "garbage", "huge")
#: What sets up the server for a request, rather than what becomes of it.
SETTINGS = ("auth", "production")
_COMMON = {
    "slow": "slow:SECONDS: the upstream takes so long (divided by speed), then does what else is forced.",
    "hang": "hang:SECONDS: accepted, then no answer for so long (real time), then the connection is cut.",
    "cut": "The work is accepted and goes on, but the connection is cut before any answer.",
    "cut_early": "The connection is cut and nothing is accepted.",
    "cut_body": "Accepted, but the connection is cut after half of the answer.",
    "html": "html:STATUS: a proxy answers with an HTML page (default 502) and nothing is accepted.",
    "garbage": "Accepted, but the answer is a 200 whose body is no JSON.",
    "huge": "huge:MEGABYTES: accepted, but the answer is so long (default 64).",
    "fewer": "fewer:N: N pictures fewer than asked (default 1).",
    "none": "The job is completed and has no picture.",
    "wrong_size": "wrong_size:WxH: the pictures have that size (default half of each side).",
    "wrong_format": "wrong_format:FORMAT: the pictures are of that format (default jpeg), labelled image/png.",
    "not_an_image": "The pictures are junk bytes.",
    "truncated": "The pictures end in the middle.",
}
_JOB = {
    "junk_base64": "The upstream's base64 is no picture: the job is completed and serves the junk as image/png.",
    "revised": "revised:TEXT: the pictures carry a revised prompt (default `revised: image N`).",
    "fetch_failed": "The upstream cannot be reached: three tries and 6 s for generate, one try for edit and variation.",
    "flaky": "flaky:N: the upstream cuts the first N tries of a generate (default 1); the third failure is final.",
    "timeout": "timeout:SECONDS: the upstream never answers; failed at the worker's own limit, or after SECONDS.",
    "loading": "loading:SECONDS: the job stays in model_loading for so long (divided by speed, default 30).",
    "stuck_loading": "The job stays in model_loading for ever, over restarts too; the worker goes on with the next.",
    "lost": "The row vanishes right after it was accepted.",
    "cancelled_then_completed": "A job that is cancelled before it starts runs all the same, as one that has started.",
    "cancelled_by_operator": "Somebody else cancels the job before it starts.",
    "image_gone": "The pictures' rows are there but their files are not: 404 in JSON labelled image/png.",
    "image_unknown": "The pictures are listed, but their bytes are a 404 `Image not found`.",
    "expired_row": "The row is gone as soon as the job is completed.",
    "odd_state": "odd_state:NAME: instead of running, the job stays in a state that nobody knows (default paused).",
    "crash": "The server's process dies while the job runs.",
    "phantom": "A second job with the same seed and prompt appears beside it.",
    "slow_list": "slow_list:SECONDS: lists that show the job take so long (divided by speed, default 5).",
}
_SETTINGS = {
    "auth": "auth:KEY: this key is demanded (default sandbox-key); as a rule it holds for every route it matches.",
    "production": "Pages of HTML name only the status, as with NODE_ENV=production.",
}
_WHERE = {"poll": "on the routes that show or cancel the job", "image": "on the bytes of the job's pictures"}

TOKENS: dict[str, str] = {
    **_COMMON,
    **_JOB,
    **{name: failure.meaning for name, failure in FAILURES.items()},
    **{name: native.meaning for name, native in REFUSALS.items()},
    **_SETTINGS,
    **{f"{prefix}.{name}": f"Like `{name}`, {where}." for prefix, where in _WHERE.items() for name in ENDINGS},
}
