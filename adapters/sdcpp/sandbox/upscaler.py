"""The upscalers of `/sdapi/v1/extra-*`, which work at once and outside the queue (wire §7.8)."""

import asyncio
import io
from typing import Any

import pybase64
from aiohttp import web
from PIL import Image

from adapters.kit.emulator import json_response
from adapters.kit.render import upscale
from adapters.sdcpp.sandbox.auth import check, demanded_key
from adapters.sdcpp.sandbox.binding import either, parse_float, parse_int
from adapters.sdcpp.sandbox.body import BODY
from adapters.sdcpp.sandbox.draft import fields_of
from adapters.sdcpp.sandbox.express import Express
from adapters.sdcpp.sandbox.fault import HandlerError, RefusalError
from adapters.sdcpp.sandbox.picture import MAX_PIXELS, UPSCALE_FACTOR
from adapters.sdcpp.sandbox.studio import Studio
from adapters.sdcpp.sandbox.upload import received

ESRGAN = "RealESRGAN 4x+"
LANCZOS = "Lanczos"
#: The second one is recorded; how an installed RealESRGAN is listed is known from the code alone.
UPSCALERS: list[dict[str, Any]] = [
    {
        "id": "realesrgan-x4plus",
        "name": ESRGAN,
        "description": "RealESRGAN x4plus",
        "model_name": "RealESRGAN",
        "model_path": "/srv/app/models/RealESRGAN_x4plus.pth",
        "model_url": None,
        "scale": 4,
        "type": "esrgan",
        "method": None,
    },
    {
        "id": "resize-lanczos",
        "name": LANCZOS,
        "description": "plain resize",
        "model_name": "Resize",
        "model_path": None,
        "model_url": None,
        "scale": 1,
        "type": "resize",
        "method": "lanczos",
    },
]
NO_BODY = "Cannot destructure property 'image' of 'req.body' as it is undefined."
NO_BODY_BATCH = "Cannot destructure property 'imageList' of 'req.body' as it is undefined."
#: The form's field names, and what they are called in JSON.
FORM = {
    "resize_mode": "resize_mode",
    "upscale_factor": "upscaling_resize",
    "upscaler": "upscaler_1",
    "target_width": "upscaling_resize_w",
    "target_height": "upscaling_resize_h",
}


class UpscalerRoutes:
    """`/sdapi/v1/upscalers` and the two routes that use them."""

    def __init__(self, studio: Studio) -> None:
        """Take the server."""
        self._studio = studio

    def register(self, app: web.Application, express: Express) -> None:
        """Add the routes; the single one reads its upload before it asks for a key (wire §2)."""
        app.router.add_get("/sdapi/v1/upscalers", express.guarded(self.listed))
        app.router.add_post("/sdapi/v1/extra-single-image", self.single)
        app.router.add_post("/sdapi/v1/extra-batch-images", express.guarded(self.batch))

    async def listed(self, _request: web.Request) -> web.StreamResponse:
        """List the upscalers that are installed."""
        return json_response(UPSCALERS)

    async def single(self, request: web.Request) -> web.StreamResponse:
        """Enlarge one picture: base64 in JSON, or a file in a form with other field names."""
        upload = await received(request, takes=("image",))
        check(request, demanded_key(request, self._studio.api_key))
        file = upload.files.get("image")
        if file is not None:
            options = {name: upload.fields[field] for field, name in FORM.items() if field in upload.fields}
            data = file.data
        else:
            options = fields_of(upload.fields, complaint=NO_BODY)
            if not options.get("image"):
                raise RefusalError(400, "Missing required field: image")
            data = decoded(options["image"])
        result = await asyncio.to_thread(enlarged, data, options)
        info = f"<div>Upscaled with {either(options.get('upscaler_1'), ESRGAN)}</div>"
        return json_response({"image": pybase64.b64encode_as_string(result), "html_info": info})

    async def batch(self, request: web.Request) -> web.StreamResponse:
        """Enlarge several pictures; those that cannot be are dropped without a word."""
        options = fields_of(request[BODY], complaint=NO_BODY_BATCH)
        pictures = options.get("imageList")
        if not isinstance(pictures, list) or not pictures:
            raise RefusalError(400, "Missing required field: imageList (array)")
        results = []
        for each in pictures:
            try:
                data = decoded(each.get("data") if isinstance(each, dict) else None)
                results.append(pybase64.b64encode_as_string(await asyncio.to_thread(enlarged, data, options)))
            except HandlerError:
                continue
        name = either(options.get("upscaler_1"), ESRGAN)
        return json_response({"images": results, "html_info": f"<div>Upscaled {len(results)} images with {name}</div>"})


def decoded(text: Any) -> bytes:
    """Return the bytes of base64, with or without the head of a data URL."""
    if not isinstance(text, str):
        raise HandlerError("Invalid image input: must be Buffer or base64 string")
    return pybase64.b64decode(text.rpartition("base64,")[2], altchars=None, validate=False)


def enlarged(data: bytes, options: dict[str, Any]) -> bytes:
    """Return the picture enlarged by the options' upscaler; raise `HandlerError`. Call it in a thread."""
    name = either(options.get("upscaler_1"), ESRGAN)
    if name not in (ESRGAN, LANCZOS):
        raise HandlerError(f"Upscaler not found: {name}")
    try:
        with Image.open(io.BytesIO(data)) as image:
            if name == ESRGAN:
                return upscale(data, factor=UPSCALE_FACTOR)
            return _resized(image, options)
    except (OSError, ValueError):
        raise HandlerError("Input buffer contains unsupported image format") from None


def _resized(image: Image.Image, options: dict[str, Any]) -> bytes:
    if parse_int(options.get("resize_mode", 0)) == 1:
        width = parse_int(options.get("upscaling_resize_w", 512)) or 512
        height = parse_int(options.get("upscaling_resize_h", 512)) or 512
    else:
        factor = either(parse_float(options.get("upscaling_resize", 2.0)), 2.0)
        width, height = round(image.width * factor), round(image.height * factor)
    if not 0 < width * height <= MAX_PIXELS or width < 1:
        raise HandlerError("Expected positive integer for width and height")
    stored = io.BytesIO()
    image.resize((width, height), Image.Resampling.LANCZOS).save(stored, format="PNG")
    return stored.getvalue()
