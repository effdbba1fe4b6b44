"""What was delivered, held against what was sent: the bytes themselves are looked at, not what is said of them."""

from typing import Any

from msgspec import Struct

from contracts.job import Adjustment, Effective
from contracts.media import Size
from contracts.sniff import Media
from contracts.spec import OutputWish, SpecBase
from gateway.engine import film


class Compared(Struct, frozen=True):
    """Every field that differs, to be counted; and receipts for those that the caller set."""

    fields: tuple[str, ...]
    receipts: tuple[Adjustment, ...]


def compare(spec: SpecBase, sent: Effective, came: Media, *, stripped: bool) -> Compared:
    """Compare a delivered file with what was sent, and tell what the gateway itself took out of it."""
    fields: list[str] = []
    found: list[Adjustment] = []
    if isinstance(sent.width, int) and (came.width, came.height) != (sent.width, sent.height):
        fields.append("size")
        if isinstance(spec.size, Size):
            got = {"width": came.width, "height": came.height}
            found.append(_unhonoured("/size", {"width": sent.width, "height": sent.height}, got))
    if isinstance(sent.format, str) and came.format != sent.format:
        fields.append("format")
        wish = spec.output
        if isinstance(wish, OutputWish) and wish.format == sent.format:
            found.append(_unhonoured("/output/format", sent.format, came.format))
    for difference in film.differences(spec, sent.video, came):
        fields.append(difference.field)
        found += [difference.receipt] if difference.receipt is not None else []
    if stripped:
        found.append(
            Adjustment(
                pointer="/output/metadata",
                requested="as delivered",
                applied="without the packet that holds the prompt",
                why="dropped",
                by="gateway",
            )
        )
    return Compared(tuple(fields), tuple(found))


def _unhonoured(pointer: str, requested: Any, applied: Any) -> Adjustment:
    return Adjustment(pointer=pointer, requested=requested, applied=applied, why="not_honoured", by="backend")
