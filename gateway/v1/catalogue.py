"""The routes that say what there is: models, capabilities, backends."""

from collections.abc import Sequence

from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.response import Response
from msgspec import Struct

from contracts.catalog import CatalogError
from contracts.desk import Alias, BackendView, Caller, Desk, Model
from gateway.v1.answer import AnyRequest, answer
from gateway.v1.ask import caller_of, desk_of
from gateway.v1.doc import Doc, Example
from gateway.v1.examples import things


class ModelList(Struct, frozen=True, kw_only=True):
    """Every model, and the aliases that stand for some."""

    models: Sequence[Model]
    aliases: Sequence[Alias]


class BackendList(Struct, frozen=True, kw_only=True):
    """Every backend."""

    backends: Sequence[BackendView]


MODELS = Doc(
    answers={200: ModelList},
    told=(Example("models", "One model, and an alias", ModelList(models=(things.MODEL,), aliases=(things.ALIAS,))),),
    codes=("auth.forbidden",),
)


@get("/v1/models", summary="List models and aliases", opt={"doc": MODELS})
async def list_models(request: AnyRequest) -> Response[bytes]:
    """List every model that the key may use, with its capabilities."""
    desk, caller = await _who(request)
    return answer(ModelList(models=desk.catalogue.models(caller), aliases=desk.catalogue.aliases()))


@get(
    "/v1/models/{model_id:path}",
    summary="Show a model",
    opt={
        "doc": Doc(
            answers={200: Model},
            told=(Example("model", "A model of Studio", things.MODEL),),
            codes=("auth.forbidden", "resource.not_found"),
        )
    },
)
async def show_model(request: AnyRequest, model_id: FromPath[str]) -> Response[bytes]:
    """Show one model by its full name, `<backend>/<id>`."""
    desk, caller = await _who(request)
    wanted = model_id.lstrip("/")
    for model in desk.catalogue.models(caller):
        if model.id == wanted:
            return answer(model)
    raise CatalogError("resource.not_found", "There is no such model.")


@get("/v1/capabilities", summary="The whole capability document", opt={"doc": MODELS})
async def show_capabilities(request: AnyRequest) -> Response[bytes]:
    """Show the data that validation itself reads: what it says is what is enforced.

    Its JSON Schema is at `/capabilities.schema.json`.
    """
    desk, caller = await _who(request)
    return answer(ModelList(models=desk.catalogue.models(caller), aliases=desk.catalogue.aliases()))


@get(
    "/v1/backends",
    summary="List backends",
    opt={
        "doc": Doc(
            answers={200: BackendList},
            told=(Example("backends", "One backend", BackendList(backends=(things.BACKEND,))),),
            codes=("auth.forbidden",),
        )
    },
)
async def list_backends(request: AnyRequest) -> Response[bytes]:
    """List backends with their health; details need `ops:read`."""
    desk, caller = await _who(request)
    return answer(BackendList(backends=desk.catalogue.backends(caller)))


@get(
    "/v1/backends/{name:str}",
    summary="Show a backend",
    opt={
        "doc": Doc(
            answers={200: BackendView},
            told=(Example("backend", "A Studio", things.BACKEND),),
            codes=("auth.forbidden", "resource.not_found"),
        )
    },
)
async def show_backend(request: AnyRequest, name: FromPath[str]) -> Response[bytes]:
    """Show one backend."""
    desk, caller = await _who(request)
    for backend in desk.catalogue.backends(caller):
        if backend.name == name:
            return answer(backend)
    raise CatalogError("resource.not_found", "There is no such backend.")


async def _who(request: AnyRequest) -> tuple[Desk, Caller]:
    desk = desk_of(request)
    return desk, await caller_of(request, desk.access)


ROUTES: tuple[HTTPRouteHandler, ...] = (list_models, show_model, show_capabilities, list_backends, show_backend)
