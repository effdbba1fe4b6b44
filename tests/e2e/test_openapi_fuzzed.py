"""Schemathesis reads our OpenAPI document and tries the gateway: what one says and the other does must be the same."""

import sys
from pathlib import Path
from subprocess import run
from typing import Any

import msgspec

from tests.e2e.asked import made, spec
from tests.harness import GatewayProcess

EXAMPLES = 8
PHASES = ("examples", "coverage", "fuzzing", "stateful")
#: Everything that Schemathesis can check, but for what these lines say.
CONFIG = """
# What a schema cannot say: a model that is known, options that a backend serves, a header that a dry run excludes.
[[operations]]
include-name = "POST /v1/jobs"
[operations.checks.positive_data_acceptance]
expected-statuses = ["2xx", "400", "404", "413", "422"]

# Whether any backend here writes prompts.
[[operations]]
include-path-regex = "^/v1/prompts/"
[operations.checks.positive_data_acceptance]
expected-statuses = ["2xx", "400"]

# Bytes can have the form of a picture's media type without being a picture.
[[operations]]
include-name = "POST /v1/assets"
[operations.checks.positive_data_acceptance]
expected-statuses = ["2xx", "400", "413", "415"]

# Whether a range can be satisfied depends on the length of the file, and whether a signature holds on its secret.
[[operations]]
include-path = "/v1/assets/{asset_id}/content"
[operations.checks.positive_data_acceptance]
expected-statuses = ["2xx", "304", "401", "403", "404", "416"]

# A token means something only to the list that gave it.
[[operations]]
include-name = "GET /v1/jobs"
parameters = { "query.page_token" = "JOBS_TOKEN" }

[[operations]]
include-name = "GET /v1/assets"
parameters = { "query.page_token" = "ASSETS_TOKEN" }

# It never ends while nothing happens; how it speaks is tested where streams are.
[[operations]]
include-path = "/v1/events"
enabled = false
"""


def _config(gateway: GatewayProcess, folder: Path) -> Path:
    """Write the settings, with tokens of lists that have a second page."""
    assert gateway.http is not None
    for _ in range(2):
        made(gateway.http, spec())
    text = CONFIG
    for name in ("jobs", "assets"):
        token = gateway.http.get(f"/v1/{name}", params={"limit": 1}).json()["next_page_token"]
        text = text.replace(f"{name.upper()}_TOKEN", token)
    path = folder / "schemathesis.toml"
    path.write_text(text)
    return path


def test_the_document_and_the_gateway_agree(gateway: GatewayProcess, tmp_path: Path) -> None:
    """Legal requests are accepted, others refused, and every answer is one that the document describes."""
    report = tmp_path / "report.json"
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(_config(gateway, tmp_path))),
        *("run", f"{gateway.url}/openapi.json", "--checks=all", f"--max-examples={EXAMPLES}"),
        *(f"--phases={','.join(PHASES)}", "--generation-deterministic", "--request-timeout=10"),
        # One worker: Python 3.11 parses no source on two threads at once (CPython #106905), which Hypothesis does.
        *("--continue-on-failure", "--no-color", "--workers=1"),
        *("--report=json", f"--report-json-path={report}"),
    ]
    done = run(command, cwd=tmp_path, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-2000:]
    told: dict[str, Any] = msgspec.json.decode(report.read_bytes())
    assert {name: phase["status"] for name, phase in told["phases"].items()} == dict.fromkeys(PHASES, "success")
    assert told["operations"]["tested"] == told["operations"]["total"] - 1
    assert told["test_cases"]["generated"] > 2000
    # Every refusal on the way was one of the operation's own: the gateway itself knows `x-error-codes`.
    assert "contract.undeclared_code" not in gateway.log.read_text()
