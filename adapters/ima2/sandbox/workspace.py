"""Agent mode's memory: sessions, turns, pictures and the queue, and the one payload that shows them all (wire §11).

Its shape follows the published types of the newest sources; nothing of it was measured.
"""

from typing import Any

from ulid import ULID

from adapters.ima2.sandbox.failure import check
from adapters.ima2.sandbox.profile import DEFAULT_MODEL
from adapters.ima2.sandbox.registry import milliseconds
from adapters.kit.shelf import Shelf

TOOLS = (
    "ima2.get_image_context",
    "ima2.web_search",
    "ima2.generate_image",
    "ima2.generate_video",
    "ima2.get_generation_errors",
)
DEFAULT_SETTINGS: dict[str, Any] = {
    "provider": "oauth",
    "model": DEFAULT_MODEL,
    "quality": "medium",
    "size": "1024x1024",
    "format": "png",
    "moderation": "low",
    "reasoningEffort": "medium",
    "webSearchEnabled": True,
    "generationStrategy": "auto",
    "variants": 1,
    "maxAutoVariants": 4,
    "parallelism": 2,
}
_SESSION, _TURN, _IMAGE, _ITEM = "agent-session", "agent-turn", "agent-image", "agent-item"
_ORDER = {"running": 0, "queued": 1, "failed": 2}


