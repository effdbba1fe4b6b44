"""What is refused at the door: the same for every operation and dialect, and no job comes of it.

Two gateways answer: the open one that carries the jobs, and one with keys that has room for a single waiting job.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import httpx
import msgspec
from msgspec import Struct

from contracts.codes import ErrorCode
from tests.conformance.matrix import seen
from tests.conformance.matrix.cells import CELLS, COLUMNS, UNDONE, Cell, request
from tests.conformance.matrix.seen import Seen
from tests.conformance.matrix.servers import MAX_JSON_BYTES, Keyed

JSON = {"Content-Type": "application/json"}
#: An option that each dialect has no word for.
_UNSUPPORTED: Mapping[str, dict[str, Any]] = {
    "ima2": {"negative_prompt": "rain"},
    "sdcpp": {"character": "Ada"},
    "imgen": {"seed": 7},
}
#: A model of the same server that does something else.
_INCAPABLE: Mapping[str, str] = {
    "ima2-new": "grok-imagine-video",
    "ima2-grok": "grok-imagine-video",
    "ima2-grok video.generate": "gpt-5.4",
    "sdcpp": "z-image-turbo",
    "sdcpp image.generate": "qwen-image-edit",
}
#: As what a picture is taken.
_ROLES: Mapping[str, str] = {
    "image.generate": "reference",
    "imgen image.generate": "watermark",
    "image.edit": "source",
    "image.variation": "source",
    "image.upscale": "source",
    "video.generate": "first_frame",
}


class House(Struct, frozen=True):
    """Where refusals are asked for: both gateways, and what the open one has made."""

    http: httpx.AsyncClient
    keyed: Keyed
    data_dir: Path
    #: The jobs that brought a picture, by cell, each made under an idempotency key of its cell's name.
    made: Mapping[Cell, dict[str, Any]]


Ask = Callable[[House, Cell], Awaitable[httpx.Response]]


class Refusal(Struct, frozen=True, kw_only=True):
    """One row: what is asked, and the code that answers."""

    says: str
    code: ErrorCode
    ask: Ask
    #: Where it cannot be asked; `explained.py` says why.
    lacks: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What the row is called."""
        return f"at the door: {self.code}"

    def asked_at(self, cell: Cell) -> bool:
        """Say whether it can be asked at a cell."""
        return not {cell.column, str(cell)} & set(self.lacks)


def _door(cell: Cell) -> str:
    return f"{cell.column}-0"


def key_of(cell: Cell) -> str:
    """Return the idempotency key of the job that a cell made."""
    return str(cell).replace(" ", "/")


def _post(**fields: Any) -> Ask:
    async def ask(house: House, cell: Cell) -> httpx.Response:
        return await house.http.post("/v1/jobs", json=request(cell, _door(cell), **fields))

    return ask


async def _junk(house: House, cell: Cell) -> httpx.Response:
    role = _ROLES.get(str(cell)) or _ROLES[cell.operation]
    body = request(cell, _door(cell), inputs=[{"role": role, "data": "eA=="}])
    return await house.http.post("/v1/jobs", json=body)


async def _broken(house: House, cell: Cell) -> httpx.Response:
    body = msgspec.json.encode(request(cell, _door(cell)))
    return await house.http.post("/v1/jobs", content=body[:-1], headers=JSON)


async def _unsupported(house: House, cell: Cell) -> httpx.Response:
    body = request(cell, _door(cell), **_UNSUPPORTED[COLUMNS[cell.column].dialect])
    return await house.http.post("/v1/jobs", json=body)


async def _unknown_model(house: House, cell: Cell) -> httpx.Response:
    return await house.http.post("/v1/jobs", json=request(cell, _door(cell), model=f"{_door(cell)}/nobody"))


async def _incapable_model(house: House, cell: Cell) -> httpx.Response:
    model = f"{_door(cell)}/{_INCAPABLE.get(str(cell)) or _INCAPABLE[cell.column]}"
    body = request(cell, _door(cell), model=model)
    # The account belongs to other models.
    del body["route"]
    return await house.http.post("/v1/jobs", json=body)


async def _too_many(house: House, cell: Cell) -> httpx.Response:
    body = request(cell, _door(cell))
    if cell.operation == "video.generate":
        # Of several models each would refuse for a reason of its own.
        body |= {"model": f"{_door(cell)}/grok-imagine-video"}
    picture = request(Cell("image.edit", "sdcpp"), "")["inputs"][0]
    body["inputs"] = [*body.get("inputs", ()), *[{**picture, "role": "reference"}] * 9]
    return await house.http.post("/v1/jobs", json=body)


