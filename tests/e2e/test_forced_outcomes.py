"""Every outcome that a sandbox can be forced into, over each dialect: the job carries the code its table says."""

from collections.abc import Iterator, Mapping
from typing import Any

import httpx
import msgspec
import pytest

from adapters.ima2 import errors as ima2
from contracts.catalog import Problem
from tests.e2e.asked import begun, shown, spec, wait_for, whole
from tests.harness import GatewayProcess, backend, three_sandboxes

#: A circuit opens at the fifth failure that says that an account is of no use: so many doors to one sandbox keep
#: every one of them closed.
DOORS = 8
#: Fast enough that even a minute of patience at the backend is a fraction of a second here.
SPEED = 400

#: The code of every token that makes a `image.generate` fail.
FAILS: dict[str, dict[str, str]] = {
    "ima2": {
        "backend.bad_response": """fewer none empty failed_stream err_stream_flat rl_stream bad_json_200 truncated
            not_an_image EMPTY_RESPONSE STREAM_PARSE_FAILED WEB_SEARCH_ONLY_RESPONSE IMAGE_TOOL_NOT_CALLED
            IMAGE_TOOL_FAILED IMAGE_TOOL_COMPLETED_WITHOUT_RESULT STYLE_SHEET_EMPTY STYLE_SHEET_PARSE
            STYLE_SHEET_SHAPE GROK_IMAGE_DOWNLOAD_FAILED GROK_VIDEO_DOWNLOAD_FAILED GROK_VIDEO_EMPTY_RESPONSE""",
        "backend.unavailable": """error_class rst_before rst_mid refused oauth_failed oauth_starting NETWORK_FAILED
            OAUTH_UNAVAILABLE GROK_NETWORK_FAILED PROMPT_BUILDER_NO_BACKEND_READY
            PROMPT_BUILDER_OAUTH_UNAVAILABLE PROMPT_BUILDER_GROK_UNAVAILABLE""",
        "backend.overloaded": "429 429_plain SSE_CAPACITY TOO_MANY_JOBS rate_limit_exceeded GROK_RATE_LIMITED",
        "backend.credentials_rejected": """401_openai 401_expired 401_plain 403 invalid_api_key LAN_TOKEN_REQUIRED
            AUTH_CHATGPT_EXPIRED AUTH_API_KEY_INVALID GROK_AUTH_REQUIRED GROK_AUTH_FAILED""",
        "backend.quota_exhausted": "429_quota",
        "backend.misconfigured": """VIDEO_PROVIDER_UNSUPPORTED STYLE_SHEET_NO_KEY GROK_API_KEY_MISSING
            APIKEY_DISABLED API_KEY_REQUIRED PROMPT_BUILDER_API_KEY_REQUIRED PROMPT_BUILDER_XAI_KEY_REQUIRED""",
        "backend.rejected_request": "INVALID_REQUEST GROK_VIDEO_REQUEST_FAILED",
        "backend.timeout": """timeout RESPONSES_IMAGE_TIMEOUT OAUTH_IMAGE_TIMEOUT GENERATION_TIMEOUT
            GROK_SEARCH_TIMEOUT GROK_PLANNER_TIMEOUT GROK_IMAGE_TIMEOUT GROK_VIDEO_TIMEOUT GROK_VIDEO_PLAN_TIMEOUT
            PROMPT_BUILDER_TIMEOUT""",
        "backend.failed": """500 502 503 cut_before cut_mid cut_after_image NODE_FETCH_FAILED SYSTEM_TRASH_FAILED
            DB_ERROR SQLITE_CONSTRAINT_PRIMARYKEY STYLE_SHEET_ERROR OPEN_GENERATED_DIR_FAILED GENERATION_CANCELED
            RESPONSES_STREAM_ERROR OAUTH_STREAM_ERROR RESPONSES_IMAGE_ERROR OAUTH_UPSTREAM_ERROR UNKNOWN
            GENERATE_FAILED EDIT_FAILED NODE_GEN_FAILED MULTIMODE_GENERATE_FAILED GENERATE_ALL_FAILED UPSTREAM_5XX
            GROK_UPSTREAM_ERROR GROK_VIDEO_POLL_FAILED GROK_VIDEO_FAILED PROMPT_BUILDER_UPSTREAM_FAILED
            PROMPT_BUILDER_EMPTY_RESPONSE""",
        "backend.job_lost": """NODE_NOT_FOUND ASSET_NOT_FOUND SESSION_NOT_FOUND AGENT_SESSION_NOT_FOUND
            AGENT_QUEUE_ITEM_NOT_FOUND AGENT_IMAGE_NOT_FOUND JOB_TRACKING_TIMEOUT""",
        "policy.refused": """mod400 mod_stream SAFETY_REFUSAL MODERATION_REFUSED moderation_blocked
            GROK_VIDEO_MODERATION_BLOCKED""",
        "request.model_unknown": """404_model INVALID_IMAGE_MODEL INVALID_GROK_IMAGE_MODEL
            INVALID_GROK_VIDEO_MODEL""",
        "request.model_incapable": "IMAGE_MODEL_UNSUPPORTED",
        "request.field_invalid": """400_size INVALID_PROMPT PROMPT_REQUIRED PROMPT_TOO_LONG INVALID_COUNT
            INVALID_MODERATION INVALID_REASONING_EFFORT REF_NOT_ARRAY INVALID_EDIT_INPUT INVALID_VIDEO_RESOLUTION
            INVALID_VIDEO_ASPECT_RATIO INVALID_VIDEO_DURATION IDEMPOTENCY_KEY_INVALID INVALID_FILENAME INVALID_TITLE
            INVALID_GRAPH INVALID_GRAPH_VERSION INVALID_SHEET INVALID_ENABLED STYLE_SHEET_BAD_INPUT
            AGENT_PROMPT_REQUIRED""",
        "request.option_unsupported": """CONTEXT_MODE_UNSUPPORTED EDIT_MASK_NOT_SUPPORTED GROK_MASK_UNSUPPORTED
            GROK_VIDEO_INVALID_MODE""",
        "request.reference_too_many": "REF_TOO_MANY GROK_REF_TOO_MANY GROK_VIDEO_REF_TOO_MANY",
        "request.reference_invalid": """REF_NOT_STRING REF_EMPTY REF_NOT_BASE64 INVALID_EDIT_MASK
            INVALID_EDIT_MASK_BASE64 INVALID_EDIT_MASK_PNG INVALID_EDIT_IMAGE_BASE64 INVALID_EDIT_IMAGE_PNG
            EDIT_MASK_NO_ALPHA EDIT_MASK_DIMENSION_MISMATCH NODE_SOURCE_INVALID invalid_image""",
        "request.too_large": "REF_TOO_LARGE EDIT_MASK_TOO_LARGE GRAPH_TOO_LARGE",
        "resource.precondition_failed": "GRAPH_VERSION_REQUIRED GRAPH_VERSION_CONFLICT",
        "resource.state_conflict": "GRAPH_PARENT_CONFLICT AGENT_QUEUE_CANCEL_FAILED AGENT_QUEUE_RETRY_FAILED",
        "idempotency.conflict": "IDEMPOTENCY_KEY_CONFLICT",
    },
    "sdcpp": {
        "backend.bad_response": """huge not_found none not_an_image truncated junk_base64 image.huge image.garbage
            no_b64 no_images bad_json odd_state""",
        "backend.unavailable": """startup_failed startup_timeout not_ready prepare_failed port_exhausted shutdown
            process_crashed process_exited process_error""",
        "backend.overloaded": "upstream_429",
        "backend.credentials_rejected": "unauthorized forbidden auth upstream_401 upstream_403",
        "backend.misconfigured": "no_default_model no_endpoint unknown_mode upscaler_missing",
        "backend.rejected_request": """bad_request cannot_bind too_few_values body_undefined broken_body unknown_type
            upstream_400 upstream_404 upstream_413 upstream_422""",
        "backend.timeout": "timeout",
        "backend.failed": """storage_error fetch_failed upstream_500 upstream_502_html upstream_503 terminated
            cli_failed no_reason input_missing""",
        "backend.job_lost": "lost restarted expired_row",
        "resource.expired": "image_gone image_unknown",
        "job.cancelled": "cancelled_by_operator",
        "request.field_invalid": "missing_prompt missing_model image_required",
        "request.model_unknown": "invalid_model model_not_found",
        "request.reference_invalid": "convert_failed only_images resize_failed",
        "request.too_large": "body_too_large file_too_large",
    },
    "imgen": {
        "backend.bad_response": """garbage huge no_meta no_signed no_compliance compliance odd_state none fewer
            not_an_image truncated""",
        "backend.unavailable": "cut cut_early cut_body html edge_502 edge_503 edge_504",
        "backend.overloaded": "rate_limited",
        "backend.credentials_rejected": "unauthorized invalid_key disabled_key",
        "backend.misconfigured": "result_host",
        "backend.rejected_request": "missing_action bad_id",
        "backend.timeout": "timed_out",
        "backend.failed": "generation_failed generation_failed_started failed cancelled",
        "backend.job_lost": "lost",
        "policy.output_blocked": "unsafe",
        "request.field_invalid": "prompt_required invalid_character",
        "request.too_large": "too_large",
        "resource.cache_miss": "no_cached",
        "resource.expired": "cached_expired expired_url",
    },
}
#: Why the other tokens are not forced here: most do not make a job fail, or not by themselves.
NOT_HERE: dict[str, dict[str, str]] = {
    "ima2": {
        "the picture comes all the same": """slow wrong_size wrong_format n2_one_fails refs_dropped quality_defaulted
            stale upstream_json partials retry extra norevised searches file api_key""",
        "the answer is lost, and the job is looked for": """hang cut cut_early cut_body html garbage phantom lost
            REQUEST_ID_IN_USE""",
        "it fails, after seconds of reading: the bound of answers has tests of its own": "huge",
        "a state of an account, by rule alone": "auth_required offline starting failed no_image_model",
    },
    "sdcpp": {
        "the picture comes all the same": """slow slow_list loading fewer wrong_size wrong_format revised flaky
            phantom cancelled_then_completed cannot_cancel generation_timeout production""",
        "the answer is lost, and the job is looked for": """hang cut cut_early cut_body html garbage unexpected_field
            crash poll.cut poll.cut_early poll.cut_body poll.hang poll.html poll.garbage poll.huge""",
        "the download is tried again for a while": "image.cut image.cut_early image.cut_body image.hang image.html",
        "it waits for ever": "stuck_loading",
    },
    "imgen": {
        "the picture comes all the same": """slow wrong_size wrong_format enhancement_skipped noop cache_hit
            status_502 fallback_model fallback_style fallback_format fallback_size fallback_ruleset
            fallback_precompliance""",
        "it befalls only who lets prompts be enhanced": "enhancement_failed",
        "it waits for ever": "in_queue_forever hang",
    },
}


