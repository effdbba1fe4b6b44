"""`Idempotency-Key` on every face: one key makes one job, and its answer is the dialect's own, told again."""

import base64
import json
from collections.abc import Callable, Mapping
from typing import Any
from uuid import uuid4

import httpx
import pytest
from msgspec import Struct

from tests.e2e.drawn import png
from tests.e2e.keyed import KeyedGateway
from tests.harness import GatewayProcess

PICTURE = base64.b64encode(png(64, 64)).decode()
URI = f"data:image/png;base64,{PICTURE}"
Body = Mapping[str, Any]
EMPTY: Body = {}


class Way(Struct, frozen=True, kw_only=True):
    """A route that makes jobs: how it is asked, and how its dialect refuses a key that belongs to another request."""

    path: str
    #: What is sent besides the prompt.
    body: Body
    conflict: int
    words: str
    #: How a key that is none is refused.
    malformed: str = "Idempotency-Key"
    files: tuple[str, ...] = ()
    form: bool = False
    headers: Body = {}

    def send(self, http: httpx.Client, prompt: str, key: str | None, picture: bytes = b"") -> httpx.Response:
        """Send a request."""
        fields = {**self.body, "prompt": prompt}
        headers = {**self.headers, **({} if key is None else {"Idempotency-Key": key})}
        if not self.form:
            return http.post(self.path, json=fields, headers=headers)
        files = [(name, ("a.png", picture or png(), "image/png")) for name in self.files]
        return http.post(self.path, data=fields, files=files, headers=headers)


def native(response: httpx.Response) -> Any:
    """Return what an answer says, but for the words that only a replay has; of a stream its last frame."""
    assert response.status_code in (200, 202), response.text[:300]
    text = response.text
    if response.headers["content-type"].startswith("text/event-stream"):
        text = [line for line in text.splitlines() if line.startswith("data: ")][-1].removeprefix("data: ")
    found = json.loads(text)
    found.pop("idempotentReplay", None)
    return found


IMA2 = {"conflict": 409, "words": "IDEMPOTENCY_KEY_CONFLICT", "malformed": "IDEMPOTENCY_KEY_INVALID"}
SDCPP = {"conflict": 422, "words": '{"error":"This Idempotency-Key was sent before with another body."}'}
OPENAI = {"conflict": 422, "words": '"code":"idempotency.conflict"'}
V1 = {"conflict": 422, "words": "idempotency.conflict"}
IMGEN = {"conflict": 422, "words": '{"error":"Idempotency-Key was used before"'}
STUDIO = {"model": "z-image-turbo", "size": "512x512"}
EDITING = {"model": "qwen-image-edit"}


def way(path: str, how: Body, body: Body = EMPTY, **more: Any) -> Any:
    """Return a row of the table."""
    return pytest.param(Way(path=path, body=body, **how, **more), id=" ".join((path, *body, *more)))


WAYS = [
    way("/v1/jobs", V1, {"operation": "image.generate"}, headers={"Prefer": "wait=30"}),
    way("/ima2/api/generate", IMA2),
    way("/ima2/api/generate", IMA2, {"n": 2, "async": True}),
    way("/ima2/api/edit", IMA2, {"image": PICTURE}),
    way("/ima2/api/generate/multimode", {**IMA2, "conflict": 200}, {"maxImages": 2}),
    way("/ima2/api/node/generate", IMA2),
    way("/ima2/api/node/generate", IMA2, headers={"Accept": "text/event-stream"}),
    way("/sdcpp/api/generate", SDCPP, STUDIO),
    way("/sdcpp/api/edit", SDCPP, EDITING, form=True, files=("image",)),
    way("/sdcpp/api/queue/generate", SDCPP, STUDIO),
    way("/sdcpp/api/queue/variation", SDCPP, EDITING, form=True, files=("image",)),
    way("/sdcpp/sdapi/v1/txt2img", SDCPP, {"width": 512, "height": 512}),
    way("/imgen/api/v2", IMGEN, {"action": "generate"}),
    way("/imgen/api/v2", IMGEN, {"action": "generate", "optimize": True, "wm_image": URI}),
    way("/openai/v1/images/generations", OPENAI),
    way("/openai/v1/images/generations", OPENAI, {"stream": True}),
    way("/openai/v1/images/edits", OPENAI, form=True, files=("image",)),
]  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
def test_a_request_that_is_sent_twice_under_one_key_is_one_job_and_one_answer(
    gateway: GatewayProcess, way: Way
) -> None:
    """The second answer is the first one, whatever in it was drawn by lot, and says that it is told again."""
    key, prompt = f"key-{uuid4()}", f"a fox {uuid4()}"
    first, again = (way.send(gateway.http, prompt, key) for _ in range(2))
    told = native(first)
    assert "idempotency-replayed" not in first.headers
    assert again.headers.get("idempotency-replayed") == "true", again.text[:300]
    assert native(again) == told
    before = _count(gateway.http)
    conflict = way.send(gateway.http, f"another fox {uuid4()}", key)
    assert conflict.status_code == way.conflict
    assert way.words in conflict.text
    assert _count(gateway.http) == before


