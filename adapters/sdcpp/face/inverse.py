"""The catalogue in Studio's words: what its adapter's table reads forwards, said backwards (errors.md §4, wire §8).

Studio has no codes, only texts. Whoever reads these with the adapter's own table finds the code again; where Studio has
no word for a code, the nearest text of the same advice stands for it.
"""

from adapters.sdcpp.face.failure import Refused
from contracts.catalog import CatalogError, Fault, Problem
from contracts.codes import ErrorCode

NO_KEY = "Missing API key. Use Authorization: Bearer <API_KEY> or X-Api-Key: <API_KEY> header"
WRONG_KEY = "Invalid API key"
NO_DEFAULT = (
    "No model specified and no default model configured. Please specify a model ID or configure a default model."
)
CANCELLED = "Generation cancelled"
#: How a job failed, by the catalogue's word: the text of its row, and of the 500 of a route that waited for it.
JOB_TEXTS: dict[ErrorCode, str] = {
    "policy.refused": "Refused by policy",
    "policy.output_blocked": "Refused by policy: the picture is withheld",
    "routing.no_candidate": "Model startup failed: no backend can be reached",
    "job.cancelled": CANCELLED,
    "job.deadline_exceeded": "Generation timeout",
    "backend.unavailable": "Model startup failed: the image backend cannot be reached",
    "backend.overloaded": "API request failed: 429 The image backend is at its limit",
    "backend.credentials_rejected": "API request failed: 401 The image backend rejects this server's account",
    "backend.quota_exhausted": "API request failed: 403 The account behind this server is out of credit",
    "backend.misconfigured": NO_DEFAULT,
    "backend.rejected_request": "API request failed: 400 The image backend rejected the request",
    "backend.timeout": "Generation timeout after 0ms - the image backend took too long",
    "backend.failed": "API request failed: 500 The image backend failed",
    "backend.bad_response": "Generation completed but no images were produced",
    "backend.job_lost": "Server restarted - job cancelled",
    "request.reference_invalid": "Failed to convert image to PNG: the input picture cannot be used",
    "request.model_unknown": "Model not found: it is not offered any more",
    "gateway.internal": "Generation failed",
}
#: Of a job that may still run, or was paid for: whoever reads another text might have it made once more.
UNSURE = "Generation timeout after 0ms - nobody knows what became of it"
_UNSURE_ALREADY: frozenset[ErrorCode] = frozenset({"backend.timeout", "job.deadline_exceeded"})
#: Fields of the contract in Studio's words; the longest that fits is meant.
_FIELDS = {
    "/prompt": "prompt",
    "/negative_prompt": "negative_prompt",
    "/size": "size",
    "/n": "n",
    "/seed": "seed",
    "/effort": "quality",
    "/style": "style",
    "/strength": "strength",
    "/model": "model",
    "/operation": "model",
    "/options/sdcpp/": "",
    "/options": "sampling options",
    "/inputs": "image",
    "/output/format": "format",
    "/route": "model",
    "/headers/Idempotency-Key": "Idempotency-Key",
}


def text(problem: Problem) -> str:
    """Say how a job failed. What happened behind us is told in fixed words: nothing of it can leak."""
    if problem.outcome == "unknown" and problem.code not in _UNSURE_ALREADY:
        return UNSURE
    if problem.code in JOB_TEXTS:
        return JOB_TEXTS[problem.code]
    return f"API request failed: 400 {problem.detail}" if problem.blame == "caller" else JOB_TEXTS["backend.failed"]


def refused(error: CatalogError, *, what: str = "Resource") -> Refused:
    """Say why a request is refused; `what` is not found where that is the matter."""
    code = error.code
    match code:
        case "auth.unauthenticated":
            return _stranger(error)
        case "auth.forbidden":
            return Refused("Forbidden", status=403, code=code, message=error.detail)
        case "resource.not_found":
            return Refused(f"{what} not found", status=404, code=code)
        case "resource.expired":
            # What our adapter calls expired; of a job it is as good as unknown.
            known = "Image file not found on disk" if what == "Image" else f"{what} not found"
            return Refused(known, status=404, code=code)
        case "request.too_large":
            return Refused("File too large", status=413, code=code, detail=_detail(error))
        case "request.reference_invalid":
            return Refused("Only image files are allowed", code=code, detail=_detail(error))
    if error.row.group == "request":
        return _wrong(error)
    retry = error.retry_after_s
    return Refused(error.detail, status=error.status, code=code, retry_after_s=retry)


def _detail(error: CatalogError) -> str:
    return error.errors[0].detail if error.errors else error.detail


def _stranger(error: CatalogError) -> Refused:
    """Say that there is no key (401), or that it is a wrong one (403): Studio tells the two apart (wire §2)."""
    if error.facts.get("reason") in ("unknown", "revoked", "expired"):
        return Refused("Forbidden", status=403, code=error.code, message=WRONG_KEY)
    missing = error.facts.get("reason") in ("missing", None)
    return Refused("Unauthorized", status=401, code=error.code, message=NO_KEY if missing else error.detail)


def _wrong(error: CatalogError) -> Refused:
    if not error.errors:
        return Refused(error.detail, code=error.code)
    return Refused("; ".join(dict.fromkeys(_fault(each) for each in error.errors)), code=error.code)


def _fault(fault: Fault) -> str:
    pointer = max((each for each in _FIELDS if fault.pointer.startswith(each)), key=len, default=None)
    if pointer is None:
        return f"{fault.pointer}: {fault.detail}"
    name = _FIELDS[pointer] or fault.pointer.removeprefix(pointer)
    if name == "image" and "mask" in fault.detail:
        name = "mask"
    return f"{name}: {fault.detail}"
