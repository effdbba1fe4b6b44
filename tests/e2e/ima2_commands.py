"""The commands of the ima2 command line: what each one sends, what it reads of the answer, and in which order we try.

The facts are those of the program's public sources, from its first releases to its newest; `Reads` names every field
that a command shows, saves, or goes on from. A command that is not here talks to no server, or is the operator's own.
"""

from collections.abc import Mapping
from typing import Any, Literal

from msgspec import Struct

Kinds = tuple[type, ...]
Reads = Mapping[str, Kinds]
Need = Literal["new", "pictures", "films"]

TEXT: Kinds = (str,)
TEXT_OR_NONE: Kinds = (str, type(None))
COUNT: Kinds = (int,)
NUMBER: Kinds = (int, float)
YES_OR_NO: Kinds = (bool,)
LIST: Kinds = (list,)
OBJECT: Kinds = (dict,)


class Elapsed:
    """Stands for a number of seconds, which the older builds write as a text."""


ELAPSED: Kinds = (Elapsed,)
#: What every command that makes a picture sends although nobody chose it.
USUAL: dict[str, Any] = {"quality": "low", "size": "1024x1024", "moderation": "low"}


class Command(Struct, frozen=True, kw_only=True):
    """One command line as typed, and its request; `{name}` is what an earlier command kept under that name."""

    line: str
    path: str
    method: str = "GET"
    body: Mapping[str, Any] | None = None
    #: What it reads of the answer, or of each frame by its event.
    reads: Reads = {}
    frames: Mapping[str, Reads] | None = None
    #: The events that must come, in order; others may come between them.
    story: tuple[str, ...] = ()
    #: Pictures that it writes into files, and an address that it downloads from.
    saves: tuple[str, ...] = ()
    fetches: str | None = None
    keeps: Mapping[str, str] = {}
    #: What not every place has: the newer document's routes, a backend that takes pictures in, one that makes films.
    needs: frozenset[Need] = frozenset()


_NEW = frozenset[Need]({"new"})
_PICTURES = frozenset[Need]({"pictures"})
_MADE: Reads = {"image": TEXT, "filename": TEXT, "requestId": TEXT, "elapsed": ELAPSED}
_JOBS: Reads = {"requestId": TEXT, "kind": TEXT, "phase": TEXT, "startedAt": COUNT, "prompt": TEXT}
_ROW: Reads = {"filename": TEXT, "url": TEXT, "quality": TEXT, "size": TEXT, "createdAt": COUNT,
               "prompt": TEXT_OR_NONE, "isFavorite": YES_OR_NO}  # fmt: skip
_HERE: Reads = {"configuredPort": COUNT, "actualPort": COUNT, "url": TEXT}


def each(where: str, reads: Reads) -> Reads:
    """Return what is read, at another place."""
    return {f"{where}.{name}": kinds for name, kinds in reads.items()}


