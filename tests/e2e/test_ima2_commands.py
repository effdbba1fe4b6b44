"""The ima2 command line works unchanged: it finds the gateway, and every command reads what it needs and ends well."""

import base64
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from msgspec import Struct

from tests.e2e.asked import wait_for
from tests.e2e.drawn import media_of, png
from tests.e2e.ima2_command_line import CommandLine, Outcome, lacking
from tests.e2e.ima2_commands import BY_LINE, COMMANDS, RUNNING, Command
from tests.e2e.ima2_kept_commands import SESSIONS
from tests.e2e.keyed import KeyedGateway
from tests.harness import GatewayProcess, SandboxProcess, backend, free_port

GEN = BY_LINE['gen "a shiba in space"']
EDIT = BY_LINE['edit a.png --prompt "make it red"']
MULTIMODE = BY_LINE['multimode "four seasons" --max-images 2']
NODE = BY_LINE['node generate "a root"']
PS = BY_LINE["ps"]
SOURCE = png(64, 64)


class Place(Struct, kw_only=True):
    """A gateway whose ima2 face is at a listener of its own, which tells of itself in a file."""

    gateway: KeyedGateway
    advertised: Path
    profile: str

    def line(self, **how: object) -> CommandLine:
        """Return a program that looks into that file."""
        generation = "newer" if self.profile == "new" else "older"
        return ready(CommandLine(self.advertised, **{"generation": generation, **how}))  # type: ignore[arg-type]


def ready(line: CommandLine) -> CommandLine:
    """Return a program that has a picture of its own to send."""
    line.memory["base64"] = base64.b64encode(SOURCE).decode()
    line.memory["data_url"] = f"data:image/png;base64,{line.memory['base64']}"
    return line


def place(folder: Path, sandbox: SandboxProcess, profile: str, **more: object) -> Place:
    """Start a gateway with keys whose listener lets anybody on this machine in, as the team `design`."""
    told = folder / "home" / "server.json"
    face = {
        "listen": f"127.0.0.1:{free_port()}",
        "team": "design",
        "profile": profile,
        "advertise": True,
        "advertise_path": str(told),
    }
    gateway = KeyedGateway(folder, {"behind": backend(sandbox, **more)}, settings={"faces": {"ima2": face}})
    return Place(gateway=gateway, advertised=told, profile=profile)


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """An ima2 server of the newer document stands behind, with all its accounts, and is the team's alone."""
    folder = tmp_path_factory.mktemp("own")
    sandbox = SandboxProcess("ima2", folder / "sandbox", speed=60, profile="new")
    try:
        running = place(folder, sandbox, "new", exclusive_team="design")
        yield running
        running.gateway.stop()
    finally:
        sandbox.stop()


