"""The recordings of real ima2 servers, as requests to send again and answers to compare with."""

import json
import re
from pathlib import Path
from typing import Any

RECORDINGS = Path(__file__).parents[4] / "adapters/ima2/recordings"
#: What the recorder's upstream was told to do, and the sandbox's words for it.
TOKENS = {
    "ok": "", "partial": "[[partials:2]]", "partial_real": "", "slow": "[[slow:6]]", "garbage": "",
    "json_ok": "[[upstream_json]]", "json_empty": "[[empty]]", "norevised": "[[norevised]]",
    "search": "[[searches:3]]", "some": "[[fewer:1]]", "cut_headers": "[[cut_mid]]", "500,ok#r1": "[[retry:500]]",
    "mod400,ok#r3": "[[retry:mod400]]", "429,500#allf": "[[429]]",
    "cut_mid,partial#n9": "[[retry:cut_mid]] [[partials:2]]",
    "empty,json_ok#tj": "[[retry:empty]] [[upstream_json]]", "empty,json_ok#tj2": "[[refs_dropped]] [[upstream_json]]",
    "chat_400": "[[invalid_image]]", "chat_401": "[[invalid_api_key]]", "chat_empty": "[[STYLE_SHEET_EMPTY]]",
    "chat_nonjson": "[[STYLE_SHEET_PARSE]]", "chat_shape": "[[STYLE_SHEET_SHAPE]]",
}  # fmt: skip
#: The state of the server that a recording was made on, where it is not in the prompt.
STATES = {
    "generate_oauth_failed": "[[oauth_failed]]", "node_oauth_failed": "[[oauth_failed]]",
    "generate_oauth_starting": "[[oauth_starting]]", "generate_up_refused": "[[refused]]",
    "node_up_refused": "[[refused]]", "multimode_up_refused": "[[refused]]", "tag_generate_refused": "[[refused]]",
    "tag_node_refused": "[[refused]]",
    # Server B gave up on its upstream after 1.2 s.
    "edit_timeout": "[[timeout:1.2]]", "generate_oauth_timeout": "[[timeout:1.2]]",
    "generate_api_up_slow_headers": "[[timeout:1.2]]", "multimode_timeout": "[[timeout:1.2]]",
    "node_timeout": "[[timeout:1.2]]",
}  # fmt: skip
#: Fields whose values change from run to run, or are pictures, or were made up by the recorder's upstream.
_VOLATILE = {
    "image", "filename", "filenames", "elapsed", "nodeId", "url", "sequenceId", "startedAt", "finishedAt",
    "durationMs", "phaseAt",
    "createdAt", "createdAtIso", "updatedAt", "pid", "uptimeSec", "port", "actualPort", "configuredPort", "oauthPort",
    "oauthActualPort", "oauthUrl", "input_tokens", "output_tokens", "total_tokens", "revisedPrompt", "prompt",
    "userPrompt", "imageChars", "referenceBytes", "referenceB64Chars", "id", "sessionId", "generatedCount",
    "activeJobs", "trashId", "unlinkAt", "before", "beforeFilename", "total", "lastUsedAt", "label", "title",
    "subject_details", "requestId", "kind", "refsCount", "errorEventCount", "parentNodeId", "parentServerNodeId",
    "serverNodeId", "imageUrl", "currentVersion",
}  # fmt: skip
#: Pictures of this size are painted at once.
SMALL = "16x16"
_PROMPT = re.compile(r"\[\[fake:([^\]]+)\]\]")
HEADERS = ("content-type", "cache-control", "x-powered-by", "keep-alive", "allow", "x-content-type-options",
           "content-security-policy", "accept-ranges")  # fmt: skip
_SSE = "text/event-stream"


