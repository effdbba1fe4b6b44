"""The layer for clients of SD.next and A1111, `/sdapi/v1` (wire §7.8): pictures from words.

Unlike Studio's, width and height are honoured, and a model that is not there is refused instead of replaced.
"""

from collections.abc import Mapping
from typing import Any

import msgspec
import pybase64
from msgspec import Raw, structs

from adapters.kit.express import SANDBOX, read, said
from adapters.kit.repeated import replayed
from adapters.sdcpp.face import model
from adapters.sdcpp.face.asked import Terms, fields_of, number, read_terms, text, whole, word
from adapters.sdcpp.face.failure import Refused
from adapters.sdcpp.face.front import Ask, Front
from adapters.sdcpp.face.ids import to_uuid
from adapters.sdcpp.face.profile import UPSCALE_FACTOR, UPSCALER
from adapters.sdcpp.face.row import pictures, row
from adapters.sdcpp.face.status import iso
from contracts.caller import Caller
from contracts.catalog import CatalogError
from contracts.face import Answer, Call, FaceRoute
from contracts.job import Job

#: Every sampler with its other names; the list of schedulers is the same one ([R:sdapi]).
_SAMPLERS: dict[str, tuple[str, ...]] = {
    "Euler": ("euler",),
    "Euler a": ("euler_a", "Euler Ancestral"),
    "DDIM": ("ddim",),
    "PLMS": ("plms",),
    "DPM++ 2M": ("dpmpp_2m", "DPM++ 2M Karras"),
    "DPM++ 2S a": ("dpmpp_2s_a", "DPM++ 2S Ancestral", "DPM++ 2S Ancestral Karras"),
    "DPM++ SDE": ("dpmpp_sde", "DPM++ SDE Karras"),
    "DPM Fast": ("dpm_fast",),
    "DPM Adaptive": ("dpm_adaptive",),
    "LCM": ("lcm",),
    "TCD": ("tcd",),
    "Heun": ("heun",),
    "DPM2": ("dpm2",),
    "DPM2 a": ("dpm2_a", "DPM2 Ancestral"),
    "UniPC": ("unipc",),
    "LMS": ("lms",),
    "LMS Karras": ("lms_karras",),
}
_SIDE = 1024
_NO_PICTURE: dict[str, Any] = {"current_image": None, "textinfo": None}
#: Second passes, masks and scripts: what of A1111's request Studio would not do either, or only by itself.
_UNSERVED = ("enable_hr", "init_images", "script_name")


