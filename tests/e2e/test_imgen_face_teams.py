"""Whose runs they are: teams, scopes, what leaves the gateway, and a gateway in front of another one."""

from pathlib import Path

import pytest

from tests.e2e.imgen_client import PATH, Clients, signed
from tests.e2e.keyed import KeyedGateway, make_key
from tests.harness import GatewayProcess


@pytest.fixture(scope="module")
def client(keyed: KeyedGateway) -> Clients:
    """Clients of the face, each of a team."""
    return Clients(keyed)


def test_two_teams_never_see_each_others_work(client: Clients) -> None:
    """Not by a run's id, not by a hit's, not from the cache; the texts are those for ids that never were."""
    ours, theirs = client("ours", "--backend", "studio"), client("theirs", "--backend", "studio")
    run = ours.begun("a secret garden")
    meta = ours.polled(run)["meta"]
    hit = ours.begun("a secret garden", use_cache=True)
    body = {"action": "status", "prompt": run["prompt"], "model": run["model"]}
    assert theirs.refused(**body, id=run["id"]) == theirs.refused(**body, id="run_" + "0" * 32) == (404, "Not found")
    gone = (404, "Cached result not found or expired")
    assert theirs.refused(**body, id=hit["id"]) == theirs.refused(**body, id="cache_" + "0" * 32) == gone
    for force in (False, True):
        wanted = {"use_cache": True, "cache_only": True, "cache_force": force}
        assert theirs.refused(prompt="a secret garden", **wanted) == (404, "No cached result found")
    asset = signed(meta).partition("/v1/assets/")[2].partition("/")[0]
    assert theirs.http.get(f"/v1/assets/{asset}/content").status_code == 404
    # Another key of the same team asks after the same run.
    assert client("ours", "--name", "second").polled(run)["meta"]["id"] == run["id"]


@pytest.mark.parametrize(
    ("scopes", "action", "detail"),
    [
        (("jobs:read",), "generate", "assets:read"),
        (("jobs:write", "assets:read"), "generate", "jobs:read"),
        (("jobs:read", "assets:read"), "generate", "jobs:write"),
        (("jobs:write",), "models", "jobs:read"),
        (("jobs:read",), "optimize", "jobs:write"),
    ],
)
def test_a_key_without_a_scope_is_told_which_before_anything_is_made(
    client: Clients, scopes: tuple[str, ...], action: str, detail: str
) -> None:
    """403, and no job: a picture that its own maker cannot ask for would be paid for nothing."""
    http = client("scoped", *(f"--scope={each}" for each in scopes))
    answer = http.post(action=action, prompt="a hill")
    assert (answer.status_code, answer.json()["error"]) == (403, "Forbidden")
    assert detail in answer.json()["detail"]
    assert client("scoped").http.get("/v1/jobs").json()["jobs"] == []


def test_what_a_client_sends_is_in_no_log_no_metric_and_no_refusal(client: Clients, keyed: KeyedGateway) -> None:
    """Prompts, notes, names, ids and signatures: a word of their own is looked for wherever something leaves."""
    http = client("canaries", "--backend", "studio")
    word = "canarybird"
    run = http.begun(f"{word}a on a wire, -{word}b", negative=f"{word}c", precompliance=f"{word}d")
    meta = http.polled(run)["meta"]
    refusals = [
        http.post(action="generate", prompt=f"@{word}e x"),
        http.post(action="generate", prompt="x", style=f"{word}f"),
        http.post(action="generate", prompt="x", model=f"{word}g"),
        http.post(action="generate", prompt="x", wm_image=f"data:{word}h"),
        http.post(action="optimize", prompt=f"{word}i"),
        http.post(action="status", id=f"{word}j", prompt="x", model="x"),
        http.post(action=f"{word}k"),
    ]
    assert {each.status_code for each in refusals} == {400, 502}
    assert not any(word in each.text for each in refusals)
    http.http.get(signed(meta), headers={"Authorization": ""}).raise_for_status()
    assert keyed.http is not None
    metrics = keyed.http.get("/metrics").text
    log = keyed.log.read_text()
    signature = signed(meta).partition("sig=")[2]
    for said in (metrics, log):
        assert not any(each in said for each in (word, run["id"], run["gen_id"], signature))
    assert "/imgen/api/v2" in metrics


def test_a_gateway_behind_our_own_adapter_is_a_server_of_imgen(keyed: KeyedGateway, tmp_path: Path) -> None:
    """The chain: adapter, face, backend. Reviewed work comes through as reviewed; what Studio made fails closed.

    The face says `not_reviewed` of it, and the adapter takes nothing but `safe` for safe: no gateway in front of
    another one makes a review of none.
    """
    keys = {name: make_key(keyed.data_dir, "chained", "--backend", name)[1] for name in ("imgen", "studio")}
    far = {
        name: {"dialect": "imgen", "base_url": f"{keyed.url}{PATH}", "api_key": {"env": f"FAR_{name.upper()}"}}
        for name in keys
    }
    front = GatewayProcess(tmp_path, far, env={f"FAR_{name.upper()}": key for name, key in keys.items()})
    try:
        assert front.http is not None
        model = {name: front.http.get(f"/v1/backends/{name}").json()["models"][0] for name in keys}
        wish = {"character": "aya", "negative_prompt": "fog", "output": {"format": "webp", "compression": 60}}
        begun = {
            "imgen": front.create("a lighthouse", model=f"imgen/{model['imgen']}", **wish),
            "studio": front.create("a lighthouse", model=f"studio/{model['studio']}"),
        }
        ended = {name: front.job(job["id"], wait=60) for name, job in begun.items()}
    finally:
        front.stop()
    reviewed, unreviewed = ended["imgen"], ended["studio"]
    assert reviewed["state"] == "succeeded", reviewed["error"]
    assert (reviewed["review"]["verdict"], reviewed["review"]["ruleset"]) == ("passed", "default")
    assert {each["role"] for each in reviewed["outputs"]} == {"image", "thumbnail"}
    assert [each["media_type"] for each in reviewed["outputs"] if each["role"] == "image"] == ["image/webp"]
    assert (unreviewed["state"], unreviewed["error"]["code"]) == ("failed", "backend.bad_response")
    assert unreviewed["error"]["reason"] == "no_review"
