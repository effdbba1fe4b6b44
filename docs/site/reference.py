"""The reference pages, written from the contracts at each build: what a page says is what is enforced.

The shapes are those of the committed `contracts/openapi.json`, of which a test says that it is not stale.
"""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from docs.site import catalogue, program
from docs.site.shapes import Shapes, cell, intro
from docs.site.staging import ROOT
from gateway.dialects import dialects

MODULES = (
    "contracts.spec",
    "contracts.media",
    "contracts.job",
    "contracts.event",
    "contracts.catalog",
    "contracts.capability",
    "contracts.tags",
    "contracts.desk",
    "contracts.listed",
    "contracts.prompts",
    "adapters.ima2.options",
)
#: What a job spec is made of, below the request itself.
PARTS = (
    "Size",
    "OutputWish",
    "Input",
    "Route",
    "Policy",
    "Cache",
    "Watermark",
    "Padding",
    "Provenance",
    "Video",
    "Webhook",
)
JOB = (
    "Job",
    "JobOutput",
    "Adjustment",
    "Attempt",
    "Effective",
    "Cancel",
    "Review",
    "JobPart",
    "Usage",
    "Timings",
    "Links",
)
CAPABILITY = (
    "Capability",
    "Dimensions",
    "SizeRange",
    "VideoRange",
    "Limits",
    "Pace",
    "TimeLimits",
    "TagSyntax",
)


def write() -> Mapping[str, str]:
    """Return every page of the reference, by its place on the site."""
    known = dialects()
    document: dict[str, Any] = msgspec.json.decode((ROOT / "contracts/openapi.json").read_bytes())
    shapes = Shapes(document["components"]["schemas"], "contract", MODULES)
    shapes.check()
    written: dict[str, Callable[[], str]] = {
        "routes": lambda: routes(document),
        "job-spec": lambda: job_spec(shapes),
        "job": lambda: job(shapes),
        "events": lambda: events(shapes),
        "capabilities": lambda: capabilities(shapes),
        "errors": lambda: catalogue.errors(shapes),
        "native-errors": lambda: catalogue.native(known),
        "command-line": program.command_line,
        "settings": program.settings,
        "metrics": program.metrics,
    }
    pages = {f"reference/{name}.md": page() for name, page in written.items()}
    return {"reference/index.md": index(pages), **pages}


def index(pages: Mapping[str, str]) -> str:
    """Return the list of reference pages, each with its first sentence."""
    lines = [*intro("reference")]
    for place, text in pages.items():
        title, _, rest = text.partition("\n")
        first = rest.strip().partition("\n\n")[0].replace("\n", " ").partition(". ")[0].rstrip(".:")
        lines.append(f"- [{title.removeprefix('# ')}]({place.removeprefix('reference/')}): {first}.")
    return "\n".join(lines) + "\n"


def routes(document: Mapping[str, Any]) -> str:
    """Return all addresses of v1 and of operation, with what they take and answer."""
    lines = [*intro("routes")]
    for tag in document["tags"]:
        lines += [f"## {tag['name']}", "", tag["description"], ""]
        for path, methods in document["paths"].items():
            for method, operation in methods.items():
                if tag["name"] in operation["tags"] and method != "head":
                    lines += _route(method.upper(), path, operation)
    return "\n".join(lines)


def _route(method: str, path: str, operation: Mapping[str, Any]) -> list[str]:
    answers = ", ".join(status for status in operation["responses"] if status != "default")
    lines = [f"### `{method} {path}`", "", f"{operation['description']} Answers {answers}.", ""]
    parameters = [each for each in operation["parameters"] if each["in"] != "path"]
    if parameters:
        lines += ["| parameter | in | meaning |", "|---|---|---|"]
        for each in parameters:
            schema = each["schema"]
            allowed = " ".join(f"`{value}`" for value in schema.get("enum", ()))
            told = each.get("description") or allowed or str(schema.get("type", ""))
            lines.append(f"| `{each['name']}` | {each['in']} | {cell(told)} |")
        lines.append("")
    return lines


