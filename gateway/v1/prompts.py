"""The routes that have prompts written: enhanced, or made up. Nothing is drawn, and nothing is kept."""

from litestar import post
from litestar.handlers import HTTPRouteHandler
from litestar.response import Response

from contracts.codes import ErrorCode
from contracts.prompts import REFUSALS, OptimizeAsk, PromptMade, RandomAsk
from gateway.v1.answer import AnyRequest, answer
from gateway.v1.ask import body_of, caller_of, desk_of
from gateway.v1.doc import Doc, Example
from gateway.v1.examples import things

#: Nothing is kept of it: what the backend refuses is refused here and now.
CODES: tuple[ErrorCode, ...] = ("auth.forbidden", *REFUSALS)


@post(
    "/v1/prompts/optimize",
    summary="Have a prompt enhanced",
    status_code=200,
    opt={
        "doc": Doc(
            body=OptimizeAsk,
            answers={200: PromptMade},
            asked=(Example("words", "A few words to be made more of", things.OPTIMIZE),),
            told=(Example("enhanced", "More than was sent", things.OPTIMIZED),),
            codes=CODES,
        )
    },
)
async def optimize_prompt(request: AnyRequest) -> Response[bytes]:
    """Send a prompt to a backend that enhances prompts; `changed` says whether it did anything."""
    desk = desk_of(request)
    caller = await caller_of(request, desk.access)
    return answer(await desk.prompts.optimize(caller, await body_of(request, OptimizeAsk)))


@post(
    "/v1/prompts/random",
    summary="Have a prompt made up",
    status_code=200,
    opt={
        "doc": Doc(
            body=RandomAsk,
            answers={200: PromptMade},
            asked=(Example("character", "About a character, by one model's backend", things.RANDOM),),
            told=(Example("made_up", "What it made up", things.MADE_UP),),
            codes=CODES,
        )
    },
)
async def random_prompt(request: AnyRequest) -> Response[bytes]:
    """Ask a backend for a prompt of its own making, about a character of its own, a named one, or none."""
    desk = desk_of(request)
    caller = await caller_of(request, desk.access)
    return answer(await desk.prompts.random(caller, await body_of(request, RandomAsk)))


ROUTES: tuple[HTTPRouteHandler, ...] = (optimize_prompt, random_prompt)