class Workspace:
    """Everything of agent mode, on the shelf."""

    def __init__(self, shelf: Shelf) -> None:
        """Begin with what is there; work that a crash interrupted has failed."""
        self._shelf = shelf
        for item in shelf.all(_ITEM):
            if item["status"] == "running":
                reason = {"errorCode": "server_restart", "errorMessage": "server restarted mid-run"}
                self.put_item({**item, "status": "failed", "finishedAt": milliseconds(), **reason})

    def create(self, title: Any, *, web_search: bool) -> str:
        """Make a session and return its id."""
        session: dict[str, Any] = {
            "id": f"as_{ULID()}",
            "title": title[:200] if isinstance(title, str) and title.strip() else "New agent session",
            "codexThreadId": None,
            "lastTurnId": None,
            "lastImageId": None,
            "imageCount": 0,
            "compacted": False,
            "webSearchEnabled": web_search,
            "generationSettings": {**DEFAULT_SETTINGS, "webSearchEnabled": web_search},
            "updatedAt": milliseconds(),
        }
        self._shelf.put(_SESSION, session["id"], session)
        return str(session["id"])

    def session(self, name: str) -> dict[str, Any]:
        """Return a session; raise `Refused` when there is none."""
        session = self._shelf.get(_SESSION, name)
        if session is None:
            raise check("AGENT_SESSION_NOT_FOUND", f"Agent session not found: {name}", status=404)
        return dict(session)

    def change(self, name: str, **fields: Any) -> None:
        """Put new values into a session."""
        self._shelf.put(_SESSION, name, {**self.session(name), **fields, "updatedAt": milliseconds()})

    def delete(self, name: str) -> None:
        """Take a session away."""
        self.session(name)
        self._shelf.drop(_SESSION, name)

    def add_turn(
        self, session: str, role: str, text: str, *, images: tuple[str, ...] = (), status: str = "complete"
    ) -> None:
        """Add what somebody said."""
        turn: dict[str, Any] = {
            "id": f"at_{ULID()}",
            "role": role,
            "text": text,
            "imageIds": images,
            "webFindingIds": (),
        }
        self._shelf.put(
            _TURN, turn["id"], {**turn, "status": status, "createdAt": milliseconds(), "sessionId": session}
        )
        self.change(session, lastTurnId=turn["id"])

    def add_image(self, session: str, filename: str, prompt: str, revised: str | None, size: tuple[int, int]) -> str:
        """Add a picture and make it the current one."""
        image: dict[str, Any] = {
            "id": f"ai_{ULID()}",
            "filename": filename,
            "url": f"/generated/{filename}",
            "thumbUrl": None,
            "prompt": prompt,
            "revisedPrompt": revised,
            "createdAt": milliseconds(),
            "width": size[0],
            "height": size[1],
        }
        self._shelf.put(_IMAGE, image["id"], {**image, "sessionId": session})
        count = self.session(session)["imageCount"] + 1
        self.change(session, lastImageId=image["id"], imageCount=count)
        return str(image["id"])

    def select_image(self, session: str, image: Any) -> None:
        """Make a picture of a session the current one."""
        if not any(each["id"] == image and each["sessionId"] == session for each in self._shelf.all(_IMAGE)):
            raise check("AGENT_IMAGE_NOT_FOUND", f"Agent image not found in session: {session}", status=404)
        self.change(session, lastImageId=image)

    def add_item(self, session: str, prompt: str, settings: dict[str, Any]) -> dict[str, Any]:
        """Put work into the queue."""
        waiting = [each for each in self.items(session) if each["status"] == "queued"]
        item = {
            "id": f"aq_{ULID()}",
            "sessionId": session,
            "requestId": f"agent_queue_{ULID()}",
            "prompt": prompt,
            "status": "queued",
            "position": len(waiting) + 1,
            "resultImageIds": [],
            "errorCode": None,
            "errorMessage": None,
            "progressStage": None,
            "createdAt": milliseconds(),
            "startedAt": None,
            "finishedAt": None,
            "options": settings,
            "plan": {"mode": "single", "prompts": [prompt], "requestedVariants": 1, "plannedVariants": 1},
        }
        self.put_item(item)
        return item

    def put_item(self, item: dict[str, Any]) -> None:
        """Put a new version of some work."""
        self._shelf.put(_ITEM, item["id"], item)

    def item(self, name: str) -> dict[str, Any]:
        """Return some work; raise `Refused` when there is none."""
        item = self._shelf.get(_ITEM, name)
        if item is None:
            raise check("AGENT_QUEUE_ITEM_NOT_FOUND", f"Agent queue item not found: {name}", status=404)
        return dict(item)

    def items(self, session: str) -> list[dict[str, Any]]:
        """Return a session's queue: what runs, what waits, what failed, then the rest."""
        found = [each for each in self._shelf.all(_ITEM) if each["sessionId"] == session]
        return sorted(found, key=lambda item: (_ORDER.get(item["status"], 3), -item["createdAt"]))

    def payload(self, selected: str | None) -> dict[str, Any]:
        """Return the whole workspace, as most routes answer it."""
        sessions = sorted(self._shelf.all(_SESSION), key=lambda each: int(each["updatedAt"]), reverse=True)
        names = [session["id"] for session in sessions]
        chosen = selected if selected in names else next(iter(names), None)
        images = self._shelf.all(_IMAGE)
        turns = self._shelf.all(_TURN)
        current = self.session(chosen)["lastImageId"] if chosen else None
        return {
            "sessions": sessions,
            "turnsBySession": {name: _of(turns, name) for name in names},
            "imagesById": {each["id"]: _plain(each) for each in images if each["sessionId"] in names},
            "imageIdsBySession": {name: [each["id"] for each in _of(images, name)] for name in names},
            "selectedSessionId": chosen,
            "currentImageId": current,
            "allowedTools": TOOLS,
            "manifest": None,
            "queueBySession": {name: self.items(name) for name in names},
            "runSummaryBySession": {name: _summary(self.items(name)) for name in names},
        }


def _of(documents: list[dict[str, Any]], session: str) -> list[dict[str, Any]]:
    return [_plain(each) for each in documents if each["sessionId"] == session]


def _plain(document: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name != "sessionId"}


def _summary(items: list[dict[str, Any]]) -> dict[str, Any]:
    counts = {name: sum(item["status"] == name for item in items) for name in ("running", "queued", "failed")}
    status = next((name for name in ("running", "queued") if counts[name]), "error" if counts["failed"] else "idle")
    failed = next((item for item in items if item["status"] == "failed"), None)
    return {
        "status": status,
        "queuedCount": counts["queued"],
        "runningCount": counts["running"],
        "lastQueueItemId": items[0]["id"] if items else None,
        "lastError": failed["errorMessage"] if failed else None,
    }
