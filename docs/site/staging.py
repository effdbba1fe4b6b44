"""Which file of the repository becomes which page, and what its links are there.

Pages lie under `docs/`; READMEs beside the code become pages too, so that they are written once. A link to a file that
is no page stays as words: the site shows pages, the repository shows code.
"""

import posixpath
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]
#: READMEs and their pages; the first match holds.
ELSEWHERE: tuple[tuple[str, str], ...] = (
    (r"adapters/(\w+)/README\.md", r"backends/\1.md"),
    (r"adapters/(\w+)/face/README\.md", r"backends/\1-face.md"),
    (r"adapters/(\w+)/SANDBOX\.md", r"backends/\1-sandbox.md"),
    (r"tests/bench/README\.md", r"inside/benchmarks.md"),
    (r"docs/site/README\.md", r"inside/docs.md"),
    (r"(\w+)/README\.md", r"inside/\1.md"),
    (r"contracts/CHANGES\.md", r"reference/changes.md"),
    (r"CHANGELOG\.md", r"changelog.md"),
)
#: The page for whoever wants the README: it begins where the README begins.
HOME = "index.md"
_IGNORED = re.compile(r"(^|/)(\.[^/]+|build|node_modules)/")
_LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^()\s]+)\)")
_FENCE = re.compile(r"^\s*(```+|~~~+)")
_CODE = re.compile(r"`[^`]+`")


def pages(root: Path = ROOT) -> dict[str, str]:
    """Return each page's file in the repository, and its place on the site."""
    found = {}
    for path in sorted(root.rglob("*.md")):
        name = path.relative_to(root).as_posix()
        place = None if _IGNORED.search(name) else place_of(name)
        if place is not None:
            found[name] = place
    return found


def place_of(name: str) -> str | None:
    """Return where a file of the repository is on the site; None: it is no page."""
    for pattern, place in ELSEWHERE:
        if re.fullmatch(pattern, name):
            return re.sub(pattern, place, name)
    return name.removeprefix("docs/") if name.startswith("docs/") else None


def stage(target: Path, root: Path = ROOT) -> list[str]:
    """Copy all pages and their pictures to `target`, with links that hold there; return the pages."""
    known = pages(root)
    for name, place in known.items():
        write(target / place, linked((root / name).read_text(), name, known))
    shutil.copytree(root / "docs/images", target / "images", dirs_exist_ok=True)
    shutil.copy(root / "docs/site/site.css", target / "site.css")
    return sorted(known.values())


def write(path: Path, text: str) -> None:
    """Write one staged file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def linked(text: str, name: str, known: Mapping[str, str]) -> str:
    """Return a page's text with every link turned into what it is on the site; code stays as it is."""
    fence: str | None = None
    lines = []
    for line in text.splitlines():
        mark = _FENCE.match(line)
        if mark is not None:
            fence = mark[1] if fence is None else None if mark[1].startswith(fence) else fence
        lines.append(line if fence is not None or mark is not None else _line(line, name, known))
    return "\n".join(lines) + "\n"


def _line(line: str, name: str, known: Mapping[str, str]) -> str:
    if line.startswith("|"):
        # In a table's code the repository's viewers want a bar escaped; the site builder shows the escape.
        line = _CODE.sub(lambda code: code[0].replace(r"\|", "|"), line)
    return _LINK.sub(lambda link: _link(link, name, known), line)


def _link(link: re.Match[str], name: str, known: Mapping[str, str]) -> str:
    picture, words, address = link.groups()
    path, hash_sign, anchor = address.partition("#")
    if "://" in address or not path:
        return link[0]
    target = posixpath.normpath(posixpath.join(posixpath.dirname(name), path))
    if picture:
        place: str | None = target.removeprefix("docs/")
    elif target in ("README.md", "."):
        place = HOME
    else:
        place = known.get(target) or known.get(f"{target}/README.md") or _written_by_the_build(target)
    if place is None:
        return words
    here = posixpath.dirname(known[name])
    return f"{picture}[{words}]({posixpath.relpath(place, here or '.')}{hash_sign}{anchor})"


def _written_by_the_build(target: str) -> str | None:
    """Pages that exist only on the site: the reference, and the list of decisions."""
    is_page = target.startswith("docs/reference/") or target == "docs/decisions/index.md"
    return target.removeprefix("docs/") if is_page else None


def headings(text: str) -> Iterator[str]:
    """Yield a page's headings of the first rank."""
    yield from re.findall(r"(?m)^# (.+)$", text)
