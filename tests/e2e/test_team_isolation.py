"""What is another team's is not there: on every route of v1, for every key of whatever scopes, byte for byte."""

import time
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, NamedTuple

import httpx
import msgspec
import pytest

from contracts.desk import SCOPES
from gateway.access.signing import Signer
from tests.e2e.asked import begun, made, pointers, post, problem, shown, spec, wait_for
from tests.e2e.drawn import png
from tests.e2e.keyed import KeyedGateway
from tests.e2e.listening_in import Listener

MARK = "amber-heron"
Route = tuple[str, str]
JOB, ASSET = "/v1/jobs/{job_id}", "/v1/assets/{asset_id}"
#: Routes with an id of a team's thing, and the ways to call them.
BY_ID: dict[Route, tuple[Mapping[str, Any], ...]] = {
    ("get", JOB): ({}, {"params": {"wait": 1}}, {"params": {"inline": "true"}}, {"headers": {"If-None-Match": "*"}}),
    ("get", f"{JOB}/events"): ({}, {"headers": {"Last-Event-ID": "1"}}, {"headers": {"Accept": "text/event-stream"}}),
    ("post", f"{JOB}/cancel"): ({}, {"headers": {"Prefer": "wait=1"}}),
    ("get", ASSET): ({},),
    ("delete", ASSET): ({},),
    ("post", f"{ASSET}/restore"): ({},),
    ("get", f"{ASSET}/content"): (
        {},
        {"params": {"thumbnail": "128"}},
        {"headers": {"Range": "bytes=0-9"}},
        {"headers": {"If-None-Match": "*"}},
    ),
    ("head", f"{ASSET}/content"): ({},),
}
#: Routes that show all that a team has, and ways to ask for more.
LISTS: dict[Route, tuple[Mapping[str, Any], ...]] = {
    ("get", "/v1/jobs"): (
        *({}, {"limit": 200}, {"state": "succeeded"}, {"state": "running"}, {"backend": "ima2"}),
        *({"tag": f"of:{MARK}"}, {"operation": "image.generate"}, {"created_after": "2020-01-01T00:00:00Z"}),
    ),
    ("get", "/v1/assets"): ({}, {"limit": 200}, {"source": "input"}, {"source": "upload"}, {"source": "output"}),
}
MAKING: frozenset[Route] = frozenset({("post", "/v1/jobs"), ("post", "/v1/assets")})
STREAMS: frozenset[Route] = frozenset({("get", "/v1/events")})
#: Routes that know of no team's things.
OF_NOBODY: frozenset[Route] = frozenset(
    ("get", f"/v1/{name}")
    for name in (
        *("models", "models/{model_id}", "capabilities", "backends", "backends/{name}"),
        *("errors", "errors/{code}"),
    )
)
#: They are answered with what was sent, and keep nothing.
WRITING: frozenset[Route] = frozenset({("post", "/v1/prompts/optimize"), ("post", "/v1/prompts/random")})
#: A key like most, one with every scope but `admin`, and one with that.
STRANGERS = (
    (),
    tuple(each for scope in SCOPES if scope != "admin" for each in ("--scope", scope)),
    ("--scope", "admin"),
)


class Things(NamedTuple):
    """What the team amber has: jobs and assets, by what they are."""

    jobs: dict[str, str]
    assets: dict[str, str]

    @property
    def ids(self) -> set[str]:
        """All ids that no other team may ever see."""
        return {*self.jobs.values(), *self.assets.values()}


@pytest.fixture(scope="module")
def amber(keyed: KeyedGateway) -> httpx.Client:
    """The client of the team that has something."""
    return keyed.client("amber")


@pytest.fixture(scope="module")
def things(amber: httpx.Client) -> Iterator[Things]:
    """A job that ended and one that runs; an output, an input, an upload, and an upload that was deleted."""
    upload, deleted = (
        amber.post("/v1/assets", content=png(text=f"{MARK} {n}"), headers={"Content-Type": "image/png"}).json()["id"]
        for n in range(2)
    )
    done = made(amber, spec(MARK, tags={"of": MARK}, inputs=[{"role": "reference", "asset_id": upload}]))
    running = begun(amber, spec(f"[[slow:9000]] {MARK}", tags={"of": MARK}))
    wait_for(lambda: shown(amber, running["id"])["state"] == "running", "a job that runs")
    amber.delete(f"/v1/assets/{deleted}").raise_for_status()
    output = done["outputs"][0]["asset_id"]
    yield Things(
        {"done": done["id"], "running": running["id"]}, {"output": output, "upload": upload, "deleted": deleted}
    )
    amber.post(f"/v1/jobs/{running['id']}/cancel").raise_for_status()


