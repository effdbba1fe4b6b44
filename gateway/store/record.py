"""Rows as typed values: what the engine holds in its hands and the store keeps.

A record's field is either a column of its own or JSON text in one; `params` and the `*_from` functions are the only
places where the two meet.
"""

import sqlite3
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from contracts.catalog import Outcome, Problem
from contracts.job import Adjustment, Cancel, Effective, JobOutput, JobPart, JobState, Phase, Review, Timings, Usage
from contracts.port import Handle
from contracts.spec import JobSpec, Operation

S = TypeVar("S", bound=Struct)
encode_json: Callable[[Any], bytes] = msgspec.json.Encoder().encode


class JobRecord(Struct, frozen=True, kw_only=True):
    """A job as it is stored."""

    id: str
    team: str
    operation: Operation
    state: JobState
    spec: JobSpec
    created_at: float
    key_id: str | None = None
    phase: Phase | None = None
    priority: int = 0
    backend: str | None = None
    account: str | None = None
    model: str | None = None
    dialect: str | None = None
    sandbox: bool = False
    client_ref: str | None = None
    progress: float | None = None
    outputs: tuple[JobOutput, ...] = ()
    parts: tuple[JobPart, ...] = ()
    effective: Effective | None = None
    adjustments: tuple[Adjustment, ...] = ()
    warnings: tuple[str, ...] = ()
    review: Review | None = None
    error: Problem | None = None
    cancel: Cancel | None = None
    usage: Usage | None = None
    timings: Timings | None = None
    started_at: float | None = None
    finished_at: float | None = None
    deadline_at: float | None = None
    not_before: float | None = None
    last_event_id: int = 0


class AttemptRecord(Struct, frozen=True, kw_only=True):
    """An attempt as it is stored. It is open until its end at the backend is known or given up."""

    job_id: str
    n: int
    part: int
    count: int
    backend: str
    account: str | None
    model: str
    handle: Handle
    started_at: float
    epoch: int = 1
    is_open: bool = True
    phase: Phase | None = None
    effective: Effective | None = None
    adjustments: tuple[Adjustment, ...] = ()
    error: Problem | None = None
    outcome: Outcome | None = None
    how: str | None = None
    submitted_at: float | None = None
    closed_at: float | None = None


class AssetRecord(Struct, frozen=True, kw_only=True):
    """A stored file as one team sees it."""

    id: str
    team: str
    source: str
    sha256: str
    media_type: str
    bytes: int
    width: int
    height: int
    created_at: float
    expires_at: float
    job_id: str | None = None
    role: str = "image"
    position: int = 0
    duration_s: float | None = None
    sandbox: bool = False
    withheld: bool = False
    deleted_at: float | None = None


class KeyRecord(Struct, frozen=True, kw_only=True):
    """A key as it is stored: only its hash."""

    id: str
    team: str
    hash: str
    scopes: tuple[str, ...]
    created_at: float
    name: str | None = None
    allow: dict[str, tuple[str, ...]] | None = None
    expires_at: float | None = None
    revoked_at: float | None = None


class AliasRecord(Struct, frozen=True, kw_only=True):
    """What a face calls a job, as it is stored."""

    face: str
    team: str
    kind: str
    native_id: str
    job_id: str
    collection: str | None = None
    note: dict[str, Any] | None = None


_JSON_FIELDS = {
    "spec",
    "outputs",
    "parts",
    "effective",
    "adjustments",
    "warnings",
    "review",
    "error",
    "cancel",
    "usage",
    "timings",
    "handle",
    "scopes",
    "allow",
    "discovery",
    "note",
}


def column(name: str, value: object) -> object:
    """Return a field's value as its column keeps it."""
    if name in _JSON_FIELDS:
        return None if value is None or value == () else encode_json(value).decode()
    return value


def params(record: Struct) -> dict[str, Any]:
    """Return a record as the parameters of an insert."""
    return {name: column(name, getattr(record, name)) for name in record.__struct_fields__}


@cache
def _readers(kind: type[Struct]) -> dict[str, Callable[[Any], Any] | None]:
    readers: dict[str, Callable[[Any], Any] | None] = {}
    for field in msgspec.structs.fields(kind):
        if field.name in _JSON_FIELDS:
            readers[field.name] = msgspec.json.Decoder(field.type).decode
        else:
            # SQLite has no booleans of its own.
            readers[field.name] = bool if field.type is bool else None
    return readers


def from_row(kind: type[S], row: sqlite3.Row | Mapping[str, Any]) -> S:
    """Return a row as a record; columns without a field are passed over."""
    values: dict[str, Any] = {}
    for name, read in _readers(kind).items():
        value = row[name]
        if read is not None:
            if value is not None:
                values[name] = read(value)
        else:
            values[name] = value
    return kind(**values)
