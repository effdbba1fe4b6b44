"""The contract's documents as other teams' CI gets them: served, committed, printed, and legal to their tools."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from click.testing import CliRunner
from jsonschema import Draft202012Validator

from contracts.compare.change import at
from gateway.cli import main
from tests.e2e.asked import made, problem, spec
from tests.e2e.keyed import KeyedGateway, bearer
from tests.e2e.listening_in import told
from tests.harness import GatewayProcess

ROOT = Path(__file__).parents[2]
CONTRACTS = ROOT / "contracts"
NODE = ROOT / "tests" / "node"
NODE_PROGRAM = shutil.which("node")
DOCUMENTS = [
    ("/openapi.json", "openapi.json", "openapi", "application/json"),
    ("/asyncapi.json", "asyncapi.json", "asyncapi", "application/json"),
    ("/capabilities.schema.json", "capabilities.schema.json", "capability-schema", "application/schema+json"),
]


@pytest.mark.parametrize(("path", "file", "command", "media_type"), DOCUMENTS)
def test_a_document_is_served_committed_and_printed_as_one(
    gateway: GatewayProcess, path: str, file: str, command: str, media_type: str
) -> None:
    """To the byte; and a program is told what it is."""
    served = gateway.http.get(path).raise_for_status()
    assert served.headers["content-type"].partition(";")[0] == media_type
    assert served.content == (CONTRACTS / file).read_bytes()
    assert CliRunner().invoke(main, [command]).stdout_bytes == served.content


@pytest.mark.parametrize("path", [row[0] for row in DOCUMENTS])
def test_a_document_is_for_every_key_and_for_no_stranger(keyed: KeyedGateway, path: str) -> None:
    """Whatever scopes a key has, it may read the contract; without one nobody may."""
    assert keyed.client("red", "--scope", "assets:read").get(path).status_code == 200
    problem(httpx.get(keyed.url + path, headers=bearer("trp_" + "x" * 43), trust_env=False), "auth.unauthenticated")


def test_the_real_parser_reads_the_document_of_events_and_finds_nothing_wrong(gateway: GatewayProcess) -> None:
    """Not even something to improve; and it sees both streams with all that they tell."""
    served = gateway.http.get("/asyncapi.json").content
    assert NODE_PROGRAM is not None
    done = subprocess.run([NODE_PROGRAM, "asyncapi.mjs"], cwd=NODE, input=served, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr.decode()
    found = json.loads(done.stdout)
    messages = sorted(json.loads(served)["components"]["messages"])
    assert found == {
        "diagnostics": [],
        "version": "3.1.0",
        "channels": {"/v1/jobs/{job_id}/events": messages, "/v1/events": messages},
        "operations": {"tellOfAJob": "send", "tellOfAllJobs": "send"},
    }


def _message(document: dict[str, Any], kind: str) -> Draft202012Validator:
    payload = document["components"]["messages"][kind]["payload"]
    return Draft202012Validator({**payload, "components": document["components"]})


def test_what_streams_really_tell_is_what_the_document_says(gateway: GatewayProcess) -> None:
    """Every event of a job that succeeds, of one that fails, and the gap before what is no longer kept."""
    document = gateway.http.get("/asyncapi.json").json()
    fine = made(gateway.http, spec("a fox for the document"))
    bad = made(gateway.http, spec("[[fetch_failed]] a fox that fails", on="studio"))
    seen = set()
    for job in (fine, bad):
        for event in told(gateway.http, job["links"]["events"]):
            _message(document, event.event).validate(event.json())
            assert event.json()["type"] == event.event
            seen.add(event.event)
    assert seen >= {"job.queued", "job.running", "job.phase", "job.output", "job.succeeded", "job.failed"}
    gap = told(gateway.http, fine["links"]["events"], after=10**15)[0]
    assert gap.event == "stream.gap"
    _message(document, gap.event).validate(gap.json())


@pytest.mark.parametrize("path", ["/v1/capabilities", "/v1/models"])
def test_the_capabilities_of_a_live_gateway_keep_to_their_schema(gateway: GatewayProcess, path: str) -> None:
    """By a validator that knows nothing of us; and no field of what is answered is unknown to the schema."""
    schema = gateway.http.get("/capabilities.schema.json").json()
    document = gateway.http.get(path).json()
    Draft202012Validator(schema).validate(document)
    known = schema["$defs"]["Capability"]["properties"].keys()
    stated = [
        capability
        for model in document["models"]
        for info in model["capabilities"]
        for capability in info["operations"].values()
    ]
    assert len(stated) > 5
    assert all(capability.keys() == known for capability in stated)


def test_a_wrong_capability_document_is_told_apart(gateway: GatewayProcess) -> None:
    """The schema is not one that lets everything through."""
    schema = gateway.http.get("/capabilities.schema.json").json()
    document = gateway.http.get("/v1/capabilities").json()
    operations = document["models"][0]["capabilities"][0]["operations"]
    next(iter(operations.values()))["max_n"] = "many"
    assert not Draft202012Validator(schema).is_valid(document)


RELEASED = CONTRACTS / "released" / "openapi-0.1.0.json"


def check(older: dict[str, Any] | bytes, folder: Path, *words: str) -> tuple[int, str, str]:
    """Type `triptych openapi --check-against` with an older document in a file."""
    file = folder / "older.json"
    file.write_bytes(older if isinstance(older, bytes) else msgspec.json.encode(older))
    done = CliRunner().invoke(main, ["openapi", "--check-against", str(file), *words])
    return done.exit_code, done.stdout, done.stderr


def test_the_present_contract_is_held_against_an_older_one(tmp_path: Path) -> None:
    """None, additive and breaking, each with its exit code; every change in words, with its place."""
    present = json.loads((CONTRACTS / "openapi.json").read_bytes())
    assert check(present, tmp_path)[:2] == (0, f"none: no change since 0.1.0 ({tmp_path / 'older.json'})\n")
    fields = at(present, "/components/schemas/Job/properties")
    del fields["progress"]
    code, out, _ = check(present, tmp_path)
    assert (code, out.splitlines()) == (
        0,
        [
            f"additive: 1 additive since 0.1.0 ({tmp_path / 'older.json'})",
            "additive  /components/schemas/Job/properties/progress",
            "          response: the field progress is new",
        ],
    )
    fields["mood"] = {"type": "string"}
    code, out, err = check(present, tmp_path)
    assert (code, out.partition(" since")[0]) == (1, "breaking: 1 breaking, 1 additive")
    assert "breaking  /components/schemas/Job/properties/mood\n          response: the field mood is gone\n" in out
    assert err == "a breaking change after 0.1.0 needs a new minor version, and this is 0.1.0\n"
    code, out, err = check(present, tmp_path, "--json")
    changes = json.loads(out)["changes"]
    assert (code, err, json.loads(out)["verdict"]) == (1, "", "breaking")
    assert [change["kind"] for change in changes] == ["breaking", "additive"]


@pytest.mark.parametrize(
    ("older", "why"),
    [
        (b"openapi: 3.1.0", "it is not JSON"),
        (b"[" * 100_000, "it is not JSON"),
        (b"[]", "it needs openapi 3"),
        (b'{"openapi": "3.1.0", "info": {"version": "soon"}, "paths": {}}', "it needs openapi 3"),
        (b'{"openapi": "3.1.0", "info": {"version": "1.0.0"}, "paths": {"/v1/jobs": []}}', "it cannot be followed"),
    ],
)
def test_what_is_no_document_is_exit_code_2(tmp_path: Path, older: bytes, why: str) -> None:
    """One line says what it lacks; nothing is compared."""
    code, out, err = check(older, tmp_path)
    assert (code, out, len(err.splitlines())) == (2, "", 1)
    assert why in err


def test_json_without_a_comparison_is_a_question_that_is_none() -> None:
    """The document is JSON already."""
    done = CliRunner().invoke(main, ["openapi", "--json"])
    assert (done.exit_code, done.stdout) == (2, "")
    assert "--json goes with --check-against" in done.stderr
