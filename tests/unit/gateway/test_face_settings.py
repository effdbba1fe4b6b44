"""Settings of a face are checked against what its dialect knows."""

from pathlib import Path

import pytest

from contracts.catalog import CatalogError
from gateway.app import Gateway
from gateway.dialects import dialects, without_adapter
from gateway.faces.opening import check_faces
from gateway.settings import Backend, Face, Settings, remarks


def test_only_a_dialect_that_falls_back_can_be_told_to() -> None:
    """The one of imgen does; ima2 refuses what it does not know, so the setting would mean nothing."""
    check_faces(dialects(), Settings(faces={"imgen": Face(silent_fallbacks=True), "ima2": Face()}))
    with pytest.raises(CatalogError, match=r"faces[.]ima2[.]silent_fallbacks"):
        check_faces(dialects(), Settings(faces={"ima2": Face(silent_fallbacks=True)}))


@pytest.mark.parametrize("face", [{"imgen": Face(profile="v2")}, {"nobody": Face()}])
def test_what_a_dialect_has_not_stops_the_start(face: dict[str, Face]) -> None:
    """A profile that is none, a face that is none."""
    with pytest.raises(CatalogError, match="faces"):
        check_faces(dialects(), Settings(faces=face))


def test_a_dialect_that_is_only_a_face_is_no_backends(tmp_path: Path) -> None:
    """Settings that say so are refused with those that are, and the gateway does not start on them either."""
    known = dialects()
    assert "openai" in without_adapter(known)
    backend = Backend(dialect="openai", base_url="http://127.0.0.1:1")
    settings = Settings(backends={"cloud": backend}, data_dir=str(tmp_path), faces={"openai": Face()})
    text = "openai is only offered to clients, no backend speaks it; there are ima2, imgen, sdcpp"
    found = remarks(settings, frozenset(known), without_adapter=without_adapter(known))
    assert found == [("error", f"backends.cloud.dialect: {text}")]
    check_faces(known, settings)
    with pytest.raises(CatalogError, match="openai has no adapter"):
        Gateway(settings)
