"""NEW's Idempotency-Key: the same key and the same request start nothing twice (wire §11, from the code, not run)."""

import hashlib
import re
from typing import Any

import msgspec
from aiohttp import web
from msgspec import Struct

from adapters.ima2.sandbox import page
from adapters.ima2.sandbox.failure import check
from adapters.kit.shelf import Shelf

_KIND = "idempotency"
_KEY = re.compile(r"[\x21-\x7e]{1,255}\Z")


class Claim(Struct, frozen=True):
    """A key that a request came with: its name, and the answer if somebody has it already."""

    key: str
    answer: web.Response | None = None


class Keys:
    """The keys that were used, and what was answered. They outlive the process."""

    def __init__(self, shelf: Shelf) -> None:
        """Take where they lie."""
        self._shelf = shelf

    def claim(self, request: web.Request, body: dict[str, Any], request_id: str) -> Claim | None:
        """Take a key for a request, or find the answer to it; raise `Refused` for a bad key or another request."""
        key = request.headers.get("Idempotency-Key", body.get("idempotencyKey"))
        if key is None:
            return None
        if not isinstance(key, str) or not _KEY.match(key):
            raise check("IDEMPOTENCY_KEY_INVALID", "Idempotency-Key must be 1 to 255 printable characters")
        compared = {name: value for name, value in sorted(body.items()) if name != "idempotencyKey"}
        fingerprint = hashlib.sha256(msgspec.json.encode(compared)).hexdigest()
        note = self._shelf.get(_KIND, key)
        if note is None:
            self._shelf.put(_KIND, key, {"fingerprint": fingerprint, "requestId": request_id, "answer": None})
            return Claim(key)
        if note["fingerprint"] != fingerprint:
            text = "Idempotency-Key was already used with a different request"
            raise check("IDEMPOTENCY_KEY_CONFLICT", text, status=409)
        if note["answer"] is None:
            running = {"requestId": note["requestId"], "async": True, "idempotentReplay": True}
            return Claim(key, page.json_answer(running, status=202))
        return Claim(key, page.json_answer({**note["answer"], "idempotentReplay": True}, status=note["status"]))

    def complete(self, claim: Claim | None, status: int, answer: dict[str, Any]) -> None:
        """Remember what was answered."""
        note = self._shelf.get(_KIND, claim.key) if claim is not None else None
        if claim is not None and note is not None:
            self._shelf.put(_KIND, claim.key, {**note, "status": status, "answer": answer})
