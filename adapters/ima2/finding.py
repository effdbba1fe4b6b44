"""Finding a server by the file in which it tells where it listens: `server.json` (wire §1, seed 001).

It takes the next free port where its own is taken, and another one after a restart. The file is removed by a clean end
alone, so what it tells may be old, and whoever can write it tells where prompts go: only this machine is believed.
"""

import os
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from contracts.catalog import CatalogError
from contracts.codes import ErrorCode

NAME = "server.json"
FOLDER = ".ima2"
MAX_BYTES = 64 * 1024


class _Place(Struct, frozen=True):
    url: str | None = None


class _Told(Struct, frozen=True):
    """What is read of it: `url` at the top is for older clients (seed 001)."""

    backend: _Place = _Place()
    url: str | None = None
    pid: int | None = None


def file_of(base_url: str) -> Path | None:
    """Return the file that a `base_url` means, the bare name being the one that ima2 itself uses; None: an address."""
    if "://" in base_url:
        return None
    if base_url != NAME:
        return Path(base_url)
    told = os.environ.get("IMA2_ADVERTISE_FILE")
    return Path(told) if told else Path(os.environ.get("IMA2_CONFIG_DIR") or f"~/{FOLDER}") / NAME


def address_in(file: Path, backend: str) -> str:
    """Return the address that the file tells now; raise for a server that is not there, or cannot be meant."""
    told = _read(file, backend)
    if told.pid == os.getpid():
        # A face of this gateway is advertised there: its jobs would come back to it without end.
        raise _unusable(backend, "tells of this gateway itself, not of a server behind it")
    address = _loopback(told.backend.url or told.url or "")
    if address is None:
        raise _unusable(backend, "tells no address of a server on this machine")
    return address


def _read(file: Path, backend: str) -> _Told:
    try:
        path = file.expanduser()
        # Whatever else has that name is not opened: reading from a pipe would wait for ever.
        if path.exists() and not path.is_file():
            raise _unusable(backend, "is no file")
        with path.open("rb") as opened:
            return msgspec.json.decode(opened.read(MAX_BYTES), type=_Told)
    except FileNotFoundError:
        raise _error(
            backend, "backend.unavailable", "is not there: the server is not running, or tells of itself elsewhere"
        ) from None
    except (OSError, RuntimeError):
        raise _unusable(backend, "cannot be read") from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise _unusable(backend, "is not of the shape that ima2 writes") from None


def _loopback(url: str) -> str | None:
    """Return the plain origin of an address on this machine; None for every other address, and for what is none."""
    try:
        parts = urlsplit(url)
        port, host = parts.port, parts.hostname or ""
        here = host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return None
    odd = parts.username is not None or parts.path not in ("", "/") or parts.query or parts.fragment or port == 0
    if not here or odd or parts.scheme not in ("http", "https"):
        return None
    named = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{named}" + (f":{port}" if port is not None else "")


def _unusable(backend: str, what: str) -> CatalogError:
    return _error(backend, "backend.misconfigured", what)


def _error(backend: str, code: ErrorCode, what: str) -> CatalogError:
    detail = f"The {NAME} that backends.{backend}.base_url names {what}."
    return CatalogError(code, detail, phase="connect", outcome="not_started", backend=backend, reason="advertisement")
