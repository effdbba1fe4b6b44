"""`GET /v1/jobs`: pages by cursor that stay whole while jobs come in, and filters that are kept from page to page."""

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.e2e.asked import begun, made, pointers, problem, spec
from tests.harness import GatewayProcess


def listed(http: httpx.Client, **params: Any) -> list[dict[str, Any]]:
    """Return a page of jobs."""
    response = http.get("/v1/jobs", params=params)
    assert response.status_code == 200, response.text
    found: list[dict[str, Any]] = response.json()["jobs"]
    return found


def pages(http: httpx.Client, path: str) -> list[list[dict[str, Any]]]:
    """Return all pages of a list, following `Link: rel=next` alone."""
    found = []
    url: str | None = path
    while url is not None:
        response = http.get(url).raise_for_status()
        body = response.json()
        found.append(body["jobs"])
        link = response.links.get("next")
        assert (link is None) == (body["next_page_token"] is None)
        url = link["url"] if link is not None else None
        assert len(found) < 100
    return found


def test_pages_follow_one_another_without_gap_or_repetition(gateway: GatewayProcess) -> None:
    """All pages together are all jobs, newest first, also while new ones come in."""
    mark = f"page:{uuid4()}"
    tags = dict([mark.split(":")])
    ids = [begun(gateway.http, spec(tags=tags))["id"] for _ in range(7)]
    first = gateway.http.get("/v1/jobs", params={"tag": mark, "limit": 3})
    for _ in range(2):
        begun(gateway.http, spec(tags=tags))
    rest = pages(gateway.http, first.links["next"]["url"])
    assert [len(page) for page in rest] == [3, 1]
    assert [job["id"] for job in [*first.json()["jobs"], *(job for page in rest for job in page)]] == ids[::-1]
    newer = pages(gateway.http, f"/v1/jobs?tag={mark}&limit=200")
    assert [job["id"] for job in newer[0]][2:] == ids[::-1]


def test_a_full_last_page_has_no_successor(gateway: GatewayProcess) -> None:
    """A page that ends with the last row says so: no token, no link."""
    mark = uuid4().hex
    for _ in range(2):
        begun(gateway.http, spec(tags={"full": mark}))
    assert [len(page) for page in pages(gateway.http, f"/v1/jobs?tag=full:{mark}&limit=2")] == [2]
    assert [len(page) for page in pages(gateway.http, f"/v1/jobs?tag=full:{mark}&limit=1")] == [1, 1]


@pytest.mark.parametrize("value", ["a&b=c", "50 %", "ümläut 日本", 'quote " and <angle>', "a+b", "key:again", ""])
def test_the_next_link_keeps_every_filter_whatever_stands_in_it(gateway: GatewayProcess, value: str) -> None:
    """Values are escaped in `Link`: the next page is of the same list."""
    key = uuid4().hex
    ids = [begun(gateway.http, spec(tags={key: value}))["id"] for _ in range(2)]
    response = gateway.http.get("/v1/jobs", params={"tag": f"{key}:{value}", "limit": 1, "operation": "image.generate"})
    assert [job["id"] for job in response.json()["jobs"]] == ids[1:]
    following = gateway.http.get(response.links["next"]["url"])
    assert [job["id"] for job in following.json()["jobs"]] == ids[:1]
    assert "next" not in following.links


