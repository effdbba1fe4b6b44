"""What each frame of an answer says, purely: a phase, a preview, an error's signal, or the end with its pictures."""

from contextlib import suppress
from typing import Any

import msgspec
from msgspec import Raw

from adapters.ima2 import errors
from adapters.ima2.asking import Ask
from adapters.ima2.pictures import MASK_WARNING
from adapters.ima2.stream import Frame
from adapters.ima2.translate import from_answer, from_film, header_of, inline_base64
from adapters.ima2.wire import PartialFrame, PictureAnswer, ProgressFrame, VideoAnswer
from adapters.kit.rules import Signal
from contracts.port import Done, Emit, Order, PartialImage, PhaseNote


def read_frame(frame: Frame, ask: Ask, order: Order, emit: Emit) -> Done | Signal | None:
    """Tell what a frame says of the work under way; return the end, or the signal of a failure."""
    match frame.event:
        case "phase":
            emit(PhaseNote("image"))
        case "planning":
            emit(PhaseNote("planner"))
        case "submitted":
            emit(PhaseNote("video"))
        case "progress":
            emit(PhaseNote("video", msgspec.json.decode(frame.data, type=ProgressFrame).progress))
        case "partial" | "image":
            # A preview is a kindness: one that cannot be read changes nothing.
            with suppress(msgspec.DecodeError, ValueError):
                _preview(msgspec.json.decode(frame.data, type=PartialFrame), emit)
        case "error" | "done":
            return _end(frame, ask, order)
    return None


def _end(frame: Frame, ask: Ask, order: Order) -> Done | Signal:
    """Return the end of the work. A sequence without pictures is `done` and `empty`: no success (wire §6)."""
    route = f"POST {ask.path}"
    if frame.event == "error":
        said: dict[str, Any] = msgspec.json.decode(frame.data, type=dict[str, Any])
        return errors.read_json(route, 500, said) or Signal(route=route, state="error")
    if ask.route == "video":
        return from_film(msgspec.json.decode(frame.data, type=VideoAnswer), order)
    answer = msgspec.json.decode(frame.data, type=PictureAnswer)
    if answer.images == () and not isinstance(answer.image, Raw):
        return Signal(route=route, status=200, state="empty")
    return done_of(answer, ask, order)


def done_of(answer: PictureAnswer, ask: Ask, order: Order) -> Done:
    """Return the pictures of an answer, with the warning that a mask is owed."""
    return from_answer(answer, order, (MASK_WARNING,) if ask.has_mask else ())


def _preview(partial: PartialFrame, emit: Emit) -> None:
    """Hand a preview on, or a picture of a sequence, if it is one."""
    data = inline_base64(partial.image)
    media = header_of(data)
    index = partial.sequence_index - 1 if partial.sequence_index is not None else partial.index
    if media is not None:
        emit(PartialImage(index or 0, media.media_type, data.decode()))
