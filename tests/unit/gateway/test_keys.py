"""Keys: shown once, kept as a hash, never twice the same, and only with scopes that there are."""

import hashlib

import msgspec
import pytest

from contracts.catalog import CatalogError
from contracts.desk import SCOPES, Caller
from gateway.access.gate import need
from gateway.access.key import DEFAULT_SCOPES, PREFIX, digest, make


def test_a_key_is_kept_as_its_digest_alone() -> None:
    """The row does not hold the token, nor anything of it."""
    token, record = make("red", now=5.0, name="ci", allow={"backends": ("studio",)}, expires_at=9.0)
    assert record.hash == digest(token) == hashlib.sha256(token.encode()).hexdigest()
    assert token.removeprefix(PREFIX).encode() not in msgspec.json.encode(record)
    assert (record.team, record.name, record.created_at, record.expires_at) == ("red", "ci", 5.0, 9.0)
    assert (record.allow, record.revoked_at) == ({"backends": ("studio",)}, None)
    assert record.id.startswith("key_")


def test_no_two_keys_are_the_same() -> None:
    """256 random bits each, in letters that fit into a header."""
    tokens = {make("red", now=0)[0] for _ in range(200)}
    assert len(tokens) == 200
    assert all(token.startswith(PREFIX) and token.isascii() and len(token) >= len(PREFIX) + 43 for token in tokens)


def test_a_key_may_work_and_see_its_teams_work() -> None:
    """By default it has neither review, nor operations, nor administration."""
    assert make("red", now=0)[1].scopes == DEFAULT_SCOPES
    assert set(SCOPES) - set(DEFAULT_SCOPES) == {"policy:review", "ops:read", "admin"}


def test_a_scope_that_is_none_is_refused_by_name() -> None:
    """All misspelt ones are named, with those that there are."""
    with pytest.raises(ValueError, match=r"no such scope: jobs:rite, root; there are jobs:write"):
        make("red", now=0, scopes=("jobs:rite", "jobs:read", "root"))


@pytest.mark.parametrize("scope", SCOPES)
def test_a_scope_lets_through_what_it_names(scope: str) -> None:
    """One scope opens its own door and no other; `admin` opens all."""

    def caller(*scopes: str) -> Caller:
        return Caller(team="red", key_id="key_1", scopes=frozenset(scopes))

    need(caller(scope), scope)
    need(caller("admin"), scope)
    others = [each for each in SCOPES if each not in (scope, "admin")]
    with pytest.raises(CatalogError) as caught:
        need(caller(*others), scope)
    assert (caught.value.code, caught.value.facts["reason"]) == ("auth.forbidden", scope)
