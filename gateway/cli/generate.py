"""`triptych generate`: a picture from words, with a live progress bar. A client of the API like any other."""

import json
import sys
from pathlib import Path
from typing import Any

import click
import httpx
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from gateway.cli import follow, foreseen
from gateway.cli.client import URL, RefusedError, client, fail, fetch, problem_of, unreachable

FORMATS = {".png": "png", ".jpg": "jpeg", ".jpeg": "jpeg", ".webp": "webp", ".avif": "avif"}
PHASES = {
    "waiting_for_backend": "waiting for a backend",
    "submit": "handing it over",
    "queued_at_backend": "waiting in the backend's queue",
    "model_load": "loading the model",
    "image": "painting",
    "review": "under review",
    "download": "fetching the picture",
    "store": "storing the picture",
}


@click.command()
@click.argument("prompt")
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False), help="Where to put the picture; its ending is its format."
)
@click.option("--model", help="'auto', an alias, or <backend>/<id>.")
@click.option("--backend", help="Only this backend.")
@click.option("--size", help="WIDTHxHEIGHT, a shape such as 16:9, or auto.")
@click.option("-n", "count", type=int, help="How many pictures.")
@click.option("--seed", type=int, help="The same seed makes the same picture, where seeds are honoured.")
@click.option("--effort", type=click.Choice(["low", "medium", "high", "auto"]), help="How hard the backend tries.")
@click.option("--negative", help="What must not be in the picture.")
@click.option("--style", help="A style of the chosen model.")
@click.option("--adapt", is_flag=True, help="Change what cannot be honoured, and say so, instead of refusing.")
@click.option("--json", "as_json", is_flag=True, help="Print the finished job, or the dry run, as JSON.")
@click.option("--dry-run", is_flag=True, help="Say who would make it, what would be sent and changed; nothing is.")
@URL
def generate(prompt: str, output: str | None, url: str | None, *, as_json: bool, dry_run: bool, **asked: Any) -> None:
    """Make a picture of PROMPT.

    Example:  triptych generate "a shiba in space" -o shiba.png

    Ask first, and pay nothing:  triptych generate "a shiba in space" --size 1000x1000 --adapt --dry-run

    A dry run ends with exit code 1 where the request would be refused.
    """
    spec = _spec(prompt, output, asked)
    with client(url) as http:
        if dry_run:
            explanation = fetch(http, "POST", "/v1/jobs?dry_run=true", json=spec)
            if as_json:
                click.echo(json.dumps(explanation, indent=2))
            else:
                foreseen.tell(explanation)
            sys.exit(explanation["chosen"] is None)
        job = _make(http, spec, quiet=as_json)
        if as_json:
            click.echo(json.dumps(job, indent=2))
        if job["state"] != "succeeded":
            fail(job["error"] or {"code": job["state"], "detail": "The job was cancelled."})
        pictures = [each for each in job["outputs"] if each["role"] == "image"]
        for index, picture in enumerate(pictures):
            _save(http, picture, _name(output, picture, index, len(pictures)), quiet=as_json)
        if not as_json:
            for adjustment in job["adjustments"]:
                click.echo(f"adjusted {adjustment['pointer']}: {adjustment['applied']} ({adjustment['why']})", err=True)
            if job["sandbox"]:
                click.echo("This picture comes from a sandbox.", err=True)


def _spec(prompt: str, output: str | None, asked: dict[str, Any]) -> dict[str, Any]:
    spec: dict[str, Any] = {"operation": "image.generate", "prompt": prompt}
    names = {
        "model": "model",
        "count": "n",
        "seed": "seed",
        "effort": "effort",
        "negative": "negative_prompt",
        "style": "style",
    }
    spec |= {field: asked[name] for name, field in names.items() if asked[name] is not None}
    if asked["backend"]:
        spec["route"] = {"backends": [asked["backend"]]}
    if asked["size"]:
        spec["size"] = _size(asked["size"])
    if asked["adapt"]:
        spec["on_unsupported"] = "adapt"
    if output and not Path(output).absolute().parent.is_dir():
        click.echo(f"There is no directory {Path(output).parent} to put the picture in.", err=True)
        sys.exit(2)
    suffix = Path(output).suffix.lower() if output else ""
    if suffix:
        if suffix not in FORMATS:
            click.echo(f"A file cannot be {suffix}; choose one of {', '.join(FORMATS)}.", err=True)
            sys.exit(2)
        spec["output"] = {"format": FORMATS[suffix]}
    return spec


def _size(text: str) -> dict[str, Any] | str:
    width, _, height = text.lower().partition("x")
    if width.isdecimal() and height.isdecimal():
        return {"width": int(width), "height": int(height)}
    if ":" in text:
        return {"aspect_ratio": text}
    if text == "auto":
        return text
    raise click.BadParameter("write WIDTHxHEIGHT, a shape such as 16:9, or auto", param_hint="--size")


def _make(http: httpx.Client, spec: dict[str, Any], *, quiet: bool) -> dict[str, Any]:
    """Create the job and follow its events to the end; the line may break, the job goes on."""
    console = Console(stderr=True, quiet=quiet)
    columns = (SpinnerColumn(), TextColumn("{task.description:32}"), BarColumn(), TimeElapsedColumn())
    location = None
    try:
        with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
            task = progress.add_task("asking", total=None)
            for location, event in follow.create(http, spec):  # noqa: B007 - the last location is used
                _show(progress, task, event.event, json.loads(event.data or "{}"))
    except RefusedError as refused:
        fail(refused.problem)
    except KeyboardInterrupt:
        job_id = (location or "").rpartition("/")[2]
        if job_id:
            click.echo(f"The job goes on: triptych jobs watch {job_id}, or triptych jobs cancel {job_id}", err=True)
        else:
            click.echo("Interrupted before the gateway answered: triptych jobs ls shows what it took.", err=True)
        sys.exit(130)
    job: dict[str, Any] = fetch(http, "GET", location or "")
    return job


def _show(progress: Progress, task: Any, kind: str, data: dict[str, Any]) -> None:
    if kind == "job.queued":
        progress.update(task, description="accepted")
    elif kind == "job.running":
        progress.update(task, description=f"at {data['model']}")
    elif kind in ("job.phase", "job.progress"):
        done = data.get("progress")
        phase = data.get("phase")
        if phase:
            progress.update(task, description=PHASES.get(phase, phase))
        if done is not None:
            progress.update(task, total=1.0, completed=done)
    elif kind == "job.succeeded":
        progress.update(task, description="done", total=1.0, completed=1.0)


def _name(output: str | None, picture: dict[str, Any], index: int, count: int) -> Path:
    ending = "." + {"image/jpeg": "jpg"}.get(picture["media_type"], picture["media_type"].partition("/")[2])
    path = Path(output) if output else Path(picture["asset_id"] + ending)
    return path if count == 1 or not output else path.with_stem(f"{path.stem}-{index + 1}")


def _save(http: httpx.Client, picture: dict[str, Any], path: Path, *, quiet: bool) -> None:
    try:
        response = http.get(picture["url"])
    except httpx.HTTPError:
        unreachable(http)
    if response.is_error:
        fail(problem_of(response))
    try:
        path.write_bytes(response.content)
    except OSError as error:
        click.echo(f"{path} cannot be written: {error.strerror}. The picture is at {response.request.url}", err=True)
        sys.exit(1)
    if not quiet:
        size = f"{picture['width']}x{picture['height']}"
        click.echo(f"{path}  {size}  {picture['media_type']}  {picture['bytes'] // 1024} KiB")
