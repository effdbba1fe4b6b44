"""The OpenAI-style routes under `/api/v1` (wire §7.4): their own envelope for errors, and the list without secrets."""

from collections.abc import Awaitable, Callable
from typing import Any

import pybase64
from aiohttp import web

from adapters.kit.emulator import Handler, json_response
from adapters.sdcpp.sandbox.binding import either, given
from adapters.sdcpp.sandbox.body import BODY
from adapters.sdcpp.sandbox.draft import awaited, checked, fields_of
from adapters.sdcpp.sandbox.express import Express
from adapters.sdcpp.sandbox.fault import HandlerError, RefusalError
from adapters.sdcpp.sandbox.model import DEFAULT, FILES, MODELS, PARAMETERS
from adapters.sdcpp.sandbox.outcome import submitting
from adapters.sdcpp.sandbox.queue_routes import inputs
from adapters.sdcpp.sandbox.refusal import NO_BODY_SYNC
from adapters.sdcpp.sandbox.studio import Studio
from adapters.sdcpp.sandbox.sync_routes import NO_SEED, wait
from adapters.sdcpp.sandbox.table import Entry
from adapters.sdcpp.sandbox.upload import Upload, received

KINDS = {"generations": "generate", "edits": "edit", "variations": "variation"}
WORDS = {"generate": "Generation", "edit": "Edit", "variation": "Variation"}


class OpenAIRoutes:
    """`/api/v1/images/*` and `GET /api/v1/models`."""

    def __init__(self, studio: Studio) -> None:
        """Take the server."""
        self._studio = studio

    def register(self, app: web.Application, express: Express) -> None:
        """Add the routes."""
        path = "/api/v1/images/{route:generations|edits|variations}"
        app.router.add_post(path, express.guarded(enveloped(self.serve)))
        app.router.add_get("/api/v1/models", express.guarded(self.models))

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Check, queue, wait, and answer with URLs or base64. The default model is the global one, also for edits."""
        kind = KINDS[request.match_info["route"]]
        upload = Upload(request[BODY], {}) if kind == "generate" else await received(request, takes=("image",))
        body = upload.fields
        forced = submitting(self._studio, request, body.get("prompt") if isinstance(body, dict) else None)
        fields = dict(fields_of(body, complaint=NO_BODY_SYNC))
        fields["model"] = either(fields.get("model"), DEFAULT)
        model = checked(kind, fields, has_image="image" in upload.files)
        seed = given(fields.get("seed"), NO_SEED)
        draft = awaited(kind, fields, model, default_size="1024x1024", seed=seed)
        if kind != "generate":
            draft |= await inputs(self._studio, upload)
        job_id = self._studio.submit(draft, forced)
        return await wait(
            self._studio,
            job_id,
            forced,
            wait_s=self._studio.profile.openai_wait_s,
            answer=self._answer(as_base64=fields.get("response_format") == "b64_json"),
            cancelled="Generation was cancelled" if kind == "generate" else None,
            what=WORDS[kind],
        )

    def _answer(self, *, as_base64: bool) -> Callable[[Entry, list[dict[str, Any]]], web.Response]:
        def answer(entry: Entry, images: list[dict[str, Any]]) -> web.Response:
            data = [
                {**self._where(image, as_base64=as_base64), "revised_prompt": image["revised_prompt"]}
                for image in images
            ]
            return json_response({"created": entry.row["created_at"] // 1000, "data": data})

        return answer

    def _where(self, image: dict[str, Any], *, as_base64: bool) -> dict[str, str]:
        if not as_base64:
            return {"url": f"/api/images/{image['id']}"}
        try:
            data = self._studio.image_path(image).read_bytes()
        except FileNotFoundError:
            raise HandlerError(f"ENOENT: no such file or directory, open '{image['file_path']}'") from None
        return {"b64_json": pybase64.b64encode_as_string(data)}

    async def models(self, _request: web.Request) -> web.StreamResponse:
        """List the models: the one list that shows no key."""
        created = int(self._studio.emulator.now() * 1000)
        states = {entry["id"]: entry for entry in self._studio.fleet.listed()}
        data = []
        for model in MODELS.values():
            params = model.generation_params or {}
            entry = {
                "id": model.id,
                "object": "model",
                "created": created,
                "name": model.name,
                "description": model.description,
                "quant": "unknown",
                "status": states[model.id]["status"],
                "architecture": model.architecture(),
                "context_length": None,
                "supported_parameters": PARAMETERS,
                "default_parameters": {
                    name: params.get(name) for name in ("cfg_scale", "sample_steps", "sampling_method")
                },
                "fileStatus": FILES,
            }
            data.append(entry)
        return json_response({"object": "list", "backend_settings": {}, "data": data})


def enveloped(handler: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> Handler:
    """Put a handler's complaints into OpenAI's envelope; the key check stands before it and keeps the plain one."""

    async def enveloped(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except RefusalError as error:
            kind = "server_error" if error.status >= 500 else "invalid_request_error"
            if "message" in error.more:
                raise
            # Only generations name the models that there are.
            more = error.more if request.path.endswith("/generations") else {}
            return json_response({"error": {"message": error.error, "type": kind, **more}}, status=error.status)
        except HandlerError as error:
            return json_response({"error": {"message": error.text, "type": "server_error"}}, status=500)

    return enveloped
