"""`POST /v1/images/generations`, `/edits` and `/variations`: pictures from words, and from pictures.

Without `response_format` a picture comes as `b64_json`, whichever model makes it, as of OpenAI's own models of today.
"""

from collections.abc import Sequence

from msgspec import structs

from adapters.kit.repeated import replayed
from adapters.openai.face import form, previews, result
from adapters.openai.face.asked import Ask, picture
from adapters.openai.face.fields import json_fields
from adapters.openai.face.front import Front
from adapters.openai.face.said import JOB, SANDBOX, about, missing, receipts, said
from adapters.openai.face.stream import EVENT_STREAM, Story
from adapters.openai.face.wish import wish
from contracts.caller import Caller
from contracts.desk import Asset
from contracts.face import Answer, Call, FaceRoute
from contracts.media import Input, InputRole
from contracts.spec import ImageEdit, ImageGenerate, ImageVariation

#: As many pictures as OpenAI takes for one edit; the first is changed, the others are references.
MOST_IMAGES = 16
_EDIT = {"image": MOST_IMAGES, "mask": 1}
_VARIATION = {"image": 1}
Made = ImageGenerate | ImageEdit | ImageVariation


class Images:
    """The routes."""

    def __init__(self, front: Front) -> None:
        """Take what all routes share."""
        self._front = front

    def routes(self) -> list[FaceRoute]:
        """Return the routes."""
        files = {"edits": sum(_EDIT.values()), "variations": sum(_VARIATION.values())}
        routes = {"generations": self._generate, "edits": self._edit, "variations": self._vary}
        return [
            FaceRoute(
                method="POST", template=f"/v1/images/{name}", answer=answer, makes_jobs=True, files=files.get(name, 0)
            )
            for name, answer in routes.items()
        ]

    async def _generate(self, call: Call, caller: Caller) -> Answer:
        ask = picture(json_fields(call))
        return await self._answer(call, caller, ask, wish(ImageGenerate, ask), "image_generation")

    async def _edit(self, call: Call, caller: Caller) -> Answer:
        received = await form.read(call, caller, self._front.desk.assets, _EDIT)
        inputs = _inputs(received)
        ask = picture(received.fields)
        spec = wish(ImageEdit, ask, inputs)
        way = await self._way(caller, spec, ask, inputs)
        return await self._answer(call, caller, ask, way, "image_edit", meant=spec)

    async def _way(self, caller: Caller, spec: Made, ask: Ask, inputs: Sequence[Input]) -> Made:
        """Return how an edit is made: of several pictures without a mask it may be a generation guided by all of them.

        OpenAI's own models give the first picture no other part than the others, unless a mask lies on it. Where a
        backend edits with references that is taken; where none does, one that generates with references.
        """
        if len(inputs) < 2 or any(each.role == "mask" for each in inputs):
            return spec
        guides = [structs.replace(each, role="reference") for each in inputs]
        guided = wish(ImageGenerate, ask, guides)
        front = self._front
        return guided if not await front.can(caller, spec) and await front.can(caller, guided) else spec

    async def _vary(self, call: Call, caller: Caller) -> Answer:
        received = await form.read(call, caller, self._front.desk.assets, _VARIATION)
        inputs = _inputs(received)
        ask = picture(received.fields, prompted=False)
        return await self._answer(call, caller, ask, wish(ImageVariation, ask, inputs), "image_variation")

    async def _answer(
        self, call: Call, caller: Caller, ask: Ask, spec: Made, name: str, *, meant: Made | None = None
    ) -> Answer:
        front = self._front
        front.need(caller, "assets:read")
        if not ask.stream:
            created = await front.ended(call, caller, spec, meant=meant)
            job = created.job
            body = await result.answer(front, caller, job, created.data, ask)
            return said(body, headers={**about(job), **receipts(job), **replayed(created)})
        front.desk.jobs.check_listening(caller)
        created = await previews.begin(front, call, caller, spec, ask, meant=meant)
        job = created.job
        # It begins before anybody knows who will make its pictures.
        headers = {
            **EVENT_STREAM,
            JOB: job.id,
            **replayed(created),
            **({SANDBOX: "true"} if front.settings.sandbox else {}),
        }
        return Answer(headers=headers, frames=Story(front, caller, job, ask, name).frames())


def _inputs(received: form.Form) -> list[Input]:
    """Return the pictures of a form by what they are for; a mask lies on the first."""
    images = received.pictures["image"]
    if not images:
        raise missing("image")
    by_role: tuple[tuple[InputRole, list[Asset]], ...] = (
        ("source", images[:1]),
        ("reference", images[1:]),
        ("mask", received.pictures.get("mask", [])),
    )
    return [Input(role=role, asset_id=asset.id) for role, assets in by_role for asset in assets]
