"""Documents held against each other: addresses, methods, parameters, bodies, answers, codes and keys."""

from collections.abc import Mapping, Sequence
from typing import Any

from contracts.compare.change import Comparison, Kind, comparison, under
from contracts.compare.schema import Side, Walk, resolved

METHODS = ("get", "head", "post", "put", "patch", "delete", "options", "trace", "query")
CODES = "x-error-codes"


def compare(old: Mapping[str, Any], new: Mapping[str, Any]) -> Comparison:
    """Return what became of the contract `old` in the contract `new`. Words for people and versions do not count.

    Raise `KeyError` where a document refers to what it does not have.
    """
    walk = Walk(old, new)
    olds, news = old.get("paths", {}), new.get("paths", {})
    for path in olds.keys() - news.keys():
        walk.note("breaking", under("/paths", path), "the address is gone")
    for path in news.keys() - olds.keys():
        walk.note("additive", under("/paths", path), "the address is new")
    for path in olds.keys() & news.keys():
        for method in METHODS:
            was, is_now, pointer = olds[path].get(method), news[path].get(method), under("/paths", path, method)
            if was is not None and is_now is not None:
                _operation(walk, was, is_now, pointer)
            elif was is not None:
                walk.note("breaking", pointer, "the method is gone")
            elif is_now is not None:
                walk.note("additive", pointer, "the method is new")
    return comparison(walk.found)


def _operation(walk: Walk, old: Mapping[str, Any], new: Mapping[str, Any], pointer: str) -> None:
    if old.get("operationId") != new.get("operationId"):
        words = f"was {old.get('operationId')}, is {new.get('operationId')}: generated clients call it so"
        walk.note("breaking", under(pointer, "operationId"), words)
    _parameters(walk, old.get("parameters", ()), new.get("parameters", ()), under(pointer, "parameters"))
    _body(walk, old.get("requestBody"), new.get("requestBody"), under(pointer, "requestBody"))
    _answers(walk, old.get("responses", {}), new.get("responses", {}), under(pointer, "responses"))
    _codes(walk, old.get(CODES, ()), new.get(CODES, ()), under(pointer, CODES))
    _keys(walk, old, new, under(pointer, "security"))


def _parameters(walk: Walk, old: Sequence[Any], new: Sequence[Any], pointer: str) -> None:
    olds, news = _named(walk.old, old, pointer), _named(walk.new, new, pointer)
    for key in olds.keys() - news.keys():
        walk.note("breaking", olds[key][1], f"request: the parameter {key[1]} ({key[0]}) is gone")
    for key in news.keys() - olds.keys():
        required = news[key][0].get("required", False)
        words = f"request: the parameter {key[1]} ({key[0]}) is new{' and required' if required else ''}"
        walk.note("breaking" if required else "additive", news[key][1], words)
    for key in olds.keys() & news.keys():
        (was, was_at), (is_now, is_at) = olds[key], news[key]
        _required(walk, was, is_now, is_at, f"the parameter {key[1]}")
        walk.schemas(
            was.get("schema", {}), under(was_at, "schema"), is_now.get("schema", {}), under(is_at, "schema"), "request"
        )


def _named(
    document: Mapping[str, Any], parameters: Sequence[Any], pointer: str
) -> dict[tuple[str, str], tuple[dict[str, Any], str]]:
    found = {}
    for index, each in enumerate(parameters):
        place = resolved(document, each, under(pointer, index))
        where, name = place.schema["in"], place.schema["name"]
        found[where, name.lower() if where == "header" else name] = (place.schema, place.pointer)
    return found


def _required(walk: Walk, old: Mapping[str, Any], new: Mapping[str, Any], pointer: str, what: str) -> None:
    was, is_now = old.get("required", False), new.get("required", False)
    if is_now and not was:
        walk.narrower("request", under(pointer, "required"), f"{what} is required from now on")
    if was and not is_now:
        walk.wider("request", under(pointer, "required"), f"{what} may be left out from now on")


