"""Settings of a face are checked against what its dialect knows."""

import pytest

from contracts.catalog import CatalogError
from gateway.dialects import dialects
from gateway.faces.opening import check_faces
from gateway.settings import Face, Settings


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