@pytest.fixture(scope="module")
def served_by_studio(sandboxes: dict[str, SandboxProcess], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """No ima2 stands behind: sd.cpp Studio makes all that is asked for."""
    running = place(tmp_path_factory.mktemp("studio"), sandboxes["sdcpp"], "new")
    yield running
    running.gateway.stop()


@pytest.fixture(scope="module")
def in_old_clothes(sandboxes: dict[str, SandboxProcess], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """The face is the oldest build, which names itself the same and writes seconds as texts."""
    running = place(tmp_path_factory.mktemp("old"), sandboxes["sdcpp"], "tag")
    yield running
    running.gateway.stop()


def offered(*lacks: str) -> list[Command]:
    """Return the commands that a place can serve which lacks something."""
    return [command for command in COMMANDS if not command.needs & set(lacks)]


def wrong(line: CommandLine, commands: list[Command], profile: str) -> dict[str, object]:
    """Run commands one after the other; return what went wrong with which."""
    found: dict[str, object] = {}
    for command in commands:
        done = line.run(command, profile)
        if done.exit_code or done.lacks:
            found[command.line] = done.said or done.lacks
        elif (command.saves or command.fetches) and not all(map(is_media, done.saved)):
            found[command.line] = "its file is no picture and no film"
    return found


def is_media(data: bytes) -> bool:
    """Say whether bytes are a film, or a picture that opens."""
    return data[4:8] == b"ftyp" or media_of(data).width > 0


def test_every_command_works_at_a_listener_that_it_finds_by_itself(own: Place) -> None:
    """The newer program without any setting: all commands, films too."""
    assert wrong(own.line(), offered(), "new") == {}


def test_what_the_teams_own_server_keeps_is_kept_there_by_the_same_commands(own: Place) -> None:
    """Sessions, style sheets and the prompt builder are that server's; the newer program notices no gateway."""
    assert wrong(own.line(), list(SESSIONS), "new") == {}


def test_every_command_works_where_no_ima2_is_anywhere(served_by_studio: Place) -> None:
    """sd.cpp Studio makes the pictures; only what it cannot do at all is not asked."""
    line = served_by_studio.line()
    assert wrong(line, offered("pictures", "films"), "new") == {}
    row = line.run(BY_LINE["ls -n 20"], "new").answer["items"][-1]
    assert (row["provider"], row["prompt"]) == ("sdcpp", "a shiba in space")


def test_the_oldest_program_works_with_the_oldest_profile(in_old_clothes: Place) -> None:
    """It knows nothing but the port in the file, and expects seconds as a text."""
    assert wrong(in_old_clothes.line(), offered("pictures", "films", "new"), "tag") == {}


def test_an_older_program_works_under_the_prefix_of_an_open_gateway(gateway: GatewayProcess, tmp_path: Path) -> None:
    """`--server http://.../ima2` needs no listener: the older program puts its paths behind whatever it is given."""
    line = CommandLine(tmp_path / "none", generation="older", server=f"{gateway.url}/ima2/")
    assert wrong(ready(line), offered("films"), "new") == {}


def test_every_command_works_under_the_prefix_with_a_key(keyed: KeyedGateway, tmp_path: Path) -> None:
    """The same routes at the main listener, for who sends `x-ima2-token`; with ima2's own accounts, but no films."""
    _, token = keyed.client("commands", "--backend", "ima2").headers["authorization"].split()
    line = CommandLine(tmp_path / "none", generation="older", server=f"{keyed.url}/ima2", token=token)
    assert wrong(ready(line), offered("films"), "new") == {}


def test_the_newer_program_takes_a_key_to_a_server_that_it_was_told(served_by_studio: Place) -> None:
    """IMA2_SERVER and IMA2_LAN_TOKEN: the key decides whose work it is, not the listener; a wrong one opens nothing."""
    here = served_by_studio
    _, token = here.gateway.client("elsewhere").headers["authorization"].split()
    origin = here.line().found()
    line = here.line(server=origin, token=token)
    assert line.run(GEN, "new").exit_code == 0
    assert len(line.run(BY_LINE["ls -n 20"], "new").answer["items"]) == 1
    refused = here.line(server=origin, token="wrong").run(PS, "new")
    assert (refused.exit_code, refused.code) == (5, "LAN_TOKEN_REQUIRED")


def test_where_nobody_answers_as_healthy_the_program_ends_with_its_code_for_it(
    keyed: KeyedGateway, tmp_path: Path
) -> None:
    """A server that wants a key is passed over by the older one; a path the newer one does not take at all."""
    none = tmp_path / "none"
    locked = CommandLine(none, generation="older", server=f"{keyed.url}/ima2").run(PS, "new")
    assert (locked.exit_code, locked.code) == (3, "SERVER_UNREACHABLE")
    assert CommandLine(none, server=f"{keyed.url}/ima2").run(PS, "new").code == "SERVER_URL_INVALID"
    nowhere = CommandLine(none, server=f"http://127.0.0.1:{free_port()}").run(PS, "new")
    assert (nowhere.exit_code, nowhere.code) == (3, "SERVER_UNREACHABLE")


@pytest.mark.parametrize(
    ("command", "changes", "exit_code", "code"),
    [
        (GEN, {"prompt": "[[mod400]] x"}, 7, "SAFETY_REFUSAL"),
        (EDIT, {"prompt": "[[mod400]] x"}, 7, "MODERATION_REFUSED"),
        (MULTIMODE, {"prompt": "[[mod400]] x"}, 1, "MODERATION_REFUSED"),
        (NODE, {"prompt": "[[mod400]] x"}, 1, "SAFETY_REFUSAL"),
        (GEN, {"references": ["!"]}, 5, "REF_NOT_BASE64"),
        (GEN, {"model": "gpt-5.3-codex-spark"}, 5, "IMAGE_MODEL_UNSUPPORTED"),
        (GEN, {"n": 99}, 5, "INVALID_COUNT"),
        (NODE, {"parentNodeId": "n_gone"}, 5, "NODE_NOT_FOUND"),
        (Command(line="node show n_gone", path="/api/node/n_gone"), {}, 5, "NODE_NOT_FOUND"),
        (Command(line="history rm a.png", method="DELETE", path="/api/history/a.png"), {}, 5, "ASSET_NOT_FOUND"),
        (
            Command(line="storage open", method="POST", path="/api/storage/open-generated-dir"),
            {},
            6,
            "OPEN_GENERATED_DIR_FAILED",
        ),
    ],
)
def test_a_command_ends_with_the_programs_own_exit_code(
    own: Place, command: Command, changes: dict[str, object], exit_code: int, code: str
) -> None:
    """The codes by which scripts around the program tell a refusal from a failure."""
    done = own.line().run(command, "new", **changes)
    assert (done.exit_code, done.code) == (exit_code, code), done.said
    assert "[object" not in done.said


def test_an_account_that_is_off_ends_the_old_program_with_its_code(in_old_clothes: Place) -> None:
    """`--provider api` of the oldest build is APIKEY_DISABLED, and exit code 4."""
    done = in_old_clothes.line().run(GEN, "tag", provider="api")
    assert (done.exit_code, done.code) == (4, "APIKEY_DISABLED")


def test_the_programs_own_quality_is_a_wish_and_another_clients_is_a_demand(
    keyed: KeyedGateway, tmp_path: Path
) -> None:
    """`gen` sends `quality: low` when nobody chose one: where there are no qualities it is left out, and told."""
    client = keyed.client("qualities", "--backend", "imgen")
    _, token = client.headers["authorization"].split()
    line = ready(CommandLine(tmp_path / "none", generation="older", server=f"{keyed.url}/ima2", token=token))
    done = line.run(GEN, "new")
    assert (done.exit_code, done.lacks) == (0, []), done.said
    assert {"field": "quality", "code": "QUALITY_DEFAULTED"}.items() <= done.answer["warnings"][0].items()
    demanded = line.run(GEN, "new", quality="high")
    assert (demanded.exit_code, demanded.code) == (5, "INVALID_REQUEST")
    other = client.post("/ima2/api/generate", json={"prompt": "x", "quality": "low"})
    assert (other.status_code, other.json()["code"]) == (400, "INVALID_REQUEST")


@pytest.mark.parametrize("where", ["own", "in_old_clothes"])
def test_a_command_that_waits_is_shown_by_ps_and_ended_by_cancel(where: str, request: pytest.FixtureRequest) -> None:
    """`ps` shows what is made in every column of its table; `cancel` ends it, and `gen` says so."""
    here: Place = request.getfixturevalue(where)
    line, waiting, ended = here.line(), here.line(), list[Outcome]()
    asking = threading.Thread(
        target=lambda: ended.append(waiting.run(GEN, here.profile, prompt="[[slow:400]] for ever", requestId="{id}"))
    )
    asking.start()
    jobs = wait_for(lambda: line.run(PS, here.profile).answer["jobs"], "a job in flight")
    assert lacking({"jobs": jobs}, RUNNING, here.profile) == []
    asked_for = waiting.memory["id"]
    assert [job["requestId"] for job in jobs] == [asked_for]
    cancel = Command(line="cancel", method="DELETE", path=f"/api/inflight/{asked_for}")
    assert line.run(cancel, here.profile).exit_code == 0
    asking.join(30)
    assert [(done.exit_code, done.code) for done in ended] == [(5, "GENERATION_CANCELED")]
    assert line.run(PS, here.profile).answer["jobs"] == []


def test_the_file_leads_to_the_listener_by_its_address_and_by_its_port(own: Place, tmp_path: Path) -> None:
    """The newer program takes `backend.url`, the older one `localhost` and the port; without the file there is none."""
    told = httpx.get(f"{own.line().found()}/api/health", trust_env=False).json()
    assert told["runtime"]["backend"]["url"] == own.line().found()
    assert CommandLine(tmp_path / "none").run(PS, "new").exit_code == 3
    assert own.line(generation="older").found() == f"http://localhost:{told['runtime']['backend']['actualPort']}"
