"""A client of imgen points at Triptych and makes pictures, whoever makes them behind it."""

import base64
from typing import Any

import pytest

from tests.e2e.drawn import media_of, picture
from tests.e2e.imgen_client import Clients, Imgen, fetched, is_blue, pixel, shown, signed, stamp
from tests.e2e.keyed import KeyedGateway
from tests.harness import SandboxProcess

BACKENDS = ("imgen", "ima2", "studio")
#: Fields of `meta` that the seed names.
META = {
    "id", "gen_id", "time", "prompt", "positive", "negative", "character", "model", "style", "width", "height",
    "format", "quality", "lossless", "optimized", "compliance", "compliance_codes", "compliance_ruleset",
    "precompliance", "fingerprint", "images",
}  # fmt: skip


@pytest.fixture(scope="module")
def client(keyed: KeyedGateway) -> Clients:
    """Clients of the face, each of a team."""
    return Clients(keyed)


def on(client: Clients, backend: str) -> Imgen:
    """Return a client whose key may use one backend."""
    return client(f"on-{backend}", "--backend", backend)


def test_a_plain_request_makes_the_documents_default_picture_on_every_backend(client: Clients) -> None:
    """1344x768 in jpeg; reviewed where somebody reviews, and only there said to be safe."""
    runs = {backend: on(client, backend).begun("a red fox") for backend in BACKENDS}
    for backend, run in runs.items():
        assert run.keys() == {"id", "prompt", "model", "format", "gen_id"}
        assert (run["id"][:4], len(run["id"])) == ("run_", 36)
        assert (run["prompt"], run["format"]) == ("a red fox", "jpeg")
        told = on(client, backend).polled(run)
        assert told.keys() == {"status", "meta"}
        meta = told["meta"]
        assert meta.keys() >= META
        assert (meta["width"], meta["height"], meta["format"]) == (1344, 768, "jpeg")
        assert (meta["id"], meta["gen_id"], meta["model"]) == (run["id"], run["gen_id"], run["model"])
        reviewed = ("safe", "default") if backend == "imgen" else ("not_reviewed", None)
        assert (meta["compliance"], meta["compliance_ruleset"]) == reviewed
        media = shown(meta)
        assert (media.width, media.height, media.format) == (1344, 768, "jpeg")
        thumbnail = media_of(fetched(signed(meta, "thumbnail")))
        assert max(thumbnail.width, thumbnail.height) == 256


ENCODINGS: list[tuple[str, dict[str, Any]]] = [
    ("imgen", {"format": "png", "width": 832, "height": 1216}),
    ("imgen", {"format": "webp", "quality": 40, "width": 1216, "height": 832}),
    ("ima2", {"format": "webp", "lossless": True, "width": 896, "height": 1152}),
    ("ima2", {"format": "jpeg", "quality": 40, "width": 768, "height": 1344}),
    ("studio", {"format": "avif", "quality": 40, "width": 1024, "height": 1024}),
    ("studio", {"format": "png", "lossless": True, "width": 1152, "height": 896}),
]


def test_sizes_formats_and_quality_are_in_the_bytes(client: Clients) -> None:
    """By the backend where it can, by the gateway where it cannot: what was asked for is what is fetched."""
    runs = [on(client, backend).begun("a hill", **fields) for backend, fields in ENCODINGS]
    for (backend, fields), run in zip(ENCODINGS, runs, strict=True):
        meta, wanted = on(client, backend).polled(run)["meta"], (fields["format"], fields["width"], fields["height"])
        media = shown(meta)
        assert (media.format, media.width, media.height) == wanted
        assert (meta["format"], meta["width"], meta["height"]) == wanted
        assert meta["quality"] == fields.get("quality")
        assert meta["lossless"] is (fields["format"] == "webp" and fields.get("lossless", False))


def test_a_quality_is_what_the_encoder_was_told(client: Clients) -> None:
    """The same picture in a lower quality has fewer bytes (Studio delivers png alone, so the gateway encodes)."""
    http = on(client, "studio")
    lengths = [len(fetched(signed(http.made("a meadow", quality=quality)))) for quality in (95, 20)]
    assert lengths[0] > lengths[1] * 1.3


