"""Schemathesis tries every address of every face: nothing that is sent crashes it, or is answered in a foreign way."""

import sys
from pathlib import Path
from subprocess import run
from typing import Any

import msgspec
import pytest

from gateway.dialects import dialects
from tests.e2e.face_documents import document
from tests.harness import GatewayProcess

EXAMPLES = 12
#: Where a face's dialect says so, a backend that has no words for a prompt is a 502 and one that is away a 503.
CONFIG = """
[checks.not_a_server_error]
expected-statuses = ["2xx", "3xx", "4xx", "502", "503"]
"""
#: A 500 that the real server gives, and its face repeats: for a request without any body, and to open a folder.
AS_RECORDED = """
[[operations]]
include-path-regex = "^/api/(generate|edit|storage/open-generated-dir)$"
[operations.checks.not_a_server_error]
expected-statuses = ["2xx", "4xx", "500", "502", "503"]
"""
CHECKS = "not_a_server_error,content_type_conformance"


@pytest.mark.parametrize("name", sorted(name for name, dialect in dialects().items() if dialect.face is not None))
def test_nothing_that_is_sent_to_a_face_breaks_it(name: str, gateway: GatewayProcess, tmp_path: Path) -> None:
    """Fields that are nearly right, and ones that are far from it, on every route: all is answered."""
    (tmp_path / "schemathesis.toml").write_text(CONFIG + AS_RECORDED if name == "ima2" else CONFIG)
    shown, report = tmp_path / "face.json", tmp_path / "report.json"
    shown.write_bytes(msgspec.json.encode(document(name, dialects()[name], f"{gateway.url}/{name}")))
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(tmp_path / "schemathesis.toml")),
        *("run", str(shown), f"--url={gateway.url}/{name}", f"--checks={CHECKS}", f"--max-examples={EXAMPLES}"),
        *("--phases=fuzzing", "--generation-deterministic", "--request-timeout=20", "--workers=1"),
        *("--continue-on-failure", "--no-color", "--report=json", f"--report-json-path={report}"),
    ]
    done = run(command, cwd=tmp_path, capture_output=True, text=True, timeout=110)
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-2000:]
    told: dict[str, Any] = msgspec.json.decode(report.read_bytes())
    assert told["operations"]["tested"] == told["operations"]["total"]
    assert "http.crashed" not in gateway.log.read_text()