def test_each_filter_shows_what_it_says_and_no_other(gateway: GatewayProcess) -> None:
    """State, backend, operation, tag and time each narrow the list, alone and together."""
    mark = uuid4().hex
    tags = {"kind": mark}
    good = made(gateway.http, spec(tags=tags))
    bad = made(gateway.http, spec("[[SAFETY_REFUSAL]] a fox", tags={**tags, "bad": "yes"}))
    other = begun(gateway.http, spec("[[loading:300]] a fox", on="studio", tags=tags))
    mine = f"kind:{mark}"

    def ids(**params: Any) -> list[str]:
        return [job["id"] for job in listed(gateway.http, tag=mine, **params)]

    assert ids() == [other["id"], bad["id"], good["id"]]
    assert ids(state="succeeded") == [good["id"]]
    assert ids(state="failed") == [bad["id"]]
    assert ids(state="blocked") == []
    assert ids(backend="studio") == [other["id"]]
    assert ids(backend="ima2", state="failed") == [bad["id"]]
    assert ids(operation="image.generate") == [other["id"], bad["id"], good["id"]]
    assert ids(operation="image.edit") == []
    assert [job["id"] for job in listed(gateway.http, tag="bad:yes", limit=1)] == [bad["id"]]
    assert ids(created_after=good["created_at"]) == [other["id"], bad["id"]]
    assert ids(created_before=good["created_at"]) == []
    assert ids(created_after=good["created_at"], created_before=other["created_at"]) == [bad["id"]]
    gateway.http.post(other["links"]["cancel"]).raise_for_status()


def test_times_are_read_with_any_offset(gateway: GatewayProcess) -> None:
    """The same moment in another zone is the same bound, and a bound without a zone is refused."""
    mark = uuid4().hex
    job = begun(gateway.http, spec(tags={"zone": mark}))
    moment = datetime.fromisoformat(job["created_at"])
    for offset in ("+02:00", "-11:30", "+00:00"):
        sign = -1 if offset[0] == "-" else 1
        local = moment + sign * timedelta(hours=int(offset[1:3]), minutes=int(offset[4:6]))
        text = local.replace(tzinfo=None).isoformat() + offset
        assert listed(gateway.http, tag=f"zone:{mark}", created_after=text) == []
        earlier = (local - timedelta(milliseconds=1)).replace(tzinfo=None).isoformat() + offset
        assert len(listed(gateway.http, tag=f"zone:{mark}", created_after=earlier)) == 1
    for wrong in ("yesterday", "2026-01-01", "2026-01-01T00:00:00", "1700000000"):
        response = gateway.http.get("/v1/jobs", params={"created_after": wrong})
        assert pointers(problem(response, "request.field_invalid")) == ["/query/created_after"]


@pytest.mark.parametrize(
    ("query", "wrong"),
    [
        ("limit=0", ["limit"]),
        ("limit=201", ["limit"]),
        ("limit=many", ["limit"]),
        ("state=done", ["state"]),
        ("operation=paint", ["operation"]),
        ("tag=novalue", ["tag"]),
        ("page_token=garbage", ["page_token"]),
        ("page_token=WzEsMl0", ["page_token"]),
        ("page_token=%F0%9F%A6%8A", ["page_token"]),
        ("states=failed&limit=0&state=x", ["limit", "state", "states"]),
        ("limit=1&limit=2", ["limit"]),
    ],
)
def test_a_wrong_filter_is_refused_by_name(gateway: GatewayProcess, query: str, wrong: list[str]) -> None:
    """Unknown, doubled and malformed parameters are faults, each at its place, all together."""
    found = problem(gateway.http.get(f"/v1/jobs?{query}"), "request.field_invalid")
    assert sorted(pointers(found)) == [f"/query/{name}" for name in wrong]


def test_the_gallery_pages_like_the_jobs(gateway: GatewayProcess) -> None:
    """Assets follow one another by cursor too, filtered by where they came from, and refuse a token that is none."""
    job = made(gateway.http, spec(n=3))
    wanted = {output["asset_id"] for output in job["outputs"]}
    found: list[str] = []
    url = "/v1/assets?source=output&limit=2"
    while wanted - set(found):
        response = gateway.http.get(url).raise_for_status()
        assets = response.json()["assets"]
        assert len(assets) <= 2
        assert {asset["source"] for asset in assets} == {"output"}
        found += [asset["id"] for asset in assets]
        url = response.links["next"]["url"] if "next" in response.links else ""
        assert url or not wanted - set(found)
    assert len(found) == len(set(found))
    response = gateway.http.get("/v1/assets", params={"page_token": "garbage"})
    assert pointers(problem(response, "request.field_invalid")) == ["/query/page_token"]