def _count(http: httpx.Client) -> int:
    """Return how many jobs were accepted until now."""
    lines = http.get("/metrics").raise_for_status().text.splitlines()
    return sum(int(float(line.split()[-1])) for line in lines if line.startswith("triptych_jobs_accepted_total{"))


@pytest.mark.parametrize("way", WAYS)
def test_a_key_that_is_none_is_refused_in_the_dialects_words(gateway: GatewayProcess, way: Way) -> None:
    """It is 1 to 255 visible ASCII characters on every face; anything else makes nothing."""
    before = _count(gateway.http)
    for key in ("two words", "a" * 256):
        refused = way.send(gateway.http, f"a fox {uuid4()}", key)
        assert refused.status_code == (200 if way.conflict == 200 else 400)
        assert way.malformed in refused.text
    assert _count(gateway.http) == before


@pytest.mark.parametrize("at", [1, 3, 8, 11, 12, 14])
def test_a_key_counts_within_its_team_and_its_route(keyed: KeyedGateway, at: int) -> None:
    """Another team's equal request is its own affair, and a colleague's is the same; another route is another key."""
    way: Way = WAYS[at].values[0]  # type: ignore[assignment]
    key, prompt = f"key-{uuid4()}", f"a fox {uuid4()}"
    senders = [keyed.client("red"), keyed.client("red", "--name", "colleague"), keyed.client("blue")]
    answers = [way.send(each, prompt, key) for each in senders]
    assert [each.headers.get("idempotency-replayed") for each in answers] == [None, "true", None]
    assert native(answers[1]) == native(answers[0])
    elsewhere = keyed.client("red").post("/v1/jobs", json=SPEC, headers={"Idempotency-Key": key})
    assert (elsewhere.status_code, elsewhere.headers.get("idempotency-replayed")) == (202, None)


SPEC = {"operation": "image.generate", "prompt": "a fox"}
FAILING: list[tuple[str, Callable[[httpx.Response], bool]]] = [
    ("/ima2/api/generate", lambda answer: answer.json()["code"] == "SAFETY_REFUSAL"),
    ("/ima2/api/edit", lambda answer: answer.json()["code"] == "MODERATION_REFUSED"),
    ("/ima2/api/node/generate", lambda answer: answer.json()["error"]["code"] == "SAFETY_REFUSAL"),
    ("/openai/v1/images/generations", lambda answer: answer.json()["error"]["code"] == "policy.refused"),
]


@pytest.mark.parametrize(("path", "is_refusal"), FAILING)
def test_a_failure_is_told_again_too(
    gateway: GatewayProcess, path: str, is_refusal: Callable[[httpx.Response], bool]
) -> None:
    """A key is never released by a failure: nobody is asked once more for what was refused."""
    body = {"prompt": f"[[SAFETY_REFUSAL]] a fox {uuid4()}", "model": "gpt-5.4", "provider": "oauth", "image": PICTURE}
    if path.startswith("/openai"):
        body = {"prompt": body["prompt"], "model": "ima2/gpt-5.4"}
    key = {"Idempotency-Key": f"key-{uuid4()}"}
    first, again = (gateway.http.post(path, json=body, headers=key) for _ in range(2))
    assert is_refusal(first), first.text
    assert is_refusal(again)
    assert again.status_code == first.status_code
    assert again.headers["idempotency-replayed"] == "true"
