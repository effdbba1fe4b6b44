"""What goes wrong, in Studio's one envelope: `{"error": text}`, sometimes with a detail (wire §3)."""

from collections.abc import Mapping
from typing import Any

from adapters.kit.express import said
from contracts.codes import ErrorCode
from contracts.face import Answer


class Refused(Exception):  # noqa: N818 - the client's doing, mostly
    """Ends what a route does."""

    def __init__(
        self,
        error: str,
        *,
        status: int = 400,
        code: ErrorCode = "request.field_invalid",
        retry_after_s: float | None = None,
        headers: Mapping[str, str] = {},
        **more: Any,
    ) -> None:
        """Take the text, the catalogue's word for the log, and what else stands in the envelope."""
        super().__init__(code)
        self.body = {"error": error, **{name: value for name, value in more.items() if value is not None}}
        self.status = status
        self.code: ErrorCode = code
        self.retry_after_s = retry_after_s
        self.headers = headers

    def answer(self) -> Answer:
        """Return it as it is sent."""
        after = {} if self.retry_after_s is None else {"Retry-After": f"{max(1, round(self.retry_after_s))}"}
        return said(self.body, status=self.status, headers={**after, **self.headers}, code=self.code)


def not_found(what: str) -> Refused:
    """Return the refusal of an id that is unknown, or another team's."""
    return Refused(f"{what} not found", status=404, code="resource.not_found")