class Sdapi:
    """The routes."""

    def __init__(self, front: Front) -> None:
        """Take what all routes share."""
        self._front = front

    def routes(self) -> list[FaceRoute]:
        """Return the routes."""
        found = {
            "samplers": self._samplers,
            "schedulers": self._samplers,
            "sd-models": self._models,
            "options": self._options,
            "progress": self._progress,
            "upscalers": self._upscalers,
        }
        return [
            *(FaceRoute(method="GET", template=f"/sdapi/v1/{name}", answer=each) for name, each in found.items()),
            FaceRoute(method="POST", template="/sdapi/v1/options", answer=self._set_options),
            FaceRoute(method="POST", template="/sdapi/v1/interrupt", answer=self._interrupt),
            FaceRoute(method="POST", template="/sdapi/v1/txt2img", answer=self._txt2img, makes_jobs=True),
        ]

    async def _samplers(self, call: Call, _caller: Caller) -> Answer:
        return read(call, [{"name": name, "aliases": each, "options": {}} for name, each in _SAMPLERS.items()])

    async def _models(self, call: Call, caller: Caller) -> Answer:
        nothing = {"filename": "", "type": "safetensors", "hash": None, "sha256": None, "config": None}
        known = self._offered(caller)
        return read(call, [{"title": each.name, "model_name": each.id, **nothing} for each in known])

    async def _upscalers(self, call: Call, caller: Caller) -> Answer:
        if not model.can(self._front.desk.catalogue, caller, "image.upscale"):
            return read(call, [])
        only = {
            "id": "realesrgan-x4plus",
            "name": UPSCALER,
            "description": f"{UPSCALE_FACTOR} times as wide and high",
            "model_name": UPSCALER,
            "model_path": None,
            "model_url": None,
            "scale": UPSCALE_FACTOR,
            "type": "upscaler",
            "method": None,
        }
        return read(call, [only])

    async def _options(self, call: Call, caller: Caller) -> Answer:
        default = model.default_of(self._offered(caller), "image.generate")
        return read(call, {"sd_model_checkpoint": None if default is None else default.name, "sd_vae": None})

    async def _set_options(self, call: Call, caller: Caller) -> Answer:
        """Agree to the checkpoint that is chosen already; another would be chosen for everybody, and for ever."""
        wanted = word(fields_of(call), "sd_model_checkpoint")
        if wanted is None:
            return said({"updated": []})
        models = self._offered(caller)
        named = [each for each in models if wanted.lower() in (each.id.lower(), each.name.lower())]
        if not named:
            names = ", ".join(each.name for each in models)
            raise Refused(
                f"Model not found: {wanted}", code="request.model_unknown", detail=f"Available models: {names}"
            )
        if named[0] != model.default_of(models, "image.generate"):
            raise Refused(
                "The checkpoint of all callers cannot be changed here",
                code="request.option_unsupported",
                detail="Send override_settings.sd_model_checkpoint with each request.",
            )
        return said({"updated": [{"sd_model_checkpoint": True}]})

    async def _progress(self, call: Call, caller: Caller) -> Answer:
        """Show the newest job of the team that is being worked on; `job_count` counts those that wait."""
        front = self._front
        working = await front.jobs(caller, states=("running",), limit=1)
        progress: float = 0
        state = {"job_count": 0}
        if working:
            stats = await front.stats(caller)
            progress = row(working[0], {}, front.profile)["progress"]
            state = {"job_count": stats["pending"], "job_no": stats["processing"]}
        return read(call, {"progress": progress, "eta_relative": None, "state": state, **_NO_PICTURE})

    async def _interrupt(self, _call: Call, caller: Caller) -> Answer:
        """Cancel the newest job of the team that is being worked on."""
        for job in await self._front.jobs(caller, states=("running",), limit=1):
            try:
                await self._front.desk.jobs.cancel(caller, job.id, wait_s=0)
            except CatalogError as error:
                if error.code != "resource.state_conflict":
                    raise
        return said({"success": True})

    async def _txt2img(self, call: Call, caller: Caller) -> Answer:
        fields = fields_of(call)
        if not caller.may("assets:read"):
            raise CatalogError("auth.forbidden", "This key lacks the scope assets:read.", reason="assets:read")
        unserved = next((name for name in _UNSERVED if fields.get(name)), None)
        if unserved is not None:
            raise Refused(f"{unserved} is not served here", code="request.option_unsupported")
        ask = Ask(route=call.path, operation="image.generate", terms=self._terms(fields), waits=True)
        created = await self._front.ended(call, caller, ask)
        job = created.job
        body = {
            "images": await self._images(caller, job),
            "parameters": {
                "id": to_uuid(job.id),
                "type": "generate",
                **_order(job, ask.terms),
                "status": "pending",
                "created_at": iso(job.created_at.timestamp()),
            },
            "info": msgspec.json.encode(_info(job, ask.terms)).decode(),
        }
        return said(body, headers={**({SANDBOX: "true"} if job.sandbox else {}), **replayed(created)})

    def _terms(self, fields: dict[str, Any]) -> Terms:
        """Return what A1111's names ask for."""
        if text(fields, "prompt") is None:
            raise Refused("Missing required field: prompt")
        sampler = word(fields, "sampler_name")
        width, height = whole(fields, "width"), whole(fields, "height")
        named = {
            **{name: fields.get(name) for name in ("prompt", "negative_prompt", "seed", "cfg_scale")},
            "n": fields.get("n") or (whole(fields, "batch_size") or 1) * (whole(fields, "n_iter") or 1),
            "sample_steps": fields.get("steps"),
            "sampling_method": None if sampler is None else _native(sampler),
            "size": None if width is None and height is None else f"{width or _SIDE}x{height or _SIDE}",
            "clip_skip": number(fields, "clip_skip"),
        }
        terms = read_terms(named, self._front.profile)
        overridden = fields.get("override_settings")
        settings: Mapping[str, Any] = overridden if isinstance(overridden, dict) else {}
        checkpoint = word(settings, "sd_model_checkpoint") or word(fields, "sd_model_checkpoint")
        return structs.replace(terms, model=checkpoint)

    async def _images(self, caller: Caller, job: Job) -> list[Raw]:
        """Return the pictures in base64, each read from its file and written into the answer as it is."""
        assets, found = self._front.desk.assets, []
        for output in pictures(job):
            content = await assets.content(await assets.get(caller, output.asset_id), thumbnail=None)
            base64 = pybase64.b64encode(await assets.read(content.path, 0, content.length))
            found.append(Raw(b'"%b"' % base64))
        return found

    def _offered(self, caller: Caller) -> list[model.Offered]:
        found = model.offered(self._front.desk.catalogue, caller)
        return [each for each in found if "image.generate" in each.operations]


def _native(sampler: str) -> str:
    """Return a sampler by the first of its other names, which is stable-diffusion.cpp's own."""
    wanted = sampler.lower()
    for name, others in _SAMPLERS.items():
        if wanted in (name.lower(), *(each.lower() for each in others)):
            return others[0]
    raise Refused(f"sampler_name must be one of: {', '.join(_SAMPLERS)}")


def _order(job: Job, terms: Terms) -> dict[str, Any]:
    made = pictures(job)[0]
    return {
        "model": model.bare(job.model or ""),
        "prompt": terms.prompt or "",
        "negative_prompt": terms.negative_prompt or "",
        "width": made.width,
        "height": made.height,
        **{name: terms.options[name] for name in ("sample_steps", "cfg_scale", "sampling_method")
           if name in terms.options},
        "seed": -1 if terms.seed is None else terms.seed,
        "n": terms.n,
    }  # fmt: skip


def _info(job: Job, terms: Terms) -> dict[str, Any]:
    names = {"sample_steps": "steps", "sampling_method": "sampler_name"}
    order = {names.get(name, name): value for name, value in _order(job, terms).items() if name != "n"}
    return {**order, "hr": None}
