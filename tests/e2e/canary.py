"""Canaries: words that occur nowhere else, a backend that puts them into all it says, and a gateway that crashes.

`python -m tests.e2e.canary serve …` is the real program, but for two places where it raises what it was sent.
"""

import json
import threading
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx

#: What belongs to its owner, and may be stored for it and shown to it.
OWN = ("prompt", "negative", "tag", "client_ref", "idempotency")
#: What belongs to nobody who asks the gateway.
OTHERS = (
    *("backend_key", "cookie", "basic", "wrong_key", "query", "filename", "traceparent", "user_agent", "referer"),
    *("field", "path", "picture", "body", "native_text", "native_code", "native_header", "native_host", "raw"),
)


class Canaries:
    """One word of each kind, made anew."""

    def __init__(self) -> None:
        """Make them."""
        self.words = {name: f"canary{uuid4().hex}" for name in (*OWN, *OTHERS)}

    def __getitem__(self, name: str) -> str:
        """Return a word."""
        return self.words[name]

    def found(self, data: bytes | str, names: Iterable[str] = (*OWN, *OTHERS)) -> list[str]:
        """Return which of them occur, whatever case they are written in."""
        text = (data.encode() if isinstance(data, str) else data).lower()
        return [name for name in names if self.words[name].encode() in text]


def answers(words: Canaries) -> dict[str, tuple[int, str, bytes]]:
    """Return what a rude backend says to a picture wish: status, media type and body, a canary in each."""
    text, code = words["native_text"], words["native_code"]
    page = f"<html><title>{text}</title><body>/srv/{text}/server.js at {code}</body></html>".encode()
    plain: dict[str, tuple[int, Any]] = {
        "flat500": (500, {"error": f"cannot paint {text}", "code": f"odd code {code}"}),
        "nested500": (500, {"error": {"message": text, "code": f"{code}/{code}", "type": f"a {code}"}}),
        "flat400": (400, {"error": text, "code": "INVALID_REQUEST", "upstreamParam": f"{code} {text}"}),
        "refusal": (422, {"error": f"{text} is not allowed", "code": "SAFETY_REFUSAL", "categories": [f"{code} "]}),
        "key": (401, {"error": f"the key {text} is wrong", "code": "AUTH_API_KEY_INVALID"}),
        "limit": (429, {"error": text, "code": "GROK_RATE_LIMITED", "host": code}),
        "empty200": (200, {"image": f"data:image/png;base64,{text}", "requestId": code, "filename": f"../{text}"}),
        "shape200": (200, {"image": 7, "images": text, "warnings": code}),
    }
    said = {name: (status, "application/json", json.dumps(body).encode()) for name, (status, body) in plain.items()}
    return {**said, "page502": (502, "text/html", page), "text500": (500, "text/plain", f"panic: {text}".encode())}


@contextmanager
def rude_backend(upstream: str, words: Canaries) -> Iterator[str]:
    """Stand before an ima2 sandbox; a prompt with `((name))` is answered as that name says. Yield the address."""
    said = answers(words)
    forward = httpx.Client(base_url=upstream, timeout=60, trust_env=False)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            asked = json.loads(body).get("prompt", "") if self.path == "/api/generate" else ""
            name = next((each for each in said if f"(({each}))" in asked), None)
            if name is not None:
                status, media_type, content = said[name]
            else:
                answer = forward.request(self.command, self.path, content=body, headers=dict(self.headers.items()))
                status, media_type, content = (
                    answer.status_code,
                    answer.headers.get("content-type", "text/plain"),
                    answer.content,
                )
            self.send_response(status, None if name is None else words["native_text"])
            self.send_header("Content-Type", media_type)
            self.send_header("Content-Length", str(len(content)))
            for header in ("Set-Cookie", "X-Request-Id", "Server-Timing"):
                self.send_header(header, f"a={words['native_header']}")
            self.send_header("Location", f"http://{words['native_host']}.example/")
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_DELETE = _answer  # noqa: N815 - the names that the library calls

        def log_message(self, *_args: object) -> None:
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_args: object) -> None:
            """Say nothing of callers that hung up."""

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        forward.close()


def kept(data_dir: Path) -> Iterator[tuple[str, bytes]]:
    """Yield the name and content of everything that a gateway keeps, pictures apart."""
    for file in data_dir.rglob("*"):
        if file.is_file():
            name = str(file.relative_to(data_dir))
            yield name, name.encode() + (b"" if name.startswith(("assets", "thumbnails")) else file.read_bytes())


def crash() -> None:
    """Run the real program, which raises what it was asked when it is asked so."""
    from adapters.ima2.adapter import Ima2  # noqa: PLC0415
    from gateway.cli import main  # noqa: PLC0415
    from gateway.jobs.service import JobService  # noqa: PLC0415

    explain: Callable[..., Awaitable[Any]] = JobService.explain
    submit: Callable[..., Awaitable[Any]] = Ima2.submit

    async def explained(jobs: JobService, caller: Any, asked: Any) -> Any:
        if "((crash at the door))" in asked.prompt:
            raise RuntimeError(asked.prompt, asked)
        return await explain(jobs, caller, asked)

    async def submitted(adapter: Ima2, handle: Any, order: Any, inputs: Any, emit: Any) -> Any:
        if "((crash in the engine))" in order.spec.prompt:
            raise RuntimeError(order.spec.prompt, order, inputs)
        return await submit(adapter, handle, order, inputs, emit)

    JobService.explain = explained  # type: ignore[assignment,method-assign]
    Ima2.submit = submitted  # type: ignore[assignment,method-assign]
    main()


if __name__ == "__main__":
    crash()
