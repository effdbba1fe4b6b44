"""Reading a film back: what came beside what was sent."""

from msgspec import Struct, UnsetType

from contracts.job import Adjustment
from contracts.media import ASPECT_TOLERANCE
from contracts.sniff import Media
from contracts.spec import SpecBase, Video

#: A film may end within its last second.
SECONDS_TOLERANCE = 1.0
#: Encoders round the shorter side to whole blocks.
LINES_TOLERANCE = 0.05


class Difference(Struct, frozen=True):
    """One thing that came out otherwise, and the receipt if the caller had asked for it."""

    field: str
    receipt: Adjustment | None


def differences(spec: SpecBase, sent: Video | UnsetType, media: Media) -> list[Difference]:
    """Compare a film's own header with what was sent; only what the caller set becomes a receipt."""
    if isinstance(sent, UnsetType) or media.format != "mp4":
        return []
    asked = Video() if isinstance(spec.video, UnsetType) else spec.video
    found = []
    lasted, lines = media.duration_s, min(media.width, media.height)
    if isinstance(sent.duration_s, int) and (lasted is None or abs(lasted - sent.duration_s) >= SECONDS_TOLERANCE):
        found.append(_difference("duration_s", asked.duration_s, lasted))
    if isinstance(sent.resolution, str) and abs(lines / int(sent.resolution.rstrip("p")) - 1) > LINES_TOLERANCE:
        found.append(_difference("resolution", asked.resolution, f"{lines}p"))
    ratio = sent.aspect_ratio
    if isinstance(ratio, str) and ratio != "auto" and not _has_shape(media, ratio):
        found.append(_difference("aspect_ratio", asked.aspect_ratio, f"{media.width}:{media.height}"))
    return found


def _has_shape(media: Media, ratio: str) -> bool:
    across, _, up = ratio.partition(":")
    return abs(media.width / media.height / (int(across) / int(up)) - 1) <= ASPECT_TOLERANCE


def _difference(field: str, asked: object, came: object) -> Difference:
    if isinstance(asked, UnsetType):
        return Difference(field, None)
    pointer = f"/video/{field}"
    return Difference(
        field, Adjustment(pointer=pointer, requested=asked, applied=came, why="not_honoured", by="backend")
    )
