"""Prompts that a backend writes: an enhanced one, or one of its own making. Nothing is drawn."""

from typing import Annotated, Literal, Protocol, runtime_checkable

from msgspec import UNSET, Meta, Struct, UnsetType

from contracts.caller import Caller
from contracts.codes import ErrorCode

PromptKind = Literal["optimize", "random"]
#: Everything that a backend's answer can mean here. What speaks of jobs, pictures and keys makes no sense about words.
REFUSALS: tuple[ErrorCode, ...] = (
    "request.field_invalid",
    "request.option_unsupported",
    "request.model_unknown",
    "request.too_large",
    "policy.refused",
    "policy.output_blocked",
    "backend.unavailable",
    "backend.overloaded",
    "backend.credentials_rejected",
    "backend.quota_exhausted",
    "backend.misconfigured",
    "backend.rejected_request",
    "backend.timeout",
    "backend.failed",
    "backend.bad_response",
)
Name = Annotated[str, Meta(min_length=1, max_length=200)]


class OptimizeAsk(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Body of `POST /v1/prompts/optimize`: the prompt, and the model that it is for (its backend writes)."""

    prompt: Annotated[str, Meta(min_length=1, max_length=32_000)]
    model: Name = "auto"
    #: A character of that model's, by its name.
    character: Name | UnsetType = UNSET


class RandomAsk(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Body of `POST /v1/prompts/random`: left out, the backend chooses a character; empty, there is none."""

    model: Name = "auto"
    character: Annotated[str, Meta(max_length=200)] | UnsetType = UNSET


class PromptOrder(Struct, frozen=True, kw_only=True):
    """What one backend is asked to write; `model` by its own name, None where the caller named none."""

    kind: PromptKind
    prompt: str | None = None
    model: str | None = None
    character: str | None = None


class Written(Struct, frozen=True, kw_only=True):
    """What it wrote: the words, and what it wrote beside them of a character and of what is unwanted."""

    prompt: str
    character: str | None = None
    negative_prompt: str | None = None
    model: str | None = None


class PromptMade(Struct, frozen=True, kw_only=True):
    """The answer: the prompt, who wrote it, and whether it differs from the one that was sent."""

    prompt: str
    backend: str
    dialect: str
    changed: bool
    #: A character and a negative prompt that belong to it: fields of a request of their own.
    character: str | None = None
    negative_prompt: str | None = None
    #: The model that wrote it, where the backend says so.
    model: str | None = None
    sandbox: bool = False


@runtime_checkable
class Prompter(Protocol):
    """An adapter whose backend writes prompts. Which kinds, its discovery says."""

    async def write(self, order: PromptOrder) -> Written:
        """Ask for a prompt in one exchange; raise `CatalogError`."""


class Prompts(Protocol):
    """The desk's part of it."""

    async def optimize(self, caller: Caller, ask: OptimizeAsk) -> PromptMade:
        """Have a prompt enhanced; raise where no backend that the caller may use can."""

    async def random(self, caller: Caller, ask: RandomAsk) -> PromptMade:
        """Have a prompt made up."""
