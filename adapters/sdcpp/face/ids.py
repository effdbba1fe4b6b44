"""Ids: Studio's uuids are the 128 bits of ours, so that every job and every picture of a team has one."""

import re
from uuid import UUID

from ulid import ULID

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def to_uuid(ours: str) -> str:
    """Return one of our ids as Studio writes it."""
    return str(ULID.from_str(ours.partition("_")[2]).to_uuid())


def to_job(uuid: str) -> str | None:
    """Return the job that a uuid stands for, whether or not there is one; None for what is no uuid."""
    return _ours("job", uuid)


def to_asset(uuid: str) -> str | None:
    """Return the file that a uuid stands for, whether or not there is one; None for what is no uuid."""
    return _ours("ast", uuid)


def _ours(prefix: str, uuid: str) -> str | None:
    return f"{prefix}_{ULID.from_uuid(UUID(uuid))}" if _UUID.fullmatch(uuid) else None
