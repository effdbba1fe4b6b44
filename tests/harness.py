"""Real processes for tests: a gateway with sandboxes behind it, started, killed and started again on one directory."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
import msgspec

START_S = 30.0


def free_port() -> int:
    """Return a port that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Process:
    """One child process with its log in a file."""

    def __init__(self, command: list[str], *, log: Path, env: Mapping[str, str] | None = None) -> None:
        """Start it."""
        self._file = log.open("ab")
        self.log = log
        self.http: httpx.Client | None = None
        self.child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=self._file,
            stderr=self._file,
            env={**os.environ, **(env or {})},
            start_new_session=True,
        )

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self.child.poll() is None

    def kill(self) -> None:
        """Kill it without a word (SIGKILL)."""
        self.child.kill()
        self.gone()

    def gone(self, timeout_s: float = 20) -> None:
        """Wait until it has ended, and let go of what belongs to it."""
        self.child.wait(timeout_s)
        self._file.close()
        if self.http is not None:
            self.http.close()

    def stop(self, timeout_s: float = 15) -> int:
        """Ask it to end (SIGTERM) and return its exit code; kill it when it does not."""
        if self.alive:
            self.child.send_signal(signal.SIGTERM)
        try:
            return self.child.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.child.kill()
            return self.child.wait()
        finally:
            self.gone()


class SandboxProcess(Process):
    """One sandbox as a process of its own, with its control routes at hand."""

    def __init__(
        self,
        dialect: str,
        folder: Path,
        *,
        speed: float = 20,
        profile: str | None = None,
        port: int | None = None,
    ) -> None:
        """Start it and wait until it answers."""
        folder.mkdir(parents=True, exist_ok=True)
        self.dialect = dialect
        self.folder = folder
        self.speed = speed
        self.profile = profile
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        command = [
            *(sys.executable, "-m", "gateway", "sandbox", dialect),
            *("--port", str(self.port), "--speed", str(speed), "--data-dir", str(folder / "state")),
            *(("--profile", profile) if profile else ()),
        ]
        super().__init__(command, log=folder / f"{dialect}.log")
        self.http: httpx.Client = httpx.Client(base_url=self.url, timeout=30, trust_env=False)
        until(lambda: self.http.get("/_sandbox/tokens").is_success, what=f"the {dialect} sandbox", log=self.log)

    def calls(self, method: str | None = None, path: str = "") -> list[dict[str, Any]]:
        """Return the calls that reached it, oldest first."""
        params = {"path": path} | ({"method": method} if method else {})
        found: list[dict[str, Any]] = self.http.get("/_sandbox/calls", params=params).json()["calls"]
        return found

    def submits(self) -> list[dict[str, Any]]:
        """Return the calls that started work."""
        paths = {"ima2": "/api/generate", "sdcpp": "/api/queue/generate", "imgen": "/api/v2"}
        found = self.calls("POST", paths[self.dialect])
        if self.dialect == "imgen":
            found = [call for call in found if (call["body"] or {}).get("action") == "generate"]
        return found

    def force(self, *rules: Mapping[str, Any]) -> None:
        """Force outcomes from now on; without rules, nothing is forced any more."""
        body = msgspec.json.encode({"rules": list(rules)})
        self.http.put("/_sandbox/scenario", content=body).raise_for_status()

    def restarted(self) -> "SandboxProcess":
        """Return it started anew on its old state and port, after it was killed."""
        return SandboxProcess(self.dialect, self.folder, speed=self.speed, profile=self.profile, port=self.port)


