"""What runs for a test: sandboxes, and a gateway in front of them, with the addresses and keys that a client needs."""

import itertools
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import httpx

from gateway.dialects import dialects
from gateway.sandboxes import HOST, KEY, NAMES
from gateway.testing.process import Child

CLIENT_S = 120.0


class Sandbox:
    """One emulator: where it is, and what befell it."""

    def __init__(self, dialect: str, port: int) -> None:
        """Take where it listens."""
        self.dialect = dialect
        #: What it is called as a backend.
        self.name = NAMES.get(dialect, (dialect, 0))[0]
        self.url = f"http://{HOST}:{port}"
        #: The key that it wants, if it wants one.
        self.key = KEY if dialect == "imgen" else None
        #: What a client of the real server would be given as its address.
        self.base_url = self.url + ("/api/v2" if dialect == "imgen" else "")
        self._control = httpx.Client(base_url=self.url, timeout=30, trust_env=False)
        found = self._control.get("/_sandbox/faults").raise_for_status().json()
        #: The codes that its works can end with, and where work begins, by operation.
        self.codes: tuple[str, ...] = tuple(found["codes"])
        self.works: dict[str, list[str]] = found["works"]

    def fault(self, code: str, *, times: int | None = None, operation: str | None = None) -> int:
        """Let its next works end with a row of the catalogue; return the fault's place, raise ValueError if none can.

        `code` is a whole one. Without `times` all works do, until `calm`.
        """
        wish = {"code": code, "times": times, "operation": operation}
        answer = self._control.post("/_sandbox/faults", json=wish)
        if answer.status_code == httpx.codes.BAD_REQUEST:
            raise ValueError(f"{self.dialect}: {answer.json()['error']}")
        return int(answer.raise_for_status().json()["place"])

    def met(self) -> list[int]:
        """Return how often each fault was met, by its place."""
        return [each["met"] for each in self._control.get("/_sandbox/faults").json()["faults"]]

    def calm(self) -> None:
        """Put all faults down."""
        self._control.delete("/_sandbox/faults").raise_for_status()

    def calls(self) -> list[dict[str, Any]]:
        """Return the requests that reached it, oldest first, as they came: secrets and all."""
        found: list[dict[str, Any]] = self._control.get("/_sandbox/calls").json()["calls"]
        return found

    def forget_calls(self) -> None:
        """Forget the requests that reached it."""
        self._control.delete("/_sandbox/calls").raise_for_status()

    def close(self) -> None:
        """Let go of the control connection."""
        self._control.close()


class Sandboxes:
    """A child process with one emulator or several."""

    def __init__(self, folder: Path, profiles: Mapping[str, str | None], *, speed: float) -> None:
        """Start them, each with its profile; raise ValueError for a dialect or profile that there is not."""
        known = dialects()
        for dialect, profile in profiles.items():
            if dialect not in known or known[dialect].sandbox is None:
                names = sorted(name for name, each in known.items() if each.sandbox is not None)
                raise ValueError(f"there is no sandbox of {dialect!r}; there are {', '.join(names)}")
            if profile is not None and profile not in known[dialect].sandbox_profiles:
                builds = ", ".join(known[dialect].sandbox_profiles)
                raise ValueError(f"{dialect} has no profile {profile!r}; there are {builds}")
        self.child = Child("sandboxes", folder / "sandboxes.log")
        self.child.tell(dir=str(folder), profiles=dict(profiles), speed=speed)
        self.all: dict[str, Sandbox] = {}

    def wait(self) -> dict[str, int]:
        """Wait until they listen; return their ports by dialect."""
        ports: dict[str, int] = self.child.ask("ports")
        for dialect, port in ports.items():
            found = Sandbox(dialect, port)
            self.all[found.name] = found
        return ports

    def stop(self) -> None:
        """End them."""
        for each in self.all.values():
            each.close()
        self.child.stop()


