"""Opening faces: which dialects offer one, where each is, and who may come in without a key."""

import os
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path

from msgspec import Struct, structs

from contracts.desk import Desk
from contracts.face import FaceOffer, FaceSettings
from contracts.port import Dialect
from gateway.clock import Clock
from gateway.faces.door import Door, Place
from gateway.faces.listener import Listener
from gateway.ops.http import App
from gateway.ops.room import Room
from gateway.settings import LOOPBACK, Face, Settings, refuse
from gateway.version import VERSION

DAY_S = 86_400.0


class Opened(Struct, frozen=True, kw_only=True):
    """All faces: doors by prefix in the main listener, and listeners of their own."""

    doors: Mapping[str, Door]
    listeners: tuple[Listener, ...]


def check_faces(dialects: Mapping[str, Dialect], settings: Settings) -> None:
    """Raise for settings of a face that its dialect does not know."""
    for name, config in settings.faces.items():
        dialect = dialects.get(name)
        if dialect is None or dialect.face is None:
            raise refuse(f"faces.{name}: this dialect has no face")
        if config.profile is not None and config.profile not in dialect.face.profiles:
            known = ", ".join(dialect.face.profiles)
            raise refuse(f"faces.{name}.profile: no profile {config.profile!r}; there are {known}")
        if config.silent_fallbacks and not dialect.face.falls_back:
            raise refuse(f"faces.{name}.silent_fallbacks: this dialect has none")


def open_faces(
    dialects: Mapping[str, Dialect],
    settings: Settings,
    desk: Desk,
    room: Room,
    clock: Clock,
    observed: Callable[[App], App],
) -> Opened:
    """Open every face that is not switched off; `observed` wraps what a listener of its own serves."""
    doors: dict[str, Door] = {}
    listeners: list[Listener] = []
    for name, dialect in dialects.items():
        config = settings.faces.get(name, Face())
        if dialect.face is None or not config.enabled:
            continue
        about = _about(config, settings, clock)
        max_body = settings.server.max_upload_bytes
        prefix = f"/{name}"
        mounted = structs.replace(about, base_url=f"{about.gateway_url}{prefix}", port=settings.server.port)
        place = Place(name=name, prefix=prefix)
        doors[prefix] = Door(dialect.face.open(desk, mounted), desk, room, place, max_body=max_body)
        if config.host is not None:
            listeners.append(_listener(name, dialect.face, config, about, desk, room, observed, max_body))
    return Opened(doors=doors, listeners=tuple(listeners))


def _listener(
    name: str,
    offer: FaceOffer,
    config: Face,
    about: FaceSettings,
    desk: Desk,
    room: Room,
    observed: Callable[[App], App],
    max_body: int,
) -> Listener:
    host = config.host or ""
    face = offer.open(desk, structs.replace(about, base_url=f"http://{_in_url(host)}:{config.port}", port=config.port))
    place = Place(name=name, team=config.team, everywhere=host not in LOOPBACK)
    door = Door(face, desk, room, place, max_body=max_body)
    told = face.advertisement() if config.advertise else None
    advertised = None
    if told is not None and offer.advertised_at is not None:
        path = Path(config.advertise_path) if config.advertise_path else Path.home() / offer.advertised_at
        advertised = (path.expanduser(), told)
    return Listener(observed(door), host, config.port, advertised=advertised)


def _about(config: Face, settings: Settings, clock: Clock) -> FaceSettings:
    url = settings.server.public_url or f"http://{_in_url(settings.server.host)}:{settings.server.port}"
    return FaceSettings(
        profile=config.profile,
        base_url="",
        gateway_url=url.rstrip("/"),
        port=0,
        version=VERSION,
        pid=os.getpid(),
        started_at=clock.now(),
        restorable_s=settings.keep.tombstones_days * DAY_S,
        clock=clock.now,
        token=lambda digits: secrets.token_hex(digits // 2),
        sandbox=any(backend.sandbox for backend in settings.backends.values()),
        silent_fallbacks=config.silent_fallbacks,
    )


def _in_url(host: str) -> str:
    """Return a host as it stands in a URL: what listens everywhere is found at home."""
    if host in ("0.0.0.0", "::"):  # noqa: S104 - compared, not bound
        return "localhost"
    return f"[{host}]" if ":" in host else host
