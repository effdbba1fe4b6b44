"""The other contenders: Portkey's gateway, openai-forward, and nginx, which only relays and is the floor."""

import json
from pathlib import Path

from tests.bench import install
from tests.bench.contender import Cell, Command, Contender, LiteLlm, Triptych, openai
from tests.bench.load import Request
from tests.bench.stub import prefix

#: Portkey's server listens everywhere and has no setting for it: here everything stays on this machine.
_LOOPBACK = """const net = require('node:net');
const listen = net.Server.prototype.listen;
net.Server.prototype.listen = function (port, ...rest) {
  return listen.call(this, port, '127.0.0.1', ...rest.filter((each) => typeof each === 'function'));
};
"""

_NGINX = """daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  keepalive_requests 1000000;
  upstream stub {{ server 127.0.0.1:{upstream}; keepalive 128; keepalive_requests 1000000; }}
  server {{
    listen 127.0.0.1:{port};
    location = /ready {{ return 200; }}
    location / {{
      proxy_pass http://stub;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_buffers 64 64k;
      proxy_max_temp_file_size 0;
    }}
  }}
}}
"""


class Portkey:
    """Portkey's open source gateway."""

    name = "portkey"
    package = "@portkey-ai/gateway@1.15.2"

    def install(self, cache: Path) -> str:
        """Install it."""
        self._package = install.node(cache, self.name, self.package) / "@portkey-ai" / "gateway"
        return str(json.loads((self._package / "package.json").read_text())["version"])

    def command(self, port: int, upstream: int, folder: Path, cells: list[Cell]) -> Command:
        """It has no settings: each request says where it goes."""
        del upstream, cells
        shim = folder / "loopback.cjs"
        shim.write_text(_LOOPBACK)
        program = ["node", "--require", str(shim), str(self._package / "build" / "start-server.js")]
        return Command([*program, f"--port={port}", "--headless"], "/", {"NODE_ENV": "production"})

    def request(self, port: int, upstream: int, cell: Cell) -> Request:
        """Name the provider, and that it is our stub."""
        headers = {
            "Authorization": "Bearer sk-stub",
            "x-portkey-provider": "openai",
            "x-portkey-custom-host": f"http://127.0.0.1:{upstream}/{prefix(cell.bytes, cell.delay_ms)}/v1",
        }
        return openai(f"http://127.0.0.1:{port}", cell, headers)


class OpenAiForward:
    """openai-forward, which relays bytes and does nothing else."""

    name = "openai-forward"
    #: Its own list of what it needs leaves PyYAML out.
    requirements = ("openai-forward==0.8.1", "PyYAML==6.0.3")

    def install(self, cache: Path) -> str:
        """Install it."""
        self._programs = install.python(cache, self.name, *self.requirements)
        return install.version_of(self._programs, "openai-forward")

    def command(self, port: int, upstream: int, folder: Path, cells: list[Cell]) -> Command:
        """Write one route for each kind of picture; its own command would listen everywhere."""
        del folder
        places = {prefix(cell.bytes, cell.delay_ms) for cell in cells}
        routes = [
            {"base_url": f"http://127.0.0.1:{upstream}/{place}", "route": f"/{place}", "type": "openai"}
            for place in sorted(places)
        ]
        program = [str(self._programs / "python"), "-m", "uvicorn", "openai_forward.app:app"]
        env = {"FORWARD_CONFIG": json.dumps(routes)}
        return Command([*program, "--host", "127.0.0.1", "--port", str(port)], "/healthz", env)

    def request(self, port: int, upstream: int, cell: Cell) -> Request:
        """Ask the route."""
        del upstream
        base = f"http://127.0.0.1:{port}/{prefix(cell.bytes, cell.delay_ms)}"
        return openai(base, cell, {"Authorization": "Bearer sk-stub"})


class Nginx:
    """The floor: a relay in C."""

    name = "nginx"

    def install(self, cache: Path) -> str:
        """Find it, or unpack it."""
        self._program = install.debian(cache, self.name, "nginx")
        return install.output_of([str(self._program), "-v"]).rpartition("/")[2].strip()

    def command(self, port: int, upstream: int, folder: Path, cells: list[Cell]) -> Command:
        """Write its settings."""
        del cells
        config = folder / "nginx.conf"
        config.write_text(_NGINX.format(folder=folder, upstream=upstream, port=port))
        return Command([str(self._program), "-p", str(folder), "-c", str(config), "-e", str(folder / "log")], "/ready")

    def request(self, port: int, upstream: int, cell: Cell) -> Request:
        """Ask as if it were the stub."""
        del upstream
        return openai(f"http://127.0.0.1:{port}/{prefix(cell.bytes, cell.delay_ms)}", cell)


def contenders() -> list[Contender]:
    """Return all of them, ours first."""
    return [Triptych(), LiteLlm(), Portkey(), OpenAiForward(), Nginx()]