class Team:
    """A team at the gateway: its key, and a client that carries it."""

    def __init__(self, name: str, key: str, url: str) -> None:
        """Take what was made for it."""
        self.name = name
        self.key = key
        self._url = url
        self._clients: list[httpx.Client] = []

    def client(self, **options: Any) -> httpx.Client:
        """Return a client of the gateway with the team's key; `options` are httpx's. It is closed with the gateway."""
        headers = {"Authorization": f"Bearer {self.key}", **options.pop("headers", {})}
        settings = {"base_url": self._url, "timeout": CLIENT_S, "trust_env": False, **options}
        self._clients.append(httpx.Client(headers=headers, **settings))
        return self._clients[-1]

    def close(self) -> None:
        """Close its clients."""
        for client in self._clients:
            client.close()


class LiveGateway:
    """A gateway on a free port, with one sandbox of every dialect behind it."""

    def __init__(self, folder: Path, *, speed: float, config: Path | None = None) -> None:
        """Start all of it, and wait until work is taken in; `config` is a file of settings, but for backends."""
        self.speed = speed
        self.log = folder / "gateway.log"
        self._count = itertools.count(1)
        self._teams: list[Team] = []
        # Both load what they need side by side; the gateway is told where the sandboxes are.
        self.child = Child("gateway", self.log)
        try:
            names = [name for name, each in dialects().items() if each.sandbox is not None]
            self._sandboxes = Sandboxes(folder, dict.fromkeys(names), speed=speed)
        except BaseException:
            self.child.stop()
            raise
        try:
            ports, settings = self._sandboxes.wait(), None if config is None else str(config)
            self.child.tell(dir=str(folder / "gateway"), ports=ports, speed=speed, config=settings)
            #: Where it is; the faces are under it.
            self.url: str = self.child.ask("ready")
            self._operators = self.new_team("operators", scopes=("admin",))
            self._team = self.new_team("tests")
        except BaseException:
            self.stop()
            raise

    @property
    def key(self) -> str:
        """The key of the team `tests`: it may work, and see its own work."""
        return self._team.key

    @property
    def admin_key(self) -> str:
        """A key that may do everything."""
        return self._operators.key

    @property
    def openai_url(self) -> str:
        """The `base_url` of an OpenAI client."""
        return f"{self.url}/openai/v1"

    @property
    def ima2_url(self) -> str:
        """The address of an ima2 server."""
        return f"{self.url}/ima2"

    @property
    def sdcpp_url(self) -> str:
        """The address of an sd.cpp Studio."""
        return f"{self.url}/sdcpp"

    @property
    def imgen_url(self) -> str:
        """The endpoint of imgen."""
        return f"{self.url}/imgen/api/v2"

    @property
    def sandboxes(self) -> dict[str, Sandbox]:
        """The sandboxes behind it, by the names of their backends."""
        return self._sandboxes.all

    def client(self, **options: Any) -> httpx.Client:
        """Return a client with the key; `options` are httpx's. It is closed with the gateway."""
        return self._team.client(**options)

    def new_team(
        self,
        name: str | None = None,
        *,
        scopes: Iterable[str] = (),
        backends: Iterable[str] = (),
        models: Iterable[str] = (),
        operations: Iterable[str] = (),
        days: float | None = None,
    ) -> Team:
        """Return a team with a key of its own: what it may do and use (all that a plain key may), and for how long."""
        name = name or f"team-{next(self._count)}"
        kinds = {"backends": list(backends), "models": list(models), "operations": list(operations)}
        allow = {kind: names for kind, names in kinds.items() if names}
        key = self.child.ask("key", team=name, scopes=list(scopes), allow=allow, days=days)
        team = Team(name, key, self.url)
        self._teams.append(team)
        return team

    def stop(self) -> None:
        """End all of it."""
        for team in self._teams:
            team.close()
        self.child.stop()
        self._sandboxes.stop()
