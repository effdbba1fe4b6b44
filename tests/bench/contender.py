"""Who is compared: our gateway, three peers and the floor, each on the same upstream, each asked in its own words."""

import contextlib
import json
import sys
from base64 import b64decode
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from tests.bench import install
from tests.bench.child import Child, ChildError, Cores, call, get
from tests.bench.load import Request
from tests.bench.picture import side_of
from tests.bench.stub import prefix
from tests.harness import free_port

ROOT = Path(__file__).parents[2]
PROMPT = "a shiba in space"


class Cell(Struct, frozen=True):
    """One thing to measure: pictures of so many bytes, an upstream that takes so long, so many callers at once."""

    bytes: int
    delay_ms: int
    callers: int

    @property
    def name(self) -> str:
        """Its name in the tables."""
        size = f"{self.bytes // 1_000_000} MB" if self.bytes >= 1_000_000 else f"{self.bytes // 1000} KB"
        return f"{size}, {f'{self.delay_ms} ms' if self.delay_ms else 'instant'}, {self.callers}"

    @property
    def least_bytes(self) -> int:
        """The least that an answer with the picture in it has."""
        return side_of(self.bytes) ** 2 * 3 * 4 // 3


class Command(Struct, frozen=True):
    """How a contender is started, and where it says that it is there."""

    args: list[str]
    ready: str
    env: dict[str, str] = {}
    cwd: Path | None = None


class Contender(Protocol):
    """Somebody who is measured."""

    name: str

    def install(self, cache: Path) -> str:
        """Make it available; return its version, or raise `NotInstallableError`."""

    def command(self, port: int, upstream: int, folder: Path, cells: list[Cell]) -> Command:
        """Write its settings into a folder; return how it is started."""

    def request(self, port: int, upstream: int, cell: Cell) -> Request:
        """Return what a caller sends."""


class Server(Struct):
    """A contender that runs."""

    contender: Contender
    child: Child
    port: int
    ready_s: float


@contextlib.contextmanager
def running(
    contender: Contender, upstream: int, folder: Path, cells: list[Cell], cores: Cores, *, fresh: bool = True
) -> Iterator[Server]:
    """Start a contender on its core, wait until it is there, and end it afterwards."""
    folder.mkdir(parents=True, exist_ok=not fresh)
    port = free_port()
    command = contender.command(port, upstream, folder, cells)
    log = folder / "log"
    with Child(command.args, core=cores.measured, log=log, env=command.env, cwd=command.cwd or folder) as child:
        ready_s = child.until(lambda: get(port, command.ready)[0] == 200, contender.name)
        yield Server(contender, child, port, ready_s)


def check(server: Server, upstream: int, cell: Cell) -> None:
    """Raise unless an answer has the whole picture in it."""
    asked = server.contender.request(server.port, upstream, cell)
    headers = {**asked.headers, "Content-Type": "application/json"}
    status, body = call(server.port, "POST", urlsplit(asked.url).path, asked.body, headers)
    found = json.loads(body) if status == asked.status else {}
    pictures = [each.get("b64_json") or each.get("data") for each in found.get("data") or found.get("outputs") or ()]
    data = b64decode(pictures[0] or "", validate=True) if pictures else b""
    if not data.startswith(b"\x89PNG") or not data.endswith(b"IEND\xaeB`\x82") or len(data) < cell.least_bytes * 3 // 4:
        msg = f"{server.contender.name} answers {status} without the picture: {body[:300]!r}"
        raise ChildError(msg)


def openai(base: str, cell: Cell, headers: Mapping[str, str] = {}, model: str = "gpt-image-1") -> Request:
    """Return a request in OpenAI's words."""
    body = {"model": model, "prompt": PROMPT, "n": 1, "size": "1024x1024"}
    url = f"{base}/v1/images/generations"
    return Request(url, dict(headers), json.dumps(body).encode(), cell.least_bytes)


