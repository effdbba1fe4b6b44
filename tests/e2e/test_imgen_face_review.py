"""How runs end that make no picture: withheld by a reviewer, refused by a backend, failed, lost or timed out."""

import base64
from collections.abc import Iterator

import httpx
import pytest

from tests.e2e.drawn import media_of
from tests.e2e.imgen_client import Clients, fetched
from tests.e2e.keyed import KeyedGateway
from tests.harness import SandboxProcess, backend


@pytest.fixture(scope="module")
def keeping(sandboxes: dict[str, SandboxProcess], tmp_path_factory: pytest.TempPathFactory) -> Iterator[KeyedGateway]:
    """A gateway that keeps what reviewers withhold."""
    backends = {"imgen": backend(sandboxes["imgen"]), "ima2": backend(sandboxes["ima2"])}
    folder = tmp_path_factory.mktemp("keeping")
    running = KeyedGateway(folder, backends, settings={"review": {"keep_withheld": True}})
    yield running
    running.stop()


@pytest.fixture(scope="module")
def client(keeping: KeyedGateway) -> Clients:
    """Clients of the face, each of a team."""
    return Clients(keeping)


def test_a_picture_that_a_reviewer_blocks_is_withheld_in_the_seeds_shape(client: Clients) -> None:
    """Categories and their names; where it lies only for scope `policy:review`, and never without a signature."""
    plain = client("reviewing", "--backend", "imgen")
    run = plain.begun("[[unsafe:nudity,weapons]] a statue")
    told = plain.polled(run)
    assert told.keys() == {"status", "compliance", "error", "filter_categories"}
    assert (told["status"], told["compliance"]) == ("COMPLETED", "unsafe")
    assert told["filter_categories"] == ["nudity", "weapons"]
    assert told["error"] == "Content blocked — flagged for: Nudity, Weapons"
    scopes = [f"--scope={each}" for each in ("jobs:read", "assets:read", "policy:review")]
    reviewer = client("reviewing", *scopes)
    url = base64.b64decode(reviewer.polled(run)["unsafe_url"]).decode()
    assert media_of(fetched(url)).format == "jpeg"
    unsigned, _, query = url.partition("?")
    assert plain.http.get(unsigned).status_code == 404
    forged = query.replace("sig=", "sig=0")
    assert httpx.get(f"{unsigned}?{forged}", trust_env=False).status_code == 401
    stranger = client("others", *scopes)
    body = {"action": "status", "id": run["id"], "prompt": "x", "model": "eros"}
    assert stranger.refused(**body) == (404, "Not found")
    # It never comes back as a hit, neither for its own prompt nor for any.
    wanted = {"prompt": run["prompt"], "use_cache": True, "cache_only": True, "cache_force": True}
    assert plain.refused(**wanted) == (404, "No cached result found")


def test_a_refusal_by_another_backends_policy_has_the_same_shape(client: Clients) -> None:
    """ima2's upstream refuses the prompt: nothing was made, so there is nothing to be seen by anybody."""
    told = client("refused", "--backend", "ima2").polled(client("refused", "--backend", "ima2").begun("[[mod400]] x"))
    assert (told["status"], told["compliance"], told["filter_categories"]) == ("COMPLETED", "unsafe", [])
    assert told["error"] == "Content blocked — flagged for: the backend's own policy"
    assert "unsafe_url" not in told


def test_a_run_that_fails_says_so_in_the_seeds_words(client: Clients) -> None:
    """A picture without a verdict is a failure too."""
    http = client("failing", "--backend", "imgen")
    runs = [http.begun(f"[[{token}]] a mill") for token in ("no_compliance", "generation_failed")]
    for run in runs:
        assert http.polled(run) == {"status": "FAILED", "error": "Generation failed"}


def test_a_cancelled_run_is_cancelled(client: Clients) -> None:
    """By the gateway's own route: imgen has none."""
    http = client("cancelling", "--backend", "ima2")
    run = http.begun("[[slow:200]] patience")
    job = next(each for each in http.http.get("/v1/jobs").json()["jobs"] if each["spec"]["client_ref"] == run["id"])
    http.http.post(f"/v1/jobs/{job['id']}/cancel").raise_for_status()
    assert http.polled(run) == {"status": "CANCELLED", "error": "Generation failed"}
