"""The committed artefacts are what the code says now."""

from pathlib import Path

import pytest

from contracts.artefact import catalogue_document
from gateway.dialects import dialects
from gateway.v1.artefacts import artefacts

CONTRACTS = Path(__file__).parents[3] / "contracts"
FILES = {"openapi": "openapi.json", "asyncapi": "asyncapi.json", "capabilities": "capabilities.schema.json"}


@pytest.mark.parametrize("name", FILES)
def test_a_committed_document_of_the_contract_is_not_stale(name: str) -> None:
    """`make generated` writes it anew."""
    assert (CONTRACTS / FILES[name]).read_bytes() == artefacts(dialects())[name]


def test_the_committed_error_catalogue_is_not_stale() -> None:
    """`make generated` writes it anew."""
    assert (CONTRACTS / "errors.json").read_bytes() == catalogue_document(dialects())


def test_nothing_that_is_generated_is_forgotten() -> None:
    """Every document that is served as it is has a committed file."""
    assert artefacts(dialects()).keys() == FILES.keys()
