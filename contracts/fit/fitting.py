"""The working state of one fit: what will be sent, the receipts, and what stands against a candidate."""

from typing import Any

from msgspec import Struct

from contracts.capability import Capability
from contracts.catalog import Fault, Reason
from contracts.codes import ErrorCode
from contracts.job import Adjustment, Effective, Why
from contracts.spec import SpecBase
from contracts.tags import Tagged


class Mismatch(Struct, frozen=True):
    """One option that a candidate cannot honour."""

    code: ErrorCode
    fault: Fault


class Fit(Struct, frozen=True, kw_only=True):
    """What would be sent, what was changed for it, and what stands against it."""

    effective: Effective
    count: int = 1
    adjustments: tuple[Adjustment, ...] = ()
    mismatches: tuple[Mismatch, ...] = ()
    warnings: tuple[str, ...] = ()


class Fitting:
    """A spec on its way through the steps of `fit`."""

    def __init__(self, spec: SpecBase, capability: Capability, dialect: str) -> None:
        self.spec = spec
        self.capability = capability
        self.dialect = dialect
        self.values: dict[str, Any] = {}
        self.count = 1
        self.adjustments: list[Adjustment] = []
        self.mismatches: list[Mismatch] = []
        self.warnings: list[str] = []
        #: The prompt as far as it was taken apart.
        self.tagged = Tagged(text="")

    @property
    def adapts(self) -> bool:
        """Whether the caller allows changes that keep the meaning."""
        return self.spec.on_unsupported == "adapt"

    @property
    def drops(self) -> bool:
        """Whether the caller allows options to be left out."""
        return self.spec.on_unsupported == "drop"

    def refuse(
        self,
        pointer: str,
        detail: str,
        *,
        code: ErrorCode = "request.option_unsupported",
        reason: Reason = "unsupported",
        allowed: tuple[Any, ...] | None = None,
        limit: float | None = None,
        token: str | None = None,
    ) -> None:
        """Let an option stand against the candidate."""
        fault = Fault(pointer=pointer, reason=reason, detail=detail, allowed=allowed, limit=limit, token=token)
        self.mismatches.append(Mismatch(code, fault))

    def adjust(self, pointer: str, requested: object, applied: object, why: Why) -> None:
        """Write a receipt for a change."""
        self.adjustments.append(
            Adjustment(pointer=pointer, requested=requested, applied=applied, why=why, by="gateway")
        )

    def drop_or_refuse(self, pointer: str, requested: object, detail: str, **facts: Any) -> None:
        """Leave an option out if the caller said so knowingly, else let it stand against the candidate."""
        if self.drops:
            self.adjust(pointer, requested, None, "dropped")
        else:
            self.refuse(pointer, detail, **facts)
