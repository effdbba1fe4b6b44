"""A sandbox's memory: documents in order, replaced in their place, and there again after a crash."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.kit.shelf import Shelf


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    """Yield an empty shelf."""
    made = Shelf(tmp_path / "deep" / "er" / "shelf.db")
    yield made
    made.close()


def test_a_document_comes_back_as_it_was_put(shelf: Shelf) -> None:
    """Any JSON value, by its kind and id; what was never put is None."""
    body = {"prompt": 'a "shiba" ⚘', "n": 2**53, "nested": [None, True, 0.5]}
    shelf.put("job", "a", body)
    assert shelf.get("job", "a") == body
    assert shelf.get("job", "b") is None
    assert shelf.get("image", "a") is None


def test_documents_keep_their_order(shelf: Shelf) -> None:
    """Oldest first, and a new version takes the place of the old one."""
    for name in ("b", "a", "c"):
        shelf.put("job", name, name)
    shelf.put("job", "b", "B")
    shelf.put("image", "z", "z")
    assert shelf.all("job") == ["B", "a", "c"]


def test_a_document_that_was_dropped_is_gone(shelf: Shelf) -> None:
    """Dropping says whether it was there; put again it is the newest."""
    shelf.put("job", "a", 1)
    shelf.put("job", "b", 2)
    assert shelf.drop("job", "a")
    assert not shelf.drop("job", "a")
    shelf.put("job", "a", 3)
    assert shelf.all("job") == [2, 3]


def test_clearing_takes_one_kind(shelf: Shelf) -> None:
    """All documents of a kind go, and are counted; the others stay."""
    shelf.put("job", "a", 1)
    shelf.put("job", "b", 2)
    shelf.put("image", "a", 3)
    assert shelf.clear("job") == 2
    assert shelf.clear("job") == 0
    assert (shelf.all("job"), shelf.all("image")) == ([], [3])


def test_what_was_put_is_there_without_a_farewell(tmp_path: Path) -> None:
    """A second shelf over the same file sees everything, though the first was never closed."""
    first = Shelf(tmp_path / "shelf.db")
    first.put("job", "a", {"x": 1})
    second = Shelf(tmp_path / "shelf.db")
    assert second.all("job") == [{"x": 1}]
    second.close()
    first.close()


_STEPS = st.lists(
    st.tuples(st.sampled_from(["put", "drop", "clear"]), st.sampled_from("ij"), st.sampled_from("abc"), st.integers()),
    max_size=20,
)


@settings(max_examples=50, deadline=None)
@given(steps=_STEPS)
def test_a_shelf_is_a_dictionary_of_dictionaries(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, str, str, int]]
) -> None:
    """Whatever is done to it, it holds what dictionaries would hold, in their order."""
    shelf = Shelf(tmp_path_factory.mktemp("shelf") / "shelf.db")
    model: dict[str, dict[str, Any]] = {"i": {}, "j": {}}
    for step, kind, name, body in steps:
        if step == "put":
            shelf.put(kind, name, [body])
            model[kind][name] = [body]
        elif step == "drop":
            assert shelf.drop(kind, name) == (model[kind].pop(name, None) is not None)
        else:
            assert shelf.clear(kind) == len(model[kind])
            model[kind].clear()
    for kind, documents in model.items():
        assert shelf.all(kind) == list(documents.values())
        assert all(shelf.get(kind, name) == documents.get(name) for name in "abc")
    shelf.close()
