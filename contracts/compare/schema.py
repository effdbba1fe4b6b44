"""Schemas held against each other, with the side they stand on: what is sent to the gateway, or what it answers.

On the request side fewer legal values break a client, on the response side more. Two things break on both sides: what
is taken away by name (a field, a value of an enum, a kind of a tagged union), and what cannot be judged.
"""

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from contracts.compare.change import Change, Kind, at, under

Side = Literal["request", "response"]
UPPER = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
LOWER = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
#: Keywords of which nobody can say which of two is the narrower, only whether there is one.
OPAQUE = ("pattern", "format", "multipleOf", "uniqueItems", "contentEncoding", "contentMediaType")
INNER = ("items", "contentSchema", "propertyNames")
#: Words for people.
SILENT = frozenset({"title", "description", "example", "examples", "deprecated", "$comment", "externalDocs"})
_JUDGED = frozenset(
    {*UPPER, *LOWER, *OPAQUE, *INNER, *SILENT, "type", "enum", "const", "properties", "required"}
    | {"additionalProperties", "anyOf", "discriminator", "default"}
)
#: Marks an enum of an answer to which no value is ever added without a new major version.
CLOSED = "x-closed"
_NULL = {"type": "null"}
_JSON_TYPES = {str: "string", bool: "boolean", int: "integer", float: "number", type(None): "null"}


class Place(NamedTuple):
    """A schema where it is written, with the name under which others refer to it."""

    schema: dict[str, Any]
    pointer: str
    name: str | None = None


