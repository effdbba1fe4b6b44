"""Replays recorded exchanges against a sandbox and compares status, headers, keys, types and constant values."""

import asyncio
import base64
import io
import json
import re
from pathlib import Path
from typing import Any

from aiohttp import FormData
from PIL import Image

RECORDINGS = Path(__file__).parents[4] / "adapters/sdcpp/recordings"
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
MODELS = {
    "fake-api": "qwen-image", "fake-edit": "qwen-image-edit", "fake-server": "flux-dev", "fake upstream": "qwen image",
}  # fmt: skip
#: What the recorder's upstream was told to do, and the sandbox's word for it.
TOKENS = {
    "500": "upstream_500", "400": "upstream_400", "401": "upstream_401", "429": "upstream_429", "503": "upstream_503",
    "html502": "upstream_502_html", "reset": "fetch_failed", "cut": "terminated", "empty": "no_images",
    "nodata": "no_images", "badjson": "bad_json", "url": "no_b64", "badb64": "junk_base64",
}  # fmt: skip
#: Values that differ from run to run; their types do not.
VOLATILE = re.compile(
    r"created(_at)?|(updated|started|completed)_at|startedAt|time(stamp)?|usageTimestamp|uptime|.*_ms|.*TimeMs|"
    r"generationTimeSec|pid|port|hostname|pending|processing|completed|failed|recentOutput|"
    r"name|title|model_name|modelId|sd_model_checkpoint|description|sdApiEndpoint|api|message"
)
#: Texts that depend on the configuration, and pictures.
OPAQUE = ("model", "b64_json", "image", "images", "api_key", "default_model", "text_to_image")
HEADERS = ("content-type", "cache-control", "accept-ranges", "content-security-policy", "x-content-type-options",
           "x-powered-by", "access-control-allow-origin")  # fmt: skip
#: Exchanges (by file) whose cause is not at hand: other models, a file removed, the moment before the next tick.
ELSEWHERE = {
    "queue_generate_lifecycle": {1},
    "queue_generate_validation": {28, 29},
    "generation_delete": {13, 14, 15, 16},
    "models": {0, 11, 20, 21, 22, 23},
    "openai_v1": {11},
    "logs": {0, 1},
    "queue_upstream_failures": {18},
    "queue_upscale": {0},
    "sdapi": {5, 23, 24, 25, 26, 27},
}
#: How many of the first requests had been made once before, when the recorder came.
EARLIER = {"queue_generate_lifecycle": 1}
#: Requests that were sent when the job before them was at work: of two that wait the newer one would go first.
WHILE_AT_WORK = {"cancel_pending": {1}}


