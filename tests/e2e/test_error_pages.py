"""The catalogue's pages: for people who ask for HTML, and everything that a program gets too, whole and harmless."""

import base64
import hashlib
import re
from html.parser import HTMLParser

import msgspec
import pytest

from contracts.catalog import CATALOG, ErrorCode, Problem, should_retry
from contracts.codes import Row
from gateway.v1.errors import ErrorDetail
from gateway.v1.words import LEFT, RETRIES, WHO
from tests.e2e.asked import post, problem, spec, whole
from tests.harness import GatewayProcess

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"
#: Tags that are closed by nothing.
VOID = frozenset({"meta", "br", "wbr"})


class Read(HTMLParser):
    """A page as it is read: its text, its links, and whether its tags fit together."""

    def __init__(self, page: str) -> None:
        """Read it to its end."""
        super().__init__()
        self.open: list[str] = []
        self.links: list[str] = []
        self.ids: set[str] = set()
        self.text = ""
        self.tags: set[str] = set()
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag, and what it leads to."""
        self.tags.add(tag)
        found = dict(attrs)
        assert not {name for name in found if name.startswith("on") or name == "style"}
        self.links += [found["href"] or ""] if "href" in found else []
        self.ids |= {found["id"] or ""} if "id" in found else set()
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Close what is open."""
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Note what is read by people."""
        if "style" not in self.open:
            self.text += data


def page(gateway: GatewayProcess, path: str) -> Read:
    """Return a page as a browser gets it, after checking what every page owes its reader."""
    answer = gateway.http.get(path, headers={"Accept": BROWSER}).raise_for_status()
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.headers["vary"] == "Accept"
    styles = re.findall(r"<style>(.*?)</style>", answer.text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256("".join(styles).encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'sha256-{digest}'" in answer.headers["content-security-policy"]
    assert "prefers-color-scheme:dark" in styles[0]
    found = Read(answer.text)
    assert found.open == []
    assert not found.tags & {"script", "img", "link", "iframe", "form"}
    assert all(link.startswith("/") for link in found.links)
    return found


@pytest.mark.parametrize("row", CATALOG.values(), ids=lambda row: row.code)
def test_a_page_says_all_that_is_known_of_its_code(gateway: GatewayProcess, row: Row) -> None:
    """What to do, who acts, what may be sent again, what is left behind, an example, and every native complaint."""
    known = gateway.http.get(f"/v1/errors/{row.code}").raise_for_status()
    detail = msgspec.json.decode(known.content, type=ErrorDetail)
    whole(detail.example)
    assert (detail.example.code, detail.should_retry) == (row.code, should_retry(row.retry, row.outcome))
    found = page(gateway, f"/v1/errors/{row.code}")
    for text in (row.title, row.action, WHO[row.blame], LEFT[row.outcome], *(RETRIES[each] for each in row.retry)):
        assert text in found.text
    assert f"X-Should-Retry: {str(detail.should_retry).lower()}" in found.text
    assert f'"code": "{row.code}"' in found.text
    assert all(operation in found.text for operation in detail.operations)
    for dialect, rows in detail.native.items():
        assert dialect in found.text
        for each in rows:
            assert each["to"] == row.code
            assert all(code in found.text for code in each.get("code", ()))
            assert each.get("text", "") in found.text


def test_the_list_leads_to_every_code_and_every_link_leads_somewhere(gateway: GatewayProcess) -> None:
    """All 35 with their meaning; no link of the list or of a code's page is dead, nor an anchor on the list."""
    listed = page(gateway, "/v1/errors")
    assert [link for link in listed.links if link.startswith("/v1/errors/")] == [
        f"/v1/errors/{code}" for code in CATALOG
    ]
    assert all(row.title in listed.text for row in CATALOG.values())
    links = {*listed.links, *page(gateway, "/v1/errors/backend.timeout").links}
    for link in sorted(links):
        address, _, anchor = link.partition("#")
        assert gateway.http.get(address).status_code == 200
        assert not anchor or anchor in listed.ids


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        (None, "application/json"),
        ("*/*", "application/json"),
        ("text/html", "text/html"),
        (BROWSER, "text/html"),
        ("application/json, text/html", "application/json"),
        ("text/html;q=0.9, application/json;q=0.8", "text/html"),
        ("text/html;q=0.8, application/json;q=0.9", "application/json"),
        ("text/*;q=0.9, text/html;q=0.1, application/json;q=0.5", "application/json"),
        ("application/json;q=0, */*;q=0.1", "text/html"),
        ("text/html;q=0, */*", "application/json"),
        ("text/*", "text/html"),
        ("TEXT/HTML ; Q=1", "text/html"),
        ("text/html;q=inf, application/json", "application/json"),
        ("text/html;q=0.001, application/json;q=0", "text/html"),
        ("image/png", "application/json"),
        ("", "application/json"),
    ],
)
def test_who_asks_gets_what_it_wants_most(gateway: GatewayProcess, accept: str | None, kind: str) -> None:
    """By weight and exactness, not by order; at equal wishes, and where nothing fits, the document."""
    headers = {"Accept": accept} if accept is not None else {}
    for path in ("/v1/errors", "/v1/errors/job.cancelled"):
        answer = gateway.http.get(path, headers=headers).raise_for_status()
        assert answer.headers["content-type"].partition(";")[0] == kind
        assert answer.headers["vary"] == "Accept"


def test_the_type_of_a_real_problem_leads_to_its_page(gateway: GatewayProcess) -> None:
    """From a refusal as it came: `type` and `doc_url` are addresses of this very gateway."""
    refused = problem(post(gateway.http, spec(n=0)), "request.field_invalid")
    assert refused["type"] == refused["doc_url"]
    assert "A field is not valid" in page(gateway, refused["type"]).text


def test_no_page_is_there_for_what_is_no_code(gateway: GatewayProcess) -> None:
    """A problem, and nothing of what was asked in it; to a browser too."""
    answer = gateway.http.get("/v1/errors/<script>alert(1)</script>", headers={"Accept": BROWSER})
    assert "script" not in problem(answer, "resource.not_found")["detail"]


def test_the_example_of_a_code_is_a_problem_like_the_real_one(gateway: GatewayProcess) -> None:
    """Where one is easily made: the same fields are there as in the example."""
    real = problem(post(gateway.http, spec(model="studio/z-image", on=None)), "request.model_unknown")
    code: ErrorCode = "request.model_unknown"
    shown = gateway.http.get(f"/v1/errors/{code}").json()["example"]
    assert shown.keys() == real.keys() <= set(Problem.__struct_fields__)
