"""The contract to read: its generated documents, and a page that shows it. Nothing on it comes from anywhere else."""

from collections.abc import Mapping
from pathlib import Path

from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.response import Response

from gateway.v1.answer import JSON, AnyRequest, answer
from gateway.v1.ask import caller_of, desk_of
from gateway.v1.doc import Doc

SCHEMA_JSON = "application/schema+json"
SCRIPT = Path(__file__).parent / "static" / "rapidoc-min.js.gz"
PAGE = b"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Triptych</title>
<script type="module" src="/docs/rapidoc.js"></script>
<body>
<rapi-doc spec-url="/openapi.json" render-style="read" load-fonts="false" show-header="false" theme="light"
  primary-color="#3b5bdb" regular-font="system-ui, sans-serif" mono-font="ui-monospace, monospace"
  allow-spec-file-load="false" allow-spec-url-load="false" allow-server-selection="false"
  schema-description-expanded="true" show-method-in-nav-bar="as-colored-text" nav-item-spacing="relaxed"
  schema-style="table" default-schema-tab="schema" show-components="true"></rapi-doc>
</body>
</html>
"""
POLICY = "default-src 'none'; script-src 'self'; style-src 'unsafe-inline'; connect-src 'self'; img-src 'self' data:"


@get("/openapi.json", summary="The OpenAPI document", opt={"doc": Doc(answers={200: dict})})
async def openapi_json(request: AnyRequest) -> Response[bytes]:
    """Answer the document that this very process enforces."""
    return await _artefact(request, "openapi")


@get("/asyncapi.json", summary="The AsyncAPI document", opt={"doc": Doc(answers={200: dict})})
async def asyncapi_json(request: AnyRequest) -> Response[bytes]:
    """Answer the document of all streams of events."""
    return await _artefact(request, "asyncapi")


@get(
    "/capabilities.schema.json",
    summary="The JSON Schema of capability documents",
    opt={"doc": Doc(answers={200: dict}, answer_media_type=SCHEMA_JSON)},
)
async def capabilities_schema(request: AnyRequest) -> Response[bytes]:
    """Answer what `/v1/capabilities` keeps to (draft 2020-12)."""
    return await _artefact(request, "capabilities", SCHEMA_JSON)


async def _artefact(request: AnyRequest, name: str, media_type: str = JSON) -> Response[bytes]:
    await caller_of(request, desk_of(request).access)
    artefacts: Mapping[str, bytes] = request.app.state["artefacts"]
    return answer(artefacts[name], media_type=media_type)


@get("/docs", summary="The contract as a page", opt={"doc": Doc(answers={200: str}, answer_media_type="text/html")})
async def docs(request: AnyRequest) -> Response[bytes]:
    """Show the contract to a person."""
    await caller_of(request, desk_of(request).access)
    return answer(PAGE, headers={"Content-Security-Policy": POLICY}, media_type="text/html")


@get(
    "/docs/rapidoc.js",
    summary="The script of the page",
    opt={"doc": Doc(answers={200: str}, answer_media_type="text/javascript")},
)
async def docs_script(request: AnyRequest) -> Response[bytes]:
    """Answer the page's one script (RapiDoc, MIT), compressed as it is kept."""
    await caller_of(request, desk_of(request).access)
    headers = {"Content-Encoding": "gzip", "Cache-Control": "private, max-age=86400"}
    return answer(SCRIPT.read_bytes(), headers=headers, media_type="text/javascript")


ROUTES: tuple[HTTPRouteHandler, ...] = (openapi_json, asyncapi_json, capabilities_schema, docs, docs_script)
