"""The other commands as a person types them: each explains itself, answers in text, and ends with a fitting code."""

import json
import os
import re
import signal
import stat
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest
from click import unstyle
from click.testing import CliRunner

from gateway.cli import main
from tests.e2e.asked import begun, made, shown, spec, wait_for
from tests.e2e.keyed import KeyedGateway
from tests.e2e.typed import PROGRAM, Said, Terminal, environment, typed
from tests.harness import GatewayProcess, free_port, until

COMMANDS = """
serve, sandbox, generate, jobs, jobs ls, jobs show, jobs watch, jobs cancel, backends, verify, errors, errors explain,
keys, keys create, keys ls, keys revoke, migrate, openapi, asyncapi, capability-schema, config, config check
"""
ROOT = Path(__file__).parents[2]


def run(*words: str, at: GatewayProcess | None = None, cwd: Path = ROOT, key: str | None = None) -> Said:
    """Type a command, with a gateway set or without."""
    return typed(*words, env=environment(at.url if at is not None else None, key), cwd=cwd)


def test_the_program_says_what_it_can_do() -> None:
    """Without a command, with --help and as a module: the same page, with all commands and the exit codes."""
    page = run("--help")
    assert page.code == 0
    listed = {line.split()[0] for line in page.out.partition("Commands:\n")[2].splitlines()}
    assert listed == {each.strip().split()[0] for each in COMMANDS.split(",")}
    assert re.search(r"Exit codes: 0 done; 1 .*2 .*130 interrupted", page.out, re.DOTALL)
    module = typed(
        "--help", env=environment(), cwd=ROOT, program=(str(Path(PROGRAM).with_name("python")), "-m", "gateway")
    )
    assert module.out.partition("\n")[2] == page.out.partition("\n")[2]


@pytest.mark.parametrize("command", [each.strip() for each in COMMANDS.split(",")])
def test_every_command_explains_itself_with_an_example(command: str) -> None:
    """--help has a sentence and a command to copy, and that command is this one."""
    page = CliRunner().invoke(main, [*command.split(), "--help"], prog_name="triptych")
    assert (page.exit_code, page.stderr) == (0, "")
    assert page.stdout.startswith(f"Usage: triptych {command} ")
    text = " ".join(page.stdout.partition("\n\n")[2].split())
    assert re.match(r"[A-Z][^.]+[.:]", text)
    example = re.search(r"Example: +triptych ([a-z -]+)", text)
    assert example is not None, page.stdout
    assert example[1].strip().startswith(command)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("paint",), "No such command 'paint'"),
        (("jobs", "show"), "Missing argument 'JOB_ID'"),
        (("jobs", "ls", "--limit", "few"), "'few' is not a valid integer"),
        (("errors", "backend.nothing"), "There is no code 'backend.nothing'"),
        (("generate", "a fox", "--size", "99"), "write WIDTHxHEIGHT, a shape such as 16:9, or auto"),
        (("sandbox", "midjourney"), "no sandbox for 'midjourney'; there are ima2, imgen, sdcpp"),
        (("sandbox", "ima2", "--profile", "old"), "no profile 'old'; there are head, tag, new"),
        (("keys", "create"), "Missing option '--team'"),
        (("keys", "create", "--team", " "), "a team has a name"),
        (("keys", "create", "--team", "a", "--days", "-1"), "-1.0 is not in the range"),
        (("keys", "create", "--team", "a", "--scope", "root"), "'root' is not one of 'jobs:write'"),
    ],
)
def test_a_command_that_is_wrong_is_exit_code_2(tmp_path: Path, words: tuple[str, ...], told: str) -> None:
    """What is wrong with it stands on standard error, and nothing happens."""
    said = run(*words, cwd=tmp_path)
    assert (said.code, said.out) == (2, "")
    assert told in said.err
    assert list(tmp_path.iterdir()) == []