def by_token(table: Mapping[str, str]) -> dict[str, str]:
    """Return what each token stands for."""
    return {token: meaning for meaning, tokens in table.items() for token in tokens.split()}


class Forced:
    """What came of each token: the problem of the first attempt, and the job it was in."""

    def __init__(self, gateway: GatewayProcess, tokens: Mapping[str, frozenset[str]]) -> None:
        """Begin with nothing."""
        self.gateway = gateway
        #: What each sandbox itself lists.
        self.tokens = tokens
        self.errors: dict[str, dict[str, dict[str, Any]]] = {dialect: {} for dialect in FAILS}

    def run(self) -> None:
        """Force everything at once; of an attempt that would be made again the first is enough."""
        jobs: dict[tuple[str, str], str] = {}
        # Studio's queue is served one by one: it begins first.
        for dialect, table in sorted(FAILS.items(), reverse=True):
            for at, token in enumerate(by_token(table)):
                body = spec(f"[[{token}]] an unspeakable fox", on=f"{dialect}-{at % DOORS}")
                body["route"]["failover"] = False
                jobs[dialect, token] = begun(self.gateway.http, body)["id"]
        wait_for(lambda: self._all_told(jobs), "the end of every job", timeout_s=80)

    def _all_told(self, jobs: dict[tuple[str, str], str]) -> bool:
        for (dialect, token), job_id in list(jobs.items()):
            error = self._error(job_id)
            if error is not None:
                self.errors[dialect][token] = error
                del jobs[dialect, token]
        return not jobs

    def _error(self, job_id: str) -> dict[str, Any] | None:
        job = shown(self.gateway.http, job_id)
        if job["state"] == "succeeded":
            return {"code": "a picture"}
        error: dict[str, Any] | None = job["attempts"][0]["error"] if job["attempts"] else None
        if error is not None and job["state"] in ("queued", "running"):
            self.gateway.http.post(job["links"]["cancel"])
        return error or job["error"]


