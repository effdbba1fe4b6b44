"""What stands behind the face, as ima2 clients think of it: three accounts, and the models that they can name."""

from msgspec import Struct

from adapters.ima2.face.failure import Failure, Refused, check
from adapters.ima2.face.front import FACE, Front
from adapters.ima2.face.model import bare
from contracts.caller import Caller
from contracts.desk import Model
from contracts.spec import Operation


class Behind(Struct, frozen=True, kw_only=True):
    """What a team's key may reach."""

    #: Some backend can make pictures now.
    ready: bool
    #: None can, because an account must be signed in again.
    is_signed_out: bool
    has_api: bool
    grok: str | None
    images: tuple[str, ...]
    api_images: tuple[str, ...]
    grok_images: tuple[str, ...]
    videos: tuple[str, ...]


def behind(front: Front, caller: Caller) -> Behind:
    """Return what there is."""
    models, views = front.desk.catalogue.models(caller), front.desk.catalogue.backends(caller)
    ready = {view.name for view in views if view.up and any(account.ready for account in view.accounts)}
    accounts: dict[str, bool] = {}
    for account in (account for view in views if view.dialect == FACE for account in view.accounts):
        accounts[account.name] = accounts.get(account.name, False) or account.ready
    able = [model for model in models if _makes(model, "image.generate", "image.edit")]
    aliases = [alias.id for alias in front.desk.catalogue.aliases()]
    grok = "ready" if accounts.get("grok") else "offline" if "grok" in accounts else None
    return Behind(
        ready=any(model.backend in ready for model in able),
        is_signed_out=any(
            account.code == "backend.credentials_rejected" for view in views for account in view.accounts
        ),
        has_api=accounts.get("api", False) and not front.profile.is_tag,
        grok=grok,
        images=tuple(dict.fromkeys([*(bare(model.id) for model in able if _is_general(model)), *aliases])),
        api_images=tuple(dict.fromkeys(bare(model.id) for model in able if "api" in model.accounts)),
        grok_images=tuple(dict.fromkeys(bare(model.id) for model in able if _is_grok(model))),
        videos=tuple(dict.fromkeys(bare(model.id) for model in models if _makes(model, "video.generate"))),
    )


def check_account(front: Front, caller: Caller, provider: str | None, *, is_node: bool = False) -> None:
    """Raise for an account that is asked for by name and is not there (seed 000; seed 001 with profile `tag`)."""
    if provider == "api":
        if front.profile.is_tag:
            hint = "Use OAuth." if is_node else "Use OAuth (Codex login)."
            raise check(
                "APIKEY_DISABLED",
                f"API key provider is disabled. {hint}",
                status=403,
                catalogue="backend.misconfigured",
            )
        if not behind(front, caller).has_api:
            text = "API key is required for API provider image generation"
            raise Refused(Failure(status=401, code="API_KEY_REQUIRED", message=text, catalogue="backend.misconfigured"))
    if provider == "grok" and behind(front, caller).grok is None:
        text = "Grok is not connected: no backend here has a Grok account"
        raise check("GROK_AUTH_REQUIRED", text, status=401, catalogue="backend.misconfigured")


def _makes(model: Model, *operations: Operation) -> bool:
    return any(operation in model.operations for operation in operations)


def _is_general(model: Model) -> bool:
    """Say whether clients may take a model for whatever they make: ima2 has no list for edits alone."""
    return _makes(model, "image.generate") and not _is_grok(model)


def _is_grok(model: Model) -> bool:
    return model.accounts == ("grok",)
