"""A face that would let in more than anybody meant is refused before it is opened."""

from pathlib import Path
from typing import Any

import pytest

from adapters.ima2 import DIALECT
from contracts.catalog import CatalogError
from gateway.app import Gateway
from gateway.settings import Face, Settings, load, remarks


@pytest.mark.parametrize(
    ("face", "said"),
    [
        ({"team": "design"}, "faces.ima2.team: binds a listener to a team"),
        ({"team": "design", "listen": "0.0.0.0:3333"}, "faces.ima2.team: lets anybody in who reaches"),
        ({"advertise": True}, "faces.ima2.advertise: tells where the listener is"),
        ({"listen": "127.0.0.1:99999"}, "faces.ima2.listen: no port is greater"),
        ({"team": "design", "listen": "0.0.0.0:3333", "trusted_network": True}, None),
        ({"team": "design", "listen": "127.0.0.1:3333", "advertise": True}, None),
        ({"enabled": False}, None),
    ],
)
def test_a_listener_that_nobody_guards_is_refused(face: dict[str, Any], said: str | None) -> None:
    """Keyless clients come in by a listener bound to a team, on loopback unless the network is called trusted."""
    found = [text for _, text in remarks(load(None, {}, {"faces.ima2": face}), frozenset({"ima2"}))]
    assert [text for text in found if said is None or not text.startswith(said)] == []
    assert len(found) == (said is not None)


def test_a_face_of_no_dialect_is_refused() -> None:
    """A misspelt name opens nothing in silence."""
    found = remarks(load(None, {}, {"faces.imma2": {}}), frozenset({"ima2"}))
    assert found == [("error", "faces.imma2: no dialect 'imma2'; there are ima2")]


def test_a_profile_of_no_build_is_refused(tmp_path: Path) -> None:
    """The builds are tag, head and new; and nothing is opened for another one, not even the store."""
    settings = Settings(data_dir=str(tmp_path / "data"), faces={"ima2": Face(profile="newest")})
    with pytest.raises(CatalogError, match="no profile 'newest'; there are new, head, tag"):
        Gateway(settings, known={"ima2": DIALECT})
    assert not (tmp_path / "data").exists()


def test_a_listener_beyond_loopback_closes_the_open_mode() -> None:
    """Without keys the gateway is open on loopback only, whichever of its listeners a request came by."""
    assert Settings(faces={"ima2": Face(listen="[::1]:3333")}).loopback
    assert not Settings(faces={"ima2": Face(listen="10.0.0.1:3333")}).loopback
