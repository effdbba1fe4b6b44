"""What goes wrong in an ima2 server, and the envelopes that its routes wrap it in: eight shapes, by route (wire §1)."""

from typing import Any, Literal

from msgspec import Struct, structs

Route = Literal["generate", "edit", "node", "multimode", "video"]


class Failure(Struct, frozen=True, kw_only=True):
    """One failure, with all that any envelope tells of it."""

    status: int
    code: str | None
    message: str
    upstream_code: str | None = None
    upstream_type: str | None = None
    upstream_param: str | None = None
    #: The code before it was classified: the node route shows it where the upstream gave none (recorded).
    raw_code: str | None = None
    event_type: str | None = None
    event_count: int | None = None
    diagnostic: str | None = None
    retry_kind: str | None = None
    references_dropped: bool | None = None
    refs_count: int | None = None
    input_count: int | None = None
    error_class: str | None = None
    #: Sent without its code: generate and edit do so for some checks (wire §10.2).
    bare: bool = False
    #: Sent as `{error: {code, message}}` where the route else sends it flat (wire §11).
    nested: bool = False
    extra: dict[str, Any] = {}
    headers: dict[str, str] = {}
    #: How many upstream calls it cost for each picture, how long each took, and how far it had come.
    calls: int = 0
    seconds: float = 0.0
    phase: Literal["queued", "streaming"] = "queued"
    #: Raised before the job began, or while it was under way.
    checked: bool = False


class Refused(Exception):  # noqa: N818 - it is not always an error of the server
    """Ends what a route does with a failure."""

    def __init__(self, failure: Failure) -> None:
        """Carry the failure to whoever writes the answer."""
        super().__init__(failure.message)
        self.failure = failure


def check(code: str, message: str, *, status: int = 400, **more: Any) -> Refused:
    """Return what a check of the request raises."""
    return Refused(Failure(status=status, code=code, message=message, checked=True, **more))


def flat(failure: Failure) -> dict[str, Any]:
    """Return shapes 1 and 2: `{error}` and `{error, code}`."""
    if failure.nested:
        return nested(failure)
    if failure.bare or failure.code is None:
        return {"error": failure.message}
    return {"error": failure.message, "code": failure.code, **failure.extra}


def long(failure: Failure, request_id: str) -> dict[str, Any]:
    """Return shape 3: what generate says of a failure after admission."""
    return {
        "error": failure.message,
        "code": failure.code,
        "upstreamCode": failure.upstream_code,
        "upstreamType": failure.upstream_type,
        "upstreamParam": failure.upstream_param,
        "diagnosticReason": failure.diagnostic,
        "retryKind": failure.retry_kind,
        "referencesDroppedOnRetry": failure.references_dropped,
        "errorEventCount": failure.event_count,
        **_classed(failure),
        "requestId": request_id,
    }


def nested(failure: Failure) -> dict[str, Any]:
    """Return shape 6: `{error: {code, message}}`; a graph conflict adds the current version."""
    return {"error": {"code": failure.code, "message": failure.message}, **failure.extra}


def node_check(failure: Failure, parent: Any) -> dict[str, Any]:
    """Return shape 4; reference errors have the code twice (wire §1)."""
    repeated = {"code": failure.code} if (failure.code or "").startswith("REF_") else {}
    return {**nested(failure), **repeated, "parentNodeId": parent}


def node_source(failure: Failure, parent: Any) -> dict[str, Any]:
    """Return what the node route says when its source picture is missing: a middle length (recorded)."""
    return {
        **nested(failure),
        "parentNodeId": parent,
        "status": failure.status,
        "upstreamCode": failure.upstream_code,
        "upstreamType": failure.upstream_type,
        "upstreamParam": failure.upstream_param,
    }


def node_long(failure: Failure, parent: Any) -> dict[str, Any]:
    """Return shape 5: what the node route says of a failure after admission, in JSON or in a frame."""
    source = structs.replace(failure, upstream_code=failure.upstream_code or failure.raw_code)
    return {
        **node_source(source, parent),
        "errorEventType": failure.event_type,
        "errorEventCount": failure.event_count,
        "diagnosticReason": failure.diagnostic,
        "retryKind": failure.retry_kind,
        "referencesDroppedOnRetry": failure.references_dropped,
        "refsCount": failure.refs_count,
        "inputImageCount": failure.input_count,
        **_classed(failure),
    }


def frame(failure: Failure, request_id: str) -> dict[str, Any]:
    """Return shape 8 for multimode and video: flat, with the status that HTTP cannot tell any more."""
    body = {
        "error": failure.message,
        "code": failure.code,
        "status": failure.status,
        "requestId": request_id,
        **failure.extra,
    }
    if failure.checked:
        return body
    upstream = {
        "upstreamCode": failure.upstream_code,
        "upstreamType": failure.upstream_type,
        "upstreamParam": failure.upstream_param,
    }
    return {**body, **upstream, **_classed(failure)}


def both(failure: Failure) -> dict[str, Any]:
    """Return what agent routes send: the code in both places (wire §11)."""
    return {**nested(failure), "code": failure.code}


def not_ok(failure: Failure) -> dict[str, Any]:
    """Return shape 7."""
    return {"ok": False, **nested(failure)}


def _classed(failure: Failure) -> dict[str, Any]:
    """Return NEW's own classification, where it has one (wire §11)."""
    if failure.error_class is None:
        return {}
    return {"rawCode": failure.code, "errorClass": failure.error_class}
