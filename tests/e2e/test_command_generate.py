"""`triptych generate` as a person types it: pictures on the disk, refusals that can be read, and Ctrl-C."""

import json
import re
import signal
import subprocess
from pathlib import Path

import httpx
import pytest
from click import unstyle

from tests.e2e.asked import shown, wait_for
from tests.e2e.drawn import media_of
from tests.e2e.typed import PROGRAM, Said, Terminal, environment, typed
from tests.harness import GatewayProcess, free_port


def generate(gateway: GatewayProcess, folder: Path, *words: str) -> Said:
    """Type `triptych generate`."""
    return typed("generate", *words, env=environment(gateway.url), cwd=folder)


@pytest.mark.parametrize(("ending", "kind"), [("png", "png"), ("jpg", "jpeg"), ("WEBP", "webp")])
def test_a_picture_is_written_in_the_format_of_its_name(
    gateway: GatewayProcess, tmp_path: Path, ending: str, kind: str
) -> None:
    """The ending of -o decides; one line on standard output tells what was written, nothing else is there."""
    said = generate(gateway, tmp_path, "a fox at noon", "--backend", "ima2", "-o", f"fox.{ending}")
    assert (said.code, said.plain) == (0, True)
    media = media_of((tmp_path / f"fox.{ending}").read_bytes())
    assert media.format == kind
    lines = said.out.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith(f"fox.{ending}  {media.width}x{media.height}  image/{kind}  ")
    assert said.err.endswith("This picture comes from a sandbox.\n")


def test_without_a_name_a_picture_is_called_as_its_asset(gateway: GatewayProcess, tmp_path: Path) -> None:
    """Nothing is thrown away because nobody named it."""
    said = generate(gateway, tmp_path, "a fox without a name", "--backend", "ima2")
    assert said.code == 0
    (written,) = tmp_path.iterdir()
    assert re.fullmatch(r"ast_\w{26}\.png", written.name)
    assert said.out.startswith(written.name)


def test_several_pictures_are_numbered(gateway: GatewayProcess, tmp_path: Path) -> None:
    """-n makes fox-1.png and fox-2.png of fox.png, each another picture."""
    said = generate(gateway, tmp_path, "two foxes", "-n", "2", "--backend", "ima2", "-o", "fox.png")
    assert said.code == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["fox-1.png", "fox-2.png"]
    assert len({path.read_bytes() for path in tmp_path.iterdir()}) == 2
    assert [line.partition("  ")[0] for line in said.out.splitlines()] == ["fox-1.png", "fox-2.png"]


def test_json_is_the_finished_job_and_nothing_else(gateway: GatewayProcess, tmp_path: Path) -> None:
    """--json prints the job for programs, says nothing beside it, and writes the picture all the same."""
    said = generate(gateway, tmp_path, "a fox for programs", "--backend", "ima2", "--json", "-o", "fox.png")
    job = json.loads(said.out)
    assert (said.code, said.err, job["state"]) == (0, "", "succeeded")
    assert job == shown(gateway.http, job["id"])
    assert len((tmp_path / "fox.png").read_bytes()) == job["outputs"][0]["bytes"]


def test_a_picture_that_is_there_is_replaced_by_a_success_alone(gateway: GatewayProcess, tmp_path: Path) -> None:
    """A refused or failed job leaves an older file as it is; a finished one replaces it."""
    old = tmp_path / "fox.png"
    old.write_bytes(b"an older picture")
    for words in (("a fox", "--seed", "3"), ("[[SAFETY_REFUSAL]] a fox",)):
        assert generate(gateway, tmp_path, *words, "--backend", "ima2", "-o", "fox.png").code == 1
        assert old.read_bytes() == b"an older picture"
    assert generate(gateway, tmp_path, "a newer fox", "--backend", "ima2", "-o", "fox.png").code == 0
    assert media_of(old.read_bytes()).format == "png"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--seed", "3"), ("request.option_unsupported", "/seed", "supported by: studio/")),
        (("-n", "0"), ("request.field_invalid", "/n: must be")),
        (("--model", "ima2/nobody"), ("request.model_unknown", "/model", "allowed: ", "ima2/gpt-5.4")),
        (("--backend", "nobody"), ("request.field_invalid", "/route/backends/0", "allowed: ", "studio")),
        (("--style", "gothic", "--backend", "imgen"), ("/style", "allowed: professional, cinematic, film, anime")),
    ],
)
def test_a_refusal_names_the_field_and_what_is_allowed(
    gateway: GatewayProcess, tmp_path: Path, words: tuple[str, ...], told: tuple[str, ...]
) -> None:
    """Exit code 1, the code first, then each fault with its pointer; nothing on standard output, nothing written."""
    on = () if {"--backend", "--model"} & set(words) else ("--backend", "ima2")
    said = generate(gateway, tmp_path, "a fox", *on, *words, "-o", "fox.png")
    assert (said.code, said.out, said.plain) == (1, "", True)
    assert re.match(r"[a-z]+\.[a-z_]+: ", said.err)
    assert "request id: req_" in said.err
    for each in told:
        assert each in said.err
    assert list(tmp_path.iterdir()) == []


