"""What a caller or a backend says leaves to its owner alone: words are sent everywhere, and looked for everywhere."""

import base64
import io
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner
from PIL import Image

from gateway.cli.backends import backends as show_backends
from tests.e2e.asked import begun, made, post, problem, shown, spec, wait_for
from tests.e2e.canary import OTHERS, OWN, Canaries, answers, kept, rude_backend
from tests.e2e.drawn import png
from tests.e2e.keyed import KeyedGateway
from tests.e2e.listening_in import Listener, told
from tests.harness import SandboxProcess

#: Ends of jobs that the sandboxes can be made to bring about: backend and tokens.
ENDS = [
    *(
        ("ima2", f"[[{token}]]")
        for token in ("SAFETY_REFUSAL", "garbage", "not_an_image", "wrong_size:64x64", "huge:9")
    ),
    *(("studio", f"[[{token}]]") for token in ("upstream_400", "upstream_500", "slow:20")),
    *(("imgen", ""), ("imgen", "[[unsafe]]"), ("imgen", "[[html:502]]"), ("studio", "")),
]


#: How long a job may look for a result whose answer made no sense; what is said has been said by then.
SEARCH_S = 4


class Scene:
    """A gateway at its most talkative, and what was sent through it."""

    def __init__(self, gateway: KeyedGateway, words: Canaries) -> None:
        """Take both; the owner sends canaries wherever a request has room for one."""
        self.gateway, self.words = gateway, words
        self.owner, self.other = gateway.client("owner"), gateway.client("other")
        self.owner.headers.update(
            {
                "Cookie": f"session={words['cookie']}",
                "traceparent": f"00-{words['traceparent']}-01",
                "tracestate": f"a={words['traceparent']}",
                "User-Agent": words["user_agent"],
                "Referer": f"https://example.com/{words['referer']}",
                "X-Request-Id": f"{words['traceparent']} with a space",
            }
        )
        self.jobs: list[dict[str, Any]] = []
        self.refusals: list[httpx.Response] = []

    def wish(self, text: str = "", on: str | None = "ima2", **fields: Any) -> dict[str, Any]:
        """Return a request with the owner's canaries in it."""
        own = {"tags": {"of": self.words["tag"]}, "client_ref": self.words["client_ref"], **fields}
        return spec(f"{text} {self.words['prompt']}", on=on, **own)

    @property
    def tokens(self) -> list[str]:
        """The keys that were sent, without what all keys begin with."""
        headers = (http.headers["authorization"] for http in (self.owner, self.other, self.gateway.http))
        return [each.removeprefix("Bearer trp_") for each in headers]


