"""The contract to read: openapi.json, and a page that shows it. Nothing on it comes from anywhere else."""

from pathlib import Path

from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.response import Response

from gateway.v1.answer import AnyRequest, answer
from gateway.v1.ask import caller_of, desk_of
from gateway.v1.doc import Doc

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
    await caller_of(request, desk_of(request).access)
    content: bytes = request.app.state["openapi"]
    return answer(content)


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


ROUTES: tuple[HTTPRouteHandler, ...] = (openapi_json, docs, docs_script)
