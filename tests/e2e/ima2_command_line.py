"""A stand-in for the ima2 command line: it finds its server, asks, reads and ends as the program does."""

import base64
import json
import re
import secrets
import ssl
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote, urlsplit

import httpx
from msgspec import Struct

from tests.e2e.ima2_commands import ELAPSED, Command, Kinds, Reads

#: Nothing here speaks TLS: reading the system's certificates for every command would be most of the work.
_NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
_NAMED = re.compile(r"\{(\w+)\}")
_DATA_URL = re.compile(r"data:[^;]+;base64,(.+)", re.DOTALL)
_EXITS = {
    "SERVER_UNREACHABLE": 3, "APIKEY_DISABLED": 4, "AUTH_CHATGPT_EXPIRED": 4, "OAUTH_UNAVAILABLE": 4,
    "NETWORK_FAILED": 6, "REF_TOO_LARGE": 5, "REF_NOT_BASE64": 5, "SAFETY_REFUSAL": 7, "MODERATION_REFUSED": 7,
}  # fmt: skip


class CommandError(Exception):
    """Ends a command."""

    def __init__(self, message: str, code: str | None = None, status: int = 0) -> None:
        """Take what the program knows of it."""
        super().__init__(message)
        self.code = code
        self.status = status

    @property
    def exit_code(self) -> int:
        """Return the program's exit code for it: by its code, else by its status."""
        by_status = 6 if self.status >= 500 else 5 if self.status >= 400 else 1
        return _EXITS.get(self.code or "", by_status)


class Outcome(Struct, kw_only=True):
    """How a command ended: its exit code, what was said of an error, what it lacked, and what it wrote into files."""

    exit_code: int = 0
    code: str | None = None
    said: str = ""
    lacks: list[str] = []
    saved: list[bytes] = []
    answer: Any = None


class CommandLine:
    """One installation of the program: `older` is the one of builds TAG and HEAD, `newer` what came since."""

    def __init__(
        self,
        advertised: Path,
        *,
        generation: Literal["older", "newer"] = "newer",
        server: str | None = None,
        token: str | None = None,
    ) -> None:
        """Take where `server.json` is looked for, `--server`, and the token beside it (IMA2_LAN_TOKEN)."""
        self._advertised = advertised
        self._is_newer = generation == "newer"
        self._server = server
        self._token = token
        #: What earlier commands found out.
        self.memory: dict[str, str] = {}

    def found(self) -> str:
        """Return the first server that answers as healthy; raise when there is none."""
        for base in self._candidates():
            with self._client(base) as http:
                try:
                    answer = http.get("/api/health")
                except httpx.HTTPError:
                    continue
                if answer.is_success:
                    return base
                if self._is_newer:
                    raise _refusal(answer, is_newer=True)
        msg = "server unreachable"
        raise CommandError(msg, "SERVER_UNREACHABLE")

    def _candidates(self) -> list[str]:
        if self._server is not None:
            if self._is_newer and urlsplit(self._server).path.strip("/"):
                msg = "the server must be an origin without a path"
                raise CommandError(msg, "SERVER_URL_INVALID")
            return [self._server.rstrip("/")]
        told = json.loads(self._advertised.read_text()) if self._advertised.exists() else {}
        here = [f"http://localhost:{told['port']}"] if "port" in told else []
        if not self._is_newer:
            return here
        return list(dict.fromkeys([told["backend"]["url"], told["url"], *here] if told else []))

    def _client(self, base: str) -> httpx.Client:
        headers = {"Connection": "close", "Content-Type": "application/json", "X-ima2-client": "cli/2.0.0"}
        if self._token is not None and self._server is not None:
            headers["x-ima2-token"] = self._token
        return httpx.Client(base_url=base, headers=headers, timeout=60, trust_env=False, verify=_NO_TLS)

    def run(self, command: Command, profile: str, **changes: Any) -> Outcome:
        """Run a command, with some fields of its body as other flags would set them."""
        self.memory["id"] = f"req_cli_{secrets.token_hex(6)}"
        body = None if command.body is None else self._filled({**command.body, **changes})
        path = _NAMED.sub(lambda found: quote(self.memory[found[1]], safe=""), command.path)
        try:
            with self._client(self.found()) as http:
                ask = _asked(http, command, path, body)
                return self._streamed(http, command, ask) if command.frames else self._read(http, command, ask, profile)
        except CommandError as error:
            return Outcome(exit_code=error.exit_code, code=error.code, said=str(error))

    def _filled(self, value: Any) -> Any:
        """Put what is remembered where it is named."""
        if isinstance(value, str):
            return _NAMED.sub(lambda found: self.memory[found[1]], value)
        if isinstance(value, dict):
            return {name: self._filled(each) for name, each in value.items()}
        return [self._filled(each) for each in value] if isinstance(value, list) else value

    def _read(self, http: httpx.Client, command: Command, ask: httpx.Request, profile: str) -> Outcome:
        answer = http.send(ask)
        if not answer.is_success:
            raise _refusal(answer, is_newer=self._is_newer)
        body = answer.json() if answer.content else None
        done = Outcome(lacks=lacking(body, command.reads, profile), answer=body)
        self._kept(http, command, body, done)
        return done

    def _streamed(self, http: httpx.Client, command: Command, ask: httpx.Request) -> Outcome:
        answer = http.send(ask, stream=True)
        if not answer.is_success:
            answer.read()
            raise _refusal(answer, is_newer=self._is_newer)
        done, told = Outcome(), []
        for event, data in _events(answer):
            told.append(event)
            if event == "error":
                # The code stands inside where the error is an object: the program shows it either way, and ends with 1.
                nested = data["error"] if isinstance(data["error"], dict) else data
                return Outcome(exit_code=1, code=nested["code"], said=str(data["error"]))
            done.lacks += lacking(data, (command.frames or {}).get(event, {}), "new")
            if event in ("image", "done"):
                self._kept(http, command, data, done, is_end=event == "done")
        done.answer = told
        if [event for event in told if event in command.story] != list(command.story):
            done.lacks.append(f"told {told}")
        return done

    def _kept(self, http: httpx.Client, command: Command, body: Any, done: Outcome, *, is_end: bool = True) -> None:
        """Write the pictures, download the file, and remember what later commands name."""
        if command.frames is None or not is_end:
            done.saved += [_bytes_of(each) for where in command.saves for each in at(body, where)]
        if not is_end:
            return
        if command.fetches is not None:
            done.saved += [http.get(each).raise_for_status().content for each in at(body, command.fetches)]
        for name, where in command.keeps.items():
            for each in at(body, where):
                self.memory[name] = each


