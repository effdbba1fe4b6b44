"""What goes wrong, in ima2's eight envelopes: which one is the route's (wire §1)."""

from typing import Any

from msgspec import Struct

from contracts.codes import ErrorCode


class Failure(Struct, frozen=True, kw_only=True):
    """One failure in ima2's words."""

    status: int
    code: str | None
    message: str
    upstream_code: str | None = None
    upstream_type: str | None = None
    upstream_param: str | None = None
    error_class: str | None = None
    #: Said without its code, as generate and edit say some (wire §12.12).
    bare: bool = False
    #: NEW's own checks are `{error: {code, message}}` on every route (wire §11).
    nested: bool = False
    #: Found before the work began.
    checked: bool = False
    retry_after_s: float | None = None
    catalogue: ErrorCode | None = None

    @property
    def headers(self) -> dict[str, str]:
        """When to come again, where that is known."""
        return {} if self.retry_after_s is None else {"Retry-After": f"{max(1, round(self.retry_after_s))}"}


class Refused(Exception):  # noqa: N818 - the client's doing, mostly
    """Ends what a route does with a failure."""

    def __init__(self, failure: Failure) -> None:
        """Carry the failure to whoever writes the answer."""
        super().__init__(failure.code)
        self.failure = failure


def check(code: str, message: str, *, status: int = 400, catalogue: ErrorCode = "request.field_invalid",
          **more: Any) -> Refused:  # fmt: skip
    """Return what a check of the request raises."""
    return Refused(Failure(status=status, code=code, message=message, catalogue=catalogue, checked=True, **more))


def flat(failure: Failure) -> dict[str, Any]:
    """Return shapes 1 and 2: `{error}` and `{error, code}`."""
    if failure.nested:
        return nested(failure)
    if failure.bare or failure.code is None:
        return {"error": failure.message}
    return {"error": failure.message, "code": failure.code}


def long(failure: Failure, request_id: str) -> dict[str, Any]:
    """Return shape 3: what generate says of a failure of its work."""
    return {
        **flat(failure),
        **_upstream(failure),
        "diagnosticReason": None,
        "retryKind": None,
        "referencesDroppedOnRetry": None,
        "errorEventCount": None,
        **_classed(failure),
        "requestId": request_id,
    }


def nested(failure: Failure) -> dict[str, Any]:
    """Return shape 6: `{error: {code, message}}`."""
    return {"error": {"code": failure.code, "message": failure.message}}


def node_short(failure: Failure, parent: Any) -> dict[str, Any]:
    """Return shape 4; reference errors have the code twice, a missing source has a middle length (recorded)."""
    code = failure.code or ""
    if code in ("NODE_NOT_FOUND", "NODE_SOURCE_INVALID"):
        return {**nested(failure), "parentNodeId": parent, "status": failure.status, **_upstream(failure)}
    repeated = {"code": code} if code.startswith("REF_") else {}
    return {**nested(failure), **repeated, "parentNodeId": parent}


def node_long(failure: Failure, parent: Any) -> dict[str, Any]:
    """Return shape 5: what the node route says of a failure of its work, in JSON or in a frame."""
    raw = failure.code if failure.code in ("API_KEY_REQUIRED", "OAUTH_UNAVAILABLE") else None
    return {
        **nested(failure),
        "parentNodeId": parent,
        "status": failure.status,
        **_upstream(failure),
        # Only this route shows its server's own codes as the upstream's (recorded).
        "upstreamCode": failure.upstream_code or raw,
        "errorEventType": None,
        "errorEventCount": None,
        "diagnosticReason": None,
        "retryKind": None,
        "referencesDroppedOnRetry": None,
        "refsCount": None,
        "inputImageCount": None,
        **_classed(failure),
    }


def frame(failure: Failure, request_id: str) -> dict[str, Any]:
    """Return shape 8 for multimode: flat, with the status that HTTP cannot tell any more."""
    said = brief(failure, request_id)
    return said if failure.checked else {**said, **_upstream(failure), **_classed(failure)}


def brief(failure: Failure, request_id: str) -> dict[str, Any]:
    """Return shape 8 for films and refusals."""
    return {"error": failure.message, "code": failure.code, "status": failure.status, "requestId": request_id}


def _upstream(failure: Failure) -> dict[str, Any]:
    return {
        "upstreamCode": failure.upstream_code,
        "upstreamType": failure.upstream_type,
        "upstreamParam": failure.upstream_param,
    }


def _classed(failure: Failure) -> dict[str, Any]:
    return {} if failure.error_class is None else {"rawCode": failure.code, "errorClass": failure.error_class}
