"""Generations and their pictures: the same rows as the queue's, pages of them, files, and deleting (wire §7.5)."""

import re

from adapters.kit.express import SANDBOX, read, said
from adapters.sdcpp.face import inverse
from adapters.sdcpp.face.failure import Refused, not_found
from adapters.sdcpp.face.front import DELETED, FACE, MOST_ROWS, Front
from adapters.sdcpp.face.ids import to_asset
from adapters.sdcpp.face.queue import CANCEL_WAIT_S
from adapters.sdcpp.face.row import images, pictures
from contracts.caller import Caller
from contracts.catalog import CatalogError
from contracts.face import Answer, Call, FaceRoute
from contracts.job import TERMINAL, Job
from contracts.names import NewName

_NUMBER = re.compile(r"\s*(\d{1,9})")


class Generations:
    """The routes."""

    def __init__(self, front: Front) -> None:
        """Take what all routes share."""
        self._front = front

    def routes(self) -> list[FaceRoute]:
        """Return the routes. What Studio serves to anybody under `/static` needs a key here as well."""
        one = "/api/generations/{id}"
        found = {
            "/api/generations": self._list,
            one: self._show,
            f"{one}/images": self._images,
            f"{one}/image": self._first,
            "/api/images/{id}": self._image,
            "/static/images/{id}.png": self._static,
            "/static/input/{name}": self._input,
        }
        routes = [FaceRoute(method="GET", template=path, answer=each) for path, each in found.items()]
        return [*routes, FaceRoute(method="DELETE", template=one, answer=self._delete)]

    async def _list(self, call: Call, caller: Caller) -> Answer:
        """Show the team's rows: all states in pages, or the completed ones as a bare list (wire §10)."""
        front = self._front
        if front.profile.bare_list:
            return read(call, await front.rows(caller, await front.jobs(caller, states=("succeeded",))))
        limit, offset = _number(call, "limit"), _number(call, "offset")
        shown = min(limit or MOST_ROWS, MOST_ROWS)
        jobs = await front.jobs(caller, limit=shown, offset=offset)
        total = sum((await front.desk.jobs.counts(caller, front.query())).values())
        page = {"total": total, "limit": limit or total, "offset": offset, "hasMore": offset + len(jobs) < total}
        return read(call, {"generations": await front.rows(caller, jobs), "pagination": page})

    async def _show(self, call: Call, caller: Caller) -> Answer:
        job = await self._front.job(caller, call.params["id"], "Generation")
        return read(call, await self._front.shown(caller, job))

    async def _images(self, call: Call, caller: Caller) -> Answer:
        """Show a generation's pictures; of an unknown one there are none, as measured."""
        try:
            job = await self._front.job(caller, call.params["id"], "Generation")
        except Refused as refused:
            if refused.status != 404:
                raise
            return read(call, [])
        return read(call, [{**each, "static_url": f"/static/images/{each['id']}.png"} for each in images(job)])

    async def _first(self, call: Call, caller: Caller) -> Answer:
        job = await self._front.job(caller, call.params["id"], "Image")
        made = pictures(job)
        if not made:
            raise not_found("Image")
        return await self._file(caller, made[0].asset_id)

    async def _image(self, call: Call, caller: Caller) -> Answer:
        asset_id = to_asset(call.params["id"])
        if asset_id is None:
            raise not_found("Image")
        return await self._file(caller, asset_id)

    async def _static(self, call: Call, caller: Caller) -> Answer:
        """Serve a picture by its file's name; one that is not there is a file that is not there."""
        try:
            return await self._image(call, caller)
        except Refused as refused:
            raise not_found("File") if refused.status == 404 else refused from None

    async def _input(self, call: Call, caller: Caller) -> Answer:
        """Serve a picture that came in, by the name that its job's row shows."""
        asset_id = to_asset(call.params["name"].partition(".")[0])
        if asset_id is None:
            raise not_found("File")
        return await self._file(caller, asset_id, "File")

    async def _file(self, caller: Caller, asset_id: str, what: str = "Image") -> Answer:
        """Serve a picture as what it is, and to no shared cache: Studio calls every one image/png."""
        assets = self._front.desk.assets
        try:
            asset = await assets.get(caller, asset_id)
            content = await assets.content(asset, thumbnail=None)
        except CatalogError as error:
            raise inverse.refused(error, what=what) from None
        if (asset.source == "output") != (what == "Image"):
            raise not_found(what)
        return Answer(file=content, headers={SANDBOX: "true"} if asset.sandbox else {})

    async def _delete(self, call: Call, caller: Caller) -> Answer:
        """Delete a generation with its pictures, known or not; one that is still open is cancelled first."""
        if not caller.may("assets:write"):
            raise CatalogError("auth.forbidden", "This key lacks the scope assets:write.", reason="assets:write")
        try:
            job = await self._front.job(caller, call.params["id"], "Generation")
        except Refused as refused:
            if refused.status != 404:
                raise
            return said({"success": True})
        await self._gone(caller, job)
        return said({"success": True})

    async def _gone(self, caller: Caller, job: Job) -> None:
        desk = self._front.desk
        if job.state not in TERMINAL:
            try:
                job = (await desk.jobs.cancel(caller, job.id, wait_s=CANCEL_WAIT_S)).job
            except CatalogError as error:
                if error.code != "resource.state_conflict":
                    raise
                # It ended by itself meanwhile, with pictures perhaps.
                shown = await desk.jobs.get(caller, job.id)
                job = job if shown is None else shown.job
        for output in job.outputs:
            try:
                await desk.assets.delete(caller, output.asset_id)
            except CatalogError as error:
                if error.code not in ("resource.not_found", "resource.expired"):
                    raise
        await desk.names.give(caller, job.id, NewName(face=FACE, kind=DELETED))


def _number(call: Call, name: str) -> int:
    """Return a number of the query; what is none counts as not given (wire §7.5)."""
    found = _NUMBER.match(call.query.get(name, ""))
    return int(found.group(1)) if found is not None else 0
