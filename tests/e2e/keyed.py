"""A gateway with keys: each team's client, made with the program itself."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
from click.testing import CliRunner

from gateway.cli.keys import keys
from tests.harness import GatewayProcess


def make_key(data_dir: Path, team: str, *options: str) -> tuple[str, str]:
    """Make a key with the program's own command; return its id and its token."""
    done = CliRunner().invoke(keys, ["create", "--team", team, "--data-dir", str(data_dir), *options])
    assert done.exit_code == 0, done.stderr
    return done.stderr.split()[0], done.stdout.strip()


def revoke_key(data_dir: Path, key_id: str) -> None:
    """Revoke a key with the program's own command."""
    done = CliRunner().invoke(keys, ["revoke", key_id, "--data-dir", str(data_dir)])
    assert done.exit_code == 0, done.stderr


def bearer(token: str) -> dict[str, str]:
    """Return the header that carries a key."""
    return {"Authorization": f"Bearer {token}"}


class KeyedGateway(GatewayProcess):
    """A gateway whose first key was made before it started."""

    def __init__(self, folder: Path, backends: Mapping[str, Mapping[str, Any]], **how: Any) -> None:
        """Make the operator's key, then start."""
        self.data_dir = folder / "data"
        self.key_id, self.token = make_key(self.data_dir, "operators", "--scope", "admin")
        self._clients: dict[tuple[str, ...], httpx.Client] = {}
        super().__init__(folder, backends, **how)
        assert self.http is not None
        self.http.headers.update(bearer(self.token))

    def client(self, team: str, *options: str) -> httpx.Client:
        """Return a client with a key of a team, always the same for the same options."""
        wanted = (team, *options)
        if wanted not in self._clients:
            _, token = make_key(self.data_dir, team, *options)
            self._clients[wanted] = self.client_with(token)
        return self._clients[wanted]

    def client_with(self, token: str) -> httpx.Client:
        """Return a client with a key."""
        return httpx.Client(base_url=self.url, headers=bearer(token), timeout=60, trust_env=False)

    def gone(self, timeout_s: float = 20) -> None:
        """Wait until it has ended, and let go of what belongs to it."""
        for client in self._clients.values():
            client.close()
        super().gone(timeout_s)