def test_jobs_are_listed_shown_and_watched(gateway: GatewayProcess) -> None:
    """One line a job, newest first; the whole job as JSON; its events to the end, each on a line."""
    job = made(gateway.http, spec("[[SAFETY_REFUSAL]] a fox\nof two lines"))
    listed = run("jobs", "ls", "--limit", "1", at=gateway)
    assert (listed.code, listed.plain) == (0, True)
    assert re.fullmatch(
        rf"{job['id']}  failed      ima2/gpt-5.4 +\[\[SAFETY_REFUSAL\]\] a fox of two lines  policy.refused\n",
        listed.out,
    )
    assert json.loads(run("jobs", "show", job["id"], at=gateway).out) == job
    watched = run("jobs", "watch", job["id"], at=gateway)
    assert (watched.code, watched.plain) == (0, True)
    types = [line.split()[1] for line in watched.out.splitlines()]
    assert (types[0], types[-1]) == ("job.queued", "job.failed")
    assert watched.out.endswith("policy.refused\n")
    states = {line.split()[1] for line in run("jobs", "ls", "--state", "failed", at=gateway).out.splitlines()}
    assert states == {"failed"}


def test_a_cancel_tells_what_the_backend_did(gateway: GatewayProcess) -> None:
    """State, answer and detail in one line; a job that had ended is a refusal that says so."""
    job = begun(gateway.http, spec("[[slow:120]] a fox"))
    wait_for(lambda: shown(gateway.http, job["id"])["phase"] in ("submit", "image"), "work at the backend")
    said = run("jobs", "cancel", job["id"], at=gateway)
    told = shown(gateway.http, job["id"])["cancel"]
    assert (said.code, said.out) == (0, f"cancelled: forgotten - {told['detail']}\n")
    ended = made(gateway.http, spec("[[SAFETY_REFUSAL]]"))
    said = run("jobs", "cancel", ended["id"], at=gateway)
    assert (said.code, said.out) == (1, "")
    assert said.err.startswith("resource.state_conflict: The job has failed already.\n")


@pytest.mark.parametrize("command", ["show", "watch", "cancel"])
def test_a_job_that_is_not_there_is_exit_code_1(gateway: GatewayProcess, command: str) -> None:
    """Code, sentence and request id, for whoever has to look it up."""
    said = run("jobs", command, "job_01ARZ3NDEKTSV4RRFFQ69G5FAV", at=gateway)
    assert (said.code, said.out) == (1, "")
    assert re.fullmatch(r"resource.not_found: There is no such job.\n  request id: req_\w+\n", said.err)


def test_ctrl_c_while_watching_ends_the_watching_alone(gateway: GatewayProcess, tmp_path: Path) -> None:
    """Exit code 130, without a word about Python; the job is made."""
    job = begun(gateway.http, spec("[[slow:90]] a fox"))
    terminal = Terminal("jobs", "watch", job["id"], env=environment(gateway.url), cwd=tmp_path)
    terminal.read_until(lambda screen: "job.running" in screen)
    terminal.interrupt()
    assert terminal.end() == 130
    assert "Traceback" not in terminal.shown
    assert shown(gateway.http, job["id"], wait=30)["state"] == "succeeded"


def test_colours_are_for_terminals(gateway: GatewayProcess, tmp_path: Path) -> None:
    """What a pipe gets as plain text a terminal gets in colour, and it reads the same."""
    piped = run("backends", at=gateway)
    terminal = Terminal("backends", env=environment(gateway.url), cwd=tmp_path)
    assert terminal.end() == piped.code == 0
    assert piped.plain
    assert "\x1b[32m" in terminal.shown
    # How busy they are may have changed meanwhile.
    assert _idle(unstyle(terminal.shown)) == _idle(piped.out)
    for name in ("studio  up  sdcpp", "ima2  up  ima2", "imgen  up  imgen"):
        assert name in piped.out
    assert "account api: backend.misconfigured, circuit closed" in piped.out
    assert "models: gpt-5.5, gpt-5.4" in piped.out


def _idle(text: str) -> list[str]:
    return re.sub(r"\d+ in flight", "0 in flight", text).splitlines()


