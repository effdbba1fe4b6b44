"""What a real sd.cpp Studio was recorded to be asked, asked of the face, and how its answers are held against it."""

import base64
import contextlib
import json
import re
from pathlib import Path
from typing import Any

import httpx

from tests.e2e.asked import wait_for
from tests.e2e.drawn import png

RECORDINGS = Path(__file__).parents[2] / "adapters/sdcpp/recordings"
UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
HTTP_REFUSED = 400
#: Lists of models: none of those here is a recorded one, and what each is and does differs.
MODELS = re.compile(r"\.(models|data)\[\]")
#: The recorded server's key.
KEY = "topsecret"
#: What the recorder's models are called here, and what its upstream was told; what was slow lasts a moment here.
WORDS = {
    r"\bfake-api\b": "qwen-image", r"\bfake-edit\b": "qwen-image-edit", r"\bfake upstream\b": "z-image turbo",
    r"\[\[500\]\]": "[[upstream_500]]", r"\[\[slow:\d+\]\]": "[[slow:200]]",
}  # fmt: skip
TAKEN = (
    "health_config", "queue_generate_lifecycle", "queue_generate_validation", "queue_edit", "queue_variation",
    "queue_variation_ok", "queue_upscale", "sync_generate", "sync_edit_variation", "sdapi", "models", "openai_v1",
    "generation_delete", "generation_delete_processing_fail", "cancel_pending", "cancel_all",
    "cancel_processing_then_fail", "cancel_then_delete_crash", "auth",
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
    "queue_variation": {
        **dict.fromkeys((5, 6, 10, 11, 12, 13, 17), 400),
        **dict.fromkeys((7, 8, 9), 200),
    },
    "queue_upscale": dict.fromkeys((2, 3, 5), 400),  # one upscaler and one factor, not whatever is asked
    "generation_delete": {8: 404},  # the file goes with its row
    # Nothing is open without a key, no page of HTML stands for a reason, and a scheme is one in any case (RFC 9110).
    "auth": {**dict.fromkeys((0, 1, 13, 29, 39), 401), **dict.fromkeys((17, 18), 200), 27: 403, 33: 400},
    "sync_generate": {3: 400, 7: 400, 8: 400, 13: 400},
    "sync_edit_variation": {4: 400},
    "sdapi": {10: 200, 13: 400, 14: 400},  # no other model instead, no second pass left out
}
FAILED = "an upstream that fails is asked again for seconds: how that is said is compared in test_sdcpp_face_inverse"
BIG = "a body of 50 MB"
#: Exchanges that cannot be repeated, and why.
UNREPEATABLE: dict[str, dict[int, str]] = {
    "queue_generate_lifecycle": {1: "the recorder's table had one row before"},
    "queue_generate_validation": {37: BIG},
    "queue_variation": {1: "a local model that varies nothing: here nobody is asked to", 14: BIG},
    "queue_upscale": {0: "other upscalers"},
    "generation_delete": dict.fromkeys((14, 15), "a file that somebody took away from the disk"),
    "sdapi": {5: "other upscalers", 12: FAILED, 23: "a moment at which one job runs and none waits"},
    "cancel_pending": {10: "a moment at which a job has just ended"},
    "sync_generate": {10: FAILED},
    "sync_edit_variation": dict.fromkeys((6, 7), FAILED),
}
#: Routes that the face does not answer itself, and who compares them.
ELSEWHERE = {
    r"/logs": "one Studio's own business: test_sdcpp_relay",
    r"/api/models/(?!running$)": "one Studio's own business: test_sdcpp_relay",
    r"/api/(settings|gpu-info|memory)": "one Studio's own business: test_sdcpp_relay",
    r"/sdapi/v1/extra": "not served: pictures are enlarged by the queue",
    r"/api/terminal/": "not served: the machine's",
    r"/api/v1/images/": "not served: /v1/jobs has all that it has, and Studio's own routes too",
}
#: Values that may be there where the recorded server knew none, or the other way round.
LOOSE = {
    "width", "height", "seed", "started_at", "completed_at", "sample_steps", "vae_on_cpu", "offload_to_cpu",
    "diffusion_fa", "size", "model_loading_time_ms", "generation_time_ms", "defaultSteps", "input_image_path",
    "input_image_mime_type", "mask_image_path", "mask_image_mime_type", "clip_skip", "strength", "cfg_scale",
    "sampling_method",
}  # fmt: skip
#: A configuration's own words, and a key of an upstream, which is never shown.
HIDDEN = {"api", "api_key", "autostopMs", "generation_params", "description", "capabilities", "model_type", "command"}