@pytest.fixture(scope="module")
def scene(
    sandboxes: dict[str, SandboxProcess],
    backends: dict[str, dict[str, Any]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Scene]:
    """Everything has happened: jobs of every end, refusals of every kind, and crashes."""
    words = Canaries()
    with rude_backend(sandboxes["ima2"].url, words) as url:
        ima2 = {**backends["ima2"], "base_url": url, "api_key": {"env": "CANARY_BACKEND_KEY"}}
        gateway = KeyedGateway(
            tmp_path_factory.mktemp("canaries"),
            {**backends, "ima2": ima2},
            settings={"log": {"level": "debug"}},
            env={"CANARY_BACKEND_KEY": words["backend_key"]},
            program=("-m", "tests.e2e.canary"),
        )
        try:
            found = Scene(gateway, words)
            carry_jobs(found)
            be_refused(found)
            crash(found)
            yield found
        finally:
            gateway.stop()


def carry_jobs(scene: Scene) -> None:
    """Let jobs end in every way."""
    owner, words = scene.owner, scene.words
    picture = io.BytesIO()
    exif = Image.Exif()
    exif[0x010E] = words["picture"]
    Image.new("RGB", (32, 32)).save(picture, format="JPEG", exif=exif)
    inputs = [
        {"role": "reference", "data": base64.b64encode(each).decode()}
        for each in (picture.getvalue(), commented(words))
    ]
    files = {"file": (f"{words['filename']}.png", commented(words), "image/png")}
    assert owner.post("/v1/assets", files=files).status_code == 201
    begun_jobs = [
        begun(owner, scene.wish(inputs=inputs), Idempotency_Key=words["idempotency"]),
        begun(owner, scene.wish(on="studio", negative_prompt=words["negative"])),
        begun(owner, scene.wish("[[slow:300]]", deadline_s=1)),
        *(begun(owner, scene.wish(f"(({name}))", deadline_s=SEARCH_S)) for name in answers(words) if name != "key"),
        *(begun(owner, scene.wish(token, on=on, deadline_s=SEARCH_S if on == "ima2" else 60)) for on, token in ENDS),
    ]
    cancelled = begun(owner, scene.wish("[[slow:300]]"))
    wait_for(lambda: shown(owner, cancelled["id"])["state"] == "running", "a job that runs")
    owner.post(f"/v1/jobs/{cancelled['id']}/cancel", headers={"Prefer": "wait=5"}).raise_for_status()
    scene.jobs = [shown(owner, job["id"], wait=60) for job in (*begun_jobs, cancelled)]
    # A rejected key takes the account out of use until it was looked at again: it comes last.
    scene.jobs.append(made(owner, scene.wish("((key))")))


def commented(words: Canaries) -> bytes:
    """Return a PNG with a canary in its comment."""
    return png(text=words["picture"])


def be_refused(scene: Scene) -> None:
    """Send what is refused, with canaries in every place that a refusal could repeat."""
    owner, words = scene.owner, scene.words
    json_type = {"Content-Type": "application/json"}
    scene.refusals = [
        post(owner, scene.wish(n=0, **{words["field"]: words["field"]})),
        post(owner, scene.wish(model=words["field"], on=None)),
        post(owner, scene.wish(route={"backends": [words["field"]]})),
        post(owner, scene.wish(inputs=[{"role": "reference", "data": words["body"]}])),
        post(
            owner,
            scene.wish(inputs=[{"role": "reference", "url": f"https://{words['body']}.example/?{words['query']}"}]),
        ),
        post(owner, scene.wish("another"), Idempotency_Key=words["idempotency"]),
        post(owner, scene.wish(), Idempotency_Key=f"{words['idempotency']} {words['idempotency']}"),
        owner.post("/v1/jobs", content=f'{{"prompt": "{words["body"]}"'.encode(), headers=json_type),
        owner.post("/v1/jobs", content=words["body"].encode(), headers={"Content-Type": f"text/{words['field']}"}),
        owner.post("/v1/assets", content=words["body"].encode(), headers={"Content-Type": "image/png"}),
        owner.get("/v1/jobs", params={words["query"]: words["query"], "page_token": words["query"]}),
        owner.get("/v1/jobs", params={"page_token": words["query"]}),
        owner.get(f"/v1/jobs/{words['path']}", params={"wait": words["query"]}),
        owner.get(f"/{words['path']}/{words['path']}?sig={words['query']}"),
        owner.get(f"/v1/assets/{words['path']}/content", params={"exp": "1", "sig": words["query"]}),
        owner.request(words["path"].upper(), "/v1/jobs"),
        owner.get("/v1/jobs", headers={"Authorization": f"Bearer {words['wrong_key']}"}),
        owner.get("/v1/jobs", headers={"Authorization": f"Basic {words['basic']}"}),
        owner.get("/v1/events", headers={"Last-Event-ID": words["query"]}),
    ]
    for sent in (
        f"{words['raw']} nonsense\r\n\r\n",
        f"POST /{words['raw']} HTTP/1.1\r\nContent-Length: 99\r\n\r\n{words['raw']}",
    ):
        with socket.create_connection(("127.0.0.1", scene.gateway.port)) as line:
            line.sendall(sent.encode())
            line.shutdown(socket.SHUT_WR)
            while line.recv(4096):
                pass


def crash(scene: Scene) -> None:
    """Let the gateway fail at its door and in its engine, with the request in what is raised."""
    answer = scene.owner.post("/v1/jobs?dry_run=true", json=scene.wish("((crash at the door))", on="studio"))
    assert problem(answer, "gateway.internal")["reason"] == "bug"
    scene.refusals.append(answer)
    wait_for(lambda: scene.gateway.http.get("/readyz").json()["backends"]["ima2"]["ready_accounts"], "an account")
    job = begun(scene.owner, scene.wish("((crash in the engine))"))
    wait_for(lambda: "engine.crashed" in scene.gateway.log.read_text(), "a crash in the engine")
    scene.owner.post(f"/v1/jobs/{job['id']}/cancel").raise_for_status()
    scene.jobs.append(shown(scene.owner, job["id"]))


def test_everything_was_really_said(scene: Scene, sandboxes: dict[str, SandboxProcess]) -> None:
    """The canaries reached the backends, jobs ended in every way, and all refusals were refusals."""
    calls = str(sandboxes["ima2"].calls("POST", "/api/generate")) + str(sandboxes["sdcpp"].calls("POST"))
    assert set(scene.words.found(calls)) >= {"prompt", "negative", "backend_key"}
    assert {job["state"] for job in scene.jobs} == {"succeeded", "failed", "blocked", "cancelled"}
    codes = {job["error"]["code"] for job in scene.jobs if job["error"] is not None}
    assert codes >= {
        *("policy.refused", "job.deadline_exceeded", "backend.bad_response", "backend.failed"),
        *("backend.overloaded", "backend.credentials_rejected", "backend.unavailable"),
    }, codes
    assert all(answer.is_error for answer in scene.refusals)


def test_the_log_holds_none(scene: Scene) -> None:
    """At its most talkative, crashes included, the log names events, codes and ids alone."""
    log = scene.gateway.log.read_bytes()
    assert scene.words.found(log) == []
    assert not [each for each in scene.tokens if each.encode() in log]
    for event in ("http.answered", "http.crashed", "engine.crashed", "RuntimeError"):
        assert event.encode() in log


def test_nothing_of_operation_holds_any(scene: Scene) -> None:
    """Metrics, readiness, backends with all details, models, the contract and the program's own list are clean."""
    operator = scene.gateway.http
    paths = ("/metrics", "/readyz", "/version", "/openapi.json", "/v1/backends", "/v1/backends/ima2", "/v1/models")
    texts = {path: operator.get(path).raise_for_status().text for path in paths}
    environment = {"TRIPTYCH_API_KEY": scene.gateway.token}
    done = CliRunner(env=environment).invoke(show_backends, ["--url", scene.gateway.url])
    assert done.exit_code == 0
    texts["triptych backends"] = done.output
    for name, text in texts.items():
        assert scene.words.found(text) == [], name
        assert not [each for each in scene.tokens if each in text], name


def test_another_team_hears_none(scene: Scene) -> None:
    """Lists, streams from the beginning and refusals of another team hold no word of the owner's or a backend's."""
    listener = Listener(scene.other, "/v1/events", after=0)
    own = made(scene.other, spec(on="studio"), Idempotency_Key=scene.words["idempotency"])
    wait_for(lambda: own["id"] in "".join(listener.lines), "our own job")
    listener.close()
    texts = [
        "\n".join(listener.lines),
        *(scene.other.get(f"/v1/{name}").text for name in ("jobs", "assets", "backends")),
    ]
    for job in scene.jobs:
        texts += [scene.other.get(job["links"][name]).text for name in ("self", "events")]
        texts.append(scene.other.post(f"/v1/jobs/{job['id']}/cancel").text)
    assert [scene.words.found(text) for text in texts] == [[] for _ in texts]


def test_the_owner_hears_its_own_and_no_more(scene: Scene) -> None:
    """A job's document and history hold what was asked, and of what a backend said not one word, header or address."""
    for job in scene.jobs:
        texts = [str(job), scene.owner.get(job["links"]["self"]).text]
        texts += [event.data for event in told(scene.owner, job["links"]["events"])]
        assert [scene.words.found(text, OTHERS) for text in texts] == [[] for _ in texts]
        assert scene.words.found(texts[0], ("prompt",)) == ["prompt"]
        assert not [each for each in scene.tokens if each in "".join(texts)]
        native = (job["error"] or {}).get("native") or {}
        assert set(native) <= {"http_status", "code", "message_fingerprint"}
        for output in job["outputs"]:
            assert scene.words.found(scene.owner.get(output["url"]).content) == []
    backend_words = tuple(each for each in OTHERS if each.startswith("native") or each == "backend_key")
    for answer in scene.refusals:
        assert scene.words.found(answer.text, (*backend_words, "cookie", "wrong_key", "basic", "traceparent")) == []


def test_only_what_is_the_owners_is_kept(scene: Scene) -> None:
    """Of all words the database holds those that make up the owner's jobs; no file is named after any."""
    for name, data in kept(scene.gateway.data_dir):
        assert scene.words.found(data, OTHERS) == [], name
        assert not [each for each in scene.tokens if each.encode() in data], name
        assert scene.words.found(data, OWN) == [] or Path(name).name.startswith("triptych.db"), name
