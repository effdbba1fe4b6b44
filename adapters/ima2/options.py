"""`options.ima2`: what only ima2 has. Which of them an account and build honour, its capability says."""

from typing import Any, Literal

import msgspec
from msgspec import UNSET, Struct, UnsetType

from contracts.job import Effective

ReasoningEffort = Literal["none", "low", "medium", "high", "xhigh"]


class Ima2Options(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """`options.ima2`: how long the model thinks, whether it may search, and by which route the pictures are made."""

    reasoning_effort: ReasoningEffort | UnsetType = UNSET
    web_search: bool | UnsetType = UNSET
    #: All pictures of the job in one call upstream, each another step of one sequence.
    multimode: bool | UnsetType = UNSET
    #: One picture that later edits continue at the server, from its own file.
    node: bool | UnsetType = UNSET

    def __post_init__(self) -> None:
        """Refuse two routes at once."""
        if self.multimode is True and self.node is True:
            msg = "multimode and node are two ways of making pictures: choose one"
            raise ValueError(msg)


def options_of(effective: Effective) -> Ima2Options:
    """Return the options that are sent, as the fit left them."""
    sent: dict[str, Any] = effective.options if isinstance(effective.options, dict) else {}
    return msgspec.convert(sent, Ima2Options)
