"""Asks what checks want to know, by the same exchanges as every adapter: bounded in bytes, time and hosts.

A key goes to the server's own origin alone, and what came back is judged elsewhere: no answer is an error here but one
that did not come, or not whole.
"""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import aclosing
from typing import NoReturn

import msgspec
from msgspec import structs

from adapters.kit.http import MAX_JSON_BYTES, MAX_PICTURE_BYTES, Exchanges, Form
from adapters.kit.rules import Signal
from adapters.kit.socket import spoken
from contracts.catalog import CatalogError
from contracts.port import BackendSettings
from contracts.verify import SOCKET, Ask, Observed

#: A key that no server gave to anybody.
WRONG_KEY = "triptych-verify-no-such-key"


class HttpAsker:
    """See the module's docstring, and contracts.verify.Asker."""

    def __init__(self, settings: BackendSettings, *, key_header: Callable[[str], Mapping[str, str]]) -> None:
        """Take the server's settings, and how its dialect carries a key."""
        self._settings = settings
        self._key_header = key_header
        self._exchanges = Exchanges(
            structs.replace(settings, api_key=None), read=lambda *_: None, classify=_never, key_header=key_header
        )

    async def close(self) -> None:
        """Close connections."""
        await self._exchanges.close()

    async def ask(self, ask: Ask) -> Observed:
        """Make one exchange, which may last as long as each of its pieces comes in time."""
        if ask.after_s:
            await asyncio.sleep(ask.after_s)
        if ask.method == SOCKET:
            return await self._listened(ask)
        if "://" in ask.path:
            return await self._fetched(ask)
        form = None
        if ask.fields is not None:
            files = {name: (part.name, part.data, part.media_type) for name, part in ask.files.items()}
            form = Form(dict(ask.fields), files)
        body = ask.body if isinstance(ask.body, bytes) or ask.body is None else msgspec.json.encode(ask.body)
        answer = await self._exchanges.send(
            ask.method,
            ask.path,
            body=body,
            form=form,
            headers={**self._key(ask), **ask.headers},
            timeout_s=ask.timeout_s,
            lasting=ask.is_large,
            max_bytes=MAX_PICTURE_BYTES if ask.is_large else MAX_JSON_BYTES,
            raw=True,
        )
        headers = {name.lower(): value for name, value in answer.headers.items()}
        return Observed(status=answer.status, headers=headers, body=answer.body)

    def _key(self, ask: Ask) -> Mapping[str, str]:
        if ask.key == "wrong":
            return self._key_header(WRONG_KEY)
        own = self._settings.api_key
        return self._key_header(own) if own and ask.key == "own" else {}

    async def _fetched(self, ask: Ask) -> Observed:
        """Fetch a result from where the server says it lies, if results may lie there."""
        chunks = self._exchanges.stream(ask.path, max_bytes=MAX_PICTURE_BYTES, timeout_s=ask.timeout_s)
        return Observed(status=200, body=b"".join([chunk async for chunk in chunks]))

    async def _listened(self, ask: Ask) -> Observed:
        """Say something to a socket, and return the first texts that it says."""
        url = self._settings.base_url.rstrip("/").replace("http", "ws", 1) + ask.path
        texts: list[str] = []
        try:
            async with (
                asyncio.timeout(ask.timeout_s),
                aclosing(
                    spoken(
                        url,
                        backend=self._settings.name,
                        opening=ask.says,
                        headers=self._key(ask),
                        connect_s=self._settings.connect_timeout_s,
                    )
                ) as saying,
            ):
                async for text in saying:
                    texts.append(text)
                    if len(texts) == ask.hears:
                        break
        except CatalogError as error:
            if error.code != "backend.bad_response":
                raise
            return Observed(status=0)
        except TimeoutError:
            pass
        return Observed(status=101, body=b"[" + ",".join(texts).encode() + b"]")


def _never(_signal: Signal) -> NoReturn:
    raise AssertionError("answers are not classified here")
