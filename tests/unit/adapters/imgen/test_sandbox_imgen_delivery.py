import asyncio
from base64 import b64encode
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from PIL import Image, ImageChops

from contracts.sniff import sniff
from tests.unit.adapters.imgen.native import imgen

CREDENTIALS = {
    "cs_author": "Ada & Co",
    "cs_title": "A <title>",
    "cs_description": "A lighthouse, drawn",
    "cs_organization": "Tests",
    "cs_vendor": "Vendor 7",
}


def opened(data: bytes) -> Image.Image:
    """Return a picture read whole."""
    picture = Image.open(BytesIO(data))
    picture.load()
    return picture


def mark() -> str:
    """Return a plain magenta square as a data URI."""
    file = BytesIO()
    Image.new("RGB", (40, 40), (255, 0, 255)).save(file, "PNG")
    return f"data:image/png;base64,{b64encode(file.getvalue()).decode()}"


def magenta(data: bytes) -> tuple[int, int, int, int] | None:
    """Return the box of what is magenta in a picture."""
    red, green, blue = opened(data).convert("RGB").split()
    clear = ImageChops.subtract(ImageChops.darker(red, blue), green)
    return clear.point([255 if level > 250 else 0 for level in range(256)]).getbbox()


@pytest.mark.parametrize("name", ["jpeg", "png", "webp", "avif"])
async def test_the_bytes_are_of_the_format_and_size_that_were_asked_for(tmp_path: Path, name: str) -> None:
    """What is delivered reads back as what `meta` promises, and the file is called after it."""
    async with imgen(tmp_path) as native:
        meta = await native.made("a lighthouse", format=name, width=832, height=1216)
        answer = await native.fetch(meta)
    found = sniff(answer.content)
    assert found is not None
    assert (found.format, found.width, found.height, found.complete) == (name, 832, 1216, True)
    assert answer.headers["content-type"] == f"image/{name}"
    assert meta["images"][0]["filename"].endswith(".jpg" if name == "jpeg" else f".{name}")


async def test_quality_and_lossless_are_seen_in_the_bytes(tmp_path: Path) -> None:
    """Low quality is smaller, and a lossless file says that it is one."""
    async with imgen(tmp_path) as native:
        rough = await native.picture("a lighthouse", quality=10)
        fine = await native.picture("a lighthouse", quality=95)
        exact = await native.picture("a lighthouse", format="webp", lossless=True)
        lossy = await native.picture("a lighthouse", format="webp")
    assert len(rough) * 3 < len(fine)
    assert b"VP8L" in exact[:64]
    assert b"VP8L" not in lossy[:64]


async def test_a_thumbnail_fits_into_256_pixels(tmp_path: Path) -> None:
    """The thumbnail is a small jpeg of the same shape, whatever the picture's format."""
    async with imgen(tmp_path) as native:
        answer = await native.fetch(await native.made("a lighthouse", format="png"), "thumbnail")
    found = sniff(answer.content)
    assert found is not None
    assert (found.format, found.width, found.height) == ("jpeg", 256, 146)


async def test_a_picture_is_the_same_wherever_it_is_made(tmp_path: Path) -> None:
    """The n-th run of a wish has the same bytes in every data directory; the next run of it has others."""
    pictures = []
    for place in ("one", "other"):
        async with imgen(tmp_path / place) as native:
            meta = await native.made("a fox in the snow")
            pictures.append((await native.fetch(meta)).content)
            assert (await native.fetch(meta)).content == pictures[-1]
            again = await native.picture("a fox in the snow")
    assert pictures[0] == pictures[1] != again


async def test_a_signed_url_needs_no_key_and_names_the_host_that_was_asked(tmp_path: Path) -> None:
    """The URL is absolute, on the `Host` of the request, with an expiry an hour away and a signature."""
    async with imgen(tmp_path, speed=1000) as native:
        run = await native.generate("a lighthouse")
        await native.finished(run)
        body = {"action": "status", "id": run["id"], "prompt": run["prompt"], "model": run["model"]}
        headers = {"Authorization": f"Bearer {native.key}", "Host": "pictures.example:81"}
        answer = (await native.http.post(f"{native.origin}/api/v2", json=body, headers=headers)).json()
        url = urlsplit(answer["meta"]["images"][0]["url"])
        assert (await native.http.get(f"{native.origin}{url.path}?{url.query}")).status_code == 200
    assert (url.scheme, url.netloc) == ("http", "pictures.example:81")
    assert set(parse_qs(url.query)) == {"exp", "sig"}


