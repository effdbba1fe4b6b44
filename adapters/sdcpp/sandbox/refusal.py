"""Native refusals of a request, each by the token that forces it; nothing is inserted (wire §3, §7, §8)."""

from typing import Literal

from msgspec import Struct

from adapters.sdcpp.sandbox import stack
from adapters.sdcpp.sandbox.binding import CANNOT_BIND, TOO_FEW
from adapters.sdcpp.sandbox.fault import PageError, RefusalError

NO_KEY = "Missing API key. Use Authorization: Bearer <API_KEY> or X-Api-Key: <API_KEY> header"
NO_DEFAULT = (
    "No model specified and no default model configured. Please specify a model ID or configure a default model."
)
NO_BODY = "Cannot read properties of undefined (reading 'prompt')"
NO_BODY_SYNC = "Cannot destructure property 'prompt' of 'req.body' as it is undefined."
IMAGE_REQUIRED = "Image file is required"
CONVERSION = "Failed to convert image to PNG: Input buffer has corrupt header: webp: unable to parse image"
CANNOT_CANCEL = "Job not found or cannot be cancelled"


class Native(Struct, frozen=True, kw_only=True):
    """One refusal: JSON, or Express's HTML page with a stack."""

    status: int
    error: str
    shape: Literal["json", "html"] = "json"
    detail: str | None = None
    message: str | None = None
    stack: tuple[str, ...] = ()
    meaning: str

    def fault(self) -> RefusalError | PageError:
        """Return it as what a handler raises."""
        if self.shape == "html":
            return PageError(self.status, self.error, self.stack)
        more = {"detail": self.detail, "message": self.message}
        return RefusalError(self.status, self.error, **{name: value for name, value in more.items() if value})


REFUSALS: dict[str, Native] = {
    "missing_prompt": Native(status=400, error="Missing required field: prompt", meaning="400: the prompt is missing."),
    "missing_model": Native(status=400, error="Missing required field: model", meaning="400: the model is missing."),
    "image_required": Native(status=400, error=IMAGE_REQUIRED, meaning="400: the input picture is missing."),
    "invalid_model": Native(
        status=400,
        error="Invalid model: nope",
        detail="Model 'nope' not found in configuration. Available models: z-image-turbo, qwen-image",
        meaning="400 with a detail: the sync routes do not know the model.",
    ),
    "bad_request": Native(status=400, error="Bad Request", meaning="400: the seed's general word for bad parameters."),
    "no_default_model": Native(
        status=500, error=NO_DEFAULT, meaning="500: no model was named and none is the default (code)."
    ),
    "unauthorized": Native(status=401, error="Unauthorized", message=NO_KEY, meaning="401: no key was sent."),
    "forbidden": Native(status=403, error="Forbidden", message="Invalid API key", meaning="403: the key is wrong."),
    "not_found": Native(status=404, error="Not found", meaning="404: the route does not exist."),
    "cannot_cancel": Native(
        status=404, error=CANNOT_CANCEL, meaning="404: DELETE of the job says that it cannot be cancelled."
    ),
    "storage_error": Native(
        status=500,
        error="SQLITE_BUSY: database is locked",
        meaning="500: the database is locked, nothing is inserted (wire §8, text from SQLite).",
    ),
    "convert_failed": Native(status=500, error=CONVERSION, meaning="500: the uploaded webp picture is broken."),
    "cannot_bind": Native(status=500, error=CANNOT_BIND, meaning="500: a stored field holds a boolean."),
    "too_few_values": Native(status=500, error=TOO_FEW, meaning="500: a stored field holds an object."),
    "body_undefined": Native(status=500, error=NO_BODY, meaning="500: the request has no body."),
    "generation_timeout": Native(
        status=500,
        error="Generation timeout",
        meaning="500: a sync route has waited its hour; the job was accepted and goes on. Queue routes ignore it.",
    ),
    "broken_body": Native(
        status=400,
        shape="html",
        error="SyntaxError: Expected property name or '}' in JSON at position 1",
        stack=stack.BROKEN_JSON,
        meaning="400 as an HTML page: the body is broken JSON.",
    ),
    "body_too_large": Native(
        status=413,
        shape="html",
        error="PayloadTooLargeError: request entity too large",
        stack=stack.TOO_LARGE,
        meaning="413 as an HTML page: the body is over 50 MB.",
    ),
    "file_too_large": Native(
        status=500,
        shape="html",
        error="MulterError: File too large",
        stack=stack.FILE_TOO_LARGE,
        meaning="500 as an HTML page: an uploaded file is over 50 MB.",
    ),
    "only_images": Native(
        status=500,
        shape="html",
        error="Error: Only image files are allowed",
        stack=stack.ONLY_IMAGES,
        meaning="500 as an HTML page: an uploaded file is no png, jpeg or webp by name and type.",
    ),
    "unexpected_field": Native(
        status=500,
        shape="html",
        error="MulterError: Unexpected file field",
        stack=stack.UNEXPECTED_FIELD,
        meaning="500 as an HTML page: a file came in a field that takes none.",
    ),
}
