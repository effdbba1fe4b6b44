"""The committed artefacts are what the code says now."""

from pathlib import Path

from contracts.artefact import catalogue_document
from gateway.app import openapi
from gateway.dialects import dialects

CONTRACTS = Path(__file__).parents[3] / "contracts"


def test_the_committed_openapi_document_is_not_stale() -> None:
    """`make generated` writes it anew."""
    assert (CONTRACTS / "openapi.json").read_bytes() == openapi(dialects())


def test_the_committed_error_catalogue_is_not_stale() -> None:
    """`make generated` writes it anew."""
    assert (CONTRACTS / "errors.json").read_bytes() == catalogue_document(dialects())
