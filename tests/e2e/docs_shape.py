"""Whether what a command printed is what its page shows: the same words, whatever ids, times and numbers it has."""

import json
import re
from typing import Any

#: What differs from run to run, and what stands for it; the first that fits counts.
_CHANGING: tuple[tuple[str, str], ...] = (
    (r"\x1b\[[0-9;]*m", ""),
    (r"\b(job|ast|key|req|run|trp|cache)_[\w-]{12,}", r"\1_ID"),
    (r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", "UUID"),
    (r"\b\d{4}-\d\d-\d\dT[\d:.]+Z?", "TIME"),
    (r"\b\d{4}-\d\d-\d\d\b", "DAY"),
    (r"\b[0-9a-f]{16,}\b", "HEX"),
    (r"(?<![\w.])\d+(\.\d+)?(?![\w.]*\w)", "N"),
    (r"[ \t]+", " "),
)
#: Facts of a run and not of the page: only their kind is compared.
_FREE = frozenset({"id", "url", "self", "events", "cancel", "job_id", "instance", "asset_id", "host", "request_id"})
ANYTHING = "…"


def plain(text: str) -> str:
    """Return text with what differs from run to run replaced by what it is."""
    for pattern, stands_for in _CHANGING:
        text = re.sub(pattern, stands_for, text)
    return text.strip()


def same_text(shown: str, printed: str) -> str | None:
    """Return how printed lines differ from the shown ones, or None; a line of `…` stands for any lines."""
    said = [plain(line) for line in printed.splitlines() if line.strip()]
    at, loose = 0, False
    for line in (plain(line) for line in shown.splitlines() if line.strip()):
        if line == ANYTHING:
            loose = True
            continue
        wanted = re.compile(".*".join(map(re.escape, line.split(ANYTHING))))
        hits = [number for number in range(at, len(said)) if wanted.fullmatch(said[number])]
        if not hits or (hits[0] != at and not loose):
            return f"no line is like {line!r} where it should be; from there on: {said[at : at + 5]}"
        at, loose = hits[0] + 1, False
    return None if loose or at == len(said) else f"nothing is shown of {said[at:]}"


def same_json(shown: Any, printed: Any, at: str = "") -> str | None:
    """Return where a printed document is unlike the shown one, or None: it may have more, never less or other."""
    match shown:
        case dict():
            if not isinstance(printed, dict):
                return f"{at or '/'} is no object: {printed!r}"
            missing = [f"{at}/{name}" for name in shown if name not in printed]
            if missing:
                return f"not there: {', '.join(missing)}"
            return next(filter(None, (same_json(shown[name], printed[name], f"{at}/{name}") for name in shown)), None)
        case list():
            if not isinstance(printed, list) or len(printed) < len(shown):
                return f"{at} has not all that is shown: {printed!r}"
            pairs = enumerate(zip(shown, printed, strict=False))
            return next(filter(None, (same_json(*pair, f"{at}/{number}") for number, pair in pairs)), None)
        case bool() | None:
            return None if shown is printed else f"{at} is {printed!r}, not {shown!r}"
        case int() | float():
            return None if isinstance(printed, int | float) else f"{at} is no number: {printed!r}"
    free = at.rpartition("/")[2] in _FREE
    same = isinstance(printed, str) and (free or plain(shown) == plain(printed))
    return None if same else f"{at} is {printed!r}, not {shown!r}"


def json_in(text: str) -> Any:
    """Return the one document that was printed, or None."""
    try:
        return json.loads(text)
    except ValueError:
        return None