def _body(walk: Walk, old: Any, new: Any, pointer: str) -> None:
    if old is None or new is None:
        if new is not None:
            kind: Kind = "breaking" if new.get("required", False) else "additive"
            walk.note(kind, pointer, "request: a body is new")
        elif old is not None:
            walk.note("breaking", pointer, "request: no body is taken any more")
        return
    before, after = resolved(walk.old, old, pointer), resolved(walk.new, new, pointer)
    _required(walk, before.schema, after.schema, after.pointer, "the body")
    _content(walk, before.schema, after.schema, pointer, "request")


def _content(walk: Walk, old: Mapping[str, Any], new: Mapping[str, Any], pointer: str, side: Side) -> None:
    olds, news = old.get("content", {}), new.get("content", {})
    for name in olds.keys() - news.keys():
        walk.note("breaking", under(pointer, "content", name), f"{side}: no longer as {name}")
    for name in news.keys() - olds.keys():
        walk.note("additive", under(pointer, "content", name), f"{side}: also as {name}")
    for name in olds.keys() & news.keys():
        at = under(pointer, "content", name, "schema")
        walk.schemas(olds[name].get("schema", {}), at, news[name].get("schema", {}), at, side)


def _answers(walk: Walk, old: Mapping[str, Any], new: Mapping[str, Any], pointer: str) -> None:
    for status in old.keys() - new.keys():
        walk.note("breaking", under(pointer, status), f"response: {status} is no longer answered")
    for status in new.keys() - old.keys():
        # What is no success, clients read as the problem that it is.
        kind: Kind = "additive" if status == "default" or status[0] in "45" else "breaking"
        walk.note(kind, under(pointer, status), f"response: {status} is new")
    for status in old.keys() & new.keys():
        at = under(pointer, status)
        before, after = resolved(walk.old, old[status], at), resolved(walk.new, new[status], at)
        _content(walk, before.schema, after.schema, after.pointer, "response")
        _headers(
            walk, before.schema.get("headers", {}), after.schema.get("headers", {}), under(after.pointer, "headers")
        )


def _headers(walk: Walk, old: Mapping[str, Any], new: Mapping[str, Any], pointer: str) -> None:
    olds, news = ({name.lower(): name for name in headers} for headers in (old, new))
    for name in olds.keys() - news.keys():
        walk.note("breaking", under(pointer, olds[name]), f"response: the header {olds[name]} is gone")
    for name in news.keys() - olds.keys():
        walk.note("additive", under(pointer, news[name]), f"response: the header {news[name]} is new")
    for name in olds.keys() & news.keys():
        at = under(pointer, news[name])
        before, after = resolved(walk.old, old[olds[name]], at), resolved(walk.new, new[news[name]], at)
        if before.schema.get("required", False) and not after.schema.get("required", False):
            walk.wider("response", after.pointer, f"the header {news[name]} may be left out from now on")
        was, is_now = before.schema.get("schema", {}), after.schema.get("schema", {})
        walk.schemas(was, under(before.pointer, "schema"), is_now, under(after.pointer, "schema"), "response")


def _codes(walk: Walk, old: Sequence[str], new: Sequence[str], pointer: str) -> None:
    gone, come = sorted(set(old) - set(new)), sorted(set(new) - set(old))
    if gone:
        walk.note("breaking", pointer, f"response: no longer refuses with {', '.join(gone)}")
    if come:
        walk.note("additive", pointer, f"response: also refuses with {', '.join(come)}")


def _keys(walk: Walk, old: Mapping[str, Any], new: Mapping[str, Any], pointer: str) -> None:
    """Compare who may ask: an operation that says nothing of it is as the document says."""
    was = _ways_in(old.get("security", walk.old.get("security", ())))
    is_now = _ways_in(new.get("security", walk.new.get("security", ())))
    if was == is_now:
        return
    if not was:
        walk.note("breaking", pointer, "request: was open, needs a key")
    elif not is_now:
        walk.note("additive", pointer, "request: is open from now on")
    elif was - is_now:
        walk.note("breaking", pointer, "request: a way to show who asks is gone")
    else:
        walk.note("additive", pointer, "request: another way to show who asks")


def _ways_in(security: Sequence[Mapping[str, Sequence[str]]]) -> frozenset[frozenset[tuple[str, tuple[str, ...]]]]:
    return frozenset(frozenset((name, tuple(sorted(scopes))) for name, scopes in way.items()) for way in security)