def test_what_is_adapted_is_told(gateway: GatewayProcess, tmp_path: Path) -> None:
    """--adapt makes the picture in another way where the wished one cannot be had, and says so."""
    said = generate(gateway, tmp_path, "a fox", "--negative", "cats", "--adapt", "--backend", "ima2", "-o", "fox.png")
    assert said.code == 0
    assert "adjusted /negative_prompt: appended to the prompt as 'avoid: …' (snapped)" in said.err


def test_a_job_that_ends_without_a_picture_is_exit_code_1(gateway: GatewayProcess, tmp_path: Path) -> None:
    """The catalogue's code, its sentence, and the job to look at; with --json the whole job too."""
    said = generate(gateway, tmp_path, "[[MODERATION_REFUSED]] a fox", "--backend", "ima2", "--json", "-o", "fox.png")
    job = json.loads(said.out)
    assert said.code == 1
    assert said.err == f"policy.refused: {job['error']['detail']}\n  job: {job['id']}\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("a fox", "-o", "fox.tiff"), "A file cannot be .tiff; choose one of .png, .jpg, .jpeg, .webp, .avif."),
        (("a fox", "-o", "no/such/fox.png"), "There is no directory no/such to put the picture in."),
        (("a fox", "-n", "many"), "'many' is not a valid integer"),
        (("a fox", "--effort", "extreme"), "'low', 'medium', 'high', 'auto'"),
        ((), "Missing argument 'PROMPT'"),
    ],
)
def test_a_command_that_is_wrong_is_exit_code_2_and_makes_nothing(
    gateway: GatewayProcess, tmp_path: Path, words: tuple[str, ...], told: str
) -> None:
    """What can be seen without the gateway is told before a job is made and paid."""
    before = gateway.http.get("/v1/jobs", params={"limit": 1}).json()
    said = generate(gateway, tmp_path, *words)
    assert (said.code, said.out) == (2, "")
    assert told in said.err
    assert gateway.http.get("/v1/jobs", params={"limit": 1}).json() == before


def test_a_dry_run_tells_and_makes_nothing(gateway: GatewayProcess, tmp_path: Path) -> None:
    """--dry-run says who would make it, what would be sent, and each candidate's verdict; with --json all of it."""
    words = ("a fox", "--dry-run", "--backend", "imgen", "--size", "1000x1000", "--adapt", "-o", "fox.png")
    explained = json.loads(generate(gateway, tmp_path, *words, "--json").out)
    assert explained["chosen"].startswith("imgen/")
    said = generate(gateway, tmp_path, *words)
    assert (said.code, said.err, said.plain) == (0, "", True)
    assert said.out.startswith(f"{explained['chosen']} would make it. Nothing was sent.\n\nPOST http://127.0.0.1:")
    assert json.dumps(explained["request"]["body"], indent=2) in said.out
    assert 'adjusted /size: {"width": 1000, "height": 1000} becomes {"width": 1024' in said.out
    for each in explained["candidates"]:
        assert re.search(rf"  {each['model']} +{each['account']} +fits with changes to /size\n", said.out)
    assert list(tmp_path.iterdir()) == []


