"""A team's client of the OpenAI face, by plain HTTP: what is asked, and what every answer owes its reader."""

import base64
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import httpx
from msgspec import Struct
from PIL import Image

from contracts.catalog import CATALOG
from contracts.sniff import Media
from tests.e2e.drawn import media_of, picture

PATH = "/openai/v1"
File = tuple[str, tuple[str, bytes, str]]


class Frame(Struct, frozen=True):
    """One frame of a stream."""

    event: str
    data: dict[str, Any]


def image(name: str = "image", side: int = 64, file_format: str = "PNG") -> File:
    """Return a picture as a file of a form."""
    return name, ("fox", picture(file_format, side, side), f"image/{file_format.lower()}")


def mask(side: int = 64) -> File:
    """Return a mask whose left half is to be edited."""
    drawn = Image.new("RGBA", (side, side), (0, 0, 0, 255))
    drawn.paste((0, 0, 0, 0), (0, 0, side // 2, side))
    out = io.BytesIO()
    drawn.save(out, format="PNG")
    return "mask", ("mask.png", out.getvalue(), "image/png")


class OpenaiFace:
    """One team's client, with its key where OpenAI's clients put it."""

    def __init__(self, http: httpx.Client, path: str = PATH) -> None:
        """Take a client that sends the key."""
        self.http = http
        self._path = path

    def post(
        self, route: str = "generations", *, headers: Mapping[str, str] | None = None, **body: Any
    ) -> httpx.Response:
        """Send a request for pictures in JSON."""
        return self.http.post(f"{self._path}/images/{route}", json=body, headers=headers)

    def send(self, route: str, files: Sequence[File], **fields: str) -> httpx.Response:
        """Send a request for pictures as a form."""
        return self.http.post(f"{self._path}/images/{route}", files=list(files), data=fields)

    def get(self, path: str) -> httpx.Response:
        """Read."""
        return self.http.get(f"{self._path}{path}")

    def frames(self, **body: Any) -> tuple[httpx.Response, list[Frame]]:
        """Send a request for a stream, and return all that is told."""
        answer = self.post(**{"stream": True, "prompt": "a red fox", **body})
        assert answer.headers["content-type"].startswith("text/event-stream"), answer.text
        return answer, list(frames_of(answer.text))


def frames_of(text: str) -> Iterator[Frame]:
    """Yield the frames of a stream that has ended."""
    for block in text.split("\n\n"):
        lines = block.split("\n")
        if lines[0].startswith("event: "):
            assert len(lines) == 2
            yield Frame(lines[0].removeprefix("event: "), json.loads(lines[1].removeprefix("data: ")))


def made(answer: httpx.Response) -> dict[str, Any]:
    """Return the body of a success, after checking what every success owes."""
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-triptych-job"].startswith("job_")
    assert answer.headers["x-triptych-sandbox"] == "true"
    body: dict[str, Any] = answer.json()
    assert set(body) <= {
        "created",
        "data",
        "background",
        "output_format",
        "quality",
        "size",
        "usage",
        "safety_identifier",
    }
    return body


def drawn(image_of_answer: Mapping[str, Any]) -> Media:
    """Return what a picture in an answer turns out to be."""
    return media_of(base64.b64decode(image_of_answer["b64_json"], validate=True))


def refusal(answer: httpx.Response, code: str, status: int, param: str | None = None) -> str:
    """Check a refusal from its status to its headers, and return its message."""
    assert answer.headers["content-type"] == "application/json", answer.text
    assert set(answer.json()) == {"error"}
    error = answer.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert (error["code"], answer.status_code, error["param"]) == (code, status, param), answer.text
    assert code in CATALOG
    assert answer.headers["x-should-retry"] in ("true", "false")
    assert answer.headers["x-request-id"].startswith("req_")
    message: str = error["message"]
    assert message.endswith((".", "!", "?"))
    return message