class Triptych:
    """Our gateway, with an ima2 upstream."""

    name = "triptych"

    def install(self, cache: Path) -> str:
        """Nothing to do."""
        del cache
        from gateway.version import VERSION  # noqa: PLC0415

        return VERSION

    def command(self, port: int, upstream: int, folder: Path, cells: list[Cell]) -> Command:
        """Write one backend for each kind of picture."""
        backends = {
            _backend(cell): {
                "dialect": "ima2",
                "base_url": f"http://127.0.0.1:{upstream}/{prefix(cell.bytes, cell.delay_ms)}",
                "max_concurrency": 64,
            }
            for cell in cells
        }
        return serve(port, folder, {"backends": backends})

    def request(self, port: int, upstream: int, cell: Cell) -> Request:
        """Create a job, wait for it, take the picture inline."""
        del upstream
        return job(port, f"{_backend(cell)}/gpt-5.4", side_of(cell.bytes), least_bytes=cell.least_bytes)


def serve(port: int, folder: Path, settings: Mapping[str, Any]) -> Command:
    """Write our settings; return how we are started."""
    config = folder / "triptych.toml"
    config.write_bytes(msgspec.toml.encode(settings))
    options = ["--no-sandbox", "--config", str(config), "--data-dir", str(folder / "data"), "--port", str(port)]
    return Command([sys.executable, "-m", "gateway", "serve", *options], "/readyz", cwd=ROOT)


def job(port: int, model: str, side: int, *, wait: bool = True, least_bytes: int = 0) -> Request:
    """Return a request for one of our jobs."""
    body: dict[str, Any] = {"operation": "image.generate", "prompt": PROMPT, "model": model}
    body["size"] = {"width": side, "height": side}
    url = f"http://127.0.0.1:{port}/v1/jobs"
    if not wait:
        return Request(url, {}, json.dumps(body).encode(), status=202)
    body["output"] = {"delivery": "inline"}
    return Request(url, {"Prefer": "wait=30"}, json.dumps(body).encode(), least_bytes)


def ready(server: Server) -> None:
    """Wait until all of our backends are."""

    def all_ready() -> bool:
        status, body = get(server.port, "/readyz")
        return status == 200 and all(each["ready_accounts"] for each in json.loads(body)["backends"].values())

    server.child.until(all_ready, "a backend")


def _backend(cell: Cell) -> str:
    return f"b{prefix(cell.bytes, cell.delay_ms)}"


class LiteLlm:
    """LiteLLM's proxy, with what its documentation advises for production."""

    name = "litellm"
    requirement = "litellm[proxy]==1.106.2"

    def install(self, cache: Path) -> str:
        """Install it."""
        self._programs = install.python(cache, self.name, self.requirement)
        return install.version_of(self._programs, "litellm")

    def command(self, port: int, upstream: int, folder: Path, cells: list[Cell]) -> Command:
        """Write one model for each kind of picture."""
        models = [
            {
                "model_name": _backend(cell),
                "litellm_params": {
                    "model": "openai/gpt-image-1",
                    "api_base": f"http://127.0.0.1:{upstream}/{prefix(cell.bytes, cell.delay_ms)}/v1",
                    "api_key": "sk-stub",
                },
                "model_info": {"mode": "image_generation"},
            }
            for cell in dict.fromkeys(Cell(each.bytes, each.delay_ms, 0) for each in cells)
        ]
        config = folder / "litellm.yaml"
        # JSON is YAML.
        settings = {"model_list": models, "general_settings": {"master_key": "sk-bench"}}
        config.write_text(json.dumps({**settings, "litellm_settings": {"set_verbose": False}}))
        env = {"LITELLM_MODE": "PRODUCTION", "LITELLM_LOG": "ERROR", "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
        options = ["--config", str(config), "--host", "127.0.0.1", "--port", str(port)]
        return Command([str(self._programs / "litellm"), *options], "/health/liveliness", env)

    def request(self, port: int, upstream: int, cell: Cell) -> Request:
        """Ask with the master key."""
        del upstream
        headers = {"Authorization": "Bearer sk-bench"}
        return openai(f"http://127.0.0.1:{port}", cell, headers, model=_backend(cell))
