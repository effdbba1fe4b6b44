"""imgen's contract with its servers: every check, how the two readings of its seed are told apart, and how it is asked.

The address is the endpoint itself. Nothing is known but the seed: a drift may also be a guess that was wrong.
"""

from adapters.imgen.verify import making
from adapters.imgen.verify import promises as p
from adapters.imgen.verify.making import act
from adapters.kit.asker import HttpAsker
from adapters.kit.checking import look
from adapters.kit.promise import broken
from contracts.port import BackendSettings
from contracts.verify import Ask, Check, Checks, Recognising

_SEED = "seed 003"


def recognise() -> Recognising:
    """Ask for models: an imgen. Which of the seed's two words on unknown names holds shows in `unknown-character`."""
    seen = yield act("models")
    return ("v2", "v2-lenient") if not broken(p.MODELS, seen) else ()


def opened(settings: BackendSettings) -> HttpAsker:
    """Return what asks a server."""
    return HttpAsker(settings, key_header=lambda key: {"Authorization": f"Bearer {key}"})


_UNSIGNED = Ask(method="POST", path="", body={"action": "models"}, key="none")
_READ = (
    Check(
        id="models",
        route="POST action models",
        promised="200 JSON: characters, models with styles",
        source=f"{_SEED}, action: models",
        steps=look(act("models"), p.MODELS),
    ),
    Check(
        id="keys",
        route="POST action models",
        promised="401 Unauthorized without a key, 401 Invalid API key with a wrong one",
        source=f"{_SEED}, Errors",
        steps=making.keys,
    ),
    Check(
        id="no-action",
        route="POST",
        promised="400 Missing action",
        source=f"{_SEED}, Errors",
        steps=look(act(None), p.NO_ACTION),
    ),
    Check(
        id="bad-id",
        route="POST action status",
        promised="400 Bad ID",
        source=f"{_SEED}, Errors",
        steps=look(act("status", id="no id", prompt="x", model="x"), p.BAD_ID),
    ),
    Check(
        id="unknown-hit",
        route="POST action status",
        promised="404 Cached result not found or expired",
        source=f"{_SEED}, Errors",
        steps=look(act("status", id="cache_00000000000000000000000000000000", prompt="x", model="x"), p.NO_HIT),
    ),
)
_GENERATE = (
    Check(
        id="no-prompt",
        route="POST action generate",
        promised="400 Prompt is required",
        source=f"{_SEED}, Errors",
        level="generate",
        steps=look(act("generate", prompt=" "), p.NO_PROMPT),
    ),
    Check(
        id="unknown-character",
        route="POST action generate",
        promised="400 Invalid character (v2), or left out (v2-lenient): the seed says both",
        source=f"{_SEED}, Errors and Prompt Syntax",
        level="generate",
        steps=making.unknown_character,
    ),
    Check(
        id="picture",
        route="POST action generate, status",
        promised="200 JSON with a run; COMPLETED and safe in the end; a jpeg of the size asked for",
        source=f"{_SEED}, actions generate and status",
        level="generate",
        steps=making.one_picture,
    ),
)
_FULL = (
    Check(
        id="cache-miss",
        route="POST action generate",
        promised="404 No cached result found, for cache_only",
        source=f"{_SEED}, Caching",
        level="full",
        steps=making.cache_miss,
    ),
    Check(
        id="cache-hit",
        route="POST action generate, status",
        promised="200 JSON with a hit, cache true; COMPLETED at once",
        source=f"{_SEED}, Caching",
        level="full",
        steps=making.cache_hit,
    ),
    Check(
        id="optimize",
        route="POST action optimize",
        promised="200 {prompt}; 502 Enhancement failed where the language model fails",
        source=f"{_SEED}, action: optimize",
        level="full",
        steps=making.optimize,
    ),
    Check(
        id="random",
        route="POST action random",
        promised="200 {prompt}",
        source=f"{_SEED}, action: random",
        level="full",
        steps=making.random,
    ),
)
CHECKS = Checks(
    each=(*_READ, *_GENERATE, *_FULL),
    profiles=("v2", "v2-lenient"),
    recognise=recognise,
    greeting=Check(
        id="greeting",
        route="POST action models",
        promised="401 Unauthorized without a key",
        source=f"{_SEED}, Errors",
        steps=look(_UNSIGNED, p.NO_KEY, p.MODELS),
    ),
    open=opened,
)
