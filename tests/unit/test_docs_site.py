"""The built site: it needs no network, nothing in it leads nowhere, and every page can be reached."""

import re
import subprocess
import sys
from collections.abc import Mapping
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

import pytest

from docs.site.__main__ import prepare
from docs.site.navigation import NavigationError, navigation
from docs.site.staging import linked, pages

ROOT = Path(__file__).parents[2]
#: What a browser loads by itself, by tag and attribute.
LOADED = {("script", "src"), ("link", "href"), ("img", "src"), ("iframe", "src"), ("source", "src"), ("form", "action")}
#: What the theme's script would fetch from elsewhere, and the words of a page that would make it.
WOULD_FETCH = {
    "unpkg.com/mermaid": 'class="mermaid"',
    "unpkg.com/glightbox": "glightbox",
    "unpkg.com/ace-builds": "md-exec",
    "unpkg.com/pyodide": "md-exec",
    "cdn.jsdelivr.net/pyodide": "md-exec",
    "api.github.com": 'data-md-component="source"',
    "/api/v4/projects": 'data-md-component="source"',
    # Only for browsers from before 2020.
    "unpkg.com/resize-observer-polyfill": "",
}
#: Names in scripts and styles that nothing is fetched from: namespaces, and the words of licences.
NAMES = ("http://www.w3.org/", "https://fontawesome.com")


class Page(HTMLParser):
    """One page: what it loads, where it leads, and the places in it."""

    def __init__(self, text: str) -> None:
        """Read it."""
        super().__init__()
        self.loaded: list[str] = []
        self.links: list[str] = []
        self.places: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take note of one tag."""
        for name, value in attrs:
            if name in ("id", "name") and value:
                self.places.add(value)
            if (tag, name) in LOADED and value:
                self.loaded.append(value)
            if (tag, name) == ("a", "href") and value is not None:
                self.links.append(value)


def address(page: str, link: str) -> str:
    """Return where a link of a page leads; a folder is its first page."""
    target = urljoin(page, link).lstrip("/")
    return f"{target}index.html" if target.endswith("/") or not target else target


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site as `make docs` builds it."""
    target = tmp_path_factory.mktemp("docs") / "site"
    build = [sys.executable, "-m", "docs.site", "--into", str(target)]
    done = subprocess.run(build, cwd=ROOT, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stdout + done.stderr
    return target


@pytest.fixture(scope="module")
def read(site: Path) -> Mapping[str, Page]:
    """Every page of it, by its address."""
    return {path.relative_to(site).as_posix(): Page(path.read_text()) for path in sorted(site.rglob("*.html"))}


def test_a_page_loads_nothing_from_elsewhere(site: Path, read: Mapping[str, Page]) -> None:
    """No font, script, style or picture comes from another host: all that is loaded is a file of the site."""
    missing = [
        f"{name}: {address}"
        for name, page in read.items()
        for address in page.loaded
        if not address.startswith("data:")
        and (urlsplit(address).netloc or not (site / urljoin(name, urlsplit(address).path).lstrip("/")).is_file())
    ]
    assert missing == []


def test_styles_and_scripts_fetch_nothing_that_a_page_asks_for(site: Path) -> None:
    """Styles name no other host. The theme's script knows some, for things that no page has."""
    for path in site.rglob("*.css"):
        named = re.findall(r"(?:url\(|@import )[\"']?(?!data:)([^\"')]+)", path.read_text())
        assert [each for each in named if urlsplit(each).netloc] == [], path.name
    scripts = "".join(path.read_text() for path in site.rglob("*.js"))
    named = [each for each in re.findall(r"https?://[^\"'`\s<>)]+", scripts) if not each.startswith(NAMES)]
    assert [each for each in named if not any(known in each for known in WOULD_FETCH)] == []
    for path in site.rglob("*.html"):
        assert [words for words in WOULD_FETCH.values() if words and words in path.read_text()] == [], path.name


def test_no_link_is_dead(site: Path, read: Mapping[str, Page]) -> None:
    """Every link within the site leads to a page that is there, and to a place that is on it."""
    dead = []
    for name, page in read.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc or name == "404.html":
                continue
            target = address(name, unquote(parts.path)) if parts.path else name
            there = target in read or (site / target).is_file()
            if not there or (parts.fragment and unquote(parts.fragment) not in read[target].places):
                dead.append(f"{name}: {link}")
    assert dead == []


def test_every_page_is_in_the_navigation(read: Mapping[str, Page]) -> None:
    """No page is an orphan: whoever begins at the first one gets to each by links alone."""
    found, waiting = set(), ["index.html"]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            here = (address(name, urlsplit(link).path) for link in read[name].links if not urlsplit(link).scheme)
            waiting += [target for target in here if target in read]
    assert set(read) - found == {"404.html"}


def test_everything_that_is_written_is_on_the_site(read: Mapping[str, Page]) -> None:
    """Each file below docs/, and the README of each room, has its page."""
    wanted = {place.removesuffix(".md") + ".html" for place in pages().values()}
    assert wanted <= set(read)
    assert {"how-to/cancel.html", "reference/errors.html", "backends/ima2-face.html", "inside/gateway.html"} <= set(
        read
    )


def test_two_builds_are_the_same(tmp_path: Path) -> None:
    """What the builder reads depends on nothing but the repository."""
    first, second = (prepare(tmp_path / name).parent for name in ("first", "second"))
    names = {path.relative_to(first) for path in first.rglob("*") if path.is_file()}
    assert names == {path.relative_to(second) for path in second.rglob("*") if path.is_file()}
    assert [name for name in names if (first / name).read_bytes() != (second / name).read_bytes()] == []


def test_links_of_the_repository_lead_to_files_of_it() -> None:
    """The same pages are read where the repository lies: there too no link within it is dead."""
    dead = []
    for name in [*pages(), "README.md"]:
        text = re.sub(r"(?ms)^```.*?^```$|`[^`\n]+`", "", (ROOT / name).read_text())
        for path in re.findall(r"\]\(([^()\s#]+)[^()\s]*\)", text):
            target = (ROOT / name).parent.joinpath(unquote(path)).resolve()
            written_by_the_build = target.is_relative_to(ROOT / "docs/reference") or target.name == "index.md"
            if "://" not in path and not target.exists() and not written_by_the_build:
                dead.append(f"{name}: {path}")
    assert dead == []


def test_a_link_becomes_what_it_is_on_the_site() -> None:
    """A link to a README leads to its page, one to code is only its words, and code stays as it is."""
    known = {"docs/how-to/a.md": "how-to/a.md", "adapters/ima2/README.md": "backends/ima2.md"}
    text = (
        "[i](../../adapters/ima2/README.md#x) [c](../../gateway/app.py) [h](../../README.md) ![p](../images/p.webp)\n"
    )
    fence = "```sh\n[i](../../adapters/ima2/README.md)\n```\n"
    expected = "[i](../backends/ima2.md#x) c [h](../index.md) ![p](../images/p.webp)\n"
    assert linked(text + fence, "docs/how-to/a.md", known) == expected + fence


def test_a_page_that_nothing_leads_to_fails_the_build() -> None:
    """A folder that the navigation does not know is refused by name."""
    with pytest.raises(NavigationError, match=r"nowhere/a\.md"):
        navigation(["index.md", "nowhere/a.md"])
