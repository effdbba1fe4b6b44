"""Addresses of a face: templates such as `/api/node/{id}` and `/generated/{name:path}`, matched before decoding."""

import re
from collections.abc import Mapping, Sequence
from urllib.parse import unquote_to_bytes

from msgspec import Struct

from contracts.face import FaceRoute

_FIELD = re.compile(r"\\\{(\w+)(:path)?\\\}")
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")


class Match(Struct, frozen=True):
    """Where a path leads: the routes of its template by method, and what its fields are. No routes: nowhere."""

    template: str | None
    routes: Mapping[str, FaceRoute]
    params: Mapping[str, str]


class Paths:
    """The addresses of one face; the first template that fits is the one that is meant."""

    def __init__(self, routes: Sequence[FaceRoute]) -> None:
        """Take the routes."""
        by_template: dict[str, dict[str, FaceRoute]] = {}
        for route in routes:
            by_template.setdefault(route.template, {})[route.method] = route
        self._known = [(_compiled(template), template, methods) for template, methods in by_template.items()]

    def match(self, raw_path: str) -> Match:
        """Return where a path leads; raise ValueError when it cannot be decoded."""
        if _BAD_ESCAPE.search(raw_path):
            raise ValueError(raw_path)
        for pattern, template, methods in self._known:
            found = pattern.fullmatch(raw_path)
            if found is not None:
                params = {name: unquote_to_bytes(value).decode() for name, value in found.groupdict().items()}
                return Match(template, methods, params)
        return Match(None, {}, {})


def _compiled(template: str) -> re.Pattern[str]:
    return re.compile(
        _FIELD.sub(lambda field: f"(?P<{field[1]}>{'.+' if field[2] else '[^/]+'})", re.escape(template)) + "/?"
    )
