"""How each misbehaviour of the upstream leaves each route of each build: the failure matrix of wire §10.1, as a table.

For every build and route: status, code and number of upstream calls, and which misbehaviours end so. `done` is a
sequence that ends without a picture and without an error. SANDBOX.md lists the cells that were not measured.
"""

from typing import Literal

from msgspec import Struct

from adapters.ima2.sandbox.failure import Route

_RETRIED = {
    "422 SAFETY_REFUSAL 2": "mod400 mod_stream",
    "422 EMPTY_RESPONSE 2": "empty failed_stream err_stream_flat rl_stream",
    "400 INVALID_REQUEST 1": "400_size",
    "401 INVALID_REQUEST 1": "401_openai 401_plain",
    "401 AUTH_CHATGPT_EXPIRED 1": "401_expired",
    "403 INVALID_REQUEST 1": "403",
    "404 INVALID_REQUEST 1": "404_model",
    "429 INVALID_REQUEST 1": "429 429_plain",
    "429 AUTH_API_KEY_INVALID 1": "429_quota",
    "500 UPSTREAM_5XX 2": "500",
    "502 UPSTREAM_5XX 2": "502",
    "503 UPSTREAM_5XX 2": "503",
    "503 NETWORK_FAILED 0": "refused",
    "503 NETWORK_FAILED 2": "rst_before rst_mid",
    "500 UNKNOWN 2": "cut_before cut_mid cut_after_image bad_json_200",
    "504 UNKNOWN 2": "timeout",
    "503 OAUTH_UNAVAILABLE 0": "oauth_failed oauth_starting",
}
_RAW = {
    "400 MODERATION_REFUSED 1": "mod400",
    "500 moderation_blocked 1": "mod_stream",
    "500 rate_limit_exceeded 1": "rl_stream",
    "400 INVALID_REQUEST 1": "400_size",
    "401 INVALID_REQUEST 1": "401_openai",
    "401 AUTH_CHATGPT_EXPIRED 1": "401_expired",
    "404 INVALID_REQUEST 1": "404_model",
    "401 RESPONSES_IMAGE_ERROR 1": "401_plain",
    "403 RESPONSES_IMAGE_ERROR 1": "403",
    "429 RESPONSES_IMAGE_ERROR 1": "429 429_plain",
    "500 RESPONSES_IMAGE_ERROR 1": "500",
    "502 RESPONSES_IMAGE_ERROR 1": "502",
    "503 RESPONSES_IMAGE_ERROR 1": "503",
    "500 UNKNOWN 0": "refused",
    "500 UNKNOWN 1": "cut_before cut_mid rst_before rst_mid cut_after_image bad_json_200",
    "504 RESPONSES_IMAGE_TIMEOUT 1": "timeout",
    "503 OAUTH_UNAVAILABLE 0": "oauth_failed oauth_starting",
}
_TAG_RETRIED = {
    "422 SAFETY_REFUSAL 2": "mod400 mod_stream",
    "422 EMPTY_RESPONSE 4": "empty failed_stream",
    "422 EMPTY_RESPONSE 2": "err_stream_flat rl_stream",
    "400 INVALID_REQUEST 1": "400_size",
    "401 INVALID_REQUEST 1": "401_openai",
    "401 AUTH_CHATGPT_EXPIRED 1": "401_expired",
    "404 INVALID_REQUEST 1": "404_model",
    "401 OAUTH_UPSTREAM_ERROR 1": "401_plain",
    "403 OAUTH_UPSTREAM_ERROR 1": "403",
    "429 OAUTH_UPSTREAM_ERROR 1": "429 429_plain",
    "429 AUTH_API_KEY_INVALID 1": "429_quota",
    "500 OAUTH_UPSTREAM_ERROR 2": "500",
    "502 OAUTH_UPSTREAM_ERROR 2": "502",
    "503 OAUTH_UPSTREAM_ERROR 2": "503",
    "503 OAUTH_UNAVAILABLE 0": "refused oauth_failed oauth_starting",
    "503 OAUTH_UNAVAILABLE 2": "cut_before rst_before timeout",
    "500 UNKNOWN 2": "cut_mid cut_after_image bad_json_200",
    "503 NETWORK_FAILED 2": "rst_mid",
}
_TAG_RAW = {
    "400 MODERATION_REFUSED 1": "mod400",
    "500 moderation_blocked 1": "mod_stream",
    "500 rate_limit_exceeded 1": "rl_stream",
    "500 OAUTH_STREAM_ERROR 1": "err_stream_flat",
    "400 INVALID_REQUEST 1": "400_size",
    "401 INVALID_REQUEST 1": "401_openai",
    "401 AUTH_CHATGPT_EXPIRED 1": "401_expired",
    "404 INVALID_REQUEST 1": "404_model",
    "401 OAUTH_UPSTREAM_ERROR 1": "401_plain",
    "403 OAUTH_UPSTREAM_ERROR 1": "403",
    "429 OAUTH_UPSTREAM_ERROR 1": "429 429_plain",
    "429 AUTH_API_KEY_INVALID 1": "429_quota",
    "500 OAUTH_UPSTREAM_ERROR 1": "500",
    "502 OAUTH_UPSTREAM_ERROR 1": "502",
    "503 OAUTH_UPSTREAM_ERROR 1": "503",
    "503 OAUTH_UNAVAILABLE 0": "refused oauth_failed oauth_starting",
    "503 OAUTH_UNAVAILABLE 1": "cut_before rst_before timeout",
    "500 UNKNOWN 1": "cut_mid rst_mid cut_after_image bad_json_200",
}
_OUTCOMES: dict[Literal["tag", "head"], dict[Route, dict[str, str]]] = {
    "head": {
        "generate": _RETRIED,
        "node": _RETRIED,
        "edit": {
            **_RAW,
            "429 AUTH_API_KEY_INVALID 1": "429_quota",
            "500 EMPTY_RESPONSE 1": "empty failed_stream",
            "500 RESPONSES_STREAM_ERROR 1": "err_stream_flat",
        },
        "multimode": {
            **_RAW,
            "429 AUTH_API_KEY_INVALID 1": "429_quota",
            "done": "empty failed_stream",
            "500 RESPONSES_STREAM_ERROR 1": "err_stream_flat",
        },
    },
    "tag": {
        "generate": _TAG_RETRIED,
        "node": _TAG_RETRIED,
        "edit": {**_TAG_RAW, "500 UNKNOWN 1": f"{_TAG_RAW['500 UNKNOWN 1']} empty failed_stream"},
        "multimode": {**_TAG_RAW, "done": "empty failed_stream"},
    },
}


class Cell(Struct, frozen=True):
    """One cell: what leaves the route (None: done without a picture), and how many upstream calls it took."""

    status: int | None
    code: str | None
    calls: int


def _cells(outcomes: dict[str, str]) -> dict[str, Cell]:
    cells: dict[str, Cell] = {}
    for outcome, names in outcomes.items():
        status, code, calls = outcome.split() if outcome != "done" else (None, None, "1")
        cell = Cell(int(status) if status else None, code, int(calls))
        cells |= dict.fromkeys(names.split(), cell)
    return cells


MATRIX = {build: {route: _cells(outcomes) for route, outcomes in routes.items()} for build, routes in _OUTCOMES.items()}
