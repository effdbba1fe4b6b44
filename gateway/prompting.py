"""Prompts that backends write, for whoever may use them."""

from collections import Counter
from collections.abc import Iterator, Mapping

from msgspec import UNSET

from contracts.catalog import CatalogError, Fault
from contracts.desk import Caller
from contracts.prompts import REFUSALS, OptimizeAsk, PromptKind, PromptMade, PromptOrder, RandomAsk
from gateway.access.gate import need
from gateway.engine.backends import Backend
from gateway.ops.metrics import Metrics
from gateway.relaying import held
from gateway.routing import allow_of


class PromptService:
    """See contracts.prompts.Prompts."""

    def __init__(
        self, backends: Mapping[str, Backend], aliases: Mapping[str, tuple[str, ...]], metrics: Metrics
    ) -> None:
        """Take the backends, what models are also called, and where prompts are counted."""
        self._backends = backends
        self._aliases = aliases
        self._metrics = metrics
        self._open: Counter[str] = Counter()

    async def optimize(self, caller: Caller, ask: OptimizeAsk) -> PromptMade:
        """Have a prompt enhanced."""
        character = None if ask.character is UNSET else ask.character
        return await self._made(caller, ask.model, PromptOrder(kind="optimize", prompt=ask.prompt, character=character))

    async def random(self, caller: Caller, ask: RandomAsk) -> PromptMade:
        """Have a prompt made up."""
        character = None if ask.character is UNSET else ask.character
        return await self._made(caller, ask.model, PromptOrder(kind="random", character=character))

    async def _made(self, caller: Caller, model: str, order: PromptOrder) -> PromptMade:
        need(caller, "jobs:write")
        backend, native = self._writer(caller, model, order.kind)
        result = "failed"
        try:
            with held(self._open, backend):
                written = await backend.adapter.write(
                    PromptOrder(kind=order.kind, prompt=order.prompt, model=native, character=order.character)
                )
            result = "ok"
        except CatalogError as error:
            if error.code in REFUSALS or error.row.group == "gateway":
                raise
            raise error.turned("backend.bad_response", "The backend answered what makes no sense here.") from error
        finally:
            self._metrics.prompts.labels(backend.name, order.kind, result).inc()
        negative = written.negative_prompt
        return PromptMade(
            prompt=written.prompt,
            backend=backend.name,
            dialect=backend.dialect_name,
            changed=order.prompt is None or written.prompt.strip() != order.prompt.strip() or negative is not None,
            character=written.character,
            negative_prompt=negative,
            model=written.model,
            sandbox=backend.sandbox,
        )

    def _writer(self, caller: Caller, model: str, kind: PromptKind) -> tuple[Backend, str | None]:
        """Return who writes, by its model's own name: words that a local backend could write leave only if named."""
        found = list(self._writers(caller, model, kind))
        if not found:
            pointer, detail = ("/model", "no backend that this key may use writes prompts")
            if model != "auto":
                detail = f"the backend of {model} does not write prompts, or there is none"
            fault = Fault(pointer=pointer, reason="unsupported", detail=detail, allowed=self._able(caller, kind))
            raise CatalogError("request.option_unsupported", detail, errors=(fault,))
        local = [each for each in found if each[0].trust == "local"]
        fitting = local if local and model == "auto" else found
        return max(fitting, key=lambda each: (each[0].up, each[0].priority))

    def _writers(self, caller: Caller, model: str, kind: PromptKind) -> Iterator[tuple[Backend, str | None]]:
        able = self._able(caller, kind)
        if model == "auto":
            yield from ((self._backends[name], None) for name in able)
            return
        for full in self._aliases.get(model, (model,)):
            name, _, native = full.partition("/")
            backend = self._backends.get(name)
            discovery = backend.discovery if backend is not None else None
            if backend is not None and discovery is not None and name in able:
                allowed = not caller.models or full in caller.models
                if allowed and any(each.id == native for each in discovery.models):
                    yield backend, native

    def _able(self, caller: Caller, kind: PromptKind) -> tuple[str, ...]:
        allow = allow_of(caller)
        return tuple(
            name
            for name, backend in self._backends.items()
            if allow.reaches(backend) and backend.discovery is not None and kind in backend.discovery.prompts
        )