class GatewayProcess(Process):
    """A gateway as a process of its own."""

    def __init__(
        self,
        folder: Path,
        backends: Mapping[str, Mapping[str, Any]],
        *,
        settings: Mapping[str, Any] | None = None,
        env: Mapping[str, str] | None = None,
        port: int | None = None,
        program: Sequence[str] = ("-m", "gateway"),
    ) -> None:
        """Start it on a directory of its own and wait until it is ready; `program` may be one that is made to die."""
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.data_dir = folder / "data"
        self.backends = backends
        self.settings = settings
        self.env = env
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        config = folder / "triptych.toml"
        config.write_bytes(msgspec.toml.encode({**(settings or {}), "backends": dict(backends)}))
        command = [
            *(sys.executable, *program, "serve", "--no-sandbox", "--config", str(config)),
            *("--data-dir", str(self.data_dir), "--port", str(self.port)),
        ]
        # Nobody looks at contracts where a test counts what reaches a sandbox.
        secrets = {"IMGEN_TEST_KEY": "imgen-sandbox-key", "TRIPTYCH_VERIFY__EVERY_S": "0"}
        super().__init__(command, log=folder / "gateway.log", env={**secrets, **(env or {})})
        self.http: httpx.Client = httpx.Client(base_url=self.url, timeout=60, trust_env=False)
        try:
            until(self._ready, what="the gateway", log=self.log, process=self)
        except AssertionError:
            self.kill()
            raise

    def gone(self, timeout_s: float = 20) -> None:
        """Wait until it has ended; fail if it ever refused with a code that the OpenAPI document does not promise."""
        super().gone(timeout_s)
        broken = [
            line for line in self.log.read_text(errors="replace").splitlines() if "contract.undeclared_code" in line
        ]
        assert not broken, broken

    def _ready(self) -> bool:
        readiness = self.http.get("/readyz").json()
        return all(backend["ready_accounts"] or not backend["up"] for backend in readiness["backends"].values())

    def restarted(self) -> "GatewayProcess":
        """Return the real program started anew on the old directory, after this one was killed or stopped."""
        return GatewayProcess(self.folder, self.backends, settings=self.settings, env=self.env, port=self.port)

    def events(self, job_id: str) -> list[dict[str, Any]]:
        """Return an ended job's whole history."""
        text = self.http.get(f"/v1/jobs/{job_id}/events").raise_for_status().text
        return [
            msgspec.json.decode(line.removeprefix("data: ")) for line in text.splitlines() if line.startswith("data")
        ]

    def create(self, prompt: str, *, wait: int = 0, headers: Mapping[str, str] | None = None, **fields: Any) -> Any:
        """Create a job and return its document."""
        body = {"operation": "image.generate", "prompt": prompt, **fields}
        sent = {**({"Prefer": f"wait={wait}"} if wait else {}), **(headers or {})}
        response = self.http.post("/v1/jobs", json=body, headers=sent)
        assert response.status_code in (200, 202), response.text
        return response.json()

    def job(self, job_id: str, *, wait: int = 0) -> Any:
        """Return a job, after its end if a wait is wished."""
        return self.http.get(f"/v1/jobs/{job_id}", params={"wait": wait}).raise_for_status().json()


def backend(sandbox: SandboxProcess, **more: Any) -> dict[str, Any]:
    """Return the settings of a sandbox as a backend."""
    imgen = sandbox.dialect == "imgen"
    found: dict[str, Any] = {
        "dialect": sandbox.dialect,
        "base_url": sandbox.url + ("/api/v2" if imgen else ""),
        "sandbox": True,
        **({"api_key": {"env": "IMGEN_TEST_KEY"}, "shared_cache_ok": True} if imgen else {}),
        **({"timeouts": {"submit_interval_s": 0.001}} if sandbox.dialect == "sdcpp" else {}),
    }
    return {**found, **more}


def until(
    check: Any, *, what: str, log: Path | None = None, process: Process | None = None, timeout_s: float = START_S
) -> None:
    """Wait until something holds; fail with the log's end when it never does."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        with contextlib.suppress(httpx.HTTPError):
            if check():
                return
        if process is not None and not process.alive:
            break
        time.sleep(0.02)
    tail = log.read_text()[-3000:] if log is not None else ""
    msg = f"{what} did not come up\n{tail}"
    raise AssertionError(msg)


@contextlib.contextmanager
def three_sandboxes(folder: Path, *, speed: float = 20) -> Iterator[dict[str, SandboxProcess]]:
    """Run one sandbox of each dialect, and end them afterwards."""
    running: dict[str, SandboxProcess] = {}
    try:
        for dialect in ("ima2", "sdcpp", "imgen"):
            running[dialect] = SandboxProcess(dialect, folder / dialect, speed=speed)
        yield running
    finally:
        for sandbox in running.values():
            sandbox.stop(5)