def exchanges(name: str) -> list[dict[str, Any]]:
    """Return what was recorded under a name."""
    found: list[dict[str, Any]] = json.loads((RECORDINGS / f"{name}.json").read_text()).get("exchanges", [])
    return found


def left_out(name: str) -> dict[int, str]:
    """Return which exchanges of a recording are not repeated, and why."""
    found = dict(UNREPEATABLE.get(name, {}))
    known: set[str] = set()
    for at, each in enumerate(exchanges(name)):
        request, response = each["request"], each.get("response") or {}
        why = next((why for route, why in ELSEWHERE.items() if re.search(route, request["path"])), None)
        if "status" not in response:
            why = "it was not answered"
        elif response["status"] == 200 and set(UUID.findall(request["path"])) - known:
            why = "of a job that is refused here, or whose submit is not recorded"
        if why is not None:
            found.setdefault(at, why)
        if at not in found and DIFFERENT.get(name, {}).get(at, 0) < HTTP_REFUSED:
            known |= set(UUID.findall(json.dumps(response.get("json"))))
    return found


class Replay:
    """One recording, asked of the face in its order."""

    def __init__(self, face: httpx.Client, name: str, key: str | None = None) -> None:
        """Take whom to ask, what, and the key that stands for the recorded one."""
        self._face = face
        self._key = key
        self.exchanges = exchanges(name)
        self._ids: dict[str, str] = {}

    def ask(self, request: dict[str, Any]) -> httpx.Response:
        """Send a request as it was sent."""
        kept = {name: value for name, value in request["headers"].items() if "multipart" not in value}
        how: dict[str, Any] = {"headers": {name: self._with_key(value) for name, value in kept.items()}}
        if "json" in request:
            how["json"] = json.loads(self._translated(json.dumps(request["json"])))
        elif "multipart" in request:
            how |= self._form(request["multipart"])
        elif request.get("raw"):
            how["content"] = self._translated(request["raw"]).encode()
        return self._face.request(request["method"], self._with_key(self._translated(request["path"])), **how)

    def _with_key(self, text: str) -> str:
        """Put our key in the place of the recorded one, inside of Basic as well."""
        if self._key is None:
            return text
        scheme, _, rest = text.partition(" ")
        if scheme != "Basic":
            return text.replace(KEY, self._key)
        return f"Basic {base64.b64encode(self._with_key(base64.b64decode(rest).decode()).encode()).decode()}"

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
            if where.endswith((".status", ".error", ".type")) and not MODELS.search(where):
                said = theirs.partition(" {")[0]
                return [] if ours.startswith(said) else [f"{where}: {ours!r} for {theirs!r}"]
        return []

    def learn(self, recorded: dict[str, Any], answer: httpx.Response) -> None:
        """Note which of our ids stand for which, where an answer is otherwise another one."""
        if answer.is_success and "json" in recorded:
            self._unlike(recorded["json"], answer.json(), "")

    def until_alike(self, request: dict[str, Any], recorded: dict[str, Any]) -> list[str]:
        """Return how the answer is still unlike the recorded one when it does not change any more."""
        found: list[str] = []

        def alike() -> bool:
            found[:] = self.differences(recorded, self.ask(request))
            return not found

        with contextlib.suppress(AssertionError):
            wait_for(alike, "the recorded answer", 5)
        return found


def _file(part: dict[str, Any]) -> bytes:
    return png(16, 16) if part["bytes"] in (77, 79) else b"x" * part["bytes"]
