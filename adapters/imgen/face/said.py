"""What goes out: JSON, and what went wrong in imgen's words (seed, "Errors"), whichever code of the catalogue it is.

Every refusal has imgen's `error`, which its clients read and nothing else; `detail` says more where there is more.
"""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from contracts.catalog import CatalogError, Fault
from contracts.codes import ErrorCode
from contracts.face import Answer

JSON = "application/json"
SANDBOX = "X-Triptych-Sandbox"
Action = Literal["models", "generate", "status", "optimize", "random"]
encode = msgspec.json.Encoder().encode


class Refused(Exception):  # noqa: N818 - the client's doing, mostly
    """Ends an action with one of imgen's errors."""

    def __init__(
        self,
        error: str,
        detail: str | None = None,
        *,
        status: int = 400,
        code: ErrorCode = "request.field_invalid",
        retry_after_s: float | None = None,
    ) -> None:
        """Take the text that imgen has for it, and what there is to add."""
        super().__init__(error)
        self.error = error
        self.detail = detail
        self.status = status
        self.code = code
        self.retry_after_s = retry_after_s

    @property
    def answer(self) -> Answer:
        """What is sent."""
        body = {"error": self.error} | ({} if self.detail is None else {"detail": self.detail})
        after = self.retry_after_s
        headers = {} if after is None else {"Retry-After": f"{max(1, round(after))}"}
        return said(body, status=self.status, headers=headers, code=self.code)


def said(
    body: Any, *, status: int = 200, headers: Mapping[str, str] | None = None, code: ErrorCode | None = None
) -> Answer:
    """Return an answer in JSON."""
    return Answer(status=status, body=encode(body), headers={"Content-Type": JSON, **(headers or {})}, code=code)


def refused(error: CatalogError, action: Action | None = None) -> Refused:
    """Say in imgen's words what the catalogue says."""
    if error.code == "auth.unauthenticated":
        text = _KEYS.get(str(error.facts.get("reason")), "Unauthorized")
        return Refused(text, status=401, code=error.code)
    if error.code in _FIELD_CODES:
        return _of_field(error)
    status, text = _WORDS.get(error.code, (502, _FAILED.get(action, "Generation failed")))
    # Only what the caller can do something about is told in our own words: the rest could name what is behind us.
    detail = error.detail if error.row.blame == "caller" else None
    return Refused(text, detail, status=status, code=error.code, retry_after_s=error.retry_after_s)


def _of_field(error: CatalogError) -> Refused:
    fault = error.errors[0] if error.errors else None
    if fault is None:
        return Refused("Invalid request", error.detail, code=error.code)
    return Refused(f"Invalid {_field(fault)}", fault.detail, code=error.code)


def _field(fault: Fault) -> str:
    """Return what imgen calls a field of the contract."""
    if fault.token is not None and fault.pointer == "/prompt" and fault.reason in ("enum", "contradiction"):
        return "character"
    return next((name for pointer, name in FIELDS if fault.pointer.startswith(pointer)), "request")


#: The seed's three texts, by why the gateway does not know who asks.
_KEYS = {
    "missing": "Unauthorized",
    "unknown": "Invalid API key",
    "revoked": "API key is disabled",
    "expired": "API key is disabled",
}
_FIELD_CODES = frozenset({"request.field_invalid", "request.option_unsupported", "request.reference_invalid"})
_FAILED: Mapping[Action | None, str] = {"optimize": "Enhancement failed", "random": "Enhancement failed"}
#: What the seed has a text for, and what it is silent about; every other code is something failing behind us.
_WORDS: Mapping[ErrorCode, tuple[int, str]] = {
    "request.malformed": (400, "Missing action"),
    "request.model_unknown": (400, "Invalid model"),
    "request.model_incapable": (400, "Invalid model"),
    "request.reference_too_many": (400, "Invalid wm_image"),
    "request.too_large": (413, "Request too large"),
    "auth.forbidden": (403, "Forbidden"),
    "resource.not_found": (404, "Not found"),
    "resource.expired": (404, "Not found"),
    "resource.cache_miss": (404, "No cached result found"),
    "quota.rate_limited": (429, "Too many requests"),
    "quota.budget_exhausted": (402, "Budget exhausted"),
    "idempotency.conflict": (422, "Idempotency-Key was used before"),
    "gateway.overloaded": (503, "Service unavailable"),
    "gateway.internal": (500, "Internal server error"),
}
#: Fields of the contract as imgen calls them; the first that fits.
FIELDS: tuple[tuple[str, str], ...] = (
    ("/prompt", "prompt"),
    ("/negative_prompt", "negative"),
    ("/character", "character"),
    ("/style", "style"),
    ("/model", "model"),
    ("/size", "dimensions"),
    ("/output/format", "format"),
    ("/output/compression", "quality"),
    ("/output/lossless", "lossless"),
    ("/policy/ruleset", "compliance_ruleset"),
    ("/policy/prescreen_note", "precompliance"),
    ("/inputs", "wm_image"),
    ("/watermark/padding", "wm_padding"),
    ("/watermark/opacity", "wm_transparency"),
    ("/watermark/position", "wm_position"),
    ("/watermark/scale", "wm_scale"),
    ("/watermark/rotation", "wm_rotation"),
    ("/watermark", "wm_image"),
    *((f"/provenance/{name}", f"cs_{name}") for name in ("author", "title", "description", "organization", "vendor")),
    ("/optimize_prompt", "optimize"),
    ("/operation", "model"),
    ("/headers/Idempotency-Key", "Idempotency-Key"),
)
