"""Files by the names that the face gave them: served, and found again as pictures to go on from (wire §5, §8)."""

import re

from msgspec import Struct

from adapters.ima2.face import relayed
from adapters.ima2.face.failure import check
from adapters.ima2.face.front import FACE, FILE, Front
from adapters.ima2.face.result import filename, pictures
from adapters.ima2.face.said import SANDBOX, not_found
from contracts.caller import Caller
from contracts.catalog import CatalogError
from contracts.face import Answer, Call, FaceRoute
from contracts.job import JobOutput
from contracts.names import Named

_NAME = re.compile(r"((?:\d{13}|n)_[0-9a-f]{32})(?:_(?:multimode_)?\d{1,2})?\.(?:png|jpeg|webp|avif|mp4)")
_STEM = re.compile(r"(?:\d{13}|n)_[0-9a-f]{32}")


class Found(Struct, frozen=True):
    """A file of ours."""

    named: Named
    output: JobOutput


def stem_of(name: str) -> str | None:
    """Return what a file's name begins with, if it can be one of ours."""
    match = _NAME.fullmatch(name)
    return None if match is None else match.group(1)


async def find(front: Front, caller: Caller, name: str) -> Found | None:
    """Return one of the team's files by its whole name."""
    stem = stem_of(name)
    named = None if stem is None else await front.desk.names.find(caller, FACE, FILE, stem)
    if named is None:
        return None
    return next((Found(named, each) for each in pictures(named.job) if filename(named, each) == name), None)


async def find_node(front: Front, caller: Caller, node: str) -> Found | None:
    """Return a node of the team by its id."""
    if not _STEM.fullmatch(node):
        return None
    named = await front.desk.names.find(caller, FACE, FILE, node)
    if named is None or named.note.get("route") != "node":
        return None
    return next((Found(named, each) for each in pictures(named.job)), None)


async def source(front: Front, caller: Caller, name: str) -> str:
    """Return the asset of a file that a client goes on from; the URL of one is taken too (seed 001)."""
    path = name.removeprefix("/generated/")
    if path.startswith("/") or ".." in path:
        raise check("NODE_SOURCE_INVALID", f"Asset path escapes generated/: {name[:200]}")
    found = await find(front, caller, path)
    if found is None:
        text = f"Asset file not found: {path[:200]}"
        raise check("NODE_NOT_FOUND", text, status=404, catalogue="resource.not_found")
    return found.output.asset_id


class Files:
    """The route of stored files."""

    def __init__(self, front: Front) -> None:
        """Take what all routes share."""
        self._front = front

    def routes(self) -> list[FaceRoute]:
        """Return the route."""
        return [FaceRoute(method="GET", template="/generated/{name:path}", answer=self._get)]

    async def _get(self, call: Call, caller: Caller) -> Answer:
        found = await find(self._front, caller, call.params["name"])
        if found is None:
            return await relayed.file(self._front, call, caller)
        assets = self._front.desk.assets
        try:
            asset = await assets.get(caller, found.output.asset_id)
            content = await assets.content(asset, thumbnail=None)
        except CatalogError as error:
            if error.code in ("resource.not_found", "resource.expired"):
                return not_found(call)
            raise
        return Answer(file=content, headers={SANDBOX: "true"} if asset.sandbox else {})