def seen(http: httpx.Client, method: str, path: str, **how: Any) -> tuple[int, bytes, dict[str, str]]:
    """Return everything that an answer tells, the time apart."""
    headers = {"X-Request-Id": "one-and-the-same", **how.pop("headers", {})}
    response = http.request(method, path, headers=headers, **how)
    return response.status_code, response.content, {k: v for k, v in response.headers.items() if k != "date"}


def test_every_route_of_v1_has_its_case(keyed: KeyedGateway) -> None:
    """A route that is new stands in one of the tables here, or this fails."""
    document = keyed.http.get("/openapi.json").raise_for_status().json()
    routes = {(method, path) for path, item in document["paths"].items() for method in item if path.startswith("/v1")}
    assert routes == {*BY_ID, *LISTS, *MAKING, *STREAMS, *OF_NOBODY, *WRITING}


@pytest.mark.parametrize("options", STRANGERS, ids=["plain", "all-but-admin", "admin"])
@pytest.mark.parametrize(("method", "path"), BY_ID, ids=lambda each: each)
def test_a_foreign_id_is_an_unknown_id(
    keyed: KeyedGateway, amber: httpx.Client, things: Things, method: str, path: str, options: tuple[str, ...]
) -> None:
    """Status, headers and every byte are the same as for an id that never was, and nothing happens to the thing."""
    birch = keyed.client("birch", *options)
    kind, own = ("job", things.jobs) if path.startswith(JOB) else ("asset", things.assets)
    name = "{" + f"{kind}_id" + "}"
    before = states(amber, things)
    for how in BY_ID[method, path]:
        unknown = seen(
            birch, method, path.replace(name, f"{own['done' if kind == 'job' else 'output'][:-4]}0000"), **how
        )
        assert unknown[0] == 404
        assert method == "head" or msgspec.json.decode(unknown[1])["code"] == "resource.not_found"
        for thing in own.values():
            assert seen(birch, method, path.replace(name, thing), **how) == unknown
    assert states(amber, things) == before


def states(amber: httpx.Client, things: Things) -> list[Any]:
    """Return how all of the team's things are, as the team sees them."""
    jobs = [shown(amber, each) for each in things.jobs.values()]
    assets = [seen(amber, "get", f"/v1/assets/{each}")[:2] for each in things.assets.values()]
    return [*((job["state"], job["cancel"], job["outputs"]) for job in jobs), *assets]


def test_the_owner_sees_all_of_it(amber: httpx.Client, things: Things) -> None:
    """What strangers cannot find is really there: the ids are right."""
    assert [shown(amber, each)["state"] for each in things.jobs.values()] == ["succeeded", "running"]
    found = {name: amber.get(f"/v1/assets/{each}").status_code for name, each in things.assets.items()}
    assert found == {"output": 200, "upload": 200, "deleted": 404}


@pytest.mark.parametrize("options", STRANGERS, ids=["plain", "all-but-admin", "admin"])
@pytest.mark.parametrize(("method", "path"), LISTS, ids=lambda each: each)
def test_lists_hold_only_ones_own(
    keyed: KeyedGateway, amber: httpx.Client, things: Things, method: str, path: str, options: tuple[str, ...]
) -> None:
    """No filter, no length and no page token of the other team brings anything of it up."""
    birch = keyed.client("birch", *options)
    own = {made(birch, spec("a birch"))["id"]} | {upload(birch, b"birch")["id"]}
    page = amber.get(path, params={"limit": 1}).json()
    assert page["next_page_token"]
    for params in (*LISTS[method, path], {"page_token": page["next_page_token"], "limit": 200}):
        text = birch.request(method, path, params=params).raise_for_status().text
        assert not [each for each in (*things.ids, MARK) if each in text]
    assert own & set(birch.request(method, path).text.split('"'))


def upload(http: httpx.Client, comment: bytes) -> dict[str, Any]:
    """Upload a picture and return its asset."""
    sent = png(text=comment.decode())
    asset: dict[str, Any] = http.post("/v1/assets", content=sent, headers={"Content-Type": "image/png"}).json()
    return asset


def hears_of(listener: Listener, job_id: str) -> bool:
    """Say whether a listener was told of a job."""
    return job_id in {each["job_id"] for each in listener.data}


@pytest.mark.parametrize("after", [None, 0], ids=["from-now-on", "from-the-beginning"])
def test_a_stream_tells_of_ones_own_team_alone(keyed: KeyedGateway, things: Things, after: int | None) -> None:
    """Neither what happened before nor what happens while one listens to another team is heard, `admin` or not."""
    birch, admin = keyed.client("birch"), keyed.client("birch", "--scope", "admin")
    listeners = [Listener(http, "/v1/events", after=after) for http in (birch, admin)]
    theirs = made(keyed.client("amber"), spec(MARK))
    own = made(birch, spec("a birch"))
    try:
        for listener in listeners:
            wait_for(partial(hears_of, listener, own["id"]), "our own job")
            text = "\n".join(listener.lines)
            assert not [each for each in (*things.ids, theirs["id"], MARK) if each in text]
    finally:
        for listener in listeners:
            listener.close()


