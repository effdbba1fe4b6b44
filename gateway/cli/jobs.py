"""`triptych jobs`: list, show, watch and cancel."""

import json
from typing import Any

import click
from httpx_sse import ServerSentEvent

from gateway.cli import follow
from gateway.cli.client import URL, RefusedError, client, fail, fetch

_COLOURS = {"succeeded": "green", "failed": "red", "blocked": "yellow", "running": "cyan", "cancelled": "magenta"}


@click.group()
def jobs() -> None:
    """List, show, watch and cancel jobs of your team.

    Example:  triptych jobs ls --state failed
    """


@jobs.command("ls")
@click.option("--state", help="Only jobs in this state.")
@click.option("--limit", type=int, default=20, show_default=True)
@URL
def ls(state: str | None, limit: int, url: str | None) -> None:
    """List the newest jobs.

    Example:  triptych jobs ls --state running --limit 5
    """
    params: dict[str, Any] = {"limit": limit} | ({"state": state} if state else {})
    with client(url) as http:
        for job in fetch(http, "GET", "/v1/jobs", params=params)["jobs"]:
            state_shown = click.style(f"{job['state']:10}", fg=_COLOURS.get(job["state"]))
            prompt = (job["spec"].get("prompt") or "").replace("\n", " ")[:48]
            error = f"  {job['error']['code']}" if job["error"] else ""
            click.echo(f"{job['id']}  {state_shown}  {job['model'] or '-':32}  {prompt}{error}")


@jobs.command("show")
@click.argument("job_id")
@URL
def show(job_id: str, url: str | None) -> None:
    """Show a job as JSON.

    Example:  triptych jobs show job_01KA3V8M6Q9Z4T7X2B5N8C1D3F
    """
    with client(url) as http:
        click.echo(json.dumps(fetch(http, "GET", f"/v1/jobs/{job_id}"), indent=2))


@jobs.command("watch")
@click.argument("job_id")
@URL
def watch(job_id: str, url: str | None) -> None:
    """Print a job's events as they come, until its end.

    Example:  triptych jobs watch job_01KA3V8M6Q9Z4T7X2B5N8C1D3F
    """
    with client(url) as http:
        try:
            for event in follow.watch(http, job_id):
                _print(event)
        except RefusedError as refused:
            fail(refused.problem)


def _print(event: ServerSentEvent) -> None:
    data = json.loads(event.data or "{}")
    facts = {name: data[name] for name in ("phase", "progress", "backend", "model") if data.get(name) is not None}
    code = (data.get("error") or {}).get("code")
    click.echo(f"{data.get('at', '')}  {event.event:16}  {facts or ''} {code or ''}".rstrip())


@jobs.command("cancel")
@click.argument("job_id")
@URL
def cancel(job_id: str, url: str | None) -> None:
    """Cancel a job, and say what the backend did about it.

    Example:  triptych jobs cancel job_01KA3V8M6Q9Z4T7X2B5N8C1D3F
    """
    with client(url) as http:
        job = fetch(http, "POST", f"/v1/jobs/{job_id}/cancel", headers={"Prefer": "wait=10"})
    told = job["cancel"] or {"answer": "pending", "detail": None}
    click.echo(f"{job['state']}: {told['answer']}{' - ' + told['detail'] if told.get('detail') else ''}")