STATUS: tuple[Command, ...] = (
    Command(line="ping", path="/api/health", reads={"version": TEXT, "uptimeSec": COUNT, "activeJobs": COUNT}),
    Command(
        line="providers",
        path="/api/providers",
        reads={"apiKey": YES_OR_NO, "oauth": YES_OR_NO, "apiKeyDisabled": YES_OR_NO, **each("runtime.backend", _HERE)},
    ),
    Command(line="oauth status", path="/api/oauth/status", reads={"status": TEXT, "models[]": TEXT}),
    Command(line="billing", path="/api/billing", reads={"apiKeyValid": YES_OR_NO, "apiKeySource": TEXT}),
    Command(line="storage status", path="/api/storage/status", reads={"data.generatedCount": COUNT}),
    Command(
        line="capabilities",
        path="/api/capabilities",
        needs=_NEW,
        reads={
            "source": TEXT,
            "version": TEXT,
            "server": TEXT,
            "defaults.oauth.model": TEXT,
            "defaults.oauth.reasoningEffort": TEXT,
            "defaults.api.model": TEXT_OR_NONE,
            "defaults.api.reasoningEffort": TEXT,
            "defaults.grok.model": TEXT_OR_NONE,
            "defaults.grok.plannerModel": TEXT_OR_NONE,
            **{f"valid.imageModels.{name}": LIST for name in ("supported", "unsupported", "grokSupported")},
            **{f"valid.videoModels.{name}": LIST for name in ("supported", "resolutions", "aspectRatios")},
            "valid.videoModels.durationRange[]": COUNT,
            **{f"valid.{name}[]": TEXT for name in ("reasoningEfforts", "quality", "modes", "moderation", "providers")},
            "lanes.oauth.status": TEXT,
            "lanes.oauth.models.image": COUNT,
            "lanes.grok.models.video": COUNT,
            "configKeys.writable": LIST,
            "limits.maxRefCount": COUNT,
            "limits.maxGeneratedImages": COUNT,
            "limits.maxParallel.value": COUNT,
            "limits.maxParallel.note": TEXT,
        },
    ),
    Command(
        line="models",
        path="/api/models",
        needs=_NEW,
        reads={
            "lanes.oauth.status": TEXT,
            "lanes.oauth.models.image[].id": TEXT,
            "lanes.oauth.models.image[].label": TEXT,
            "lanes.oauth.models.image[].capabilities.inputRoles[]": TEXT,
            "lanes.oauth.models.video": LIST,
            "lanes.grok.models.video": LIST,
        },
        keeps={"model": "lanes.oauth.defaults.image"},
    ),
)

MAKING: tuple[Command, ...] = (
    Command(
        line='gen "a shiba in space"',
        method="POST",
        path="/api/generate",
        body={**USUAL, "prompt": "a shiba in space", "n": 1, "references": [], "mode": "auto"},
        reads=_MADE,
        saves=("image",),
        keeps={"file": "filename"},
    ),
    Command(
        line='gen "two hills" -n 2 -d out --session s_1',
        method="POST",
        path="/api/generate",
        body={
            **USUAL,
            "prompt": "two hills",
            "n": 2,
            "references": [],
            "mode": "auto",
            "sessionId": "s_1",
            "requestId": "{id}",
        },
        reads={"images[].image": TEXT, "images[].filename": TEXT, "requestId": TEXT, "elapsed": ELAPSED},
        saves=("images[].image",),
    ),
    Command(
        line='gen "poster" --provider oauth   (which asks for /api/models first)',
        method="POST",
        path="/api/generate",
        body={
            **USUAL,
            "prompt": "poster",
            "n": 1,
            "references": [],
            "mode": "auto",
            "provider": "oauth",
            "model": "{model}",
            "requestId": "{id}",
            "webSearchEnabled": False,
        },
        needs=_NEW,
        reads=_MADE,
        saves=("image",),
    ),
    Command(
        line='gen "merge" --ref a.png -q high',
        method="POST",
        path="/api/generate",
        body={**USUAL, "prompt": "merge", "quality": "high", "n": 1, "references": ["{data_url}"], "mode": "direct"},
        needs=_PICTURES,
        reads=_MADE,
        saves=("image",),
    ),
    Command(
        line='edit a.png --prompt "make it red"',
        method="POST",
        path="/api/edit",
        body={**USUAL, "prompt": "make it red", "image": "{base64}", "mode": "auto"},
        needs=_PICTURES,
        # The real server tells no request id here, and the command shows none.
        reads={"image": TEXT, "elapsed": ELAPSED},
        saves=("image",),
    ),
    Command(
        line='multimode "four seasons" --max-images 2',
        method="POST",
        path="/api/generate/multimode",
        body={**USUAL, "prompt": "four seasons", "maxImages": 2},
        frames={
            "phase": {"phase": TEXT, "maxImages": COUNT},
            "partial": {"image": TEXT, "index": COUNT},
            "image": {"image": TEXT},
            "done": {"requestId": TEXT, "returned": COUNT, "requested": COUNT},
        },
        story=("phase", "image", "image", "done"),
        saves=("image",),
    ),
    Command(
        line='node generate "a root"',
        method="POST",
        path="/api/node/generate",
        body={**USUAL, "prompt": "a root", "n": 1, "references": []},
        frames={
            "phase": {"phase": TEXT},
            "partial": {"index": (int, type(None))},
            "done": {"nodeId": TEXT, "filename": TEXT, "image": TEXT, "url": TEXT},
        },
        story=("phase", "done"),
        keeps={"node": "nodeId"},
    ),
    Command(
        line='node generate "go on" --parent {node} --no-stream --json',
        method="POST",
        path="/api/node/generate",
        body={**USUAL, "prompt": "go on", "n": 1, "references": [], "parentNodeId": "{node}"},
        needs=_PICTURES,
        reads={"nodeId": TEXT, "parentNodeId": TEXT, "image": TEXT, "elapsed": NUMBER},
    ),
    Command(line="node show {node}", path="/api/node/{node}", reads={"nodeId": TEXT, "meta": OBJECT, "url": TEXT}),
    Command(
        line='video "waves" --provider grok',
        method="POST",
        path="/api/video/generate",
        body={
            "prompt": "waves",
            "provider": "grok",
            "duration": 5,
            "resolution": "480p",
            "aspectRatio": "auto",
            "requestId": "{id}",
            "model": "grok-imagine-video",
        },
        needs=frozenset[Need]({"new", "films"}),
        frames={
            "planning": {},
            "submitted": {"xaiVideoRequestId": TEXT},
            "progress": {"progress": (int, float, type(None))},
            "done": {
                "filename": TEXT,
                "url": TEXT,
                "requestId": TEXT,
                "elapsed": NUMBER,
                "video": OBJECT,
                "revisedPrompt": TEXT_OR_NONE,
            },
        },
        story=("planning", "submitted", "done"),
        fetches="url",
    ),
)