class Recording:
    """One recorded exchange."""

    def __init__(self, name: str, ids: dict[str, str] | None = None) -> None:
        """Read it; `ids` are the names that things have here in place of the recorded ones."""
        content = json.loads((RECORDINGS / f"{name}.json").read_text())
        self.name = name
        self.server: str = content["server"]
        self.request: dict[str, Any] = content["request"]
        self.response: dict[str, Any] = content["response"]
        self._size = "1024x1024"
        self._ids = ids or {}

    @property
    def profile(self) -> str:
        """The build it was made on."""
        return "tag" if self.server in ("T", "U") else "head"

    def translated(self) -> tuple[str, str, dict[str, Any]]:
        """Return method, path and the rest of the request, with the sandbox's tokens, names and small pictures."""
        method, path, how = self._translated()
        for recorded, ours in self._ids.items():
            path = path.replace(recorded, ours)
            how["data"] = how["data"] and how["data"].replace(recorded.encode(), ours.encode())
        return method, path, how

    def _translated(self) -> tuple[str, str, dict[str, Any]]:
        headers = dict(self.request.get("headers") or {})
        body = self.request.get("body")
        if not isinstance(body, dict):
            data = body.encode() if isinstance(body, str) else None
            return self.request["method"], self.request["path"], {"headers": headers, "data": data}
        body = dict(body)
        if isinstance(body.get("prompt"), str) and body["prompt"]:
            body["prompt"] = self._prompt(body["prompt"], headers)
        if body.get("size", "1024x1024") in ("1024x1024", "2048x1152"):
            self._size = body.get("size", self._size)
            body["size"] = SMALL
        return self.request["method"], self.request["path"], {"headers": headers, "data": json.dumps(body).encode()}

    def _prompt(self, prompt: str, headers: dict[str, str]) -> str:
        found = _PROMPT.search(prompt)
        forced = "" if found is None else TOKENS.get(found.group(1), f"[[{found.group(1)}]]")
        if self.name in STATES:
            forced = STATES[self.name]
        if found is not None and found.group(1) == "cut_mid" and headers.get("Accept") == _SSE:
            # The recorder's upstream sent one partial picture before it cut.
            forced += " [[partials:1]]"
        if self.server == "B":
            forced += " [[api_key]]"
        return f"{forced} {prompt if found is None else _PROMPT.sub('', prompt)}".strip()

    def differences(self, status: int, headers: Any, body: bytes) -> list[str]:
        """Return where an answer is unlike the recorded one."""
        body = body.replace(SMALL.encode(), self._size.encode())
        for name, ours in self._ids.items():
            body = body.replace(ours.encode(), name.encode())
        recorded = self.response
        found = [] if status == recorded["status"] else [f"status {status}, recorded {recorded['status']}"]
        theirs = recorded["headers"]
        found += [f"{name}: {headers.get(name)!r}, recorded {theirs.get(name)!r}"
                  for name in HEADERS if headers.get(name) != theirs.get(name)]  # fmt: skip
        once = [name for name in ("etag", "x-request-id", "last-modified") if (name in headers) != (name in theirs)]
        found += [f"{name} is in only one of them" for name in once]
        return [*found, *self._unlike_body(body)]

    def _unlike_body(self, body: bytes) -> list[str]:
        recorded = self.response
        if "sse" in recorded:
            frames = [block.split("\n", 1) for block in body.decode().split("\n\n") if block]
            ours = [{"event": head, "data": json.loads(rest.removeprefix("data: "))} for head, rest in frames]
            theirs = [{"event": f"event: {each['event']}", "data": each["data"]} for each in recorded["sse"]]
            return unlike(theirs, ours)
        if "body_text" in recorded:
            return [] if body.decode() == recorded["body_text"] else [f"text {body!r}"]
        return unlike(recorded["body"], json.loads(body)) if "body" in recorded else []


def unlike(recorded: Any, ours: Any, where: str = "") -> list[str]:
    """Compare keys, types and constant values."""
    if isinstance(recorded, dict) and isinstance(ours, dict):
        missing, extra = recorded.keys() - ours.keys(), ours.keys() - recorded.keys()
        found = [f"{where}: missing {missing}, extra {extra}"] if missing or extra else []
        return found + [each for name in recorded.keys() & ours.keys()
                        for each in unlike(recorded[name], ours[name], f"{where}.{name}")]  # fmt: skip
    if isinstance(recorded, list) and isinstance(ours, list):
        found = [] if len(recorded) == len(ours) else [f"{where}: {len(ours)} items, recorded {len(recorded)}"]
        return found + [each for place, pair in enumerate(zip(recorded, ours, strict=False))
                        for each in unlike(*pair, f"{where}[{place}]")]  # fmt: skip
    if _kind(recorded) != _kind(ours):
        return [f"{where}: {ours!r}, recorded {recorded!r}"]
    field = where.rpartition(".")[2].partition("[")[0]
    if field in _VOLATILE or recorded == ours:
        return []
    return [f"{where}: {ours!r}, recorded {recorded!r}"]


def _kind(value: Any) -> str:
    return "number" if isinstance(value, int | float) and not isinstance(value, bool) else type(value).__name__
