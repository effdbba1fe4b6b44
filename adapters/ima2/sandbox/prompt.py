"""`POST /api/prompt-builder/chat` of NEW: talks a wish into a prompt (wire §11; documented, not measured)."""

from typing import Any

from aiohttp import web

from adapters.ima2.sandbox import page
from adapters.ima2.sandbox.failure import check
from adapters.ima2.sandbox.server import Server
from adapters.ima2.sandbox.session import body_of, told
from adapters.kit.scenario import without_tokens

#: `auto` takes the first that is ready (wire §11 by way of the newest docs).
_BACKENDS = ("oauth", "grok", "api")
#: It is told to answer in sections; the prompt is one of them.
_TEXT = "Brief Intent Summary:\n{}\n\nFinal Prompt - English:\n{}\n\nNotes:\n- Name the medium for another look."
_MODELS = {"oauth": "gpt-5.4-mini", "api": "gpt-5.4-mini", "grok": "grok-4.3"}


class PromptBuilder:
    """The route."""

    def __init__(self, server: Server) -> None:
        """Take the server."""
        self._server = server

    def routes(self) -> list[web.RouteDef]:
        """Return the route."""
        return [web.post("/api/prompt-builder/chat", told(self._chat))]

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        body = body_of(request)
        messages = body.get("messages")
        if not isinstance(messages, list) or not messages or not all(_is_message(each) for each in messages):
            raise check("PROMPT_BUILDER_BAD_MESSAGES", "messages must be an array")
        if not messages[-1]["content"].strip():
            raise check("PROMPT_BUILDER_EMPTY_MESSAGE", "message content is required")
        requested = body.get("backend", "auto")
        if requested != "auto" and requested not in _BACKENDS:
            raise check("PROMPT_BUILDER_BAD_BACKEND", f"backend must be one of: auto, {', '.join(_BACKENDS)}")
        backend = _BACKENDS[0] if requested == "auto" else requested
        asked = without_tokens(str(messages[-1]["content"])).strip()
        text = _TEXT.format(asked, f"{asked}, with a clear subject, one source of light, and a composed frame")
        count = {"input_tokens": 20 + len(asked.split()), "output_tokens": len(text.split())}
        answer: dict[str, Any] = {
            "provider": backend,
            "backend": backend,
            "requestedBackend": requested,
            "model": body.get("model") or _MODELS[backend],
            "message": {"role": "assistant", "content": text},
            "usage": {**count, "total_tokens": sum(count.values())},
        }
        return page.json_answer(answer)


def _is_message(value: Any) -> bool:
    known = isinstance(value, dict) and value.get("role") in ("user", "assistant")
    return known and isinstance(value.get("content"), str)