def test_a_key_comes_from_the_environment_alone(keyed: KeyedGateway) -> None:
    """With it the commands work; without it they say what is missing; no option takes one."""
    refused = run("jobs", "ls", at=keyed)
    assert (refused.code, refused.out) == (1, "")
    assert refused.err.startswith("auth.unauthenticated: Send a key")
    assert run("jobs", "ls", at=keyed, key=keyed.token).code == 0
    assert run("jobs", "ls", at=keyed, key="schlüssel").code == 2
    for command in ("generate", "jobs ls", "backends"):
        assert "--key" not in run(*command.split(), "--help").out


def test_keys_are_made_listed_and_revoked(tmp_path: Path) -> None:
    """The key alone on standard output, so that a script can take it; the list tells all but the key."""
    data = ("--data-dir", str(tmp_path / "data"))
    made_one = run("keys", "create", "--team", "atlas", "--name", "nightly", "--scope", "jobs:read", *data)
    key_id = made_one.err.split()[0]
    assert re.fullmatch(r"trp_[\w-]{40,}\n", made_one.out)
    assert "of team atlas, for jobs:read" in made_one.err
    listed = run("keys", "ls", *data)
    assert re.fullmatch(rf"{key_id}  valid     atlas +\d{{4}}-\d\d-\d\d  jobs:read  nightly\n", listed.out)
    kept = b"".join(path.read_bytes() for path in (tmp_path / "data").rglob("*") if path.is_file())
    assert made_one.out.strip().encode() not in kept
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700
    assert run("keys", "revoke", key_id, *data).out == f"{key_id} is revoked.\n"
    assert "  revoked  " in run("keys", "ls", *data).out
    again = run("keys", "revoke", key_id, *data)
    assert (again.code, again.err) == (1, f"There is no valid key {key_id}.\n")


def test_a_directory_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    """Where a file is in the way, each command that needs the directory says so in one line."""
    (tmp_path / "file").write_text("in the way")
    where = str(tmp_path / "file" / "data")
    for words in (("keys", "ls"), ("keys", "create", "--team", "a"), ("migrate",), ("serve", "--no-sandbox")):
        said = run(*words, "--data-dir", where)
        assert (said.code, said.out) == (1, "")
        assert said.err == f"The data directory {where} cannot be used: Not a directory\n"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[server\n", ["settings: not TOML: Expected ']'", "line 1"]),
        ('[server]\nport = "many"\n', ["server.port: must be a whole number"]),
        ("[server]\nport = 70000\n[limits]\nqueued_total = 0\n", ["server.port: must be", "limits.queued_total: must"]),
        ('[backends.studio]\ndialect = "sdcpp"\n', ["backends.studio.base_url"]),
        ('[backends.b]\ndialect = "sdcpp"\nbase_url = "ftp://x"\n', ["backends.b.base_url: must match ^https?://"]),
        ('[log]\nlevel = "loud"\n', ["log.level: ", "(allowed: debug, "]),
        ("[servers]\nport = 1\n", ["servers: there is no field 'servers' here (allowed: ", "server"]),
        (
            '[backends.b]\ndialect = "mj"\nbase_url = "http://x"\n',
            ["backends.b.dialect: no dialect 'mj'; there are ima2"],
        ),
        ('[aliases]\nbest = ["b/x"]\n', ["aliases.best: 'b/x' is not <backend>/<model> of a configured backend"]),
    ],
)
def test_settings_that_are_wrong_are_named_with_their_file(tmp_path: Path, text: str, told: list[str]) -> None:
    """`serve` and `config check` name the file, the key and what would be right, and nothing is started or made."""
    path = tmp_path / "wrong.toml"
    path.write_text(text)
    served = run("serve", "--config", str(path), cwd=tmp_path)
    assert (served.code, served.out) == (2, "")
    assert f"The settings cannot be used ({path})" in served.err
    checked = CliRunner().invoke(main, ["config", "check", str(path)])
    assert checked.exit_code == 2
    for each in told:
        assert each in served.err
        assert each in checked.output
    assert [each.name for each in tmp_path.iterdir()] == ["wrong.toml"]


