"""What sd.cpp Studio is asked: masks for two readers, files by content, sizes of sources; how upscales are found."""

import hashlib
import io
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest
from aiohttp import web
from msgspec import UNSET, structs
from PIL import Image

from adapters.sdcpp import asking
from adapters.sdcpp.adapter import EXCHANGE_BYTES, TOO_LONG, Sdcpp
from adapters.sdcpp.capability import MAX_FILE_BYTES, edit, generate, upscale, variation
from adapters.sdcpp.translate import Note, Suspect, to_handle, to_note
from contracts.capability import Candidate, Capability
from contracts.catalog import CatalogError
from contracts.fit import fit
from contracts.media import Input, Size
from contracts.port import Absent, BackendSettings, CannotTell, InputBytes, Moments, Order, Pending, Recovered
from contracts.spec import ImageEdit, ImageGenerate, ImageUpscale, ImageVariation, SpecBase
from tests.unit.pictures import encoded

SOURCE = Input(role="source", asset_id="ast_1", media_type="image/png", sha256="ab" * 32)
MASK = Input(role="mask", asset_id="ast_2")


def order(spec: SpecBase, capability: Capability) -> Order:
    """Return the order for a spec that fits."""
    fitted = fit(spec, capability, "sdcpp")
    assert not fitted.mismatches, fitted.mismatches
    return Order(
        job_id="job_1",
        n=1,
        part=1,
        spec=spec,
        effective=fitted.effective,
        candidate=Candidate("studio", "default", "qwen-image"),
        capability=capability,
        count=fitted.count,
    )


def edited(**fields: Any) -> Order:
    """Return the order of an edit."""
    return order(ImageEdit(**{"prompt": "at night", "inputs": (SOURCE,), **fields}), edit({}))


def handed(data: bytes, role: str = "source") -> InputBytes:
    """Return a picture in hand, labelled png whatever it is."""
    return InputBytes(role, "image/png", data)


def mask(mode: str = "RGBA", size: tuple[int, int] = (8, 8)) -> bytes:
    """Return a mask whose left half is transparent (and, where colours are read, black)."""
    image = Image.new("RGBA", size, (255, 255, 255, 255))
    image.paste((0, 0, 0, 0), (0, 0, size[0] // 2, size[1]))
    out = io.BytesIO()
    image.convert(mode).save(out, "PNG")
    return out.getvalue()


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
async def test_a_mask_says_the_same_to_both_readers(mode: str) -> None:
    """Transparent where it is to change, for an API; white there in its one grey channel, for the sd-server."""
    inputs = (handed(encoded("png", "RGB", (8, 8))), handed(mask(mode), "mask"))
    asked = await asking.ask(edited(inputs=(SOURCE, MASK)), inputs)
    assert asked.form is not None
    name, data, media_type = asked.form.files["mask"]
    assert (name, media_type) == ("mask.png", "image/png")
    with Image.open(io.BytesIO(data)) as written:
        grey, alpha = written.convert("RGB").convert("L"), written.getchannel("A")
        assert [(grey.getpixel((x, 3)), alpha.getpixel((x, 3))) for x in (0, 3, 4, 7)] == [(255, 0)] * 2 + [
            (0, 255)
        ] * 2


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (mask("RGB"), "no_alpha"),
        (mask(size=(8, 16)), "dimensions"),
        (b"GIF89a" + b"\0" * 40, "media_type"),
        (mask()[:60], "undecodable"),
    ],
)
async def test_a_mask_that_cannot_be_used_is_refused_before_anything_is_sent(content: bytes, reason: str) -> None:
    """Studio would store it, and the picture would come out wrong or not at all."""
    inputs = (handed(encoded("png", "RGB", (8, 8))), handed(content, "mask"))
    with pytest.raises(CatalogError) as caught:
        await asking.ask(edited(inputs=(SOURCE, MASK)), inputs)
    assert (caught.value.code, caught.value.outcome) == ("request.reference_invalid", "not_started")
    assert [(each.pointer, each.reason) for each in caught.value.errors] == [("/inputs/1", reason)]


