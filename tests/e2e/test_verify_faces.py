"""Our own faces are held to the contracts of the servers they stand for, by the checks that real ones are held to."""

from pathlib import Path
from typing import NamedTuple

import pytest

from tests.e2e.keyed import KeyedGateway, make_key
from tests.e2e.verified import verified

_NO_ROUTES = "404 page: there are no such routes here, by the page of an unknown address"
_UNREVIEWED = "nobody reviews pictures here, compliance is not_reviewed"


class Face(NamedTuple):
    """A face, whose backends its key may use, and all that it does not offer, each with what it says."""

    dialect: str
    path: str
    profile: str
    backends: tuple[str, ...]
    unserved: dict[str, str]


FACES = {
    # A team without an ima2 of its own has no sessions: they are one server's state.
    "ima2": Face("ima2", "/ima2", "new", (), {"sessions": _NO_ROUTES, "unknown-session": _NO_ROUTES}),
    "sdcpp": Face("sdcpp", "/sdcpp", "head", (), {}),
    # The first model is a Studio's: it has no reviewer, and nobody who writes prompts.
    "imgen, before all backends": Face(
        "imgen",
        "/imgen/api/v2",
        "v2",
        (),
        {
            "picture": f"200 JSON, COMPLETED, jpeg 1024x1024: {_UNREVIEWED}",
            "cache-hit": f"200 JSON, COMPLETED, jpeg 1024x1024: {_UNREVIEWED}",
            "optimize": "502 JSON: no language model enhances prompts for it now",
        },
    ),
    "imgen, before an imgen": Face("imgen", "/imgen/api/v2", "v2", ("imgen",), {}),
}


@pytest.mark.parametrize("name", FACES)
def test_a_face_keeps_the_contract_of_its_dialect(keyed: KeyedGateway, tmp_path: Path, name: str) -> None:
    """Everything passes, edits, streams, cancels and caches too, or is said not to be served in the dialect's words."""
    face = FACES[name]
    allowed = (option for backend in face.backends for option in ("--backend", backend))
    _, key = make_key(keyed.data_dir, f"verifiers-{len(name)}", *allowed)
    found = verified(tmp_path, f"{keyed.url}{face.path}", "--dialect", face.dialect, "--full", key=key)
    explained = {each.check: each.observed for each in found.report.results if each.verdict == "not_served"}
    others = {each.check: each for each in found.report.results if each.verdict not in ("pass", "not_served")}
    # The team begins without a history: its first picture is looked at as soon as it is made.
    assert {check: each.observed for check, each in others.items()} == (
        {"file": "the history is empty"} if face.dialect == "ima2" else {}
    ), found.output
    assert explained == face.unserved
    assert (found.report.profile, found.code) == (face.profile, 0)
    assert key not in found.written


@pytest.mark.parametrize(("name", "profile"), [("ima2", "new"), ("sdcpp", "head")])
def test_a_face_is_known_by_its_answers(keyed: KeyedGateway, tmp_path: Path, name: str, profile: str) -> None:
    """At an address alone the dialect is found out by asking, and the build with it; nothing is made by looking."""
    _, key = make_key(keyed.data_dir, f"lookers-{name}")
    found = verified(tmp_path, f"{keyed.url}/{name}", "--profile", profile, key=key)
    assert (found.report.dialect, found.report.profile, found.code) == (name, profile, 0)
    with keyed.client_with(key) as http:
        assert http.get("/v1/jobs").json()["jobs"] == []


@pytest.mark.parametrize("token", [None, "trp_nobody"])
def test_a_stranger_at_a_face_is_told_apart_from_drift_by_nobody(
    keyed: KeyedGateway, tmp_path: Path, token: str | None
) -> None:
    """Without a good key the answers are refusals, and refusals are not what is promised: exit 1."""
    found = verified(tmp_path, f"{keyed.url}/sdcpp", "--dialect", "sdcpp", key=token)
    assert found.code == 1
    assert "queue-stats" in found.drift