@pytest.fixture(scope="module")
def forced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forced]:
    """Return what came of all tokens, forced side by side on sandboxes of their own."""
    folder = tmp_path_factory.mktemp("forced")
    with three_sandboxes(folder, speed=SPEED) as sandboxes:
        backends = {
            f"{dialect}-{door}": backend(sandbox, max_concurrency=64, polls_per_s=500)
            for dialect, sandbox in sandboxes.items()
            for door in range(DOORS)
        }
        tokens = {}
        for dialect, sandbox in sandboxes.items():
            listed = sandbox.http.get("/_sandbox/tokens").json()
            tokens[dialect] = frozenset(name.strip("[]") for name in listed)
        gateway = GatewayProcess(folder / "gateway", backends)
        try:
            found = Forced(gateway, tokens)
            found.run()
            yield found
        finally:
            gateway.stop()


@pytest.mark.parametrize("dialect", list(FAILS))
def test_every_token_of_a_sandbox_is_accounted_for(forced: Forced, dialect: str) -> None:
    """Each token that a sandbox lists either fails with a code here, or is said not to, and why; never both."""
    fails, others = by_token(FAILS[dialect]), by_token(NOT_HERE[dialect])
    assert set(fails) & set(others) == set()
    assert set(fails) | set(others) == forced.tokens[dialect]