@pytest.mark.parametrize(("form", "name"), [("png", "image.png"), ("jpeg", "image.jpg"), ("webp", "image.webp")])
async def test_a_file_is_named_by_what_it_is(form: str, name: str) -> None:
    """Name and type must both say so, or the route refuses it; what the label says does not count."""
    data = encoded(form, "RGB", (8, 8))
    asked = await asking.ask(edited(), (handed(data),))
    assert asked.form is not None
    assert asked.form.files == {"image": (name, data, f"image/{form}")}
    assert asked.form.files["image"][1] is data


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (encoded("avif", "RGB", (8, 8)), "request.reference_invalid"),
        (b"no picture at all", "request.reference_invalid"),
        (encoded("png", "RGB", (8, 8)).ljust(MAX_FILE_BYTES + 1, b"\0"), "request.too_large"),
    ],
    ids=["avif", "junk", "large"],
)
async def test_a_file_that_the_route_refuses_is_never_sent(data: bytes, code: str) -> None:
    """With a page of HTML, which in production would not even say why."""
    with pytest.raises(CatalogError) as caught:
        await asking.ask(edited(), (handed(data),))
    assert (caught.value.code, caught.value.outcome) == (code, "not_started")


@pytest.mark.parametrize(
    ("source", "sent"),
    [((64, 48), "64x48"), ((100, 33), "96x32"), ((3, 200), "8x200"), ((8192, 1024), "4096x512")],
)
async def test_a_picture_keeps_its_size_where_none_is_wished(source: tuple[int, int], sent: str) -> None:
    """Studio's own default is 512x512 whatever the source is; the nearest size that it makes is sent instead."""
    asked = await asking.ask(edited(), (handed(encoded("png", "L", source)),))
    assert asked.form is not None
    assert asked.form.fields["size"] == sent
    wished = await asking.ask(edited(size=Size(width=32, height=64)), (handed(encoded("png", "L", source)),))
    assert wished.form is not None
    assert wished.form.fields["size"] == "32x64"


@pytest.mark.parametrize(("strength", "sent"), [(UNSET, "0.75"), (0.0, "1e-06"), (0.4, "0.4"), (1.0, "1")])
async def test_a_strength_is_said_in_words_that_studio_hears(strength: Any, sent: str) -> None:
    """A plain 0 would become 0.75 there."""
    spec = ImageVariation(inputs=(SOURCE,), strength=strength)
    asked = await asking.ask(order(spec, variation({})), (handed(encoded("png", "RGB", (8, 8))),))
    assert asked.form is not None
    assert asked.form.fields["strength"] == sent
    assert "prompt" not in asked.form.fields


async def test_flags_go_as_numbers_and_what_the_worker_ignores_is_refused() -> None:
    """Sampling, quality, style and seed of an edit or variation would be stored and not used."""
    options = {"sdcpp": {"vae_tiling": True, "diffusion_fa": False}}
    asked = await asking.ask(edited(options=options), (handed(encoded("png", "RGB", (8, 8))),))
    assert asked.form is not None
    assert (asked.form.fields["vae_tiling"], asked.form.fields["diffusion_fa"]) == ("1", "0")
    ignored = {"cfg_scale": 5, "sampling_method": "euler", "sample_steps": 4, "clip_skip": 1}
    for capability, spec in ((edit({}), ImageEdit), (variation({}), ImageVariation)):
        whole = spec(
            prompt="x", inputs=(SOURCE,), seed=1, effort="high", style="vivid", options={"sdcpp": dict(ignored)}
        )
        pointers = {each.fault.pointer for each in fit(whole, capability, "sdcpp").mismatches}
        assert pointers == {"/seed", "/effort", "/style", *(f"/options/sdcpp/{name}" for name in ignored)}


def test_an_edit_carries_the_name_of_its_attempt_and_reports_no_seed() -> None:
    """The field is stored by Studio and used for nothing; the preview shows pictures by their names."""
    prepared = asking.prepare(edited(inputs=(SOURCE, MASK)))
    form = prepared.preview["body"]
    assert (form["source_image_id"], form["image"], form["mask"]) == ("job_1.1", "<ast_1>", "<ast_2>")
    assert form["size"] == asking.LIKE_SOURCE
    assert prepared.effective.seed is UNSET
    assert to_note(prepared.handle).seed == form["seed"]


def test_where_no_seed_is_honoured_a_job_is_known_by_one_that_asks_for_any() -> None:
    """Below zero: it is stored and shown, it is another for each attempt, and nobody is told that it was used."""
    seedless = order(ImageGenerate(prompt="x"), structs.replace(generate({}), seed_max=None))
    prepared, again = asking.prepare(seedless), asking.prepare(structs.replace(seedless, n=2))
    seed = to_note(prepared.handle).seed
    assert int(seed) < 0
    assert prepared.preview["body"]["seed"] == seed != to_note(again.handle).seed
    assert prepared.effective.seed is UNSET


