"""One HTTP exchange with a backend: Struct out, Struct in, `CatalogError` on any trouble.

It bounds bytes, time and hosts, and never says of a request that may have reached the server that it did not. It does
not retry, does not follow redirects to unlisted hosts, and sends no key anywhere but to the backend's own origin.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, TypeVar
from urllib.parse import urljoin, urlsplit

import httpx
import msgspec
from msgspec import Struct

from adapters.kit.rules import Signal, to_error
from adapters.kit.transport import AiohttpTransport
from contracts.catalog import CatalogError, ErrorPhase, Native
from contracts.port import BackendSettings, Verdict

T = TypeVar("T")

MAX_JSON_BYTES = 8 * 1024 * 1024
MAX_PICTURE_BYTES = 96 * 1024 * 1024
MAX_VIDEO_BYTES = 512 * 1024 * 1024
MAX_REDIRECTS = 3
#: What an answer counts for that does not say how long it is.
UNSAID_BYTES = 4 * 1024 * 1024
#: Parsed addresses that are kept; those with an id in them come and go.
MAX_KEPT_URLS = 16
_JSON_STARTS = (b"{", b"[", b"")
ALWAYS_SENT = {"User-Agent": "triptych", "Accept": "*/*", "Accept-Encoding": "identity"}


class Answer(Struct, frozen=True):
    """What came back: status, headers and the whole body, within its limit."""

    status: int
    headers: httpx.Headers
    body: bytes

    @property
    def media_type(self) -> str:
        """The media type the server claims."""
        return str(self.headers.get("content-type", ""))


class Form(Struct, frozen=True):
    """A multipart body: text fields, and files as (name, bytes, media type), which go out as they are, uncopied."""

    fields: dict[str, str]
    files: dict[str, tuple[str, bytes, str]]


def new_transport(*, limit: int) -> httpx.AsyncBaseTransport:
    """Return the one kind of connection pool there is: httpx's transport API on a faster engine.

    It is used without `httpx.AsyncClient`, which would keep cookies, read the environment, and cost a third of an
    exchange.
    """
    return AiohttpTransport(limit=limit)


class Exchanges:
    """Makes exchanges with one backend: short ones, and lasting ones on connections of their own."""

    def __init__(
        self,
        settings: BackendSettings,
        *,
        read: Callable[[str | None, int, bytes, str | None], Signal | None],
        classify: Callable[[Signal], Verdict],
        key_header: Callable[[str], Mapping[str, str]],
        errors_in_success: bool = False,
    ) -> None:
        """Take the settings, how the dialect reads errors and carries a key, and whether a 2xx may be an error."""
        self._settings = settings
        self._read = read
        self._classify = classify
        self._errors_in_success = errors_in_success
        self._urls: dict[str, httpx.URL] = {}
        self._base = settings.base_url.rstrip("/")
        self._origin = origin(self._base)
        self._key = dict(key_header(settings.api_key)) if settings.api_key else {}
        self._quick = new_transport(limit=100)
        self._lasting = new_transport(limit=1000)

    async def close(self) -> None:
        """Close all connections."""
        await self._quick.aclose()
        await self._lasting.aclose()

    async def send(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        form: Form | None = None,
        headers: Mapping[str, str] = {},
        timeout_s: float = 30,
        phase: ErrorPhase = "poll",
        lasting: bool = False,
        max_bytes: int = MAX_JSON_BYTES,
        route: str | None = None,
        raw: bool = False,
    ) -> Answer:
        """Make one exchange; raise what the dialect's table says of an error (unless `raw`), `route` naming the row."""
        content = {"Content-Type": "application/json"} if body is not None else {}
        request = self._request(
            method, self._url(path), {**content, **self._key, **headers}, timeout_s=timeout_s, content=body, form=form
        )
        pool = self._lasting if lasting else self._quick
        answer = await self._exchange(pool, request, max_bytes=max_bytes, phase=phase)
        # An answer of megabytes is not parsed to find out that it is none of the errors.
        if not raw and (answer.status >= 400 or self._errors_in_success or answer.body[:1] not in _JSON_STARTS):
            signal = self._read(route or f"{method} {path}", answer.status, answer.body, answer.media_type)
            if signal is not None:
                raise self.error(signal, retry_after_s=_retry_after(answer))
        return answer

    def _url(self, path: str) -> httpx.URL:
        """Return a parsed address; those of fixed routes are parsed once."""
        url = self._urls.get(path)
        if url is None:
            url = httpx.URL(self._base + path)
            if len(self._urls) < MAX_KEPT_URLS:
                self._urls[path] = url
        return url

    def _request(
        self,
        method: str,
        url: httpx.URL | str,
        headers: Mapping[str, str],
        *,
        timeout_s: float,
        content: bytes | None = None,
        form: Form | None = None,
    ) -> httpx.Request:
        connect_s = self._settings.connect_timeout_s
        timeout = {"connect": connect_s, "read": timeout_s, "write": timeout_s, "pool": connect_s}
        body = {"content": content} if form is None else {"data": form.fields, "files": form.files}
        sent = {**ALWAYS_SENT, **headers}
        return httpx.Request(method, url, headers=sent, extensions={"timeout": timeout}, **body)

    async def json(self, kind: type[T], method: str, path: str, **how: Any) -> T:
        """Make one exchange and return its answer as `kind`; an answer of another shape is `bad_response`."""
        answer = await self.send(method, path, **how)
        return self.decode(answer.body, kind, status=answer.status)

    def decode(self, body: bytes, kind: type[T], *, status: int = 200) -> T:
        """Return an answer as `kind`."""
        try:
            decoded: T = msgspec.json.decode(body, type=kind)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise CatalogError(
                "backend.bad_response",
                "The backend's answer is not of the shape it promises.",
                native=Native(http_status=status),
                backend=self._settings.name,
                reason="answer_lost",
            ) from None
        return decoded

    def error(self, signal: Signal, *, retry_after_s: float | None = None) -> CatalogError:
        """Return the exception for a signal, counting it when no row of the table knows it."""
        verdict = self._classify(signal)
        fingerprint = self._settings.fingerprint(signal.text) if signal.text else None
        if verdict.unmapped:
            self._settings.on_unmapped(fingerprint or "")
        return to_error(verdict, backend=self._settings.name, fingerprint=fingerprint, retry_after_s=retry_after_s)

    async def stream(self, reference: str, *, max_bytes: int, timeout_s: float = 60) -> AsyncIterator[bytes]:
        """Stream the bytes behind a path of the backend, or a URL on a host that is allowed (security.md §3)."""
        # A path goes on from the base, which may have one of its own: a gateway's face stands under `/ima2`.
        url = self._base + reference if reference.startswith("/") else urljoin(self._base + "/", reference)
        for _ in range(MAX_REDIRECTS + 1):
            self._check_host(url)
            own = origin(url) == self._origin
            request = self._request("GET", url, self._key if own else {}, timeout_s=timeout_s)
            response = await self._open(self._quick, request, phase="download")
            try:
                if response.has_redirect_location:
                    url = urljoin(url, response.headers.get("location", ""))
                    continue
                if response.status_code != 200:
                    raise self._download_error(response.status_code)
                async for chunk in self._bounded(response, max_bytes=max_bytes, phase="download"):
                    yield chunk
                return
            finally:
                await response.aclose()
        raise self._bad_download("The backend redirects without end.")

    def _check_host(self, url: str) -> None:
        parts = urlsplit(url)
        host = parts.hostname or ""
        if origin(url) == self._origin:
            return
        for pattern in self._settings.fetch_hosts:
            fits = host == pattern or (pattern.startswith("*.") and host.endswith(pattern[1:]))
            if fits and parts.scheme == "https":
                return
        raise CatalogError(
            "backend.misconfigured",
            f"A result lies on a host that backends.{self._settings.name}.fetch_hosts does not list.",
            phase="download",
            outcome="finished_no_result",
            backend=self._settings.name,
            reason="fetch_hosts",
        )

    def _download_error(self, status: int) -> CatalogError:
        native = Native(http_status=status)
        if status in (403, 404, 410):
            return CatalogError("resource.expired", "The backend no longer has the result.", phase="download",
                                native=native, backend=self._settings.name)  # fmt: skip
        if status >= 500 or status == 429:
            return CatalogError("backend.unavailable", "The result cannot be fetched now.", phase="download",
                                outcome="unknown", native=native, backend=self._settings.name)  # fmt: skip
        return self._bad_download("The result cannot be fetched.", native)

    def _bad_download(self, detail: str, native: Native | None = None) -> CatalogError:
        return CatalogError(
            "backend.bad_response", detail, phase="download", native=native, backend=self._settings.name
        )

    async def _exchange(
        self, pool: httpx.AsyncBaseTransport, request: httpx.Request, *, max_bytes: int, phase: ErrorPhase
    ) -> Answer:
        response = await self._open(pool, request, phase=phase)
        try:
            async with self._settings.room(_expected(response, max_bytes)):
                chunks = [chunk async for chunk in self._bounded(response, max_bytes=max_bytes, phase=phase)]
        finally:
            await response.aclose()
        body = chunks[0] if len(chunks) == 1 else b"".join(chunks)
        return Answer(response.status_code, response.headers, body)

    async def _open(
        self, pool: httpx.AsyncBaseTransport, request: httpx.Request, *, phase: ErrorPhase
    ) -> httpx.Response:
        try:
            response = await pool.handle_async_request(request)
        except httpx.HTTPError as error:
            raise self.lost(error, request, phase) from error
        response.request = request
        return response

    async def _bounded(self, response: httpx.Response, *, max_bytes: int, phase: ErrorPhase) -> AsyncIterator[bytes]:
        read = 0
        try:
            async for chunk in response.aiter_raw():
                read += len(chunk)
                if read > max_bytes:
                    raise CatalogError(
                        "backend.bad_response",
                        f"The backend sends more than {max_bytes} bytes.",
                        phase=phase,
                        limit=max_bytes,
                        backend=self._settings.name,
                    )
                yield chunk
        except httpx.HTTPError as error:
            raise self.lost(error, response.request, phase) from error

    def lost(self, error: httpx.HTTPError, request: httpx.Request, phase: ErrorPhase) -> CatalogError:
        """Return what a broken exchange means: whether the request may have arrived decides everything."""
        name = self._settings.name
        if isinstance(error, httpx.ConnectTimeout):
            return CatalogError("backend.timeout", "The backend does not accept connections in time.",
                                phase="connect", outcome="not_started", backend=name)  # fmt: skip
        if request.extensions.get("sent", "body") != "body":
            return CatalogError("backend.unavailable", "The backend cannot be reached.",
                                outcome="not_started", backend=name)  # fmt: skip
        if isinstance(error, httpx.TimeoutException):
            return CatalogError("backend.timeout", "The backend did not answer in time.", phase=phase,
                                outcome="unknown", backend=name, reason="answer_lost")  # fmt: skip
        return CatalogError("backend.unavailable", "The connection broke before the backend's answer was complete.",
                            outcome="unknown", phase=phase, backend=name, reason="answer_lost")  # fmt: skip


def _expected(response: httpx.Response, most: int) -> int:
    """Return how long an answer says it will be; one that does not say may be long."""
    length = response.headers.get("content-length", "")
    return min(int(length), most) if length.isdecimal() else min(UNSAID_BYTES, most)


def origin(url: str) -> tuple[str, str, int]:
    """Return scheme, host and port of a URL."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port or {"http": 80, "https": 443}.get(parts.scheme, 0)


def _retry_after(answer: Answer) -> float | None:
    value = answer.headers.get("retry-after", "")
    return min(float(value), 3600.0) if value.isdecimal() else None