async def _too_large(house: House, cell: Cell) -> httpx.Response:
    body = msgspec.json.encode(request(cell, _door(cell))).ljust(MAX_JSON_BYTES + 1)
    return await house.keyed.other.post("/v1/jobs", content=body, headers=JSON)


def _as(who: str) -> Ask:
    async def ask(house: House, cell: Cell) -> httpx.Response:
        http: httpx.AsyncClient = getattr(house.keyed, who)
        return await http.post("/v1/jobs", json=request(cell, _door(cell)))

    return ask


async def _no_longer_kept(house: House, cell: Cell) -> httpx.Response:
    output = house.made[cell]["outputs"][0]
    for path in (house.data_dir / "assets").rglob(f"{output['sha256']}*"):
        path.unlink()
    return await house.http.get(output["url"])


async def _misspelt(house: House, cell: Cell) -> httpx.Response:
    path = house.made[cell]["links"]["self"]
    return await house.http.get(path[:-1] + ("0" if path[-1] != "0" else "1"))


async def _cancel_ended(house: House, cell: Cell) -> httpx.Response:
    return await house.http.post(house.made[cell]["links"]["cancel"])


async def _same_key(house: House, cell: Cell) -> httpx.Response:
    body = request(cell, _door(cell), client_ref="another")
    return await house.http.post("/v1/jobs", json=body, headers={"Idempotency-Key": key_of(cell)})


async def _nobody_healthy(house: House, cell: Cell) -> httpx.Response:
    body = request(cell, f"{cell.column}-gone")
    body["route"]["require_healthy"] = True
    return await house.http.post("/v1/jobs", json=body)


REFUSALS: tuple[Refusal, ...] = (
    Refusal(says="A body that is no JSON.", code="request.malformed", ask=_broken),
    Refusal(says="No picture at all: `n` is 0.", code="request.field_invalid", ask=_post(n=0)),
    Refusal(says="An option that this server has no word for.", code="request.option_unsupported", ask=_unsupported),
    Refusal(says="A model that this server does not have.", code="request.model_unknown", ask=_unknown_model),
    Refusal(
        says="A model of this server that does something else.", code="request.model_incapable", ask=_incapable_model,
        lacks=("ima2-tag", "ima2-head", "imgen"),
    ),
    Refusal(
        says="An input that is no picture.", code="request.reference_invalid", ask=_junk,
        lacks=("sdcpp image.generate",),
    ),
    Refusal(
        says="Nine references.", code="request.reference_too_many", ask=_too_many,
        lacks=("ima2-tag image.edit", "ima2-head image.edit", "ima2-new image.edit", "sdcpp", "imgen"),
    ),
    Refusal(says="A body over the limit.", code="request.too_large", ask=_too_large),
    Refusal(says="No key.", code="auth.unauthenticated", ask=_as("nobody")),
    Refusal(says="A key that may only read.", code="auth.forbidden", ask=_as("reader")),
    Refusal(says="A team with as many jobs waiting as it may have.", code="quota.rate_limited", ask=_as("full")),
    Refusal(says="A gateway with as many jobs waiting as it holds.", code="gateway.overloaded", ask=_as("other")),
    Refusal(says="A job by an id that is not quite its own.", code="resource.not_found", ask=_misspelt),
    Refusal(says="The picture of a job, when its file is gone.", code="resource.expired", ask=_no_longer_kept),
    Refusal(says="A cancel of a job that has ended.", code="resource.state_conflict", ask=_cancel_ended),
    Refusal(says="Another request under a key that made a job.", code="idempotency.conflict", ask=_same_key),
    Refusal(says="Healthy servers only, where none is.", code="routing.no_candidate", ask=_nobody_healthy),
)  # fmt: skip


async def ask_all(house: House) -> dict[tuple[str, Cell], Seen]:
    """Ask for every refusal at every cell; and for what is not done at all."""
    asked = [(each, cell) for each in REFUSALS for cell in CELLS if each.asked_at(cell)]
    answers = await asyncio.gather(*(each.ask(house, cell) for each, cell in asked))
    found = {(each.name, cell): _seen(answer) for (each, cell), answer in zip(asked, answers, strict=True)}
    undone = await asyncio.gather(*(_post()(house, cell) for cell in UNDONE))
    return found | {("not done here", cell): _seen(answer) for cell, answer in zip(UNDONE, undone, strict=True)}


def _seen(response: httpx.Response) -> Seen:
    assert response.status_code >= 400, response.text[:300]
    return seen.refused(response.status_code, response.headers, response.content)
