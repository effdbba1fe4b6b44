"""The order of the pages: named ones as they are named, all others where a pattern stands."""

import fnmatch
import posixpath
import tomllib
from collections.abc import Collection
from pathlib import Path
from typing import Any

WHERE = Path(__file__).with_name("navigation.toml")


class NavigationError(Exception):
    """The list of pages and the pages themselves disagree."""


def navigation(pages: Collection[str], where: Path = WHERE) -> list[dict[str, Any]]:
    """Return what the site builder takes as `nav`; refuse pages that nothing leads to.

    A page that is named and not there is left out: what writes it may be another part of the build.
    """
    sections = tomllib.loads(where.read_text())["section"]
    named = {each for section in sections for each in section["pages"] if "*" not in each}
    left = set(pages)
    found = []
    for section in sections:
        chosen: list[str] = []
        for each in section["pages"]:
            matches = [each] if "*" not in each else _all_like(each, left - named)
            chosen += [page for page in matches if page in left]
            left -= set(matches)
        if chosen:
            found.append({section["title"]: chosen})
    if left:
        msg = f"no line of navigation.toml leads to {', '.join(sorted(left))}"
        raise NavigationError(msg)
    return found


def _all_like(pattern: str, pages: Collection[str]) -> list[str]:
    """Return the pages that a pattern means, by name: a star does not cross folders."""
    folder = posixpath.dirname(pattern)
    found = (page for page in pages if posixpath.dirname(page) == folder and fnmatch.fnmatchcase(page, pattern))
    return sorted(found, key=lambda page: page.removesuffix(".md"))
