"""What is promised of one job, read from disk and compared with what the backends really have."""

import itertools
from collections.abc import Mapping
from typing import Any

from contracts.job import TERMINAL
from tests.unit.gateway.engine.bench_of_engine import Bench
from tests.unit.gateway.engine.machine import Server

WORDS = {"queued", "running", *TERMINAL}


def check(bench: Bench, servers: Mapping[str, Server], job: str) -> None:
    """Hold a job to its promises: a legal story, nobody paid behind its back, and somebody who carries it."""
    record, history = bench.job(job), bench.history(job)
    path = [word for word in history if word in WORDS]
    assert path[0] == "queued"
    assert not set(path[:-1]) & TERMINAL, "something follows the end"
    assert (path[-1] == record.state) if record.state in TERMINAL else (path[-1] not in TERMINAL)
    assert record.state not in TERMINAL or history[-1] == record.state
    if not record.parts:
        assert all(a != b for a, b in itertools.pairwise(path)), "no legal path"
    for attempt in bench.attempts(job):
        work = servers[attempt.backend].works.get(f"{job}.{attempt.n}")
        may_run = attempt.is_open or attempt.outcome == "unknown" or attempt.how in ("settled", "failed_late")
        assert work is None or work.end is not None or may_run, f"closed as {attempt.how}, and it still runs"
    if record.state not in TERMINAL:
        assert job in bench.ctx.jobs, "nobody carries it"
        return
    shown = {output.asset_id for output in record.outputs}
    assert {asset.id for asset in bench.assets(job) if asset.deleted_at is None} == shown


def final_of(bench: Bench, job: str) -> Any:
    """Return all that must never change once a job has ended."""
    assets = sorted((asset.id, asset.deleted_at) for asset in bench.assets(job))
    return bench.job(job), bench.history(job), assets


def check_cancel(bench: Bench, servers: Mapping[str, Server], job: str) -> None:
    """Compare what the caller was told of a cancel with what the backends did, just when the job ended."""
    record = bench.job(job)
    if record.cancel is None:
        return
    answer = record.cancel.answer
    assert answer != "pending", "nobody will ever answer"
    assert record.state == "cancelled" or answer == "cannot"
    if record.state != "cancelled":
        return
    assert answer != "cannot" or any("cannot" in server.said.get(job, ()) for server in servers.values())
    if answer == "stopped":
        unsure = {f"{job}.{each.n}" for each in bench.attempts(job) if each.outcome == "unknown"}
        running = {work.key for server in servers.values() for work in server.running}
        assert not {key for key in running - unsure if key.startswith(job)}, "told as stopped, and it runs on"