def lacking(body: Any, reads: Reads, profile: str) -> list[str]:
    """Return which fields are not there, or are of another type than the program expects."""
    found = []
    for where, kinds in reads.items():
        values = at(body, where)
        wanted: Kinds = ((int, float) if profile == "new" else (str,)) if kinds is ELAPSED else kinds
        found += [f"{where} is {value!r:.80}" for value in values if type(value) not in wanted]
        if not values:
            found.append(f"{where} is not there")
    return found


def at(body: Any, where: str) -> list[Any]:
    """Return what stands at `a.b[].c`, once for every element of its lists."""
    found = [body]
    for step in where.split("."):
        name, _, is_list = step.partition("[")
        found = [each[name] for each in found if isinstance(each, dict) and name in each]
        if is_list:
            found = [one for each in found if isinstance(each, list) for one in each]
    return found


def _asked(http: httpx.Client, command: Command, path: str, body: Any) -> httpx.Request:
    headers = {} if command.frames is None else {"Accept": "text/event-stream"}
    if isinstance(body, dict) and "requestId" in body:
        headers["X-Request-Id"] = body["requestId"]
    content = None if body is None else json.dumps(body).encode()
    return http.build_request(command.method, path, content=content, headers=headers)


def _refusal(answer: httpx.Response, *, is_newer: bool) -> CommandError:
    """Return the error that the program makes of an answer: the older one knows no nested envelope."""
    try:
        body = answer.json()
    except ValueError:
        body = {}
    found: Mapping[str, Any] = body if isinstance(body, dict) else {}
    inner = found.get("error")
    if is_newer and isinstance(inner, dict):
        return CommandError(str(inner.get("message")), inner.get("code"), answer.status_code)
    return CommandError(str(inner or f"HTTP {answer.status_code}"), found.get("code"), answer.status_code)


def _events(answer: httpx.Response) -> Iterator[tuple[str, Any]]:
    event, data = "message", []
    for line in answer.iter_lines():
        if line.startswith("event:"):
            event = line[6:].strip()
        elif line.startswith("data:"):
            data.append(line[5:].removeprefix(" "))
        elif not line and data:
            yield event, json.loads("\n".join(data))
            event, data = "message", []


def _bytes_of(picture: str) -> bytes:
    found = _DATA_URL.fullmatch(picture)
    return base64.b64decode(found[1] if found else picture, validate=True)
