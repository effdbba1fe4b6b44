"""The AsyncAPI document: the streams of events, from the very types that are written into them.

Only what exists is described: server-sent events. Webhooks are refused by every version so far.
"""

from typing import Any

import msgspec

from contracts.event import TERMINAL_EVENTS, EventBase
from gateway.v1.examples.jobs import EVENTS
from gateway.v1.examples.problems import JOB_ID
from gateway.v1.schemas import REFERENCE, components

GAP = "stream.gap"
DESCRIPTION = """\
What the gateway tells while jobs go on, as server-sent events (`text/event-stream`).

Every frame has `event:` (its kind) and `data:` (JSON on one line); all but previews and gaps have an `id:`, and ids
grow. Whoever was cut off comes back with `Last-Event-ID: <the last id>` and misses nothing. A line `: ping` comes
whenever nothing else did for 15 seconds: it is a comment, and no event. Kinds may be added: pass over those that you do
not know.
"""
_OF_ONE = """\
The history of one job from its beginning, or after `Last-Event-ID`, and on to its end: exactly one of job.succeeded,
job.failed, job.blocked and job.cancelled, and then the stream ends. To come back after the end is answered with 204.

The same stream is the answer of `POST /v1/jobs` with `Accept: text/event-stream`.
"""
_OF_ALL = """\
Everything that the key may see, from now on, or after `Last-Event-ID`. It ends when the gateway stops, or when the key
ends: then come back with `Last-Event-ID`.
"""
_FRAME = {
    "type": "object",
    "description": "The fields of the frame beside its data.",
    "required": ["event"],
    "properties": {
        "event": {"type": "string", "description": "The kind, as in `type` of the data"},
        "id": {"type": "string", "pattern": "^[0-9]+$", "description": "What Last-Event-ID goes on from"},
    },
}


def document(version: str) -> dict[str, Any]:
    """Return the whole document. It depends on nothing but the code: not on settings, backends or hosts."""
    kinds = [type(event) for event in EVENTS]
    schemas, named = components(kinds, {})
    messages = {_kind(event): _message(event, schemas[type(event)]) for event in EVENTS}
    named["StreamGap"] = {
        "title": "StreamGap",
        "description": "Events after Last-Event-ID are no longer kept: `oldest` is the first that is.",
        "type": "object",
        "required": ["oldest"],
        "properties": {"oldest": {"type": "integer"}},
    }
    messages[GAP] = {
        "name": GAP,
        "title": "Some events are missing",
        "summary": "Comes first, where some were lost to retention. Read the jobs again that matter.",
        "contentType": "application/json",
        "payload": {"$ref": REFERENCE.format(name="StreamGap")},
        "examples": [{"name": "gap", "payload": {"oldest": 4711}}],
    }
    return {
        "asyncapi": "3.1.0",
        "info": {"title": "Triptych", "version": version, "description": DESCRIPTION, "license": {"name": "MIT"}},
        "defaultContentType": "application/json",
        "channels": {
            "job": {
                "address": "/v1/jobs/{job_id}/events",
                "title": "One job",
                "description": _OF_ONE,
                "parameters": {"job_id": {"description": "The job's id", "examples": [JOB_ID]}},
                "messages": _all(messages),
            },
            "team": {
                "address": "/v1/events",
                "title": "All jobs of the team",
                "description": _OF_ALL,
                "messages": _all(messages),
            },
        },
        "operations": {
            "tellOfAJob": _operation("job", "Tell of one job", messages),
            "tellOfAllJobs": _operation("team", "Tell of everything of the team", messages),
        },
        "components": {
            "messages": messages,
            "schemas": dict(sorted(named.items())),
            "securitySchemes": {
                "key": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "With the scope jobs:read; none in open mode",
                }
            },
        },
    }


def _kind(event: EventBase) -> str:
    return str(event.__struct_config__.tag)


def _message(event: EventBase, schema: dict[str, Any]) -> dict[str, Any]:
    """Return what is said of one kind: its sentence, its schema, and one of it."""
    kind, sentence = _kind(event), (type(event).__doc__ or "").partition("\n")[0]
    payload = msgspec.to_builtins(event)
    frame = {"event": kind} | ({"id": str(event.id)} if event.id is not None else {})
    return {
        "name": kind,
        "title": sentence.rstrip("."),
        "summary": "Terminal: the last of its job." if kind in TERMINAL_EVENTS else _stored(event),
        "contentType": "application/json",
        "headers": _FRAME,
        "payload": schema,
        "examples": [{"name": kind.partition(".")[2], "headers": frame, "payload": payload}],
    }


def _stored(event: EventBase) -> str:
    return "Never stored: it cannot be had again." if event.id is None else "Stored: it can be had again."


def _all(messages: dict[str, Any]) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/messages/{name}"} for name in messages}


def _operation(channel: str, title: str, messages: dict[str, Any]) -> dict[str, Any]:
    return {
        "action": "send",
        "channel": {"$ref": f"#/channels/{channel}"},
        "title": title,
        "security": [{"$ref": "#/components/securitySchemes/key"}],
        "bindings": {"http": {"method": "GET", "bindingVersion": "0.3.0"}},
        "messages": [{"$ref": f"#/channels/{channel}/messages/{name}"} for name in messages],
    }