async def test_pictures_may_be_said_to_lie_elsewhere(tmp_path: Path) -> None:
    """`result_host` names another host, and a token still another one."""
    async with imgen(tmp_path, result_host="cdn.example") as native:
        one = await native.made("a lighthouse")
        other = await native.made("a lighthouse [[result_host:127.0.0.2:8443]]")
    assert all(image["url"].startswith("http://cdn.example/signed/") for image in one["images"])
    assert all(image["url"].startswith("http://127.0.0.2:8443/signed/") for image in other["images"])


async def test_a_url_expires_and_a_new_poll_signs_a_new_one(tmp_path: Path) -> None:
    """After its time a URL is 403 in XML, as at an object store; polling again gives one that works."""
    async with imgen(tmp_path, speed=7200) as native:
        run = await native.generate("a lighthouse")
        old = (await native.finished(run))["meta"]
        await asyncio.sleep(1.6)
        expired = await native.fetch(old)
        new = (await native.finished(run))["meta"]
        assert (await native.fetch(new)).status_code == 200
    assert expired.status_code == 403
    assert expired.headers["content-type"].startswith("application/xml")
    assert "<Code>AccessDenied</Code><Message>Request has expired</Message>" in expired.text


@pytest.mark.parametrize(
    ("old", "new"), [("sig=", "sig=0"), ("exp=", "exp=9"), ("&sig=", "&other="), ("/run_", "/run_0"), ("?exp", "?sig")]
)
async def test_a_url_that_was_changed_is_refused(tmp_path: Path, old: str, new: str) -> None:
    """Neither path, expiry nor signature can be changed."""
    async with imgen(tmp_path) as native:
        url = (await native.made("a lighthouse"))["images"][0]["url"]
        answer = await native.http.get(url.replace(old, new))
    assert answer.status_code == 403
    assert "<Code>SignatureDoesNotMatch</Code>" in answer.text


@pytest.mark.parametrize(
    ("asked", "box"),
    [
        ({}, (1344 - 67 - 10, 768 - 67 - 10, 1344 - 10, 768 - 10)),
        ({"wm_position": "top-left", "wm_padding_x": 0, "wm_padding_y": 500}, (0, 500, 67, 567)),
        ({"wm_position": "center", "wm_scale": 10}, (605, 317, 739, 451)),
        ({"wm_position": "nowhere", "wm_scale": 0, "wm_padding_x": -1}, (1331, 745, 1344, 758)),
        ({"wm_transparency": 0}, None),
        ({"wm_image": "data:image/png;base64,AAAA"}, None),
        ({"wm_image": "https://example.org/mark.png"}, None),
    ],
)
async def test_a_watermark_is_laid_where_it_was_asked_for(
    tmp_path: Path, asked: dict[str, Any], box: tuple[int, int, int, int] | None
) -> None:
    """Position, scale (percent of the width), padding and opacity hold; what is no picture is left out in silence."""
    async with imgen(tmp_path) as native:
        data = await native.picture("a lighthouse", **{"format": "png", "wm_image": mark(), **asked})
    assert magenta(data) == box


async def test_a_watermark_is_turned(tmp_path: Path) -> None:
    """A square turned by 45 degrees is as wide as its diagonal."""
    async with imgen(tmp_path) as native:
        data = await native.picture("a lighthouse", format="png", wm_image=mark(), wm_rotation=45, wm_scale=10)
    box = magenta(data)
    assert box is not None
    assert 180 < box[2] - box[0] < 195


@pytest.mark.parametrize("name", ["jpeg", "png", "webp", "avif"])
async def test_provenance_is_written_into_every_format(tmp_path: Path, name: str) -> None:
    """All five credentials are in the XMP, the four that EXIF knows there too, and it is called an emulation."""
    async with imgen(tmp_path) as native:
        picture = opened(await native.picture("a lighthouse", format=name, **CREDENTIALS))
    kept = picture.info.get("xmp", picture.info.get("XML:com.adobe.xmp", ""))
    xmp = kept.decode() if isinstance(kept, bytes) else kept
    assert "emulation of C2PA, not signed" in xmp
    assert "<imgen:author>Ada &amp; Co</imgen:author>" in xmp
    assert "<imgen:title>A &lt;title&gt;</imgen:title>" in xmp
    assert all(f"<imgen:{field}>" in xmp for field in ("description", "organization", "vendor"))
    exif = picture.getexif()
    assert [exif[tag] for tag in (0x013B, 0x010E, 0x8298, 0x0131)] == [
        "Ada & Co", "A lighthouse, drawn", "Tests", "Vendor 7",
    ]  # fmt: skip


async def test_what_is_not_overridden_is_the_services_own(tmp_path: Path) -> None:
    """An empty override leaves the default, so that every picture says who made it."""
    async with imgen(tmp_path) as native:
        picture = opened(await native.picture("a lighthouse", cs_author="", cs_title="Mine"))
    assert picture.getexif()[0x013B] == "imgen"
    assert b"<imgen:title>Mine</imgen:title>" in picture.info["xmp"]
