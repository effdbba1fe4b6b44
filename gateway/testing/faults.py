"""`triptych_fault`: rows of the catalogue, brought about for the works of one test and undone at its end."""

from typing import Any

from contracts.codes import ErrorCode
from contracts.spec import OPERATIONS
from gateway.testing.live import LiveGateway, Sandbox
from gateway.testing.process import ChildError
from gateway.testing.rows import ArmedRow, FaultError, Place, named


class Fault:
    """One armed fault."""

    def __init__(self, row: ArmedRow, place: Place, *, optional: bool) -> None:
        """Take what it brings about, and whether it may go unused."""
        self.code: ErrorCode = row.code
        self.place: Place = place
        self.optional = optional
        #: Where it waits: the place in a sandbox's list, or in the door's.
        self.at_backends: dict[str, int] = {}
        self.at_the_door: int | None = None

    def __repr__(self) -> str:
        """Return how it reads in a failure."""
        where = ", ".join(self.at_backends) or "the gateway's door"
        return f"<fault {self.code} at {where}>"


class Faults:
    """Arms faults, and knows whether they were met."""

    def __init__(self, gateway: LiveGateway) -> None:
        """Take where works go."""
        self._gateway = gateway
        self._armed: list[Fault] = []

    def __call__(
        self,
        code: str,
        *,
        times: int | None = None,
        at: Place | None = None,
        backend: str | None = None,
        dialect: str | None = None,
        operation: str | None = None,
        optional: bool = False,
        **facts: Any,
    ) -> Fault:
        """Let works end with a row of the catalogue until the test is over; raise `FaultError` where none can.

        Args:
            code: A code of the catalogue, whole, or its last word where only one code has it.
            times: How many works it befalls at each place where it waits; all of them unless said.
            at: Before a work becomes a job (`door`), or in its job, by what a backend answers (`backend`). Unless
                said, where the row belongs: refusals of the gateway at the door, all others at the backends.
            backend: Only the works of this backend (`studio`, `ima2`, `imgen`); others may take them over then.
            dialect: The same by the dialect's name.
            operation: Only the works of this operation.
            optional: The test does not fail when no work met it.
            facts: Further fields of the problem, such as `retry_after_s`; only at the door, where no backend knows.
        """
        row = named(code)
        place = at or ("backend" if backend or dialect else row.place)
        if place is None:
            raise FaultError(f"{row} cannot be armed: {row.recipe}")
        if operation is not None and operation not in OPERATIONS:
            raise FaultError(f"there is no operation {operation!r}; there are {', '.join(OPERATIONS)}")
        if times is not None and times < 1:
            raise FaultError("times counts works: it is 1 or more")
        fault = Fault(row, place, optional=optional)
        if place == "door":
            if backend or dialect:
                raise FaultError(f"{row}: a work that is refused at the door has no backend yet")
            self._at_the_door(fault, times, operation, facts)
        else:
            if facts:
                raise FaultError(f"{row}: {', '.join(facts)} can be said at the door alone (at='door')")
            self._at_backends(fault, times, self._among(backend, dialect), operation, is_all=not (backend or dialect))
        self._armed.append(fault)
        return fault

    def _at_the_door(self, fault: Fault, times: int | None, operation: str | None, facts: dict[str, Any]) -> None:
        try:
            fault.at_the_door = self._gateway.child.ask(
                "refuse", code=fault.code, times=times, operation=operation, facts=facts
            )
        except ChildError as error:
            raise FaultError(f"{fault.code} with {facts}: {error}") from None

    def _among(self, backend: str | None, dialect: str | None) -> dict[str, Sandbox]:
        found = {
            name: each
            for name, each in self._gateway.sandboxes.items()
            if backend in (None, name) and dialect in (None, each.dialect)
        }
        if not found:
            known = ", ".join(f"{each.name} ({each.dialect})" for each in self._gateway.sandboxes.values())
            raise FaultError(f"no backend is {backend or dialect}; there are {known}")
        return found

    def _at_backends(
        self, fault: Fault, times: int | None, among: dict[str, Sandbox], operation: str | None, *, is_all: bool
    ) -> None:
        able = {
            name: each
            for name, each in among.items()
            if fault.code in each.codes and (operation is None or operation in each.works)
        }
        if not able:
            wanted = f" in {operation}" if operation else ""
            others = [each.name for each in self._gateway.sandboxes.values() if fault.code in each.codes]
            elsewhere = f"it is met at {', '.join(others)}" if others else named(fault.code).recipe
            raise FaultError(f"{fault.code} is never met at {', '.join(among)}{wanted}: {elsewhere}")
        fault.at_backends = {name: each.fault(fault.code, times=times, operation=operation) for name, each in
                             able.items()}  # fmt: skip
        # What is asked of no backend by name is met: nobody else takes it over. At a named one others may.
        self._gateway.child.ask("steer", only=list(able) if is_all else [], prefer=[] if is_all else list(able))
        if fault.code == "job.deadline_exceeded":
            self._gateway.child.ask("hurry", operation=operation)

    def met(self, fault: Fault) -> int:
        """Return how many works a fault befell until now."""
        if fault.at_the_door is not None:
            return int(self._gateway.child.ask("met")[fault.at_the_door])
        return sum(self._gateway.sandboxes[name].met()[at] for name, at in fault.at_backends.items())

    def never_met(self) -> list[Fault]:
        """Return the faults that no work met although one should have."""
        return [fault for fault in self._armed if not fault.optional and self.met(fault) == 0]

    def undo(self) -> None:
        """Put all of them down, and close every circuit that they opened."""
        if self._armed:
            for sandbox in self._gateway.sandboxes.values():
                sandbox.calm()
            self._gateway.child.ask("calm")
            self._armed.clear()