def job_spec(shapes: Shapes) -> str:
    """Return what can be asked: the body of `POST /v1/jobs`."""
    request = "ImageGenerate"
    options = sorted(name for name in shapes.schemas if name.endswith("Options"))
    shapes.linked = frozenset({*PARTS, *options})
    lines = [
        *intro("job-spec"),
        "| `operation` | makes | needs |",
        "|---|---|---|",
    ]
    for name in ("ImageGenerate", "ImageEdit", "ImageVariation", "ImageUpscale", "VideoGenerate"):
        shape = shapes.schemas[name]
        needs = " ".join(f"`{field}`" for field in shape["required"] if field != "operation") or "-"
        lines.append(f"| `{shape['properties']['operation']['enum'][0]}` | {shapes.about(name)} | {needs} |")
    fields = {name: each for name, each in shapes.schemas[request]["properties"].items() if name != "operation"}
    lines += ["", "## Fields", "", shapes.table(request, only=fields)]
    for name in PARTS:
        lines += [f"## {name}", "", shapes.about(name), "", shapes.table(name)]
    lines += ["## What only one dialect has", "", "Inside `options`, by dialect; refused for any other.", ""]
    for name in options:
        lines += [f"### {name}", "", shapes.about(name), "", shapes.table(name)]
    return "\n".join(lines)


def job(shapes: Shapes) -> str:
    """Return what is answered: a job and everything in it."""
    shapes.linked = frozenset(JOB)
    lines = [
        *intro("job"),
        _states(),
    ]
    for name in JOB:
        lines += [f"## {name}", "", shapes.about(name), "", shapes.table(name, defaults=False)]
    return "\n".join(lines)


def _states() -> str:
    from contracts.job import ENTERED_FROM, STATES, TERMINAL  # noqa: PLC0415 - beside the only table made of it

    meaning = {
        "queued": "waits with us, on disk",
        "running": "is carried: at a backend, or between two exchanges",
        "succeeded": "its files are stored and checked",
        "failed": "nothing usable came; `error` says why",
        "blocked": "a result exists, and a reviewer withholds it",
        "cancelled": "somebody cancelled; `cancel` says what the backend did about it",
    }
    lines = ["| state | meaning | may come from | final |", "|---|---|---|---|"]
    for state in STATES:
        before = ", ".join(sorted(ENTERED_FROM[state]))
        lines.append(f"| `{state}` | {meaning[state]} | {before} | {'yes' if state in TERMINAL else 'no'} |")
    return "\n".join(lines) + "\n"


def events(shapes: Shapes) -> str:
    """Return what a stream of events says."""
    kinds = {name: shape for name, shape in shapes.schemas.items() if _event_of(shape)}
    shapes.linked = frozenset()
    lines = [*intro("events")]
    common = ("type", "job_id", "at", "id")
    for name, shape in sorted(kinds.items(), key=lambda each: _rank(_event_of(each[1]))):
        own = {field: each for field, each in shape["properties"].items() if field not in common}
        lines += [f"## `{_event_of(shape)}`", "", shapes.about(name), ""]
        if own:
            lines += [shapes.table(name, only=own, defaults=False)]
    return "\n".join(lines)


def _event_of(shape: Mapping[str, Any]) -> str:
    kinds = shape.get("properties", {}).get("type", {}).get("enum", ())
    return kinds[0] if len(kinds) == 1 and str(kinds[0]).startswith("job.") else ""


def _rank(kind: str) -> int:
    from typing import get_args  # noqa: PLC0415 - beside the only use

    from contracts.event import EventType  # noqa: PLC0415 - the same

    return get_args(EventType).index(kind)


def capabilities(shapes: Shapes) -> str:
    """Return what is told of each candidate at `GET /v1/capabilities`."""
    shapes.linked = frozenset(CAPABILITY)
    lines = [*intro("capabilities")]
    for name in CAPABILITY:
        lines += [f"## {name}", "", shapes.about(name), "", shapes.table(name)]
    return "\n".join(lines)