@pytest.mark.parametrize("dialect", list(FAILS))
def test_a_forced_outcome_ends_with_its_code(forced: Forced, dialect: str) -> None:
    """Whatever a backend says, the attempt that heard it carries the code of the dialect's table."""
    found = {token: error["code"] for token, error in forced.errors[dialect].items()}
    assert found == by_token(FAILS[dialect])


@pytest.mark.parametrize("dialect", list(FAILS))
def test_a_forced_outcome_is_a_whole_problem_without_the_backends_words(forced: Forced, dialect: str) -> None:
    """Each names its job and its backend; of the prompt and of the native text nothing is left but a fingerprint."""
    for token, error in forced.errors[dialect].items():
        problem = msgspec.convert(error, Problem)
        whole(problem)
        assert problem.status == error["status"], token
        assert problem.job_id is not None, token
        assert (problem.backend or "").startswith(f"{dialect}-"), token
        assert problem.doc_url == problem.type, token
        assert "unspeakable" not in str(error), token


def test_a_native_code_of_ima2_means_what_its_row_says(forced: Forced) -> None:
    """The table alone, asked about the native status and code that a problem keeps, gives the same code."""
    asked = 0
    for token, error in forced.errors["ima2"].items():
        native = error.get("native") or {}
        if native.get("code") != token or token in ("AUTH_API_KEY_INVALID", "NETWORK_FAILED"):
            continue
        body = msgspec.json.encode({"error": "?", "code": token})
        verdict = ima2.explain("POST /api/generate", native["http_status"], body)
        assert verdict is not None, token
        assert not verdict.unmapped, token
        refined = "ours_by_id" in verdict.refinements and verdict.code == "resource.not_found"
        assert error["code"] == ("backend.job_lost" if refined else verdict.code), token
        assert refined or error["outcome"] == verdict.outcome, token
        asked += 1
    assert asked > 100


def test_no_door_was_shut(forced: Forced) -> None:
    """No circuit opened on the way: every code was really heard from the backend."""
    http: httpx.Client = forced.gateway.http
    for each in http.get("/v1/backends").json()["backends"]:
        assert {account["circuit"] for account in each["accounts"]} == {"closed"}, each["name"]
