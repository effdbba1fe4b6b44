"""Earlier pictures as answers: exact matches of the same team, for an hour, also after the gateway was killed."""

from pathlib import Path

import httpx
import pytest

from tests.e2e.imgen_client import Clients, Imgen, fetched, is_blue, pixel, signed, stamp
from tests.e2e.keyed import KeyedGateway
from tests.harness import GatewayProcess, SandboxProcess, backend


@pytest.fixture(scope="module")
def client(keyed: KeyedGateway) -> Clients:
    """Clients of the face, each of a team."""
    return Clients(keyed)


def test_the_same_request_gets_the_same_picture_once_it_asks_for_one(
    client: Clients, sandboxes: dict[str, SandboxProcess]
) -> None:
    """A hit has an id of its own, the seed's shape, the earlier file and its review, and costs no run."""
    http, prompt = client("cachers", "--backend", "imgen"), "a lantern in the fog, -people"
    assert http.refused(prompt=prompt, use_cache=True, cache_only=True) == (404, "No cached result found")
    first = http.made(prompt, use_cache=True)
    runs = len(sandboxes["imgen"].submits())
    hit = http.begun("a  lantern in the fog , -people", use_cache=True, cache_only=True)
    assert hit.keys() == {"id", "prompt", "model", "format", "gen_id", "cache"}
    assert (hit["id"][:6], hit["cache"], hit["gen_id"]) == ("cache_", True, first["gen_id"])
    told = http.polled(hit)
    assert told.keys() == {"status", "meta", "cache"}
    meta = told["meta"]
    assert (meta["id"], meta["compliance"], meta["fingerprint"]) == (hit["id"], "safe", first["fingerprint"])
    assert fetched(signed(meta)) == fetched(signed(first))
    assert len(sandboxes["imgen"].submits()) == runs
    assert http.polled(hit)["cache"] is True


def test_what_was_not_asked_for_is_no_hit(client: Clients) -> None:
    """Another prompt, another size, encoding, mark, negative or rule: none of it is the picture that was described."""
    http = client("cachers", "--backend", "imgen")
    http.made("a heron")
    only = {"use_cache": True, "cache_only": True}
    for fields in (
        {"prompt": "a heron in reeds"}, {"width": 1024, "height": 1024}, {"format": "png"}, {"quality": 50},
        {"negative": "water"}, {"compliance_ruleset": "strict"}, {"cs_author": "N"}, {"style": "film"},
    ):  # fmt: skip
        assert http.refused(**{"prompt": "a heron", **fields, **only}) == (404, "No cached result found"), fields
    assert http.begun("a heron", **only)["cache"] is True


def test_force_takes_any_prompt_of_the_same_model_style_and_character(client: Clients) -> None:
    """The one whose words are most alike goes first; another style has none."""
    http = client("forcers", "--backend", "studio")
    near = http.made("a grey heron at dusk", style="vivid")
    http.made("three red kites", style="vivid")
    forced = {"use_cache": True, "cache_only": True, "cache_force": True}
    hit = http.begun("a heron at dusk", style="vivid", cache_pick=1, **forced)
    assert hit["gen_id"] == near["gen_id"]
    assert hit["prompt"] == "a heron at dusk"
    missed = http.refused(prompt="a heron at dusk", style="natural", **forced)
    assert missed == (404, "No cached result found")


def test_an_unreviewed_picture_is_no_safer_from_the_cache(client: Clients) -> None:
    """The seed calls every hit safe; what nobody reviewed is said to be so all the same."""
    http = client("unreviewed", "--backend", "studio")
    http.made("a gate")
    meta = http.polled(http.begun("a gate", use_cache=True))["meta"]
    assert meta["compliance"] == "not_reviewed"


def test_a_hit_of_a_deleted_picture_is_gone(client: Clients) -> None:
    """Neither found again, nor served by an id that was handed out before."""
    http = client("deleters", "--backend", "studio")
    meta = http.made("a stile")
    hit = http.begun("a stile", use_cache=True)
    asset = signed(meta).partition("/v1/assets/")[2].partition("/")[0]
    assert http.http.delete(f"/v1/assets/{asset}").status_code == 204
    body = {"action": "status", "id": hit["id"], "prompt": "x", "model": "x"}
    assert http.refused(**body) == (404, "Cached result not found or expired")
    assert http.refused(prompt="a stile", use_cache=True, cache_only=True) == (404, "No cached result found")


def test_runs_and_hits_survive_a_kill(sandboxes: dict[str, SandboxProcess], tmp_path: Path) -> None:
    """Both are asked for by the same ids afterwards; a third request finds the first one's picture."""
    first = GatewayProcess(tmp_path, {"studio": backend(sandboxes["sdcpp"])})
    assert first.http is not None
    old = Imgen(first.http)
    run = old.begun("a kill in between")
    old.polled(run)
    hit = old.begun("a kill in between", use_cache=True)
    mark = {"wm_image": stamp(), "wm_position": "top-left", "wm_scale": 10}
    last = old.begun("[[slow:30]] still under way", **mark)
    first.kill()
    second = first.restarted()
    try:
        assert isinstance(second.http, httpx.Client)
        new = Imgen(second.http)
        assert new.polled(run)["meta"]["id"] == run["id"]
        assert new.polled(hit)["meta"]["gen_id"] == run["gen_id"]
        assert new.begun("a kill in between", use_cache=True, cache_only=True)["gen_id"] == run["gen_id"]
        # What was under way is marked all the same, although another process handed it over.
        assert is_blue(pixel(fetched(signed(new.polled(last)["meta"])), 15, 15))
    finally:
        second.stop()
