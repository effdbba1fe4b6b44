"""What the face refuses, in the seed's words; and what it takes in silence once it is told to."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.e2e.imgen_client import PATH, Clients, Imgen
from tests.e2e.keyed import KeyedGateway, bearer, make_key, revoke_key
from tests.harness import GatewayProcess, SandboxProcess, backend, free_port


@pytest.fixture(scope="module")
def client(keyed: KeyedGateway) -> Clients:
    """Clients of the face, each of a team."""
    return Clients(keyed)


@pytest.fixture(scope="module")
def lenient(
    sandboxes: dict[str, SandboxProcess], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[GatewayProcess, Imgen]]:
    """A gateway in open mode with a listener for old clients, that falls back as the seed does."""
    port = free_port()
    backends = {"studio": backend(sandboxes["sdcpp"])}
    face = {"silent_fallbacks": True, "listen": f"127.0.0.1:{port}", "team": "local"}
    running = GatewayProcess(tmp_path_factory.mktemp("lenient"), backends, settings={"faces": {"imgen": face}})
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60, trust_env=False) as http:
        yield running, Imgen(http, "/api/v2")
    running.stop()


def test_a_key_is_asked_for_with_the_seeds_three_texts(keyed: KeyedGateway) -> None:
    """None or another scheme, one that is unknown, one that was revoked: before the action is looked at."""
    key_id, revoked = make_key(keyed.data_dir, "leavers")
    revoke_key(keyed.data_dir, key_id)
    texts = {
        "": "Unauthorized",
        "Basic abc": "Unauthorized",
        "Bearer": "Unauthorized",
        "Bearer nobody": "Invalid API key",
        f"Bearer {revoked}": "API key is disabled",
    }
    for header, text in texts.items():
        answer = httpx.post(f"{keyed.url}{PATH}", json={}, headers={"Authorization": header}, trust_env=False)
        assert (answer.status_code, answer.json()) == (401, {"error": text}), header


def test_what_asks_for_nothing_is_a_missing_action(keyed: KeyedGateway) -> None:
    """No action, an unknown one, no JSON, no object, no label."""
    headers = bearer(keyed.token)
    sent: tuple[dict[str, Any], ...] = (
        {"json": {}}, {"json": {"action": "paint"}}, {"json": {"action": ["generate"]}}, {"json": []},
        {"content": b"{", "headers": {"Content-Type": "application/json"}},
        {"content": b'{"action": "models"}', "headers": {"Content-Type": "text/plain"}},
    )  # fmt: skip
    for each in sent:
        each = {**each, "headers": {**headers, **each.get("headers", {})}}  # noqa: PLW2901 - with the key
        answer = httpx.post(f"{keyed.url}{PATH}", trust_env=False, **each)
        assert (answer.status_code, answer.json()) == (400, {"error": "Missing action"})


def test_other_addresses_and_methods_answer_in_json(keyed: KeyedGateway) -> None:
    """404 and 405, each with an `error`."""
    with keyed.client("wanderers") as http:
        found = http.get(PATH)
        assert (found.status_code, found.headers["allow"]) == (405, "POST")
        assert found.json() == {"error": "Method not allowed"}
        assert http.request("OPTIONS", PATH).headers["allow"] == "POST"
        for path in ("/imgen/api/v1", "/imgen", "/imgen/api/v2/x"):
            answer = http.post(path, json={})
            assert (answer.status_code, answer.json()) == (404, {"error": "Not found"})


REFUSALS: list[tuple[dict[str, Any], str]] = [
    ({"prompt": " "}, "Prompt is required"),
    ({"prompt": 7}, "Prompt is required"),
    ({"prompt": "@aya, -red"}, "Prompt is required"),
    ({"prompt": "@nobody a hill"}, "Invalid character"),
    ({"prompt": "@aya and @bella"}, "Invalid character"),
    ({"model": "nobody"}, "Invalid model"),
    ({"style": "nobody"}, "Invalid style"),
    ({"format": "gif"}, "Invalid format"),
    ({"width": 1024, "height": 1025}, "Invalid dimensions"),
    ({"width": 1024}, "Invalid dimensions"),
    ({"width": "1024", "height": "1024"}, "Invalid dimensions"),
    ({"quality": 0}, "Invalid quality"),
    ({"quality": 101}, "Invalid quality"),
    ({"quality": 80, "format": "png"}, "Invalid quality"),
    ({"quality": True}, "Invalid quality"),
    ({"lossless": True}, "Invalid lossless"),
    ({"lossless": 1, "format": "webp"}, "Invalid lossless"),
    ({"compliance_ruleset": "  "}, "Invalid compliance_ruleset"),
    ({"precompliance": "x" * 2001}, "Invalid precompliance"),
    ({"use_cache": True, "cache_pick": 11}, "Invalid cache_pick"),
    ({"cache_only": True}, "Invalid cache_only"),
    ({"cache_force": True}, "Invalid cache_force"),
    ({"use_cache": "yes"}, "Invalid use_cache"),
    ({"wm_position": "left"}, "Invalid wm_position"),
    ({"wm_scale": 0}, "Invalid wm_scale"),
    ({"wm_transparency": 101}, "Invalid wm_transparency"),
    ({"wm_rotation": -361}, "Invalid wm_rotation"),
    ({"wm_padding_x": 501}, "Invalid wm_padding_x"),
    ({"negative": ["red"]}, "Invalid negative"),
    ({"cs_author": 5}, "Invalid cs_author"),
]


def test_what_is_out_of_range_is_refused_and_never_replaced(
    client: Clients, keyed: KeyedGateway, sandboxes: dict[str, SandboxProcess]
) -> None:
    """Each of the seed's seven fallbacks, each range of its table: 400, the field's name, and no job."""
    http, before = client("refused"), [len(each.submits()) for each in sandboxes.values()]
    counted = _refused_jobs(keyed)
    for fields, text in REFUSALS:
        assert http.refused(**fields) == (400, text), fields
    # A job that is refused is counted as one; a poll or a list makes none, whatever becomes of it.
    assert http.refused(action="status", id="x")[0] == http.refused(action="optimize", prompt="")[0] == 400
    assert _refused_jobs(keyed) == counted + len(REFUSALS)
    assert http.http.get("/v1/jobs").json()["jobs"] == []
    assert [len(each.submits()) for each in sandboxes.values()] == before


def _refused_jobs(keyed: KeyedGateway) -> float:
    assert keyed.http is not None
    lines = keyed.http.get("/metrics").text.splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith("triptych_jobs_refused_total{"))


def test_what_no_backend_of_the_key_can_do_is_refused_by_its_field(client: Clients) -> None:
    """Rules where nobody reviews, a style that the model has not, credentials that nobody signs."""
    http = client("limited", "--backend", "studio")
    assert http.refused(compliance_ruleset="strict") == (400, "Invalid compliance_ruleset")
    assert http.refused(style="professional") == (400, "Invalid style")
    assert http.refused(prompt="@aya a hill") == (400, "Invalid character")
    assert http.refused(format="avif", lossless=True) == (400, "Invalid lossless")


def test_a_note_that_nobody_reads_is_left_out_and_told(client: Clients) -> None:
    """The seed calls it supplementary: where no reviewer is, the answer says so, and that nobody reviewed."""
    studio, imgen = client("noted", "--backend", "studio"), client("noted", "--backend", "imgen")
    note = "no banned words"
    reviewed = imgen.begun("a hill", precompliance=note)
    meta = studio.made("a hill", precompliance=note, compliance_ruleset="")
    assert (meta["precompliance"], meta["compliance"]) == ("", "not_reviewed")
    assert {"field": "precompliance", "applied": None, "why": "dropped", "by": "gateway"} in meta["adjustments"]
    kept = imgen.polled(reviewed)["meta"]
    assert (kept["precompliance"], kept["compliance"]) == (note, "safe")


def test_a_poll_is_refused_by_the_form_of_its_id_and_by_what_is_missing(client: Clients) -> None:
    """`Bad ID`, then prompt and model, which must only be there; another's id and a hit's are 404."""
    http = client("pollers")
    known = {"action": "status", "prompt": "x", "model": "eros"}
    for bad in (None, "", "run_", "run_../..", "job_abc123", 7, "cache_" + "a" * 65, "run_abc123\n"):
        assert http.refused(**{**known, "id": bad}) == (400, "Bad ID")
    assert http.refused(**{**known, "id": "run_abc123", "prompt": ""}) == (400, "Prompt is required")
    assert http.refused(**{**known, "id": "run_abc123", "model": None}) == (400, "Model is required")
    assert http.refused(**{**known, "id": "run_abc123"}) == (404, "Not found")
    assert http.refused(**{**known, "id": "cache_abc123"}) == (404, "Cached result not found or expired")


@pytest.mark.parametrize(
    ("fields", "shown"),
    [
        ({"model": "nobody"}, {}),
        ({"model": 7, "style": "nobody"}, {}),
        ({"format": "gif"}, {"format": "jpeg"}),
        ({"width": 3, "height": 4}, {"width": 1344, "height": 768}),
        ({"compliance_ruleset": " \t", "use_cache": True, "cache_pick": 99}, {}),
        ({"precompliance": "y" * 3000}, {"compliance": "not_reviewed"}),
        ({"prompt": "@nobody and @noone on a hill"}, {"character": ""}),
    ],
)
def test_the_seeds_fallbacks_come_back_when_they_are_wished(
    lenient: tuple[GatewayProcess, Imgen], fields: dict[str, Any], shown: dict[str, Any]
) -> None:
    """`silent_fallbacks = true`: the first that fits, the default, a clamped pick, a note cut off; and a picture."""
    meta = lenient[1].made(**{"prompt": "a hill", **fields})
    assert {name: meta[name] for name in shown} == shown


def test_what_is_no_fallback_of_the_seed_is_refused_all_the_same(lenient: tuple[GatewayProcess, Imgen]) -> None:
    """Ranges of numbers, marks, rules that nobody has: another picture would be no fallback but a loss."""
    _, http = lenient
    assert http.refused(quality=101) == (400, "Invalid quality")
    assert http.refused(wm_image="x") == (400, "Invalid wm_image")
    known = http.ask(action="models")["models"]
    studio = next(name for name, model in known.items() if "vivid" in model["styles"])
    assert http.refused(model=studio, compliance_ruleset="strict") == (400, "Invalid compliance_ruleset")


def test_a_listener_of_its_own_has_the_same_address_and_hands_out_the_gateways_urls(
    lenient: tuple[GatewayProcess, Imgen],
) -> None:
    """`/api/v2` at its root; the pictures lie where the gateway serves them."""
    gateway, http = lenient
    meta = http.made("a hill")
    assert meta["images"][0]["url"].startswith(f"{gateway.url}/v1/assets/")
    assert http.http.post("/imgen/api/v2", json={}).status_code == 404
