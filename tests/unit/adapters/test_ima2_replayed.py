"""The ima2 adapter over every recorded exchange that it can meet: pictures come out as pictures, errors as codes."""

import json
from pathlib import Path

import pytest

from adapters.ima2.adapter import Ima2
from adapters.ima2.capability import generate
from contracts.capability import Candidate
from contracts.catalog import CatalogError
from contracts.fit import fit
from contracts.port import BackendSettings, Done, Order
from contracts.sniff import sniff
from contracts.spec import ImageGenerate
from tests.unit.adapters.known import KnownIma2, profile_of
from tests.unit.adapters.recording import load
from tests.unit.adapters.replay_server import replaying

GOLDEN = json.loads((Path(__file__).parent / "golden" / "ima2_codes.json").read_text())
GENERATIONS = {
    name: recording
    for name, recording in load("ima2")
    if recording.get("request", {}).get("path") == "/api/generate"
    and recording["request"]["method"] == "POST"
    and "status" in recording.get("response", {})
}
PROBES = {"HEAD": ("providers_A", "oauth_status_ready"), "TAG": ("tag_providers", "oauth_status_ready")}


def order(count: int = 1) -> Order:
    """Return an order of the HEAD build's default account."""
    capability = generate("head", "oauth", {}, {"submit_s": 5.0})
    spec = ImageGenerate(prompt="a shiba in space", n=count)
    return Order(
        job_id="job_1",
        n=1,
        part=1,
        spec=spec,
        effective=fit(spec, capability, "ima2").effective,
        candidate=Candidate("ima2", "oauth", "gpt-5.4"),
        capability=capability,
        count=count,
    )


async def submitted(name: str) -> Done:
    """Submit an order to a server that answers with a recording."""
    recording = GENERATIONS[name]
    async with replaying(lambda _method, _path: recording["response"]) as url:
        adapter = KnownIma2(BackendSettings(name="ima2", base_url=url), profile_of(name))
        count = recording["request"]["body"].get("n", 1) if isinstance(recording["request"].get("body"), dict) else 1
        asked = order(count if isinstance(count, int) and 1 <= count <= 8 else 1)
        try:
            done = await adapter.submit(adapter.prepare(asked).handle, asked, (), lambda _note: None)
        finally:
            await adapter.close()
    assert isinstance(done, Done)
    return done


@pytest.mark.parametrize("name", [name for name, each in GENERATIONS.items() if each["response"]["status"] >= 400])
async def test_a_recorded_refusal_or_failure_comes_out_as_its_code(name: str) -> None:
    """The code and outcome are those that the table's golden file names."""
    with pytest.raises(CatalogError) as caught:
        await submitted(name)
    assert f"{caught.value.code} {caught.value.outcome}" == GOLDEN[name]


@pytest.mark.parametrize("name", [name for name, each in GENERATIONS.items() if each["response"]["status"] == 200])
async def test_a_recorded_success_yields_its_pictures(name: str) -> None:
    """Each picture is inline where its bytes are what was asked, else the stored file is named."""
    body = GENERATIONS[name]["response"]["body"]
    done = await submitted(name)
    pictures = body.get("images") or [body]
    assert len(done.outputs) == len(pictures)
    for output, picture in zip(done.outputs, pictures, strict=True):
        assert output.revised_prompt == picture.get("revisedPrompt")
        if output.base64 is None:
            assert output.reference == f"/generated/{picture['filename']}"
        else:
            assert picture["image"].endswith(output.base64.decode())
    if body.get("usage"):
        assert done.usage is not None
        assert done.usage.total_tokens == body["usage"]["total_tokens"]


async def test_a_jpeg_that_is_a_png_is_fetched_as_a_file() -> None:
    """HEAD labels PNG bytes image/jpeg; the stored file is the real JPEG (wire §3)."""
    capability = generate("head", "oauth", {}, {})
    recording = GENERATIONS["generate_format_jpeg"]
    from contracts.spec import OutputWish  # noqa: PLC0415

    spec = ImageGenerate(prompt="x", output=OutputWish(format="jpeg"))
    asked = Order(
        job_id="job_1",
        n=1,
        part=1,
        spec=spec,
        effective=fit(spec, capability, "ima2").effective,
        candidate=Candidate("ima2", "oauth", "gpt-5.4-mini"),
        capability=capability,
    )
    async with replaying(lambda _method, _path: recording["response"]) as url:
        adapter = Ima2(BackendSettings(name="ima2", base_url=url))
        try:
            done = await adapter.submit(adapter.prepare(asked).handle, asked, (), lambda _note: None)
        finally:
            await adapter.close()
    assert isinstance(done, Done)
    assert done.outputs[0].base64 is None
    assert done.outputs[0].reference == f"/generated/{recording['response']['body']['filename']}"


@pytest.mark.parametrize(("build", "profile"), [("HEAD", "head"), ("TAG", "tag")])
async def test_the_build_is_told_by_its_probes_and_never_by_its_version(build: str, profile: str) -> None:
    """Both say version 1.1.8; `/api/capabilities` and `/api/providers` tell them apart (wire §0)."""
    recordings = dict(load("ima2"))
    providers, status = PROBES[build]
    answers = {"/api/providers": recordings[providers]["response"], "/api/oauth/status": recordings[status]["response"]}
    answers["/api/capabilities"] = recordings["unknown_api_nope"]["response"]
    async with replaying(lambda _method, path: answers.get(path)) as url:
        adapter = Ima2(BackendSettings(name="ima2", base_url=url))
        try:
            discovery = await adapter.discover()
        finally:
            await adapter.close()
    assert discovery.profile == profile
    assert [account.name for account in discovery.accounts] == (["oauth"] if profile == "tag" else ["oauth", "api"])
    assert "gpt-5.3-codex-spark" not in {model.id for model in discovery.models}


async def test_recorded_terminal_records_become_codes_or_lead_to_the_history() -> None:
    """`terminalJobs` of a recorded registry: completed ones are looked up, failed ones are mapped."""
    recordings = dict(load("ima2"))
    registry = recordings["inflight_after_clear"]["response"]
    records = registry["body"]["terminalJobs"]
    assert records
    async with replaying(lambda _method, _path: registry) as url:
        adapter = Ima2(BackendSettings(name="ima2", base_url=url))
        try:
            for record in records:
                asked = adapter.prepare(order()).handle
                from adapters.ima2.translate import Note, to_handle  # noqa: PLC0415

                handle = to_handle(Note(request_id=record["requestId"], account="oauth", count=1))
                polled = (await adapter.poll([handle]))[handle.id]
                assert asked.id != handle.id
                if record["status"] == "completed":
                    assert type(polled).__name__ == "Pending"
                else:
                    assert isinstance(polled, CatalogError)
        finally:
            await adapter.close()


def test_the_recorded_pictures_are_pictures() -> None:
    """The fixtures themselves are what the tests take them for."""
    import base64  # noqa: PLC0415

    body = GENERATIONS["generate_ok"]["response"]["body"]
    media = sniff(base64.b64decode(body["image"].partition(",")[2]))
    assert media is not None
    assert (media.format, media.width, media.height) == ("png", 8, 8)
