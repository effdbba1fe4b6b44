"""The reviewer (ACS) that runs inside `status`: rulesets, categories, and a verdict (seed, "Compliance").

It reads words where the real one looks at the picture. An upstream signal (`precompliance`) never changes its mind.
"""

import re

from adapters.kit.scenario import Forced

#: Categories by id, each with the words that stand for what would be seen. The seed names none of them.
_WORDS = {
    "nudity": "nude naked topless",
    "violence": "gore dismembered beheading bloodbath",
    "hate": "swastika",
    "self_harm": "suicide self-harm",
    "weapons": "handgun rifle grenade",
    "drugs": "cocaine heroin",
}
#: A name that no ruleset has is kept as it is and reviewed like `default`: the seed does not say.
RULESETS: dict[str, tuple[str, ...]] = {
    "default": ("violence", "hate", "self_harm"),
    "strict": tuple(_WORDS),
    "minimal": ("hate",),
}


def reviewed(positive: str, ruleset: str, forced: Forced | None) -> tuple[str, ...]:
    """Return the ids of the categories a picture is flagged for; none means safe."""
    if forced is not None:
        named = tuple(name.strip() for name in (forced.argument or "").split(",") if name.strip())
        return named or ("nudity",)
    words = set(re.findall(r"[a-z]+(?:-[a-z]+)*", positive.lower()))
    return tuple(name for name in RULESETS.get(ruleset, RULESETS["default"]) if words & set(_WORDS[name].split()))


def label(category: str) -> str:
    """Return a category's name as it stands in the error text."""
    return category.replace("_", " ").replace("-", " ").capitalize()
