"""Every outcome that can be forced here, with the sentence that documents it."""

from adapters.ima2.sandbox.cause import CAUSES
from adapters.ima2.sandbox.code import CODES

#: The same in every sandbox.
TRANSPORT = {
    "slow": "The work takes SECONDS (argument) instead of about four, divided by speed.",
    "hang": "No answer for SECONDS (argument, 30) of real time, then the connection is cut; the work goes on.",
    "cut": "The connection is aborted before any answer, after the work was accepted, which goes on.",
    "cut_early": "The connection is aborted and nothing was accepted: no work is started.",
    "cut_body": "Half of the answer comes, then the connection is aborted; in a stream the last frame is torn.",
    "html": "A proxy in front answers with an HTML page of that STATUS (argument, 502); no work is started.",
    "garbage": "200 with a body (or a last frame) that is no JSON, after the work was done.",
    "huge": "The answer is padded to that many MEGABYTES (argument, 200).",
}
PICTURES = {
    "fewer": "N (argument, 1) pictures fewer than asked come, and nothing says so; on multimode `partial`.",
    "none": "Done without a picture: the server's own word for it, EMPTY_RESPONSE, or an empty sequence on multimode.",
    "wrong_size": "The pictures have another size, WxH (argument, half of each side).",
    "wrong_format": "The pictures, inline and stored, are of another FORMAT (argument, webp).",
    "not_an_image": "Junk comes instead of the bytes of a picture, inline and stored.",
    "truncated": "The pictures, inline and stored, end in the middle.",
}
DIALECT = {
    "n2_one_fails": "The last of several pictures fails twice upstream; the answer is 200 with one fewer (wire §3).",
    "refs_dropped": "The references are dropped on an internal retry; only NEW says so (recorded on TAG).",
    "quality_defaulted": "The quality becomes medium, with the warning QUALITY_DEFAULTED, whatever was asked.",
    "phantom": "The answer is lost and nothing runs, but the row stays active in the in-flight registry.",
    "lost": "The request is accepted and vanishes: no row, no record, no history.",
    "stale": "The row expires while the work is under way: NEW ends it as JOB_TRACKING_TIMEOUT, others lose the row.",
    "upstream_json": "The upstream answers plain JSON instead of a stream: one web search, another revised prompt.",
    "partials": "N (argument, 2) partial pictures come before the end, on node and multimode streams of a root.",
    "retry": "The first upstream call ends as the row NAME (argument, 500) of the matrix, the second succeeds.",
    "extra": "The upstream makes N (argument, 1) pictures more than a sequence may have: counted, and dropped.",
    "norevised": "The upstream sends no revised prompt.",
    "searches": "The upstream made N (argument, 3) web searches.",
    "error_class": "Fails as 502 UNKNOWN with NEW's errorClass CLASS (argument, NETWORK_FAILURE).",
    "file": "Later downloads of the stored files end as NAME (argument): cut, cut_body, html, garbage, hang or gone.",
    "api_key": "The server has an OpenAI key for this request: provider api and style sheet extraction work.",
}
STATES = {
    "auth_required": "A rule for `GET /api/oauth/status` or `GET /api/grok/status`: the account must sign in again.",
    "offline": "A rule for those routes: the upstream cannot be reached.",
    "starting": "A rule for `GET /api/oauth/status`: the OAuth proxy is starting.",
    "failed": "A rule for `GET /api/oauth/status`, health and providers: the OAuth proxy failed to start.",
    "no_image_model": "A rule for `GET /api/grok/status`: the account lists no model that makes pictures.",
}
_MATRIX = {
    name: f"The upstream fails as in row {name} of the failure matrix, on each route in its own way." for name in CAUSES
}
_MATRIX["timeout"] = (
    "The upstream never answers: each call is given up after 400 s (TAG 300 s; argument: SECONDS), divided by speed."
)
_CODES = {name: f"Fails as {code.status} {name}: {code.message}" for name, code in CODES.items()}

TOKENS: dict[str, str] = {**TRANSPORT, **PICTURES, **DIALECT, **STATES, **_MATRIX, **_CODES}
