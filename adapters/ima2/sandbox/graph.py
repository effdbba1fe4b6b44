"""Sessions and their graphs, as SQLite keeps them there: versions, one parent a node, what is dropped in silence.

The rules are those of wire §9; every one of them is recorded.
"""

import math
from collections import Counter
from typing import Any

import msgspec
from ulid import ULID

from adapters.ima2.sandbox.failure import Failure, Refused, check
from adapters.ima2.sandbox.javascript import tidy, to_number, to_text, truthy
from adapters.ima2.sandbox.registry import milliseconds
from adapters.kit.shelf import Shelf

_SESSION = "session"
_MOST_NODES, _MOST_EDGES = 500, 1000
_LONGEST_DATA = 100_000
_LONGEST_TEXT = 10_000
_SHOWN = ("id", "title", "createdAt", "updatedAt", "graphVersion")


class Sessions:
    """The sessions of one server; there is always a first one."""

    def __init__(self, shelf: Shelf) -> None:
        """Begin with those that are there."""
        self._shelf = shelf
        if not shelf.all(_SESSION):
            self.create("My first graph")

    def create(self, title: str) -> dict[str, Any]:
        """Make a session and return it without its graph."""
        now = milliseconds()
        session: dict[str, Any] = {
            "id": f"s_{ULID()}",
            "title": title,
            "createdAt": now,
            "updatedAt": now,
            "graphVersion": 0,
            "nodes": [],
            "edges": [],
            "styleSheet": None,
            "enabled": False,
        }
        self._shelf.put(_SESSION, session["id"], session)
        return shown(session)

    def get(self, name: str) -> dict[str, Any]:
        """Return a session with everything; raise `Refused` when there is none."""
        session = self._shelf.get(_SESSION, name)
        if session is None:
            raise check("SESSION_NOT_FOUND", "Session not found", status=404)
        return dict(session)

    def all(self) -> list[dict[str, Any]]:
        """Return all sessions, the newest update first."""
        sessions = [{**shown(each), "nodeCount": len(each["nodes"])} for each in self._shelf.all(_SESSION)]
        return sorted(sessions, key=lambda each: int(each["updatedAt"]), reverse=True)

    def change(self, name: str, **fields: Any) -> None:
        """Put new values into a session."""
        self._shelf.put(_SESSION, name, {**self.get(name), **fields, "updatedAt": milliseconds()})

    def delete(self, name: str) -> None:
        """Take a session away."""
        self.get(name)
        self._shelf.drop(_SESSION, name)

    def titles(self) -> dict[str, str]:
        """Return the titles of all sessions by id."""
        return {each["id"]: each["title"] for each in self._shelf.all(_SESSION)}

    def lose_asset(self, filename: str) -> dict[str, int]:
        """Tell the nodes that show a file that it is gone: their graphs get a new version (recorded)."""
        sessions = nodes = 0
        for session in self._shelf.all(_SESSION):
            shows = [node for node in session["nodes"] if filename in str(node["data"].get("imageUrl") or "")]
            for node in shows:
                node["data"] |= {"imageUrl": None, "status": "asset-missing"}
            if shows:
                sessions, nodes = sessions + 1, nodes + len(shows)
                version = session["graphVersion"] + 1
                self.change(session["id"], nodes=session["nodes"], graphVersion=version)
        return {"sessionsTouched": sessions, "nodesTouched": nodes}

    def save(self, name: str, nodes: list[Any], edges: list[Any], if_match: str | None) -> dict[str, Any]:
        """Save a graph if the version fits, and answer with what was sent, not with what was kept."""
        expected = _version(nodes, edges, if_match)
        session = self._shelf.get(_SESSION, name)
        if session is None:
            raise check("SESSION_NOT_FOUND", f"Session not found: {name}", status=404)
        current = session["graphVersion"]
        if expected != current:
            raise _conflict(name, expected, current)
        kept_nodes, kept_edges = _clean(nodes, edges)
        self.change(name, nodes=kept_nodes, edges=kept_edges, graphVersion=current + 1)
        return {"ok": True, "nodes": len(nodes), "edges": len(edges), "graphVersion": current + 1}