LOOKING: tuple[Command, ...] = (
    Command(line="ls -n 20", path="/api/history?limit=20", reads=each("items[]", _ROW)),
    Command(line="ls --favorites", path="/api/history?limit=200", reads=each("items[]", _ROW)),
    Command(line="ls --session s_1", path="/api/history?sessionId=s_1&limit=20", reads=each("items[]", _ROW)),
    Command(line="show {file}", path="/api/history", reads=each("items[]", _ROW)),
    Command(line="ps", path="/api/inflight", reads={"jobs": LIST}),
    Command(
        line="inflight ls --terminal --kind classic",
        path="/api/inflight?kind=classic&includeTerminal=1",
        reads={
            "jobs": LIST,
            "terminalJobs[].requestId": TEXT,
            "terminalJobs[].kind": TEXT,
            "terminalJobs[].status": TEXT,
            "terminalJobs[].finishedAt": COUNT,
            "terminalJobs[].meta": OBJECT,
        },
    ),
    Command(
        line="history rm {file} --yes",
        method="DELETE",
        path="/api/history/{file}",
        reads={"trashId": TEXT},
        keeps={"trash": "trashId"},
    ),
    Command(
        line="history restore {file} --trash-id {trash}",
        method="POST",
        path="/api/history/{file}/restore",
        body={"trashId": "{trash}"},
        reads={"ok": YES_OR_NO},
    ),
    # Nobody has this job: the registry is asked to forget it, and the command says so.
    Command(line="inflight rm req_gone", method="DELETE", path="/api/inflight/req_gone"),
)

COMMANDS = (*STATUS, *MAKING, *LOOKING)
BY_LINE = {command.line: command for command in COMMANDS}
#: `ps` while something is made: what its table shows of each job.
RUNNING: Reads = each("jobs[]", _JOBS)