class Replay:
    """Sends recorded requests again and compares the answers."""

    def __init__(self, client: Any, name: str) -> None:
        """Take where to send them, and which recording they are from."""
        self._client = client
        self.recording = json.loads((RECORDINGS / f"{name}.json").read_text())
        self._name = name
        self._skipped = ELSEWHERE.get(name, set())
        self._ids: dict[str, str] = {}
        self.models = dict(MODELS)

    async def run(self, *, speed: float) -> None:
        """Replay all exchanges in their order, with the pauses that were between them."""
        for exchange in self.recording["exchanges"][: EARLIER.get(self._name, 0)]:
            await self._client.until((await self._send(exchange["request"])).json["job_id"])
        last = None
        for place, exchange in enumerate(self.recording["exchanges"]):
            if place in self._skipped:
                continue
            if last is not None and exchange["at_ms"] - last > 500:
                await asyncio.sleep((exchange["at_ms"] - last) / 1000 / speed)
            if place in WHILE_AT_WORK.get(self._name, ()):
                await self._at_work()
            await self.exchange(exchange, f"#{place} {exchange.get('note') or ''}")
            last = exchange["at_ms"] + exchange["elapsed_ms"]

    async def _at_work(self) -> None:
        """Wait until the job that was sent last has been taken up."""
        *_, job_id = self._ids.values()
        await self._client.until(job_id, "processing", "completed")

    async def exchange(self, exchange: dict[str, Any], where: str) -> None:
        """Replay one: what is read may become what was recorded, what is written must be so at once."""
        request, recorded = exchange["request"], exchange["response"]
        await self._ripen(request, recorded)
        found = [f"{where}: no answer"]
        for _ in range(400 if request["method"] in ("GET", "HEAD") else 1):
            reply = await self._send(request)
            found = list(self._differences(recorded, reply, where))
            if not found:
                break
            await asyncio.sleep(0.005)
        assert not found, found

    async def outcomes(self) -> None:
        """Compare how each job ended with how it was recorded to end."""
        notes = {each.get("note"): each for each in self.recording["exchanges"]}
        for outcome in self.recording.get("outcomes", ()):
            case = outcome.get("case") or outcome.get("upstream_behaviour")
            job_id = outcome.get("job_id") or notes.get(case, {}).get("response", {}).get("json", {}).get("job_id")
            if job_id not in self._ids:
                continue
            row = await self._client.until(self._ids[job_id])
            final = {name: value for name, value in outcome.get("final", outcome).items() if name in row}
            # The default model is a local one here, whose steps are known.
            final.pop("sample_steps", None)
            found = list(self.compared(final, {name: row[name] for name in final}, case))
            assert not found, found

    async def _ripen(self, request: dict[str, Any], recorded: dict[str, Any]) -> None:
        """Wait until a job that was cancelled while it ran runs here as well."""
        job = recorded["json"].get("job") if isinstance(recorded.get("json"), dict) else None
        if request["method"] == "DELETE" and job and job["started_at"] is not None:
            await self._client.until(self._ids[job["id"]], "processing")
        if request["path"].endswith("cancel-all") and recorded["json"]["cancelled"]:
            await self._client.until(next(iter(self._ids.values())), "processing")

    async def _send(self, request: dict[str, Any]) -> Any:
        headers = {name: value for name, value in request["headers"].items() if "multipart" not in value}
        how: dict[str, Any] = {"headers": headers}
        if "json" in request:
            how["json"] = json.loads(self.translated(json.dumps(request["json"])))
        elif "multipart" in request:
            how["data"] = self._form(request["multipart"])
        elif request.get("raw"):
            how["data"] = io.BytesIO(self._raw(request["raw"]))
        return await self._client.ask(request["method"], self.translated(request["path"]), **how)

    def translated(self, text: str) -> str:
        """Put our ids, models and tokens in the place of the recorded ones."""
        text = UUID.sub(lambda found: self._ids.get(found.group(), found.group()), text)
        for theirs, ours in self.models.items():
            text = re.sub(rf"\b{theirs}\b(?!-)", ours, text)
        return re.sub(r"\[\[(\w+)\]\]", lambda found: f"[[{TOKENS.get(found.group(1), found.group(1))}]]", text)

    def _form(self, parts: list[dict[str, Any]]) -> FormData:
        form = FormData(default_to_multipart=True)
        for part in parts:
            if "filename" not in part:
                form.add_field(part["name"], self.translated(part["value"]))
                continue
            data = picture() if part["bytes"] in (77, 79) else b"x" * part["bytes"]
            form.add_field(part["name"], io.BytesIO(data), filename=part["filename"], content_type=part["content_type"])
        return form

    def _raw(self, text: str) -> bytes:
        shortened = re.search(r"\.\.\.<(\d+) bytes>$", text)
        if shortened is None:
            return self.translated(text).encode()
        head = text[: shortened.start()]
        return f'{head}{"a" * (int(shortened.group(1)) - len(head) - 2)}"}}'.encode()

    def _differences(self, recorded: dict[str, Any], reply: Any, where: str) -> Any:
        if recorded["status"] != reply.status:
            yield f"{where}: {reply.status} for {recorded['status']}: {reply.body[:300]!r}"
            return
        for name in HEADERS:
            if recorded["headers"].get(name) != reply.headers.get(name):
                yield f"{where}: {name} is {reply.headers.get(name)!r}, not {recorded['headers'].get(name)!r}"
        if recorded["status"] != 204 and ("etag" in recorded["headers"]) != ("Etag" in reply.headers):
            yield f"{where}: ETag"
        if "json" in recorded:
            yield from self.compared(recorded["json"], reply.json, where)
        elif "text" in recorded and recorded["text"] != reply.body.decode():
            yield f"{where}: {reply.body.decode()!r}"
        elif "binary" in recorded:
            yield from _binary(recorded["binary"], reply.body, where)

    def compared(self, theirs: Any, ours: Any, where: str, key: str = "") -> Any:
        """Yield every difference of keys, types and constant values, and learn which id stands for which."""
        if isinstance(theirs, dict) and isinstance(ours, dict):
            if list(theirs) != list(ours):
                yield f"{where}: keys {list(ours)}, not {list(theirs)}"
                return
            for name, value in theirs.items():
                yield from self.compared(value, ours[name], f"{where}.{name}", name)
        elif isinstance(theirs, list) and isinstance(ours, list):
            yield from self._lists(theirs, ours, where, key)
        elif type(theirs) is not type(ours) and not {type(theirs), type(ours)} <= {int, float}:
            yield f"{where}: {ours!r} for {theirs!r}"
        elif isinstance(theirs, str):
            yield from self._texts(theirs, ours, where, key)
        elif theirs != ours and not VOLATILE.fullmatch(key):
            yield f"{where}: {ours!r}, not {theirs!r}"

    def _texts(self, theirs: str, ours: str, where: str, key: str) -> Any:
        if len(UUID.findall(theirs)) == len(UUID.findall(ours)):
            self._ids.update(zip(UUID.findall(theirs), UUID.findall(ours), strict=True))
        if key == "info":
            yield from self.compared(json.loads(theirs), json.loads(ours), where)
            return
        fresh = key == "seed" and re.fullmatch(r"\d{5,10}\.0", theirs)
        expected = without_address(self.translated(theirs))
        if not (VOLATILE.fullmatch(key) or fresh or key in OPAQUE) and expected != without_address(ours):
            yield f"{where}: {ours!r}, not {expected!r}"

    def _lists(self, theirs: list[Any], ours: list[Any], where: str, key: str) -> Any:
        exact = key in ("images", "data") or where.endswith(".json")
        if exact and len(theirs) != len(ours) and "models" not in where:
            yield f"{where}: {len(ours)} entries, not {len(theirs)}"
        if bool(theirs) != bool(ours):
            yield f"{where}: {len(ours)} entries, not {len(theirs)}"
        for place, (each, own) in enumerate(zip(theirs, ours, strict=False)):
            yield from self.compared(each, own, f"{where}[{place}]", key)


def without_address(text: str) -> str:
    """Return an error without what depends on the configuration: the upstream's address, the models that there are."""
    return re.sub(r"http://[\d.:]+|Available models: .*", "", text)


def _binary(recorded: dict[str, Any], body: bytes, where: str) -> Any:
    size = recorded["png"]
    if size["width"] is not None:
        with Image.open(io.BytesIO(body)) as image:
            if (image.format, *image.size) != ("PNG", size["width"], size["height"]):
                yield f"{where}: {image.format} of {image.size}"
    elif recorded["bytes"] == 10:
        if body[:8] != b"\x89PNG\r\n\x1a\n" or len(body) != 10:
            yield f"{where}: {body!r}"
    elif base64.b64decode(recorded["base64_if_small"]) != body:
        yield f"{where}: {body[:60]!r}"


def picture() -> bytes:
    """Return a small PNG."""
    stored = io.BytesIO()
    Image.new("RGB", (16, 16), (200, 90, 30)).save(stored, format="PNG")
    return stored.getvalue()
