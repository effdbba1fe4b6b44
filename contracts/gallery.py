"""The gallery: files of the caller's team, and those that reviewers withhold."""

from collections.abc import AsyncIterator, Sequence
from typing import Protocol

from msgspec import Struct

from contracts.caller import Caller
from contracts.job import Moment, OutputRole


class Asset(Struct, frozen=True, kw_only=True):
    """A stored file as its team sees it."""

    id: str
    url: str
    media_type: str
    bytes: int
    sha256: str
    width: int
    height: int
    source: str
    role: OutputRole | str
    created_at: Moment
    expires_at: Moment
    duration_s: float | None = None
    job_id: str | None = None
    prompt: str | None = None
    sandbox: bool = False
    #: A reviewer blocked it: only scope `policy:review` sees it.
    withheld: bool = False
    deleted_at: Moment | None = None


class AssetPage(Struct, frozen=True, kw_only=True):
    """A page of assets."""

    assets: tuple[Asset, ...]
    next_page_token: str | None = None


class Content(Struct, frozen=True, kw_only=True):
    """A file to serve: where it is, what it is, and its digest."""

    path: str
    length: int
    media_type: str
    sha256: str
    #: Since when it is as it is.
    created_at: Moment


class Assets(Protocol):
    """Files of the caller's team."""

    async def upload(self, caller: Caller, chunks: AsyncIterator[bytes], *, for_job: bool = False) -> Asset:
        """Store what is streamed in; what is for a job is kept and allowed as a job's inputs are."""

    async def get(self, caller: Caller, asset_id: str) -> Asset:
        """Return an asset."""

    async def list(
        self, caller: Caller, *, limit: int, page_token: str | None, source: str | None, withheld: bool = False
    ) -> AssetPage:
        """Return a page of assets, newest first; or of those that reviewers withhold, for scope `policy:review`."""

    async def withheld(self, caller: Caller, job_id: str) -> Sequence[Asset]:
        """Return what a reviewer withholds of a job, for scope `policy:review`."""

    async def delete(self, caller: Caller, asset_id: str, *, for_good: bool = False) -> None:
        """Delete an asset; it can be restored for some days, or by nobody: its bytes go with the next sweeps."""

    async def restore(self, caller: Caller, asset_id: str) -> Asset:
        """Undo a deletion."""

    async def content(self, asset: Asset, *, thumbnail: int | None) -> Content:
        """Return the file to serve, or a thumbnail of it that fits into a square of so many pixels."""

    async def read(self, path: str, start: int, length: int) -> bytes:
        """Return a piece of a file that `content` named."""

    def signed_path(self, asset_id: str, *, thumbnail: int | None = None, withheld: bool = False) -> str:
        """Return a path that needs no key for an hour, to the file or to a thumbnail of 128, 256 or 512 pixels.

        One that is `withheld` can only be signed as such, for whoever was shown it by `withheld`.
        """