def test_settings_that_are_not_there_are_named(tmp_path: Path) -> None:
    """A path that leads nowhere is not taken for empty settings."""
    said = run("serve", "--config", "nowhere.toml", cwd=tmp_path)
    assert (said.code, said.out) == (2, "")
    assert "nowhere.toml cannot be read" in said.err


def test_two_gateways_do_not_share_a_directory(gateway: GatewayProcess) -> None:
    """The second one is told so, and the first goes on."""
    said = run("serve", "--no-sandbox", "--port", "0", "--data-dir", str(gateway.data_dir))
    told = f"Another gateway uses the data directory {gateway.data_dir}: stop it, or choose another with --data-dir.\n"
    assert (said.code, said.err) == (1, told)
    assert gateway.http.get("/livez").is_success


def test_an_address_that_is_taken_is_told_in_one_line(gateway: GatewayProcess, tmp_path: Path) -> None:
    """Among the lines of the log, and with the exit code of every failed start."""
    said = run("serve", "--no-sandbox", "--port", str(gateway.port), "--data-dir", str(tmp_path / "data"))
    assert said.code == 1
    assert f"The gateway cannot listen on 127.0.0.1:{gateway.port}" in said.err


def test_the_openapi_document_is_the_one_that_is_served(gateway: GatewayProcess) -> None:
    """Printed, served and committed: one document."""
    said = run("openapi")
    served: dict[str, Any] = gateway.http.get("/openapi.json").json()
    assert said.code == 0
    assert json.loads(said.out) == served
    assert (ROOT / "contracts" / "openapi.json").read_text() == said.out


def test_a_sandbox_alone_answers_and_ends(tmp_path: Path) -> None:
    """It says where it listens, keeps its memory where it was told, lists its tokens, and ends with Ctrl-C."""
    port = free_port()
    words = ("sandbox", "imgen", "--port", str(port), "--speed", "60", "--data-dir", str(tmp_path / "memory"))
    terminal = Terminal(*words, env=environment(), cwd=tmp_path)
    url = f"http://127.0.0.1:{port}"
    terminal.read_until(lambda screen: url in screen)
    assert f"The imgen sandbox listens on {url}" in terminal.shown
    until(lambda: httpx.get(f"{url}/_sandbox/tokens", trust_env=False).is_success, what="the sandbox")
    listed = run("sandbox", "imgen", "--tokens")
    tokens = {line.partition("  ")[0] for line in listed.out.splitlines()}
    assert tokens == set(httpx.get(f"{url}/_sandbox/tokens", trust_env=False).json())
    terminal.interrupt()
    assert terminal.end() == 130
    assert not {"Traceback", "Aborted"} & set(re.findall(r"\w+", terminal.shown))
    assert (tmp_path / "memory" / "imgen" / "sandbox.db").is_file()


def test_a_gateway_in_a_terminal_ends_with_ctrl_c(tmp_path: Path) -> None:
    """It says where it listens and what stands behind it, ends in order, and lets its directory go."""
    words = ("serve", "--no-sandbox", "--port", "0", "--data-dir", str(tmp_path / "data"))
    terminal = Terminal(*words, env=environment(), cwd=tmp_path)
    terminal.read_until(lambda screen: "no backend yet: name some in the settings, or use --sandbox" in screen)
    told = re.search(r"Triptych listens on (http://127.0.0.1:\d+)  -  docs: ", terminal.shown)
    assert told is not None, terminal.shown
    assert (tmp_path / "data" / "address").read_text() == told[1]
    terminal.interrupt()
    assert terminal.end() == 130
    assert "gateway.stopped" in terminal.shown
    assert not {"Traceback", "Aborted"} & set(re.findall(r"\w+", terminal.shown))
    assert run("migrate", "--data-dir", str(tmp_path / "data")).out.endswith(" already.\n")


def test_a_reader_that_has_seen_enough_is_no_failure(gateway: GatewayProcess) -> None:
    """`triptych errors | head -1` ends quietly."""
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [PROGRAM, "errors"], stdout=write, stderr=subprocess.PIPE, env=environment(gateway.url), timeout=30
    )
    os.close(write)
    assert done.returncode in (0, 1, -signal.SIGPIPE)
    assert done.stderr == b""