def test_a_foreign_picture_is_no_input(keyed: KeyedGateway, things: Things) -> None:
    """A new job with another team's asset is refused in the words of an asset that never was, and none is made."""
    birch = keyed.client("birch")
    count = len(birch.get("/v1/jobs", params={"limit": 200}).json()["jobs"])
    wished = [f"{things.assets['output'][:-4]}0000", *things.assets.values()]
    bodies = {each: spec(inputs=[{"role": "reference", "asset_id": each}]) for each in wished}
    (refused,) = {seen(birch, "post", "/v1/jobs", json=body)[:2] for body in bodies.values()}
    assert (refused[0], msgspec.json.decode(refused[1])["code"]) == (400, "request.reference_invalid")
    explained = {each: seen(birch, "post", "/v1/jobs?dry_run=true", json=body)[:2] for each, body in bodies.items()}
    assert len({(status, text.replace(each.encode(), b"it")) for each, (status, text) in explained.items()}) == 1
    assert len(birch.get("/v1/jobs", params={"limit": 200}).json()["jobs"]) == count


def test_an_idempotency_key_of_another_team_says_nothing(keyed: KeyedGateway, things: Things) -> None:
    """Neither the same body nor another one under the same key is a replay or a conflict for strangers."""
    first = post(keyed.client("amber"), spec(MARK), Idempotency_Key=MARK)
    for body in (spec(MARK), spec("another")):
        answer = post(keyed.client(f"birch {body['prompt']}"), body, Idempotency_Key=MARK)
        assert answer.status_code == 202
        assert "idempotency-replayed" not in answer.headers
        assert answer.json()["id"] not in {first.json()["id"], *things.ids}


def test_the_same_bytes_are_two_assets(keyed: KeyedGateway) -> None:
    """An upload of what another team has is as any upload, and outlives the other team's deletion."""
    amber, birch = keyed.client("amber"), keyed.client("birch")
    ours, theirs = upload(birch, b"twice"), upload(amber, b"twice")
    assert ours["id"] != theirs["id"]
    assert ours["sha256"] == theirs["sha256"]
    problem(amber.delete(f"/v1/assets/{ours['id']}"), "resource.not_found")
    amber.delete(f"/v1/assets/{theirs['id']}").raise_for_status()
    assert birch.get(ours["url"]).raise_for_status().content == png(text="twice")


def test_what_belongs_to_nobody_tells_of_nobody(keyed: KeyedGateway, things: Things) -> None:
    """Models, backends and errors hold no id and no word of any team."""
    names = {"{model_id}": "ima2/gpt-5.4", "{name}": "ima2", "{code}": "job.cancelled"}
    for options in STRANGERS:
        for method, path in OF_NOBODY:
            filled = path
            for name, value in names.items():
                filled = filled.replace(name, value)
            text = keyed.client("birch", *options).request(method, filled).raise_for_status().text
            assert not [each for each in (*things.ids, MARK, "amber") if each in text]


def test_a_signed_url_opens_one_file_and_nothing_else(keyed: KeyedGateway, things: Things) -> None:
    """It serves its asset for its time without a key; for any other asset, route, size or time it is worth nothing."""
    signer, now = Signer((keyed.data_dir / "secret").read_bytes()), time.time()
    output, other = things.assets["output"], things.assets["upload"]
    path = signer.path(output, now=now)
    with httpx.Client(base_url=keyed.url, trust_env=False) as nobody:
        assert nobody.get(path).raise_for_status().content == keyed.client("amber").get(path.partition("?")[0]).content
        assert nobody.get(signer.path(output, now=now, variant="128")).headers["content-type"] == "image/webp"
        wrong = {
            path.replace(output, other),
            path.replace(output, f"{output[:-4]}0000"),
            f"{path}&thumbnail=128",
            path.replace("exp=", "exp=9"),
            signer.path(output, now=now - 7200),
            Signer(b"another secret").path(output, now=now),
        }
        for http in (nobody, keyed.client("birch"), keyed.client("amber")):
            for each in wrong:
                assert problem(http.get(each), "auth.unauthenticated")["reason"] in ("signature", "expired")
        problem(nobody.get(signer.path(things.assets["deleted"], now=now)), "resource.not_found")
        problem(nobody.get(signer.path(f"{output[:-4]}0000", now=now)), "resource.not_found")
        problem(nobody.get(path.partition("&sig")[0]), "auth.unauthenticated")
        query = path.partition("?")[2]
        problem(nobody.get(f"/v1/assets/{output}?{query}"), "auth.unauthenticated")
        problem(nobody.delete(f"/v1/assets/{output}?{query}"), "auth.unauthenticated")
        assert pointers(problem(nobody.get(f"{path}&other=1"), "request.field_invalid")) == ["/query/other"]
