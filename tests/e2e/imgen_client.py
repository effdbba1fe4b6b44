"""Clients of imgen's face as its document shows them, and what their answers are checked by."""

import base64
import io
import time
from typing import Any
from urllib.parse import urlsplit

import httpx
from PIL import Image

from contracts.sniff import Media
from tests.e2e.drawn import media_of
from tests.e2e.keyed import KeyedGateway

PATH = "/imgen/api/v2"
PATIENCE_S = 30.0


class Imgen:
    """One team's client, with its key where imgen's clients put it."""

    def __init__(self, http: httpx.Client, path: str = PATH) -> None:
        """Take a client that sends the key."""
        self.http = http
        self._path = path

    def post(self, **body: Any) -> httpx.Response:
        """Send one action."""
        return self.http.post(self._path, json=body)

    def ask(self, **body: Any) -> dict[str, Any]:
        """Send one action that succeeds."""
        answer = self.post(**body)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def begun(self, prompt: str = "a red fox", **fields: Any) -> dict[str, Any]:
        """Begin a run, and return what `generate` says."""
        return self.ask(action="generate", prompt=prompt, **fields)

    def polled(self, run: dict[str, Any]) -> dict[str, Any]:
        """Poll a run as the seed says, until it has ended."""
        body = {"action": "status", "id": run["id"], "prompt": run["prompt"], "model": run["model"]}
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            told = self.ask(**body)
            if told["status"] not in ("IN_QUEUE", "IN_PROGRESS"):
                return told
            time.sleep(0.02)
        raise AssertionError(told)

    def made(self, prompt: str = "a red fox", **fields: Any) -> dict[str, Any]:
        """Make a picture, and return its `meta`."""
        told = self.polled(self.begun(prompt, **fields))
        assert told["status"] == "COMPLETED", told
        meta: dict[str, Any] = told["meta"]
        return meta

    def refused(self, **body: Any) -> tuple[int, str]:
        """Send one action that is refused; return its status and imgen's text."""
        answer = self.post(**{"action": "generate", "prompt": "x", **body})
        assert answer.headers["content-type"] == "application/json"
        return answer.status_code, str(answer.json().get("error"))


class Clients:
    """Makes clients of the face, one for each team."""

    def __init__(self, keyed: KeyedGateway) -> None:
        """Take the gateway that knows the teams."""
        self._keyed = keyed

    def __call__(self, team: str, *options: str) -> Imgen:
        """Return a team's client, always with the same key for the same options."""
        return Imgen(self._keyed.client(team, *options))


def signed(meta: dict[str, Any], kind: str = "signed") -> str:
    """Return where a picture lies."""
    return str(next(each["url"] for each in meta["images"] if each["type"] == kind))


def fetched(url: str) -> bytes:
    """Fetch what a signed URL names, without a key."""
    assert {"exp", "sig"} <= {each.partition("=")[0] for each in urlsplit(url).query.split("&")}
    answer = httpx.get(url, trust_env=False)
    assert answer.status_code == 200, answer.text
    return answer.content


def shown(meta: dict[str, Any]) -> Media:
    """Return what a picture's bytes are."""
    return media_of(fetched(signed(meta)))


def stamp(colour: str = "blue") -> str:
    """Return a mark of one colour as a data URI."""
    out = io.BytesIO()
    Image.new("RGB", (40, 20), colour).save(out, "PNG")
    return "data:image/png;base64," + base64.b64encode(out.getvalue()).decode()


def pixel(data: bytes, across: int, down: int) -> tuple[int, ...]:
    """Return one pixel, counted from the nearer corners where negative."""
    with Image.open(io.BytesIO(data)) as opened:
        found = opened.convert("RGB").getpixel((across % opened.width, down % opened.height))
    assert isinstance(found, tuple)
    return tuple(int(each) for each in found)


def is_blue(colour: tuple[int, ...]) -> bool:
    """Say whether a colour is the mark's, give or take what a lossy encoder does."""
    return colour[2] > 200 and colour[0] < 70 and colour[1] < 70
