"""Forced outcomes for sandboxes: by a token in the prompt, or by the rules of a scenario.

A token is `[[name]]` or `[[name:argument]]`, such as `[[SAFETY_REFUSAL]]`, `[[slow:5]]` or `[[cut]]`; several may stand
in one prompt. A rule forces the same outcomes for requests that it matches, a number of times if it says so. Tokens
never reach a picture.
"""

import re
import tomllib
from collections.abc import Container, Iterable
from pathlib import Path

import msgspec
from msgspec import Struct

from contracts.codes import ErrorCode

TOKEN = re.compile(r"\[\[([A-Za-z0-9_.-]+)(?::([^\]]*))?\]\]")


class Forced(Struct, frozen=True):
    """One forced outcome and its argument."""

    name: str
    argument: str | None = None

    def number(self, default: float) -> float:
        """Return the argument as a number."""
        try:
            return float(self.argument) if self.argument else default
        except ValueError:
            return default


def _fits(route: str, begin: str) -> bool:
    return route == begin[:-1] if begin.endswith("$") else route.startswith(begin)


class Rule(Struct, kw_only=True, forbid_unknown_fields=True):
    """Force an outcome for the requests it matches, after some and at most so many times."""

    outcome: str
    argument: str | None = None
    #: Begin of `METHOD /path`, or all of it when it ends with `$`; empty: every route that can be forced.
    route: str = ""
    #: Words that the prompt must contain.
    contains: str = ""
    after: int = 0
    times: int | None = None

    def applies(self, route: str, prompt: str) -> bool:
        """Say whether the rule fits, and use it up by one."""
        if not _fits(route, self.route) or self.contains not in prompt or self.times == 0:
            return False
        if self.after > 0:
            self.after -= 1
            return False
        if self.times is not None:
            self.times -= 1
        return True


class Fault(Struct, kw_only=True):
    """An outcome that a test armed by its code of the catalogue (see `adapters.kit.fault`)."""

    code: ErrorCode
    outcome: str
    argument: str | None
    #: Begins of `METHOD /path`, or all of it where one ends with `$`: where the work begins that it befalls.
    routes: tuple[str, ...]
    #: For how many works it is still there; None: for all.
    times: int | None
    met: int = 0

    def applies(self, route: str) -> bool:
        """Say whether the fault befalls a request, and count it."""
        if self.times == 0 or not any(_fits(route, each) for each in self.routes):
            return False
        if self.times is not None:
            self.times -= 1
        self.met += 1
        return True


class Rules(Struct, kw_only=True, forbid_unknown_fields=True):
    """The content of a scenario file."""

    rules: list[Rule] = []


class Scenario:
    """What is forced now. Mutable: rules are used up, and a test may put new ones in."""

    def __init__(self, rules: Iterable[Rule] = ()) -> None:
        """Begin with some rules."""
        self.rules = list(rules)
        self.faults: list[Fault] = []

    @classmethod
    def load(cls, path: str | None) -> "Scenario":
        """Read a scenario file (TOML or JSON); raise `msgspec.ValidationError` when it is not one."""
        if path is None:
            return cls()
        text = Path(path).read_text()
        raw = msgspec.json.decode(text) if path.endswith(".json") else tomllib.loads(text)
        return cls(msgspec.convert(raw, Rules).rules)

    def forced(self, route: str, prompt: str, *, among: Container[str] | None = None) -> dict[str, Forced]:
        """Return what is forced for a request: its prompt's tokens, the rules that fit, and the first such fault.

        What is not `among` the outcomes that the request can have is passed over, and not used up.
        """
        found = {name: Forced(name, argument or None) for name, argument in TOKEN.findall(prompt)}
        for rule in self.rules:
            if (among is None or rule.outcome in among) and rule.applies(route, prompt):
                found.setdefault(rule.outcome, Forced(rule.outcome, rule.argument))
        for fault in self.faults:
            if (among is None or fault.outcome in among) and fault.applies(route):
                found.setdefault(fault.outcome, Forced(fault.outcome, fault.argument))
                break
        return found


def without_tokens(prompt: str) -> str:
    """Return the prompt as it is painted."""
    return " ".join(TOKEN.sub(" ", prompt).split())
