"""Input pictures that nobody could use are refused before a job exists, and a dry run foresees it."""

import base64
import io
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from PIL import Image

from tests.e2e.asked import made, pointers, post, problem
from tests.e2e.drawn import picture, png
from tests.harness import GatewayProcess, SandboxProcess, backend
from tests.unit.pictures import mp4

BUILDS = ("tag", "head", "new")
SIZE = (32, 32)
WAY_OUT = "HEIC must be converted, for example to jpeg"


@pytest.fixture(scope="module")
def builds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, SandboxProcess]]:
    """One server of each build of ima2."""
    folder = tmp_path_factory.mktemp("servers")
    running = {name: SandboxProcess("ima2", folder / name, speed=60, profile=name) for name in BUILDS}
    yield running
    for sandbox in running.values():
        sandbox.stop(5)


@pytest.fixture(scope="module")
def http(builds: dict[str, SandboxProcess], tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A client of a gateway in front of all three."""
    running = GatewayProcess(tmp_path_factory.mktemp("door"), {name: backend(each) for name, each in builds.items()})
    assert running.http is not None
    yield running.http
    running.stop()


def drawn(kind: str, mode: str, size: tuple[int, int] = SIZE) -> bytes:
    """Return a picture of one colour, half of it transparent where the mode knows what that is."""
    image = Image.new("RGBA", size, (0, 0, 0, 255))
    image.paste((0, 0, 0, 0), (0, 0, size[0] // 2, size[1]))
    out = io.BytesIO()
    more = {"transparency": 0} if mode == "P" else {"lossless": True} if kind == "WEBP" else {}
    image.convert(mode).save(out, kind, **more)
    return out.getvalue()


def given(role: str, content: bytes) -> dict[str, str]:
    """Return a picture as an input."""
    return {"role": role, "data": base64.b64encode(content).decode()}


def edit(*inputs: dict[str, str], on: str | None = "head", **fields: Any) -> dict[str, Any]:
    """Return a request for an edit."""
    route = {"accounts": ["oauth"], **({"backends": [on]} if on else {})}
    return {"operation": "image.edit", "prompt": "at night", "inputs": list(inputs), "route": route, **fields}


def foreseen(http: httpx.Client, body: dict[str, Any]) -> httpx.Response:
    """Return the answer of a dry run."""
    return http.post("/v1/jobs", params={"dry_run": "true"}, json=body)


def uploaded(http: httpx.Client, content: bytes, role: str) -> dict[str, str]:
    """Return a picture that was put into the gallery as an input."""
    asset = http.post("/v1/assets", content=content, headers={"Content-Type": "application/octet-stream"})
    return {"role": role, "asset_id": asset.raise_for_status().json()["id"]}


def traces(http: httpx.Client, builds: dict[str, SandboxProcess]) -> tuple[int, list[int]]:
    """Return how many jobs there are, and how many calls reached each server that could cost something."""
    return len(http.get("/v1/jobs").json()["jobs"]), [len(each.calls("POST")) for each in builds.values()]


@pytest.mark.parametrize("as_asset", [False, True])
@pytest.mark.parametrize(
    ("content", "reason", "said"),
    [
        (png(*SIZE), "no_alpha", "no alpha channel"),
        (drawn("PNG", "P"), "no_alpha", "no alpha channel"),
        (drawn("WEBP", "RGB"), "no_alpha", "no alpha channel"),
        (picture("JPEG", *SIZE), "media_type", "a jpeg has no alpha channel"),
        (drawn("PNG", "RGBA", (16, 32)), "dimensions", "16x32 pixels and its source 32x32"),
        (drawn("PNG", "LA", (32, 31)), "dimensions", "32x31 pixels and its source 32x32"),
    ],
    ids=["colour", "palette", "webp", "jpeg", "narrow", "grey"],
)
def test_a_mask_that_says_nothing_of_its_source_is_refused_for_everybody(
    http: httpx.Client, builds: dict[str, SandboxProcess], content: bytes, reason: str, said: str, *, as_asset: bool
) -> None:
    """Whoever would be sent it, however it comes in, and in a dry run as well: no job, and nothing sent."""
    mask = uploaded(http, content, "mask") if as_asset else given("mask", content)
    body = edit(given("source", png(*SIZE)), mask, on=None)
    before = traces(http, builds)
    for answer in (post(http, body), foreseen(http, body)):
        [fault] = problem(answer, "request.reference_invalid")["errors"]
        assert (fault["pointer"], fault["reason"]) == ("/inputs/1", reason)
        assert said in fault["detail"]
    assert traces(http, builds) == before


@pytest.mark.parametrize(
    ("inputs", "pointer"),
    [
        ((given("source", png(*SIZE)), given("mask", drawn("WEBP", "RGBA"))), "/inputs/1"),
        ((given("source", picture("JPEG", *SIZE)), given("mask", drawn("PNG", "RGBA"))), "/inputs/0"),
        ((given("source", picture("AVIF", *SIZE)),), "/inputs/0"),
    ],
    ids=["mask", "under-a-mask", "source"],
)
def test_a_format_that_a_backend_does_not_take_is_refused_by_its_capability(
    http: httpx.Client, builds: dict[str, SandboxProcess], inputs: tuple[dict[str, str], ...], pointer: str
) -> None:
    """ima2 takes masks and what lies under them as PNG, and its upstream reads no AVIF: said before it costs."""
    before = traces(http, builds)
    body = problem(post(http, edit(*inputs)), "request.reference_invalid")
    assert [(fault["pointer"], fault["reason"]) for fault in body["errors"]] == [(pointer, "media_type")]
    assert "image/png" in body["errors"][0]["allowed"]
    assert {each["backend"] for each in body["candidates"]} == {"head"}
    explained = foreseen(http, edit(*inputs)).raise_for_status().json()
    assert explained["chosen"] is None
    reasons = {reason["pointer"] for each in explained["candidates"] for reason in each["reasons"]}
    assert reasons == {pointer}
    assert traces(http, builds) == before


def test_a_mask_without_a_source_is_pointed_at(http: httpx.Client) -> None:
    """It lies on nothing: the request contradicts itself, whoever would serve it."""
    for answer in (post(http, edit(given("mask", drawn("PNG", "RGBA")))),
                   foreseen(http, edit(given("mask", drawn("PNG", "RGBA"))))):  # fmt: skip
        assert pointers(problem(answer, "request.field_invalid")) == ["/inputs", "/inputs/0"]


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_a_mask_with_an_alpha_channel_goes_along(
    http: httpx.Client, builds: dict[str, SandboxProcess], mode: str
) -> None:
    """Colour or grey; both may be assets, and the same mask serves another edit."""
    builds["head"].http.delete("/_sandbox/calls")
    mask, source = uploaded(http, drawn("PNG", mode), "mask"), uploaded(http, png(*SIZE), "source")
    assert foreseen(http, edit(source, mask)).json()["request"]["body"]["mask"] == f"<{mask['asset_id']}>"
    job = made(http, edit(source, mask))
    assert job["state"] == "succeeded", job["error"]
    [call] = builds["head"].calls("POST", "/api/edit")
    assert base64.b64decode(call["body"]["mask"]) == drawn("PNG", mode)


@pytest.mark.parametrize("brand", [b"heic", b"heix", b"hevc", b"mif1", b"msf1"])
def test_what_phones_write_is_refused_with_the_way_out(http: httpx.Client, brand: bytes) -> None:
    """As an input, in a dry run, and as an upload: HEIC must be converted."""
    content = b"\0\0\0\x18ftyp" + brand + b"\0\0\0\0" + brand + bytes(64)
    body = edit(given("source", content))
    upload = http.post("/v1/assets", content=content, headers={"Content-Type": "application/octet-stream"})
    for answer in (post(http, body), foreseen(http, body), upload):
        [fault] = problem(answer, "request.reference_invalid")["errors"]
        assert fault["reason"] == "media_type"
        assert WAY_OUT in fault["detail"]
    for media_type in ("image/heic", "image/heif-sequence; charset=x"):
        honest = http.post("/v1/assets", content=content, headers={"Content-Type": media_type})
        assert WAY_OUT in problem(honest, "request.malformed", 415)["detail"]


@pytest.mark.parametrize(
    ("operation", "role"),
    [("image.edit", "source"), ("video.generate", "first_frame"), ("image.generate", "reference")],
)
def test_a_film_is_no_picture_to_begin_with(http: httpx.Client, operation: str, role: str) -> None:
    """No film is continued here, wherever it was made: an asset that is one is refused by name."""
    film = uploaded(http, mp4(), role)
    body = {"operation": operation, "prompt": "and on", "inputs": [film]}
    for answer in (post(http, body), foreseen(http, body)):
        [fault] = problem(answer, "request.reference_invalid")["errors"]
        assert (fault["pointer"], fault["reason"]) == ("/inputs/0", "media_type")
        assert "is a film" in fault["detail"]


def test_an_asset_is_not_what_a_caller_says_it_is(http: httpx.Client) -> None:
    """Type by content holds for assets too; and a dry run knows no asset that is not there."""
    claimed = {**uploaded(http, png(*SIZE), "source"), "media_type": "image/webp"}
    for answer in (post(http, edit(claimed)), foreseen(http, edit(claimed))):
        [fault] = problem(answer, "request.reference_invalid")["errors"]
        assert fault["detail"] == "says image/webp, but is image/png"
    unknown = {"role": "source", "asset_id": "ast_00000000000000000000000000"}
    assert pointers(problem(foreseen(http, edit(unknown)), "request.reference_invalid")) == ["/inputs/0/asset_id"]
