"""Settings: a TOML file and the environment, into typed values. Unknown keys are refused, by name."""

import os
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta, Struct, inspect

from contracts.catalog import CatalogError, Fault
from contracts.decode import faults
from gateway.layers import from_environment, put, typed

PREFIX = "TRIPTYCH_"
#: Variables of the same prefix that belong to the client commands.
CLIENT_VARIABLES = frozenset({"TRIPTYCH_URL", "TRIPTYCH_API_KEY", "TRIPTYCH_CONFIG"})
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})

Seconds = Annotated[float, Meta(gt=0)]
#: Bounded, so that the moment of an end can always be written down.
Days = Annotated[float, Meta(gt=0, le=100_000)]
Count = Annotated[int, Meta(ge=1)]
Listen = Annotated[str, Meta(pattern=r"^(\[[0-9a-fA-F:]+\]|[^:\s]+):[0-9]{1,5}$", description="host:port")]


class Section(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The shape shared by all sections: strict and frozen."""


class SecretRef(Section, frozen=True, kw_only=True):
    """Where a secret is: an environment variable or a file. Never in the settings themselves."""

    env: str | None = None
    file: str | None = None

    def read(self) -> str | None:
        """Return the secret, or None when it is not there."""
        if self.file is not None:
            path = Path(self.file)
            return path.read_text().strip() if path.is_file() else None
        return os.environ.get(self.env or "") or None


class Server(Section, frozen=True, kw_only=True):
    """Where the gateway listens, and how it is seen from outside."""

    host: str = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535)] = 8080
    public_url: Annotated[str, Meta(pattern="^https?://")] | None = None
    trusted_proxies: tuple[str, ...] = ()
    max_json_bytes: Count = 16 * 1024 * 1024
    max_upload_bytes: Count = 50 * 1024 * 1024


class Backend(Section, frozen=True, kw_only=True):
    """One backend, at an address or wherever the file (`server.json`) says that its server writes."""

    dialect: str
    base_url: Annotated[str, Meta(pattern=r"^https?://|^([^:]*/)?server[.]json$")]
    api_key: SecretRef | None = None
    priority: int = 0
    max_concurrency: Count = 4
    trust: Literal["local", "external"] = "external"
    timeouts: dict[str, Seconds] = {}
    fetch_hosts: tuple[str, ...] = ()
    shared_cache_ok: bool = False
    polls_per_s: Seconds = 50
    sandbox: bool = False
    #: The one team that may use it: only then are requests about its own state passed on (security.md §5).
    exclusive_team: Annotated[str, Meta(min_length=1, max_length=200)] | None = None

    @property
    def by_file(self) -> bool:
        """Whether the server is found by the file in which it tells where it is."""
        return "://" not in self.base_url


class Assets(Section, frozen=True, kw_only=True):
    """What is done with files."""

    strip_metadata: Literal["prompt", "none"] = "prompt"
    max_pixels: Count = 64_000_000


class Review(Section, frozen=True, kw_only=True):
    """What becomes of reviewers' verdicts."""

    #: Store what a reviewer blocks: only scope `policy:review` can read it. Otherwise it is never fetched.
    keep_withheld: bool = False
    #: Believe a backend that its cached pictures passed a review once: they are shown as passed.
    trust_cache: bool = False


class Inputs(Section, frozen=True, kw_only=True):
    """Whose pictures may be fetched for a caller; empty: nobody's."""

    allow_hosts: tuple[str, ...] = ()


class Limits(Section, frozen=True, kw_only=True):
    """Bounds of what is taken in."""

    queued_per_team: Count = 1000
    queued_total: Count = 50_000
    queue_s: Seconds = 3600
    min_free_disk_bytes: Annotated[int, Meta(ge=0)] = 2 * 1024**3
    blocking_submits: Count = 512
    streams_per_team: Count = 6000
    #: Bodies of requests and of backends' answers that are in memory at once, all together.
    bytes_in_flight: Count = 1024**3


class Keep(Section, frozen=True, kw_only=True):
    """How long things are kept."""

    jobs_days: Days = 30
    events_days: Days = 7
    assets_days: Days = 30
    inputs_hours: Days = 24
    idempotency_hours: Days = 24
    tombstones_days: Days = 7
    gone_days: Days = 30


class Shutdown(Section, frozen=True, kw_only=True):
    """How long to wait for work that could not be found again."""

    drain_s: Annotated[float, Meta(ge=0, le=900)] = 8


class Face(Section, frozen=True, kw_only=True):
    """One face: how an existing client of a dialect finds the gateway."""

    enabled: bool = True
    #: A listener of its own, with the face at its root.
    listen: Listen | None = None
    #: Whose work it is when a client of that listener sends no key.
    team: Annotated[str, Meta(min_length=1, max_length=200)] | None = None
    #: Let clients without a key in although the listener is not loopback.
    trusted_network: bool = False
    profile: str | None = None
    #: Tell local clients where that listener is, in the file that their dialect knows.
    advertise: bool = False
    advertise_path: str | None = None
    #: Take another value in silence where the dialect does, instead of refusing: for old clients that rely on it.
    silent_fallbacks: bool = False

    @property
    def host(self) -> str | None:
        """Where its own listener is."""
        return None if self.listen is None else self.listen.rpartition(":")[0].strip("[]")

    @property
    def port(self) -> int:
        """The port of its own listener."""
        return 0 if self.listen is None else int(self.listen.rpartition(":")[2])


class Verify(Section, frozen=True, kw_only=True):
    """How often backends are held to their dialects' contracts, by looks that change and spend nothing; 0: never."""

    every_s: Annotated[float, Meta(ge=0, le=7 * 86400)] = 3600


class Log(Section, frozen=True, kw_only=True):
    """How the log looks."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["json", "console"] = "json"


class Settings(Section, frozen=True, kw_only=True):
    """Everything an operator can set."""

    data_dir: str = "./triptych-data"
    server: Server = Server()
    backends: dict[Annotated[str, Meta(pattern="^[a-z][a-z0-9-]{0,31}$")], Backend] = {}
    aliases: dict[str, Annotated[tuple[str, ...], Meta(min_length=1)]] = {}
    faces: dict[str, Face] = {}
    assets: Assets = Assets()
    review: Review = Review()
    inputs: Inputs = Inputs()
    limits: Limits = Limits()
    keep: Keep = Keep()
    shutdown: Shutdown = Shutdown()
    verify: Verify = Verify()
    log: Log = Log()

    @property
    def loopback(self) -> bool:
        """Whether the gateway listens to this machine alone, with every face's listener."""
        hosts = (self.server.host, *(face.host for face in self.faces.values() if face.enabled))
        return all(host is None or host in LOOPBACK for host in hosts)


class SettingsError(Exception):
    """Settings that cannot be used, with every fault."""

    def __init__(self, found: tuple[Fault, ...]) -> None:
        """Take the faults."""
        super().__init__("; ".join(f"{fault.pointer.lstrip('/').replace('/', '.')}: {fault.detail}" for fault in found))
        self.faults = found


def load(path: Path | None, environ: Mapping[str, str], overrides: Mapping[str, Any] | None = None) -> Settings:
    """Read the file, lay the environment over it, then the command line's options; raise `SettingsError`."""
    raw: dict[str, Any] = {}
    if path is not None:
        try:
            raw = tomllib.loads(path.read_text())
        except OSError:
            raise SettingsError((Fault(pointer="/", reason="missing", detail=f"{path} cannot be read"),)) from None
        except UnicodeDecodeError:
            raise SettingsError((Fault(pointer="/", reason="format", detail="not TOML: not UTF-8"),)) from None
        except tomllib.TOMLDecodeError as error:
            raise SettingsError((Fault(pointer="/", reason="format", detail=f"not TOML: {error}"),)) from None
    # A whole table comes before what is set inside it.
    for name, value in sorted(environ.items()):
        if name.startswith(PREFIX) and name not in CLIENT_VARIABLES:
            put(raw, name.removeprefix(PREFIX).lower().split("__"), from_environment(value))
    for dotted, value in (overrides or {}).items():
        if value is not None:
            put(raw, dotted.split("."), value)
    try:
        return msgspec.convert(raw, Settings, strict=False)
    except msgspec.ValidationError as error:
        text = str(error).partition(" - at `")[0]
        found = faults(typed(raw, inspect.type_info(Settings)), Settings)
        raise SettingsError(found or (Fault(pointer="/", reason="format", detail=text),)) from None


def remarks(
    settings: Settings,
    dialects: frozenset[str],
    advertising: frozenset[str] = frozenset(),
    without_adapter: frozenset[str] = frozenset(),
) -> list[tuple[Literal["error", "warning"], str]]:
    """Return what is wrong or doubtful beyond types.

    `advertising` dialects have servers that are found by a file; those `without_adapter` are only offered to clients.
    """
    found: list[tuple[Literal["error", "warning"], str]] = []
    for name, backend in settings.backends.items():
        at, key = f"backends.{name}", backend.api_key
        found += (("error", f"{at}.{text}") for text in _spoken(backend, dialects, advertising, without_adapter))
        if key is not None and key.read() is None:
            found.append(("warning", f"{at}.api_key: nothing to read in {key.file or key.env}"))
        if backend.dialect == "imgen" and not backend.fetch_hosts and not backend.sandbox:
            found.append(("warning", f"{at}.fetch_hosts: empty; imgen's signed pictures usually lie on another host"))
        if urlsplit(backend.base_url).username:
            found.append(("error", f"{at}.base_url: no credentials in addresses; use api_key"))
    for alias, models in settings.aliases.items():
        for model in models:
            backend_name, _, rest = model.partition("/")
            if backend_name not in settings.backends or not rest:
                found.append(("error", f"aliases.{alias}: {model!r} is not <backend>/<model> of a configured backend"))
    found += (("error", text) for text in _faces(settings, dialects))
    return found


def _spoken(
    backend: Backend, dialects: frozenset[str], advertising: frozenset[str], without_adapter: frozenset[str]
) -> Iterator[str]:
    """Yield what keeps a backend from being spoken to."""
    dialect, known = backend.dialect, ", ".join(sorted(dialects - without_adapter))
    if dialect in without_adapter:
        yield f"dialect: {dialect} is only offered to clients, no backend speaks it; there are {known}"
    elif dialect not in dialects:
        yield f"dialect: no dialect {dialect!r}; there are {known}"
    elif backend.by_file and dialect not in advertising:
        yield f"base_url: no {dialect} server tells a file where it is; name it"


def _faces(settings: Settings, dialects: frozenset[str]) -> Iterator[str]:
    """Yield what keeps faces from being opened (security.md §1)."""
    for name, face in settings.faces.items():
        at = f"faces.{name}"
        if name not in dialects:
            yield f"{at}: no dialect {name!r}; there are {', '.join(sorted(dialects))}"
        if face.port > 65535:
            yield f"{at}.listen: no port is greater than 65535"
        if face.team is not None and face.host is None:
            yield f"{at}.team: binds a listener to a team; set {at}.listen too"
        if face.team is not None and face.host not in (None, *LOOPBACK) and not face.trusted_network:
            yield f"{at}.team: lets anybody in who reaches {face.listen}; say so with {at}.trusted_network = true"
        if face.advertise and face.host is None:
            yield f"{at}.advertise: tells where the listener is; set {at}.listen too"


def refuse(detail: str) -> CatalogError:
    """Return the error that stops a start."""
    return CatalogError("gateway.internal", detail, reason="settings")
