"""Tables for people, and the arithmetic of rounds: medians, ratios of the same round, and what came of an aim."""

import statistics
from collections.abc import Iterable, Sequence


def middle(values: Iterable[float | None]) -> float | None:
    """Return the median of what is there."""
    known = [value for value in values if value is not None and value == value]  # noqa: PLR0124 - NaN is no number
    return statistics.median(known) if known else None


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> float | None:
    """Return the median of our number over theirs, each of the same round."""
    return middle(a / b if b else None for a, b in zip(ours, theirs, strict=False))


def shown(value: object) -> str:
    """Return a number with as many digits as mean something; nothing for nothing."""
    if value is None:
        return "-"
    if isinstance(value, float):
        if value != value:  # noqa: PLR0124 - NaN is no number
            return "-"
        digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
        return f"{value:,.{digits}f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def times(value: float | None) -> str:
    """Return a ratio."""
    return "-" if value is None else f"{value:.2f} x"


def table(title: str, head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table: the first column is text, the others are numbers."""
    lines = [list(head), *([shown(each) for each in row] for row in rows)]
    widths = [max(len(line[at]) for line in lines) for at in range(len(head))]
    drawn = [
        "  ".join(
            text.ljust(width) if at == 0 else text.rjust(width)
            for at, (text, width) in enumerate(zip(line, widths, strict=True))
        )
        for line in lines
    ]
    drawn.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join((f"\n{title}", *(line.rstrip() for line in drawn)))


def aim(what: str, got: float | None, wanted: float, *, at_least: bool, unit: str = "") -> str:
    """Return a line that says what was aimed at and what came of it."""
    if got is None:
        return f"aim   ?     {what}: {'at least' if at_least else 'at most'} {wanted:g}{unit}; not measured"
    met = got >= wanted if at_least else got <= wanted
    word = "met   " if met else "MISSED"
    return f"aim {word} {what}: {'at least' if at_least else 'at most'} {wanted:g}{unit}; got {shown(float(got))}{unit}"