def test_a_dry_run_of_what_would_be_refused_ends_as_the_request_would(gateway: GatewayProcess, tmp_path: Path) -> None:
    """Everybody's reasons, then the refusal with what would help, and exit code 1; so does its JSON."""
    words = ("a fox", "--dry-run", "--backend", "imgen", "--seed", "7")
    said = generate(gateway, tmp_path, *words)
    assert said.code == 1
    assert said.out.startswith("Nobody would make it.\n")
    assert said.out.count("/seed: takes no seed") == said.out.count("request.option_unsupported") == 3
    assert said.err.startswith("request.option_unsupported: /seed: takes no seed")
    assert "supported by: studio/" in said.err
    as_json = generate(gateway, tmp_path, *words, "--json")
    assert (as_json.code, as_json.err) == (1, "")
    assert json.loads(as_json.out)["refusal"]["code"] == "request.option_unsupported"


def test_a_gateway_that_is_not_there_is_told_with_what_to_do(tmp_path: Path) -> None:
    """An address at which nobody answers, and one that is none at all, each in one line."""
    url = f"http://127.0.0.1:{free_port()}"
    for words in (("generate", "a fox"), ("jobs", "ls"), ("backends",)):
        said = typed(*words, env=environment(url), cwd=tmp_path)
        assert (said.code, said.out) == (1, "")
        assert said.err == f"No gateway answers at {url}. Start one with: triptych serve\n"
    for wrong in ("127.0.0.1:8080", "ftp://gateway", "http://[::", "http://"):
        said = typed("generate", "a fox", env=environment(wrong), cwd=tmp_path)
        assert (said.code, said.out) == (2, "")
        assert said.err == f"{wrong!r} is no address of a gateway; write it like http://127.0.0.1:8080\n"


def test_in_a_terminal_there_is_a_live_line_that_goes_away(gateway: GatewayProcess, tmp_path: Path) -> None:
    """While the picture is made the phase is shown in place; at the end only what was written is left."""
    words = ("generate", "[[slow:60]] a fox", "--backend", "ima2", "-o", "fox.png")
    terminal = Terminal(*words, env=environment(gateway.url), cwd=tmp_path)
    live = terminal.read_until(lambda screen: "painting" in screen)
    assert "\x1b[?25l" in live, "the cursor is hidden while the line moves"
    assert "0:00:0" in live
    assert terminal.end() == 0
    assert "\x1b[?25h" in terminal.shown, "and comes back"
    left = unstyle(terminal.shown.rpartition("\x1b[2K")[2]).splitlines()
    assert [line.partition("  ")[0] for line in left if line] == ["fox.png", "This picture comes from a sandbox."]


def test_ctrl_c_leaves_the_job_and_tells_how_to_follow_it(gateway: GatewayProcess, tmp_path: Path) -> None:
    """Exit code 130; the job goes on at the backend, and the line names it with the two commands for it."""
    words = ("generate", "[[slow:90]] a fox", "--backend", "ima2", "-o", "fox.png")
    terminal = Terminal(*words, env=environment(gateway.url), cwd=tmp_path)
    terminal.read_until(lambda screen: "painting" in screen)
    terminal.interrupt()
    assert terminal.end() == 130
    told = re.search(r"The job goes on: triptych jobs watch (\w+), or triptych jobs cancel (\w+)", terminal.shown)
    assert told is not None, terminal.shown
    assert told[1] == told[2]
    assert shown(gateway.http, told[1], wait=30)["state"] == "succeeded"
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_in_a_pipe_tells_the_same(gateway: GatewayProcess, tmp_path: Path) -> None:
    """A script that is interrupted learns from standard error which job it left behind."""
    child = subprocess.Popen(
        [PROGRAM, "generate", "[[slow:90]] a fox left alone", "--backend", "ima2"],
        env=environment(gateway.url),
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    job = wait_for(lambda: _newest(gateway.http, "a fox left alone"), "a job at work")
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=30)
    assert (child.returncode, out) == (130, b"")
    assert f"triptych jobs cancel {job}" in err.decode()


def _newest(http: httpx.Client, words: str) -> str | None:
    """Return the id of the newest job with these words in its prompt, once it is at work."""
    jobs = http.get("/v1/jobs", params={"limit": 5, "state": "running"}).json()["jobs"]
    return next((job["id"] for job in jobs if words in job["spec"]["prompt"] and job["phase"] == "image"), None)