class Walk:
    """Goes through two documents at once, along their references, and notes what differs."""

    def __init__(self, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
        """Take the older document and the newer one."""
        self.old = old
        self.new = new
        self.found: set[Change] = set()
        self._seen: set[tuple[str, str, Side]] = set()

    def note(self, kind: Kind, pointer: str, words: str) -> None:
        """Note a change."""
        self.found.add(Change(kind, pointer, words))

    def narrower(self, side: Side, pointer: str, words: str) -> None:
        """Note that fewer values are legal than before."""
        self.note("breaking" if side == "request" else "additive", pointer, f"{side}: {words}")

    def wider(self, side: Side, pointer: str, words: str) -> None:
        """Note that more values are legal than before."""
        self.note("additive" if side == "request" else "breaking", pointer, f"{side}: {words}")

    def schemas(self, old: Any, old_pointer: str, new: Any, new_pointer: str, side: Side) -> None:
        """Compare two schemas, and all that they refer to; what was compared once is not again."""
        before = resolved(self.old, old, old_pointer)
        after = resolved(self.new, new, new_pointer)
        key = (before.pointer, after.pointer, side)
        if key in self._seen:
            return
        self._seen.add(key)
        olds, news = _ways(self.old, before), _ways(self.new, after)
        for name, same in _pairs(olds, news):
            self._way(olds.pop(name), news.pop(same), side)
        self._alternatives(before, after, olds, news, side)
        if side == "request" and before.schema.get("default") != after.schema.get("default"):
            was, is_now = before.schema.get("default"), after.schema.get("default")
            self.note(
                "breaking", under(after.pointer, "default"), f"request: left out it means {is_now!r}, not {was!r}"
            )

    def _way(self, old: Place, new: Place, side: Side) -> None:
        if "anyOf" in old.schema or "anyOf" in new.schema:
            self.schemas(old.schema, old.pointer, new.schema, new.pointer, side)
        else:
            self._plain(old, new, side)

    def _alternatives(
        self, before: Place, after: Place, olds: Mapping[str, Place], news: Mapping[str, Place], side: Side
    ) -> None:
        """Note what is left of the alternatives once those that are the same were compared."""
        tagged = "discriminator" in before.schema and "discriminator" in after.schema
        for name in sorted(olds):
            words = f"{name} is no longer an alternative"
            if tagged:
                self.note("breaking", after.pointer, f"{side}: {words}")
            else:
                self.narrower(side, after.pointer, words)
        for name in sorted(news):
            words = f"{name} is a new alternative"
            if tagged:
                # Who reads tagged kinds passes over those that he does not know.
                self.note("additive", after.pointer, f"{side}: {words}")
            else:
                self.wider(side, after.pointer, words)
        properties = [place.schema.get("discriminator", {}).get("propertyName") for place in (before, after)]
        if tagged and properties[0] != properties[1]:
            self.note("breaking", under(after.pointer, "discriminator"), f"{side}: another field tells the kinds apart")

    def _plain(self, old: Place, new: Place, side: Side) -> None:
        was, is_now = _kind(old.schema), _kind(new.schema)
        if was != is_now:
            if is_now is None or (was, is_now) == ("integer", "number"):
                self.wider(side, new.pointer, f"was {was}, is {is_now or 'anything'}")
            elif was is None or (was, is_now) == ("number", "integer"):
                self.narrower(side, new.pointer, f"was {was or 'anything'}, is {is_now}")
            else:
                self.note("breaking", new.pointer, f"{side}: was {was}, is {is_now}")
                return
        self._enum(old, new, side)
        self._limits(old, new, side)
        self._properties(old, new, side)
        self._others(old, new, side)
        for name in INNER:
            self._inner(name, old, new, side)
        for name in sorted((old.schema.keys() | new.schema.keys()) - _JUDGED):
            if not name.startswith("x-") and old.schema.get(name) != new.schema.get(name):
                self.note("breaking", under(new.pointer, name), f"{side}: {name} differs, which nobody can judge")

    def _enum(self, old: Place, new: Place, side: Side) -> None:
        was, is_now = _values(old.schema), _values(new.schema)
        pointer = under(new.pointer, "enum")
        if was is None and is_now is not None:
            self.narrower(side, pointer, f"only {_listed(is_now)} from now on")
        elif was is not None and is_now is None:
            self.wider(side, pointer, "any value from now on")
        elif was is not None and is_now is not None:
            gone, come = [each for each in was if each not in is_now], [each for each in is_now if each not in was]
            closed = side == "response" and old.schema.get(CLOSED, False)
            if gone:
                self.note("breaking", pointer, f"{side}: no longer {_listed(gone)}")
            if come:
                self.note("breaking" if closed else "additive", pointer, f"{side}: also {_listed(come)}")
            if closed and not new.schema.get(CLOSED, False):
                self.note("breaking", under(new.pointer, CLOSED), "response: values may be added from now on")

    def _limits(self, old: Place, new: Place, side: Side) -> None:
        for name in (*UPPER, *LOWER, *OPAQUE):
            was, is_now = old.schema.get(name), new.schema.get(name)
            if was == is_now:
                continue
            pointer, words = under(new.pointer, name), f"{name} was {_shown(was)}, is {_shown(is_now)}"
            if was is None:
                self.narrower(side, pointer, words)
            elif is_now is None:
                self.wider(side, pointer, words)
            elif name in OPAQUE:
                self.note("breaking", pointer, f"{side}: {words}")
            elif (is_now < was) is (name in UPPER):
                self.narrower(side, pointer, words)
            else:
                self.wider(side, pointer, words)

    def _properties(self, old: Place, new: Place, side: Side) -> None:
        olds, news = old.schema.get("properties", {}), new.schema.get("properties", {})
        must, must_now = set(old.schema.get("required", ())), set(new.schema.get("required", ()))
        for name in sorted(olds.keys() - news.keys()):
            self.note("breaking", under(old.pointer, "properties", name), f"{side}: the field {name} is gone")
        for name in sorted(news.keys() - olds.keys()):
            pointer = under(new.pointer, "properties", name)
            if side == "request" and name in must_now:
                self.note("breaking", pointer, f"request: the new field {name} is required")
            else:
                self.note("additive", pointer, f"{side}: the field {name} is new")
        for name in sorted(olds.keys() & news.keys()):
            pointer = under(new.pointer, "properties", name)
            if name in must_now - must:
                self.narrower(side, pointer, f"the field {name} is required from now on")
            if name in must - must_now:
                self.wider(side, pointer, f"the field {name} may be left out from now on")
            self.schemas(olds[name], under(old.pointer, "properties", name), news[name], pointer, side)

    def _others(self, old: Place, new: Place, side: Side) -> None:
        """Compare what is said of fields that have no name."""
        name = "additionalProperties"
        was, is_now = old.schema.get(name, True), new.schema.get(name, True)
        pointer = under(new.pointer, name)
        if isinstance(was, dict) and isinstance(is_now, dict):
            self.schemas(was, under(old.pointer, name), is_now, pointer, side)
        elif was == is_now:
            return
        elif is_now is False or was is True:
            self.narrower(side, pointer, "fewer fields without a name of their own")
        elif was is False:
            # Who reads an answer passes over fields that he does not know.
            self.note("additive", pointer, f"{side}: fields without a name of their own")
        else:
            self.wider(side, pointer, "fields without a name of their own may be anything")

    def _inner(self, name: str, old: Place, new: Place, side: Side) -> None:
        was, is_now = old.schema.get(name), new.schema.get(name)
        pointer = under(new.pointer, name)
        if was is not None and is_now is not None:
            self.schemas(was, under(old.pointer, name), is_now, pointer, side)
        elif is_now is not None:
            self.narrower(side, pointer, f"{name} from now on")
        elif was is not None:
            self.wider(side, pointer, f"no {name} any more")


def resolved(document: Mapping[str, Any], schema: Any, pointer: str) -> Place:
    """Return a schema, or anything else that may be a reference, where it is really written."""
    name = None
    while isinstance(schema, dict) and "$ref" in schema:
        beside = {key: value for key, value in schema.items() if key != "$ref"}
        pointer = schema["$ref"].removeprefix("#")
        name = name or pointer.rpartition("/")[2]
        schema = {**at(document, pointer), **beside}
    if isinstance(schema, bool):
        schema = {} if schema else {"not": {}}
    return Place(schema, pointer, name)


def _ways(document: Mapping[str, Any], place: Place) -> dict[str, Place]:
    """Return the alternatives of a schema by what tells them apart: a tag, a name, or a type."""
    schema = place.schema
    if "anyOf" not in schema:
        return _without_null(place)
    mapping = schema.get("discriminator", {}).get("mapping", {})
    tags = {reference: tag for tag, reference in mapping.items()}
    found: dict[str, Place] = {}
    for index, each in enumerate(schema["anyOf"]):
        inner = resolved(document, each, under(place.pointer, "anyOf", index))
        tag = tags.get(each.get("$ref")) if isinstance(each, dict) else None
        for kind, way in _without_null(inner).items():
            name = tag or kind
            found[name if name not in found else f"{name} ({index})"] = way
    return found


def _pairs(olds: Mapping[str, Place], news: Mapping[str, Place]) -> list[tuple[str, str]]:
    """Return which alternatives are the same: by name, then by type where only one is left of it; one each always."""
    if len(olds) == len(news) == 1:
        return [(next(iter(olds)), next(iter(news)))]
    found = [(name, name) for name in olds if name in news]
    left = [{name: _kind(place.schema) for name, place in each.items()} for each in (olds, news)]
    for name, _ in found:
        del left[0][name], left[1][name]
    for was, kind in left[0].items():
        same = [name for name, each in left[1].items() if each == kind]
        if len(same) == 1 and list(left[0].values()).count(kind) == 1:
            found.append((was, same[0]))
    return found


def _without_null(place: Place) -> dict[str, Place]:
    """Return a schema by its name or type, with its null, if it allows one, as an alternative of its own."""
    schema = place.schema
    values, kinds = schema.get("enum"), schema.get("type")
    if isinstance(values, list) and None in values and len(values) > 1:
        rest = {**schema, "enum": [each for each in values if each is not None]}
        return {_name(place._replace(schema=rest)): place._replace(schema=rest), "null": place._replace(schema=_NULL)}
    if isinstance(kinds, list):
        return {kind: place._replace(schema={**schema, "type": kind}) for kind in kinds}
    return {_name(place): place}


def _name(place: Place) -> str:
    kind = _kind(place.schema) or "anything"
    return place.name or (f"one of some {kind}s" if "enum" in place.schema else kind)


def _kind(schema: Mapping[str, Any]) -> str | None:
    """Return the JSON type of a schema's values, if it is one."""
    if "type" in schema:
        return str(schema["type"])
    kinds = {_JSON_TYPES.get(type(value), "object") for value in _values(schema) or ()}
    return kinds.pop() if len(kinds) == 1 else None


def _values(schema: Mapping[str, Any]) -> list[Any] | None:
    if "const" in schema:
        return [schema["const"]]
    values: list[Any] | None = schema.get("enum")
    return values


def _listed(values: list[Any]) -> str:
    return ", ".join(str(value) for value in values)


def _shown(value: Any) -> str:
    return "none" if value is None else str(value)