def test_a_watermark_is_drawn_where_it_is_wished(client: Clients) -> None:
    """By imgen itself, by the gateway for the others: same place, same size, and nowhere else."""
    marked = {"wm_image": stamp(), "wm_position": "top-left", "wm_scale": 10, "wm_padding_x": 20, "wm_padding_y": 30}
    square = {"width": 1024, "height": 1024}
    runs = {backend: on(client, backend).begun("a wall", **square, **marked) for backend in BACKENDS}
    for backend, run in runs.items():
        meta = on(client, backend).polled(run)["meta"]
        data = fetched(signed(meta))
        assert is_blue(pixel(data, 25, 35)), backend
        assert is_blue(pixel(data, 20 + 102 - 8, 30 + 51 - 8)), backend
        assert not is_blue(pixel(data, 5, 5)), backend
        assert not is_blue(pixel(data, 150, 110)), backend
        by_gateway = {each["field"] for each in meta["adjustments"] if each["by"] == "gateway"}
        assert ("wm_image" in by_gateway) == (backend != "imgen")


def test_the_watermark_never_reaches_a_backend_that_draws_none(
    client: Clients, sandboxes: dict[str, SandboxProcess]
) -> None:
    """What is sent there is the request without it."""
    on(client, "ima2").made("a marked gate", wm_image=stamp())
    sent = [call["body"] for call in sandboxes["ima2"].submits() if call["body"]["prompt"] == "a marked gate"]
    assert len(sent) == 1
    assert stamp().partition(",")[2] not in str(sent[0])


def test_names_and_terms_become_fields(client: Clients, sandboxes: dict[str, SandboxProcess]) -> None:
    """A character and negatives of the prompt, by their own fields where a backend has them; `meta` shows the whole."""
    prompt = "@aya red scarf, on a bridge, -fog, -crowd"
    meta = on(client, "imgen").made(prompt, negative="text", style="film", model="eros")
    assert meta["prompt"] == prompt
    assert (meta["character"], meta["style"], meta["model"]) == ("aya", "film", "eros")
    assert "red scarf, on a bridge" in meta["positive"]
    assert meta["positive"] != "red scarf, on a bridge"
    assert meta["negative"].endswith("fog, crowd, text")
    on(client, "studio").made("a pier, -fog, -crowd")
    sent = [call["body"] for call in sandboxes["sdcpp"].submits() if call["body"]["prompt"].startswith("a pier")]
    assert [(each["prompt"], each["negative_prompt"]) for each in sent] == [("a pier", "fog, crowd")]
    words = on(client, "ima2").made("a pier, -fog")
    assert words["positive"].startswith("a pier")
    assert {"negative"} <= {each["field"] for each in words["adjustments"]}


def test_credentials_are_honoured_where_somebody_signs_and_refused_elsewhere(client: Clients) -> None:
    """Imgen writes them into the file; nobody else could, and says so before anything is made."""
    fields = {"cs_author": "The Studio", "cs_title": "A Quay"}
    data = fetched(signed(on(client, "imgen").made("a quay", **fields)))
    assert b"The Studio" in data
    for backend in ("ima2", "studio"):
        http = on(client, backend)
        assert http.refused(prompt="a quay", **fields) == (400, "Invalid cs_author")


def test_models_lists_what_the_key_may_use(client: Clients) -> None:
    """Characters, models and styles of the backends that it may ask, in the seed's shape."""
    everything = client("lister").ask(action="models")
    assert everything.keys() == {"characters", "models"}
    eros = everything["models"]["eros"]
    assert eros["default_style"] == "professional"
    assert eros["styles"]["professional"] == {"label": "Professional"}
    assert "aya" in everything["characters"]
    studio = on(client, "studio").ask(action="models")
    assert studio["characters"] == []
    assert "eros" not in studio["models"]
    assert all(set(each["styles"]) == {"natural", "vivid"} for each in studio["models"].values())
    named = next(iter(studio["models"]))
    meta = on(client, "studio").made("a stile", model=named, style="vivid")
    assert (meta["model"], meta["style"]) == (named, "vivid")


def test_a_signed_url_is_good_for_its_file_alone(client: Clients) -> None:
    """Without a key, until its time is over; not for another file, not for the thumbnail, not without its signature."""
    http = on(client, "studio")
    one, other = http.made("one"), http.made("other")
    base, _, query = signed(one).partition("?")
    for url in (base, f"{signed(other).partition('?')[0]}?{query}", f"{base}?{query}&thumbnail=256"):
        assert http.http.get(url, headers={"Authorization": ""}).status_code == 401
    past = query.replace(query.partition("exp=")[2][:10], "1000000000")
    assert http.http.get(f"{base}?{past}", headers={"Authorization": ""}).status_code == 401


def test_a_mark_that_nobody_can_read_is_refused_before_anything_is_made(client: Clients) -> None:
    """No data URI, no picture, or only the header of one."""
    http = on(client, "studio")
    half = base64.b64encode(picture("PNG")[:40]).decode()
    for uri in ("https://example.com/a.png", "data:image/png;base64,aGVsbG8=", f"data:image/png;base64,{half}"):
        assert http.refused(wm_image=uri) == (400, "Invalid wm_image")
