"""The face answers what a real sd.cpp Studio was recorded to answer, request by request: status, type, keys, kinds.

A gateway stands between: the recorded request goes to its face, over its engine and its adapter to the sandbox.
"""

import contextlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.asked import wait_for
from tests.e2e.drawn import png
from tests.harness import GatewayProcess, SandboxProcess, backend

RECORDINGS = Path(__file__).parents[2] / "adapters/sdcpp/recordings"
UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
#: What the recorder's models are called here, and what its upstream was told.
WORDS = {
    r"\bfake-api\b": "qwen-image", r"\bfake-edit\b": "qwen-image-edit", r"\bfake upstream\b": "z-image turbo",
    r"\[\[500\]\]": "[[upstream_500]]",
}  # fmt: skip
TAKEN = (
    "health_config", "queue_generate_lifecycle", "queue_generate_validation", "queue_edit", "queue_variation_ok",
    "sync_generate", "sync_edit_variation", "sdapi", "models", "generation_delete", "cancel_pending",
)  # fmt: skip
#: Where the face does better than it is recorded, on purpose: the status that it answers instead.
DIFFERENT: dict[str, dict[int, int]] = {
    # Nothing is accepted that can only fail later, or would be taken for something else.
    "queue_generate_validation": {
        **dict.fromkeys((*range(10), 11, *range(16, 22), 26, 27, 28, 29, 32, 34, 35), 400),
        22: 200,  # a flag of a boolean means what it says
    },
    "queue_edit": {
        **dict.fromkeys((0, 3, 5, 6, 10, 11, 12, 13), 400),  # the first one has a mask that masks nothing
        **dict.fromkeys((7, 8, 9), 200),  # what a file is, its content says, whatever it is called
        14: 413,
    },
    "queue_variation_ok": {3: 400, 4: 400},  # no strengths
    "sync_generate": {3: 400, 7: 400, 8: 400, 13: 400},
    "sync_edit_variation": {4: 400},
    "sdapi": {10: 200, 13: 400, 14: 400},  # no other model instead, no second pass left out
}
#: Exchanges that need a moment, a body of 50 MB, another upscaler, or a file that somebody took away from the disk; and
#: all failures of an upstream but one: each is tried again for seconds.
UNREPEATABLE = {
    "queue_generate_lifecycle": {1}, "queue_generate_validation": {37}, "generation_delete": {14, 15},
    "sdapi": {5, 12, 23}, "cancel_pending": {10}, "sync_generate": {10}, "sync_edit_variation": {6, 7},
}  # fmt: skip
#: Routes that the face does not serve: a Studio's own business, or the machine's.
ELSEWHERE = re.compile(
    r"/logs|/api/models/(?!running$)|/api/(settings|gpu-info|memory)|/sdapi/v1/extra|/static/|/api/generations\?delete"
)
#: Values that may be there where the recorded server knew none, or the other way round.
LOOSE = {
    "width", "height", "seed", "started_at", "completed_at", "sample_steps", "vae_on_cpu", "offload_to_cpu",
    "diffusion_fa", "size", "model_loading_time_ms", "generation_time_ms", "defaultSteps", "input_image_path",
    "input_image_mime_type", "mask_image_path", "mask_image_mime_type", "clip_skip", "strength", "cfg_scale",
}  # fmt: skip
#: A configuration's own words, and a key of an upstream, which is never shown.
HIDDEN = {"api", "api_key", "autostopMs", "generation_params", "description", "capabilities", "model_type", "command"}


