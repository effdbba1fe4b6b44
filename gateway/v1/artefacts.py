"""The generated artefacts: what is committed in contracts/, served and printed is one and the same."""

from collections.abc import Mapping

from contracts.port import Dialect
from gateway.v1 import asyncapi as events
from gateway.v1.catalogue import ModelList
from gateway.v1.openapi import document
from gateway.v1.routes import ROUTES
from gateway.v1.schemas import standalone, to_json
from gateway.version import VERSION

CAPABILITIES = "/capabilities.schema.json"
_DESCRIPTION = (
    "What /v1/capabilities and /v1/models answer: every model with what each of its accounts can do. What it says is "
    "what is enforced. Fields may be added: pass over those that you do not know."
)


def openapi(dialects: Mapping[str, Dialect]) -> bytes:
    """Return the OpenAPI document."""
    return to_json(document(ROUTES, dialects, VERSION))


def asyncapi() -> bytes:
    """Return the AsyncAPI document."""
    return to_json(events.document(VERSION))


def capabilities_schema() -> bytes:
    """Return the JSON Schema of capability documents."""
    return to_json(standalone(ModelList, id=CAPABILITIES, title="Capabilities", description=_DESCRIPTION))


def artefacts(dialects: Mapping[str, Dialect]) -> dict[str, bytes]:
    """Return all that the gateway serves as it is, by the names that `docs.py` knows."""
    return {"openapi": openapi(dialects), "asyncapi": asyncapi(), "capabilities": capabilities_schema()}
