"""A gateway watches the ima2 face of another one, which lets sd.cpp Studio make its pictures."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.asked import begun, made, shown, spec, wait_for
from tests.e2e.keyed import KeyedGateway
from tests.e2e.listening_in import Listener
from tests.e2e.scraped import Scrape, want
from tests.harness import GatewayProcess, SandboxProcess, backend, free_port

#: What a gateway logs when it hears no more of a backend, for whatever reason.
WATCH_ENDED = "engine.watch_ended"


def _watchers(face: GatewayProcess) -> float:
    """Return how many listen at the gateway that is asked: the gateway before it, and who waits for a job."""
    assert face.http is not None
    return Scrape(face.http).value(want("event_streams_open")) or 0.0


@pytest.fixture(scope="module")
def chain(
    sandboxes: dict[str, SandboxProcess], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[GatewayProcess, list[GatewayProcess]]]:
    """The gateway in front, and the one whose face it asks; that one may be replaced by its successor."""
    folder: Path = tmp_path_factory.mktemp("chain")
    face = {
        "listen": f"127.0.0.1:{free_port()}",
        "team": "design",
        "advertise": True,
        "advertise_path": str(folder / "server.json"),
    }
    behind: list[GatewayProcess] = [
        KeyedGateway(folder / "behind", {"studio": backend(sandboxes["sdcpp"])}, settings={"faces": {"ima2": face}})
    ]
    url = json.loads((folder / "server.json").read_text())["url"]
    front = GatewayProcess(folder / "front", {"far": {"dialect": "ima2", "base_url": url}})
    wait_for(lambda: _watchers(behind[-1]) >= 1, "a watcher")
    yield front, behind
    front.stop()
    behind[-1].stop()


class Heard:
    """What the face tells beside it, to another listener of the team."""

    def __init__(self, face: GatewayProcess) -> None:
        """Listen."""
        assert isinstance(face, KeyedGateway)
        self._listener = Listener(face.client("design"), "/ima2/api/events")

    def end_of(self, job: dict[str, Any]) -> dict[str, Any]:
        """Return the last frame about a job of the gateway in front, and hang up."""
        name = f"{job['id']}.1"
        told = wait_for(
            lambda: [each for each in self._listener.data if each["jobId"] == name and "envelope" in each], "an end"
        )
        self._listener.close()
        end: dict[str, Any] = told[-1]
        return end


def test_several_pictures_are_made_and_told(chain: tuple[GatewayProcess, list[GatewayProcess]]) -> None:
    """Two pictures in one native request are two of Studio's jobs, and one `done` by the id that our adapter gave."""
    front, behind = chain
    heard = Heard(behind[-1])
    job = made(front.http, spec("two hills", on="far", n=2))
    assert (job["state"], len(job["outputs"])) == ("succeeded", 2)
    end = heard.end_of(job)
    assert (end["envelope"]["event"], end["count"]) == ("done", 2)


def test_a_cancel_goes_all_the_way_down(
    chain: tuple[GatewayProcess, list[GatewayProcess]], sandboxes: dict[str, SandboxProcess]
) -> None:
    """What is cancelled in front is stopped behind, and told there as GENERATION_CANCELED."""
    front, behind = chain
    assert front.http is not None
    heard = Heard(behind[-1])
    before = len(sandboxes["sdcpp"].submits())
    job = begun(front.http, spec("[[slow:900]] a hill", on="far"))
    wait_for(lambda: len(sandboxes["sdcpp"].submits()) > before, "work at the far end")
    done = front.http.post(f"/v1/jobs/{job['id']}/cancel")
    assert done.status_code in (200, 202)
    assert shown(front.http, job["id"], wait=30)["state"] == "cancelled"
    end = heard.end_of(job)
    assert (end["envelope"]["event"], end["code"], end["status"]) == ("error", "GENERATION_CANCELED", 499)


def test_a_failure_at_the_far_end_is_the_same_failure_in_front(
    chain: tuple[GatewayProcess, list[GatewayProcess]],
) -> None:
    """What Studio's upstream refused is told in ima2's words in between, and comes out as what it was."""
    front, behind = chain
    heard = Heard(behind[-1])
    job = made(front.http, spec("[[upstream_400]] a hill", on="far"))
    assert (job["state"], job["error"]["code"]) == ("failed", "backend.rejected_request")
    end = heard.end_of(job)
    assert end["envelope"]["event"] == "error"
    assert WATCH_ENDED not in front.log.read_text()


def test_a_watcher_takes_up_where_the_killed_face_left_off(
    chain: tuple[GatewayProcess, list[GatewayProcess]], sandboxes: dict[str, SandboxProcess]
) -> None:
    """The face's gateway dies under way and comes back: the watcher comes back too, and nothing is made twice."""
    front, behind = chain
    assert front.http is not None
    before = len(sandboxes["sdcpp"].submits())
    job = begun(front.http, spec("[[loading:200]] a patient hill", on="far"))
    wait_for(lambda: len(sandboxes["sdcpp"].submits()) > before, "work at the far end")
    killed = behind[-1]
    killed.kill()
    behind.append(killed.restarted())
    assert killed.http is not None
    assert behind[-1].http is not None
    behind[-1].http.headers.update(killed.http.headers)
    wait_for(lambda: _watchers(behind[-1]) >= 1, "the watcher again")
    assert WATCH_ENDED in front.log.read_text()
    ended = shown(front.http, job["id"], wait=30)
    assert (ended["state"], ended["error"]) == ("succeeded", None)
    assert len(sandboxes["sdcpp"].submits()) == before + 1
