"""`triptych verify`: does a live server keep the contract of its dialect?"""

import asyncio
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click
import httpx

from gateway.cli.serve import settings_of

if TYPE_CHECKING:
    from contracts.port import BackendSettings, Dialect
    from contracts.verify import Level, Report


@click.command()
@click.argument("target")
@click.option("--dialect", help="What a server at a URL speaks.  [default: found out by asking it]")
@click.option("--profile", help="The build that it should be; another one is drift.  [default: whichever answers]")
@click.option("--generate", is_flag=True, help="Spend one small picture, and ask for what must be refused.")
@click.option("--full", is_flag=True, help="Everything: edits, streams, cancels, the cache. Spends some pictures.")
@click.option("--key-env", metavar="NAME", help="The environment variable with the server's key.")
@click.option("--fetch-host", multiple=True, help="A host on which results may lie; *.example.org for many.")
@click.option("--config", type=click.Path(dir_okay=False), help="Settings file (TOML) with the backend.")
@click.option("--json", "json_file", type=click.Path(dir_okay=False, writable=True), help="Write the report as JSON.")
@click.option("--junit", "junit_file", type=click.Path(dir_okay=False, writable=True), help="Write it as JUnit.")
def verify(
    target: str,
    dialect: str | None,
    profile: str | None,
    generate: bool,  # noqa: FBT001 - a flag of the command line
    full: bool,  # noqa: FBT001 - a flag of the command line
    key_env: str | None,
    fetch_host: tuple[str, ...],
    config: str | None,
    json_file: str | None,
    junit_file: str | None,
) -> None:
    """Hold a live server to the contract of its dialect: TARGET is a backend of the settings, or a URL.

    By default it only looks: nothing is changed, begun or spent. Nothing that the server says is shown or written.

    Exit codes: 0 all is kept or explained; 1 drift; 2 wrong usage, or nobody answers.

    Example:  triptych verify http://127.0.0.1:3333 --generate --junit ima2.xml
    """
    from gateway.cli.report import show, write_json, write_junit  # noqa: PLC0415
    from gateway.dialects import dialects  # noqa: PLC0415

    known = dialects()
    if dialect is not None and (dialect not in known or known[dialect].checks is None):
        _wrong(f"no dialect {dialect!r}; there are {', '.join(sorted(known))}")
    settings, named = _server(target, config, key_env, fetch_host)
    if dialect is not None and named not in (None, dialect):
        _wrong(f"backends.{target} speaks {named}, not {dialect}")
    level: Level = "full" if full else "generate" if generate else "read"
    report = asyncio.run(_verified(known, settings, named or dialect, level, profile))
    show(report, f"{settings.name}, {settings.base_url}")
    for path, write in ((json_file, write_json), (junit_file, write_junit)):
        if path is not None:
            write(report, Path(path))
    if not report.reached:
        click.echo(f"Nobody answers at {settings.base_url}.", err=True)
        sys.exit(2)
    if any(each.verdict in ("drift", "no_answer") for each in report.results):
        sys.exit(1)


def _server(
    target: str, config: str | None, key_env: str | None, fetch_hosts: tuple[str, ...]
) -> "tuple[BackendSettings, str | None]":
    """Return the server and the dialect that the settings name; a URL names none."""
    from contracts.port import BackendSettings  # noqa: PLC0415

    key = _key(key_env)
    if "://" in target:
        return BackendSettings(name="server", base_url=_url(target), api_key=key, fetch_hosts=fetch_hosts), None
    found = settings_of(config).backends.get(target)
    if found is None:
        _wrong(f"no backend {target!r} in the settings; name one, or give a URL")
    if key is None and found.api_key is not None:
        key = found.api_key.read()
    connect_s = found.timeouts.get("connect_s", 5.0)
    server = BackendSettings(
        name=target,
        base_url=found.base_url,
        api_key=key,
        fetch_hosts=(*found.fetch_hosts, *fetch_hosts),
        connect_timeout_s=connect_s,
        timeouts=dict(found.timeouts),
    )
    return server, found.dialect


def _key(name: str | None) -> str | None:
    if name is None:
        return None
    key = os.environ.get(name)
    if not key:
        _wrong(f"there is no key in the environment variable {name}")
    return key


def _url(text: str) -> str:
    try:
        parsed = httpx.URL(text)
    except httpx.InvalidURL:
        parsed = httpx.URL()
    if parsed.scheme not in ("http", "https") or not parsed.host:
        _wrong("this is no address of a server; write it like http://127.0.0.1:3333")
    if parsed.userinfo or parsed.query:
        _wrong("no credentials in addresses; put the key into the environment and name it with --key-env")
    return str(parsed).rstrip("/")


async def _verified(
    known: "dict[str, Dialect]", settings: "BackendSettings", name: str | None, level: "Level", profile: str | None
) -> "Report":
    from contracts.catalog import CatalogError  # noqa: PLC0415
    from gateway.verifying import recognised, verify  # noqa: PLC0415

    offered = {each: dialect.checks for each, dialect in known.items() if dialect.checks is not None}
    try:
        askers = {each: checks.open(settings) for each, checks in offered.items() if name in (None, each)}
    except CatalogError as error:
        _wrong(error.detail)
    try:
        if name is None:
            name = await recognised([*offered.items()], askers)
        if name is None:
            _wrong(f"nobody there speaks one of {', '.join(sorted(offered))}; name it with --dialect")
        checks = offered[name]
        if profile is not None and profile not in checks.profiles:
            _wrong(f"no profile {profile!r} of {name}; there are {', '.join(checks.profiles)}")
        return await verify(name, checks, askers[name], level=level, assumed=profile)
    finally:
        for asker in askers.values():
            await asker.close()


def _wrong(text: str) -> NoReturn:
    click.echo(text, err=True)
    sys.exit(2)