def shown(session: dict[str, Any]) -> dict[str, Any]:
    """Return a session without its graph."""
    return {name: session[name] for name in _SHOWN}


def _version(nodes: list[Any], edges: list[Any], if_match: str | None) -> float:
    """Read `If-Match`: every quotation mark is taken out, then JavaScript's `Number` decides."""
    if not if_match:
        raise check("GRAPH_VERSION_REQUIRED", "If-Match header required", status=428)
    if len(nodes) > _MOST_NODES or len(edges) > _MOST_EDGES:
        size = f"Graph too large (max {_MOST_NODES} nodes / {_MOST_EDGES} edges), got {len(nodes)}/{len(edges)}"
        raise check("GRAPH_TOO_LARGE", size, status=413)
    number = to_number(if_match.replace('"', ""))
    if number is None:
        raise check("INVALID_GRAPH_VERSION", "If-Match must be a finite integer")
    return number


def _conflict(name: str, expected: float, current: int) -> Refused:
    text = f"Graph version conflict for session {name}: expected {tidy(expected)}, got {current}"
    return check("GRAPH_VERSION_CONFLICT", text, status=409, extra={"currentVersion": current})


def _clean(nodes: list[Any], edges: list[Any]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Keep nodes that have an id and edges whose ends are there; a node has one parent at most."""
    known = {to_text(node["id"]): node for node in nodes if _has(node, "id")}
    kept: list[dict[str, Any]] = [
        {"id": to_text(edge["id"]), "source": to_text(edge["source"]), "target": to_text(edge["target"])}
        | {"data": _data(edge.get("data"))}
        for edge in edges
        if _has(edge, "id", "source", "target") and {to_text(edge["source"]), to_text(edge["target"])} <= known.keys()
    ]
    for target, count in Counter(edge["target"] for edge in kept).items():
        if count > 1:
            raise check("GRAPH_PARENT_CONFLICT", f"Node {target} has multiple parent edges", status=409)
    _refuse_twins([to_text(node["id"]) for node in nodes if _has(node, "id")], "nodes")
    _refuse_twins([edge["id"] for edge in kept], "edges")
    parents = {edge["target"]: edge["source"] for edge in kept}
    return [_node(node, known.get(parents.get(name, ""))) for name, node in known.items()], kept


def _refuse_twins(names: list[str], table: str) -> None:
    if len(set(names)) < len(names):
        text = f"UNIQUE constraint failed: {table}.session_id, {table}.id"
        raise Refused(Failure(status=500, code="SQLITE_CONSTRAINT_PRIMARYKEY", message=text, checked=True))


def _has(value: Any, *names: str) -> bool:
    return isinstance(value, dict) and all(truthy(value.get(name)) for name in names)


def _node(node: dict[str, Any], parent: dict[str, Any] | None) -> dict[str, Any]:
    place = node.get("position") if isinstance(node.get("position"), dict) else {}
    data = dict(_data(node.get("data")))
    above = parent["data"].get("serverNodeId") if parent and isinstance(parent.get("data"), dict) else None
    data["parentServerNodeId"] = above if isinstance(above, str) else None
    x, y = (_coordinate(node.get(axis, (place or {}).get(axis, 0))) for axis in ("x", "y"))
    return {"id": to_text(node["id"])[:_LONGEST_TEXT], "x": x, "y": y, "data": data}


def _coordinate(value: Any) -> float:
    number = value if isinstance(value, int | float) else to_number(to_text(value))
    return tidy(number) if number is not None and math.isfinite(number) else 0


def _data(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict) or len(msgspec.json.encode(value)) > _LONGEST_DATA:
        return {}
    return value