@pytest.fixture(scope="module")
def face(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """Return a client of the face of a gateway before a sandbox of Studio."""
    folder = tmp_path_factory.mktemp("recorded")
    sandbox = SandboxProcess("sdcpp", folder, speed=400)
    gateway = GatewayProcess(folder / "gateway", {"studio": backend(sandbox, max_concurrency=16)})
    client = httpx.Client(base_url=f"{gateway.url}/sdcpp", timeout=60, trust_env=False)
    yield client
    client.close()
    gateway.stop()
    sandbox.stop()


class Replay:
    """One recording, asked of the face in its order."""

    def __init__(self, face: httpx.Client, name: str) -> None:
        """Take whom to ask, and what."""
        self._face = face
        self.name = name
        self.exchanges = json.loads((RECORDINGS / f"{name}.json").read_text())["exchanges"]
        self._ids: dict[str, str] = {}

    def ask(self, request: dict[str, Any]) -> httpx.Response:
        """Send a request as it was sent."""
        how: dict[str, Any] = {"headers": {k: v for k, v in request["headers"].items() if "multipart" not in v}}
        if "json" in request:
            how["json"] = json.loads(self._translated(json.dumps(request["json"])))
        elif "multipart" in request:
            how |= self._form(request["multipart"])
        elif request.get("raw"):
            how["content"] = self._translated(request["raw"]).encode()
        return self._face.request(request["method"], self._translated(request["path"]), **how)

    def _form(self, parts: list[dict[str, Any]]) -> dict[str, Any]:
        texts = {each["name"]: self._translated(each["value"]) for each in parts if "filename" not in each}
        files = [
            (each["name"], (each["filename"], _file(each), each["content_type"]))
            for each in parts
            if "filename" in each
        ]
        return {"files": [*((name, (None, value)) for name, value in texts.items()), *files]}

    def _translated(self, text: str) -> str:
        text = UUID.sub(lambda found: self._ids.get(found.group(), found.group()), text)
        for theirs, ours in WORDS.items():
            text = re.sub(theirs, ours, text)
        return text

    def differences(self, recorded: dict[str, Any], answer: httpx.Response) -> list[str]:
        """Return how an answer is unlike the recorded one."""
        if answer.status_code != recorded["status"]:
            return [f"{answer.status_code} for {recorded['status']}: {answer.text[:200]}"]
        kinds = [each.get("content-type", "").partition(";")[0] for each in (recorded["headers"], answer.headers)]
        found = [] if kinds[0] == kinds[1] else [f"{kinds[1]} for {kinds[0]}"]
        if "json" in recorded:
            found += self._unlike(recorded["json"], answer.json(), "")
        return found

    def _unlike(self, theirs: Any, ours: Any, where: str) -> list[str]:
        if isinstance(theirs, dict) and isinstance(ours, dict):
            if set(theirs) - HIDDEN - set(ours) or set(ours) - set(theirs) - HIDDEN:
                return [f"{where}: keys {list(ours)}, not {list(theirs)}"]
            both = [key for key in theirs if key in ours]
            return [each for key in both for each in self._unlike(theirs[key], ours[key], f"{where}.{key}")]
        if isinstance(theirs, list) and isinstance(ours, list):
            return [each for a, b in zip(theirs, ours, strict=False) for each in self._unlike(a, b, f"{where}[]")]
        if type(theirs) is not type(ours) and not {type(theirs), type(ours)} <= {int, float}:
            key = where.rpartition(".")[2]
            return [] if key in LOOSE and None in (theirs, ours) else [f"{where}: {ours!r} for {theirs!r}"]
        if isinstance(theirs, str):
            if len(UUID.findall(theirs)) == len(UUID.findall(ours)):
                self._ids.update(zip(UUID.findall(theirs), UUID.findall(ours), strict=True))
            # What an upstream said is nobody's business; of models, none is the recorded one.
            if where.endswith((".status", ".error", ".type")) and ".models" not in where:
                said = theirs.partition(" {")[0]
                return [] if ours.startswith(said) else [f"{where}: {ours!r} for {theirs!r}"]
        return []

    def until_alike(self, request: dict[str, Any], recorded: dict[str, Any]) -> list[str]:
        """Return how the answer is still unlike the recorded one when it does not change any more."""
        found: list[str] = []

        def alike() -> bool:
            found[:] = self.differences(recorded, self.ask(request))
            return not found

        with contextlib.suppress(AssertionError):
            wait_for(alike, "the recorded answer", 5)
        return found

    def is_asked(self, at: int) -> bool:
        """Say whether an exchange can be repeated: of jobs that were refused here nothing can be asked."""
        request, recorded = self.exchanges[at]["request"], self.exchanges[at]["response"]
        if at in UNREPEATABLE.get(self.name, ()) or ELSEWHERE.search(request["path"]):
            return False
        named = UUID.findall(request["path"])
        return recorded["status"] != 200 or all(each in self._ids for each in named)


def _file(part: dict[str, Any]) -> bytes:
    return png(16, 16) if part["bytes"] in (77, 79) else b"x" * part["bytes"]


@pytest.mark.parametrize("name", TAKEN)
def test_the_face_answers_as_recorded(face: httpx.Client, name: str) -> None:
    """The same requests get the same answers, but for what is on purpose and listed."""
    replay = Replay(face, name)
    for at, exchange in enumerate(replay.exchanges):
        request, recorded = exchange["request"], exchange["response"]
        if not replay.is_asked(at):
            continue
        other = DIFFERENT.get(name, {}).get(at)
        if other is not None:
            answer = replay.ask(request)
            assert answer.status_code == other, f"#{at}: {answer.text[:300]}"
            assert other < 400 or answer.json()["error"]
            continue
        found = replay.differences(recorded, replay.ask(request))
        if found and request["method"] == "GET":
            # A job that is on its way becomes what it was when it was looked at.
            found = replay.until_alike(request, recorded)
        assert found == [], f"#{at} {request['path']}"