@pytest.mark.parametrize(
    ("listed", "count", "worth"),
    [(None, 1, False), (None, 2, True), (1200, 2, True), (10 * EXCHANGE_BYTES, 5, False), (TOO_LONG, 10_000, False)],
)
async def test_a_list_is_read_while_it_is_shorter_than_single_answers(
    listed: int | None, count: int, *, worth: bool
) -> None:
    """It is unpaged, and anybody's jobs are in it: its last length decides, and a length never seen is tried."""
    adapter = Sdcpp(BackendSettings(name="studio", base_url="http://127.0.0.1:9"))
    adapter._list_bytes = listed
    assert adapter.lists(count) is worth
    await adapter.close()


PICTURE = encoded("png", "RGB", (16, 16))
NOW = 1_800_000_000.0


def row(job_id: str, file: str = "one.png", **fields: Any) -> dict[str, Any]:
    """Return the row of an upscale: nothing that was sent is in it, but where the picture lies."""
    shown = {"id": job_id, "status": "processing", "type": "upscale", "prompt": None, "seed": "4.0"}
    return {**shown, "created_at": NOW * 1000, "input_image_path": f"/srv/app/input/{file}", **fields}


@asynccontextmanager
async def keeping(rows: list[dict[str, Any]], files: Mapping[str, bytes]) -> AsyncIterator[Sdcpp]:
    """Drive a server with these rows and uploaded files."""

    async def queue(_request: web.Request) -> web.Response:
        return web.json_response({"jobs": rows})

    async def file(request: web.Request) -> web.Response:
        data = files.get(request.match_info["name"])
        return web.json_response({"error": "File not found"}, status=404) if data is None else web.Response(body=data)

    app = web.Application()
    app.router.add_get("/api/queue", queue)
    app.router.add_get("/static/input/{name}", file)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    adapter = Sdcpp(BackendSettings(name="studio", base_url=f"http://127.0.0.1:{runner.addresses[0][1]}"))
    try:
        yield adapter
    finally:
        await adapter.close()
        await runner.cleanup()


async def looked_for(adapter: Sdcpp, media_type: str = "image/png", *, later_s: float = 5) -> Recovered:
    """Look for an upscale until more is known than that it is looked for."""
    source = Input(role="source", asset_id="ast_1", media_type=media_type, sha256=hashlib.sha256(PICTURE).hexdigest())
    handle = asking.prepare(order(ImageUpscale(inputs=(source,)), upscale({}))).handle
    moments = Moments(submitted_at=NOW, now=NOW + later_s, settle_s=0)
    while True:
        found = await adapter.recover(handle, moments)
        if not isinstance(found, Pending) or found.found or found.handle is None:
            return found
        handle = msgspec.json.decode(msgspec.json.encode(found.handle), type=type(handle))


async def test_a_lost_upscale_is_known_by_its_picture() -> None:
    """Strangers' upscales are none of ours, nor are those that ended without a picture, or other kinds of work."""
    strangers = [row("other", "two.png"), row("failed", status="failed"), row("edit", type="edit")]
    files = {"one.png": PICTURE, "two.png": b"another"}
    async with keeping([*strangers, row("mine")], files) as adapter:
        found = await looked_for(adapter)
        assert isinstance(found, Pending)
        assert found.handle is not None
        assert (to_note(found.handle).job_id, to_note(found.handle).suspects) == ("mine", ())
        early = await looked_for(adapter, later_s=0.5)
        assert isinstance(early, Pending)
        assert (early.found, early.poll_after_s) == (False, 1.5)
    async with keeping(strangers, files) as adapter:
        assert isinstance(await looked_for(adapter), Absent)


async def test_an_upscale_that_cannot_be_told_from_others_is_not_sent_twice() -> None:
    """Its picture was converted, or is gone: no stranger's picture is ever delivered, and nothing is made anew."""
    async with keeping([row("perhaps")], {}) as adapter:
        assert isinstance(await looked_for(adapter), CannotTell)
        assert isinstance(await looked_for(adapter, "image/webp"), CannotTell)
    async with keeping([row(f"{number}", f"{number}.png") for number in range(21)], {}) as adapter:
        assert isinstance(await looked_for(adapter), CannotTell)


def test_a_handle_of_an_upscale_outlives_its_process() -> None:
    """How far it was looked for is part of it."""
    note = Note(kind="upscale", seed="1", prompt_sha256="", size="", source_sha256="a", suspects=(Suspect("x", "y"),))
    assert to_note(to_handle(note, "job_1.1")) == note
