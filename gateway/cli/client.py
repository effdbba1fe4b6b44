"""What the client commands share: where the gateway is, what key they send, and how they tell a problem."""

import os
import sys
from pathlib import Path
from typing import Any, NoReturn

import click
import httpx

DEFAULT_URL = "http://127.0.0.1:8080"
URL = click.option("--url", envvar="TRIPTYCH_URL", help=f"The gateway.  [default: $TRIPTYCH_URL or {DEFAULT_URL}]")


def client(url: str | None) -> httpx.Client:
    """Return a client of the gateway; the key comes from TRIPTYCH_API_KEY alone, never from the command line."""
    key = os.environ.get("TRIPTYCH_API_KEY")
    address = url or _running() or DEFAULT_URL
    if key is not None and not key.isascii():
        click.echo("TRIPTYCH_API_KEY is no key: it has characters that no key has.", err=True)
        sys.exit(2)
    try:
        parsed = httpx.URL(address)
    except httpx.InvalidURL:
        parsed = httpx.URL()
    if parsed.scheme not in ("http", "https") or not parsed.host:
        click.echo(f"{address!r} is no address of a gateway; write it like {DEFAULT_URL}", err=True)
        sys.exit(2)
    return httpx.Client(
        base_url=parsed,
        headers={"Authorization": f"Bearer {key}"} if key else {},
        timeout=httpx.Timeout(30, read=None),
        trust_env=False,
    )


class RefusedError(Exception):
    """The gateway answered with a problem."""

    def __init__(self, problem: dict[str, Any]) -> None:
        """Take the problem."""
        super().__init__(problem.get("code"))
        self.problem = problem


def problem_of(response: httpx.Response) -> dict[str, Any]:
    """Return the problem of an answer; what is none was made by somebody on the way."""
    try:
        problem = response.json()
    except ValueError:
        problem = None
    if isinstance(problem, dict) and "code" in problem:
        return problem
    return {"code": f"HTTP {response.status_code}", "detail": f"{response.request.url.host} is no Triptych gateway."}


def _running() -> str | None:
    """Return the address of the gateway whose data directory lies here, if there is one."""
    address = Path("triptych-data/address")
    return address.read_text().strip() if address.is_file() else None


def fetch(http: httpx.Client, method: str, path: str, **how: Any) -> Any:
    """Make one request and return its JSON; end the program when it is a problem."""
    try:
        response = http.request(method, path, **how)
    except httpx.HTTPError:
        unreachable(http)
    if response.is_error:
        fail(problem_of(response))
    return response.json() if response.content else None


def unreachable(http: httpx.Client) -> NoReturn:
    """End the program because nobody answers."""
    click.echo(f"No gateway answers at {http.base_url}. Start one with: triptych serve", err=True)
    sys.exit(1)


def fail(problem: dict[str, Any]) -> NoReturn:
    """Tell a problem to a person, and end the program."""
    errors = list(problem.get("errors", ()))
    code = click.style(problem.get("code", "error"), fg="red", bold=True)
    said = [errors[0]["detail"], f"{errors[0]['pointer']}: {errors[0]['detail']}"] if len(errors) == 1 else []
    if problem.get("detail") in said:
        click.echo(f"{code}: {_fault(errors.pop())}", err=True)
    else:
        click.echo(f"{code}: {problem.get('detail')}", err=True)
    if problem.get("code") == "auth.unauthenticated":
        click.echo("  put the key into the environment: TRIPTYCH_API_KEY=... triptych ...", err=True)
    for fault in errors:
        click.echo(f"  {_fault(fault)}", err=True)
    if problem.get("supported_by"):
        click.echo(f"  supported by: {', '.join(problem['supported_by'])}", err=True)
    if problem.get("job_id"):
        click.echo(f"  job: {problem['job_id']}", err=True)
    if problem.get("instance"):
        click.echo(f"  request id: {problem['instance']}", err=True)
    sys.exit(1)


def _fault(fault: dict[str, Any]) -> str:
    allowed = f" (allowed: {', '.join(map(str, fault['allowed']))})" if fault.get("allowed") else ""
    return f"{fault['pointer']}: {fault['detail']}{allowed}"
