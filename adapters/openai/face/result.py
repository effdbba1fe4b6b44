"""What a job made, as OpenAI shows it: only what is known, read back from the job and from its files."""

from collections.abc import Mapping
from typing import Any

import pybase64
from msgspec import Raw

from adapters.openai.face.asked import Ask
from adapters.openai.face.front import Front
from contracts.caller import Caller
from contracts.job import Job, JobOutput
from contracts.media import FORMATS

_WORDS = frozenset({"low", "medium", "high"})


def pictures(job: Job) -> list[JobOutput]:
    """Return the pictures, in order, without thumbnails."""
    return sorted((each for each in job.outputs if each.role == "image"), key=lambda each: each.index)


async def answer(front: Front, caller: Caller, job: Job, data: Mapping[str, bytes], ask: Ask) -> dict[str, Any]:
    """Return the body of an answer; `data` has the pictures that are at hand in base64."""
    made = pictures(job)
    return {
        "created": created(job),
        "data": [await _image(front, caller, each, data, as_url=ask.as_url) for each in made],
        **_known(background=background(made)),
        **_known(output_format=_one({FORMATS[each.media_type] for each in made})),
        **_known(quality=quality(job)),
        **_known(size=_one({size(each) for each in made})),
        **_known(safety_identifier=ask.end_user),
        **_known(usage=usage(job)),
    }


def _known(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _one(values: set[str]) -> str | None:
    """Return what is true of all pictures together."""
    return next(iter(values)) if len(values) == 1 else None


def created(job: Job) -> int:
    """Return when the pictures were there, in whole seconds UTC."""
    return int((job.finished_at or job.created_at).timestamp())


def size(output: JobOutput) -> str:
    """Return the pixels that the file really has."""
    return f"{output.width}x{output.height}"


def background(made: list[JobOutput]) -> str | None:
    """Return `opaque` of what cannot be anything else; of other pictures nobody looks."""
    return "opaque" if made and all(each.media_type == "image/jpeg" for each in made) else None


def quality(job: Job) -> str | None:
    """Return the effort that was really sent, where the backend knows any."""
    effort = None if job.effective is None else job.effective.effort
    return effort if isinstance(effort, str) and effort in _WORDS else None


def usage(job: Job) -> dict[str, Any] | None:
    """Return the tokens that the backend counted; None where it counted none.

    Which of those that went in were words it only says of itself where no picture went in; elsewhere both are 0.
    """
    told = job.usage
    if told is None or told.input_tokens is None or told.output_tokens is None:
        return None
    words = 0 if job.spec.inputs else told.input_tokens
    total = told.total_tokens if told.total_tokens is not None else told.input_tokens + told.output_tokens
    return {
        "input_tokens": told.input_tokens,
        "input_tokens_details": {"text_tokens": words, "image_tokens": 0},
        "output_tokens": told.output_tokens,
        "total_tokens": total,
    }


async def _image(
    front: Front, caller: Caller, output: JobOutput, data: Mapping[str, bytes], *, as_url: bool
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if as_url:
        found["url"] = front.signed_url(output.asset_id)
    else:
        found["b64_json"] = await base64(front, caller, output, data)
    return found | _known(revised_prompt=output.revised_prompt)


async def base64(front: Front, caller: Caller, output: JobOutput, data: Mapping[str, bytes]) -> Raw:
    """Return a picture as a JSON string, without its base64 going through an encoder."""
    encoded = data.get(output.asset_id)
    if encoded is None:
        assets = front.desk.assets
        content = await assets.content(await assets.get(caller, output.asset_id), thumbnail=None)
        encoded = pybase64.b64encode(await assets.read(content.path, 0, content.length))
    return Raw(b'"%b"' % encoded)
