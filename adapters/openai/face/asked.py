"""What the picture routes ask for, read and checked before anything is made: today's fields of OpenAI's Images API.

A word that is not offered is refused with those that are; nothing is mapped to something near. What OpenAI knows and
the contract has no promise for is refused by name (`NEVER`).
"""

import hashlib
import re

from msgspec import Struct

from adapters.openai.face.fields import Fields
from adapters.openai.face.said import invalid, unsupported
from contracts.media import Format, Size
from contracts.spec import Effort, Strictness

#: As many pictures as OpenAI makes of one request.
MOST_PICTURES = 10
#: As many previews as OpenAI sends of one picture.
MOST_PARTIALS = 3
FORMATS: tuple[Format, ...] = ("png", "jpeg", "webp")
QUALITIES: tuple[Effort, ...] = ("low", "medium", "high", "auto")
BACKGROUNDS = ("auto", "opaque", "transparent")
_MODERATION: dict[str, Strictness | None] = {"auto": None, "low": "relaxed"}
#: Of today's API, and nothing that any backend could be asked for.
NEVER = frozenset(
    {
        "complexity",
        "frame_count",
        "frame_duration_ms",
        "input_fidelity",
        "markup",
        "prompt_rewriter",
        "svg",
    }
)
_SIZE = re.compile(r"([1-9][0-9]{0,4})x([1-9][0-9]{0,4})")
_LONGEST_SIDE = 16_384
_LONGEST_NAME = 200
_LONGEST_USER = 1000


class Ask(Struct, frozen=True, kw_only=True):
    """What a request comes to. None: the client left it open, or said `auto`."""

    prompt: str | None = None
    model: str | None = None
    n: int = 1
    size: Size | None = None
    effort: Effort | None = None
    format: Format = "png"
    compression: int | None = None
    strictness: Strictness | None = None
    style: str | None = None
    as_url: bool = False
    #: Which of its own users a client makes it for, in its words.
    end_user: str | None = None
    stream: bool = False
    partials: int = 0

    @property
    def tags(self) -> dict[str, str]:
        """Under which tag a team finds what an end user's requests made: a digest, because it may be an address."""
        if self.end_user is None:
            return {}
        return {"end_user": hashlib.sha256(self.end_user.encode()).hexdigest()[:32]}


def picture(fields: Fields, *, prompted: bool = True) -> Ask:
    """Return what a generation or an edit asks for; not `prompted`: a variation, which has half of the fields."""
    fields.never(NEVER)
    if not prompted:
        found = Ask(
            model=fields.text("model"),
            n=_n(fields),
            size=_size(fields),
            as_url=fields.word("response_format", ("url", "b64_json")) == "url",
            end_user=_end_user(fields),
        )
        fields.done()
        return found
    moderation = fields.word("moderation", tuple(_MODERATION))
    quality = fields.word("quality", QUALITIES)
    file_format = fields.word("output_format", FORMATS) or "png"
    as_url = fields.word("response_format", ("url", "b64_json")) == "url"
    stream = fields.flag("stream")
    found = Ask(
        prompt=fields.needed("prompt"),
        model=fields.text("model"),
        n=_n(fields),
        size=_size(fields),
        effort=None if quality == "auto" else quality,
        format=file_format,
        compression=_compression(fields, file_format),
        strictness=None if moderation is None else _MODERATION[moderation],
        style=_style(fields),
        as_url=as_url,
        end_user=_end_user(fields),
        stream=stream,
        partials=_partials(fields, stream=stream),
    )
    _background(fields, file_format)
    fields.done()
    if stream and as_url:
        raise invalid("response_format", "must be b64_json in a stream", reason="contradiction")
    return found


def _n(fields: Fields) -> int:
    return fields.whole("n", 1, MOST_PICTURES) or 1


def _size(fields: Fields) -> Size | None:
    text = fields.text("size")
    if text is None or text == "auto":
        return None
    found = _SIZE.fullmatch(text)
    if found is None or max(int(side) for side in found.groups()) > _LONGEST_SIDE:
        detail = f"must be auto or WIDTHxHEIGHT in pixels, such as 1024x1024, each side at most {_LONGEST_SIDE}"
        raise invalid("size", detail, reason="format")
    return Size(width=int(found[1]), height=int(found[2]))


def _compression(fields: Fields, file_format: Format) -> int | None:
    compression = fields.whole("output_compression", 1, 100)
    if compression is not None and file_format == "png":
        detail = "means nothing for a png: choose output_format jpeg or webp"
        raise invalid("output_compression", detail, reason="contradiction")
    return compression


def _style(fields: Fields) -> str | None:
    style = fields.text("style", longest=_LONGEST_NAME)
    if style == "":
        raise invalid("style", "is empty", reason="empty")
    return style


def _partials(fields: Fields, *, stream: bool) -> int:
    partials = fields.whole("partial_images", 0, MOST_PARTIALS) or 0
    if partials and not stream:
        raise invalid("partial_images", "needs stream: true", reason="contradiction")
    return partials


def _background(fields: Fields, file_format: Format) -> None:
    """Refuse what nobody promises: of all pictures only a jpeg is certainly opaque."""
    background = fields.word("background", BACKGROUNDS)
    if background == "transparent":
        raise unsupported("background", "no backend promises transparency", allowed=("auto",))
    if background == "opaque" and file_format != "jpeg":
        raise unsupported("background", "opaque is only certain with output_format jpeg", allowed=("auto",))


def _end_user(fields: Fields) -> str | None:
    """Return whom it is for: `safety_identifier`, or where that is empty the older `user`."""
    older = fields.text("user", longest=_LONGEST_USER)
    return fields.text("safety_identifier", longest=_LONGEST_USER) or older or None
