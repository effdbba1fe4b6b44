"""Jobs, explanations and events as examples: real values of the contract's own types."""

from datetime import UTC, datetime, timedelta

from msgspec import structs

from contracts.desk import Explanation, JobPage, NativeRequest, Verdict
from contracts.event import (
    EventBase,
    JobBlocked,
    JobCancelled,
    JobFailed,
    JobOutputReady,
    JobPartialImage,
    JobPhase,
    JobProgress,
    JobQueued,
    JobRunning,
    JobSucceeded,
)
from contracts.job import Adjustment, Attempt, Cancel, Effective, Job, JobOutput, Links, Review, Timings, Usage
from contracts.media import Input, Size
from contracts.spec import Cache, ImageEdit, ImageGenerate, OutputWish, Video, VideoGenerate
from gateway.v1.examples.problems import JOB_ID, problem

ASSET_ID = "ast_01KA3V8TQ4K2M9R6Y3W8D5F7HJ"
SHA256 = "72e2b813bac01946ee25d021f4883a0475f05ba8dedfc65593f349b0cfbc3bd0"
BEGAN = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
ENDED = BEGAN + timedelta(seconds=6)

WORDS = ImageGenerate(prompt="a shiba in space")
STRICT = ImageGenerate(
    prompt="a lighthouse in a storm",
    size=Size(width=1024, height=1024),
    output=OutputWish(format="png"),
    n=2,
    tags={"project": "atlas"},
)
ADAPTED = ImageGenerate(
    prompt="a lighthouse in a storm", size=Size(width=1000, height=1000), on_unsupported="adapt", seed=7
)
EDIT = ImageEdit(
    prompt="a red hat on the dog",
    inputs=(
        Input(role="source", asset_id=ASSET_ID),
        Input(role="mask", asset_id="ast_01KA3V8TQ4K2M9R6Y3W8D5F7HK"),
    ),
)
FILM = VideoGenerate(prompt="a shiba floats past a window", video=Video(duration_s=5, resolution="720p"))
CACHED = ImageGenerate(prompt="a shiba in space", cache=Cache(mode="prefer"))
#: What can be asked, each with what it is for.
SPECS: dict[str, tuple[str, ImageGenerate | ImageEdit | VideoGenerate]] = {
    "words": ("A picture from words", WORDS),
    "strict": ("Every option honoured, or the request refused", STRICT),
    "adapt": ("What cannot be honoured is changed, and listed in adjustments", ADAPTED),
    "edit": ("A stored picture changed where the mask is transparent", EDIT),
    "film": ("A film from words", FILM),
    "cache": ("An earlier picture, if a backend has one", CACHED),
}

_EFFECTIVE = Effective(prompt=WORDS.prompt, width=1024, height=1024, n=1, seed=7, format="png", model="z-image-turbo")
OUTPUT = JobOutput(
    asset_id=ASSET_ID,
    url=f"/v1/assets/{ASSET_ID}/content",
    media_type="image/png",
    width=1024,
    height=1024,
    bytes=1_310_333,
    sha256=SHA256,
    role="image",
    index=0,
    review="not_reviewed",
)
QUEUED = Job(
    id=JOB_ID,
    operation="image.generate",
    state="queued",
    phase="waiting_for_backend",
    spec=WORDS,
    created_at=BEGAN,
    links=Links(self=f"/v1/jobs/{JOB_ID}", events=f"/v1/jobs/{JOB_ID}/events", cancel=f"/v1/jobs/{JOB_ID}/cancel"),
    queue_position=0,
)
_TRIED = Attempt(
    n=1, part=1, backend="studio", account="default", model="studio/z-image-turbo", started_at=BEGAN, ended_at=ENDED
)
_CARRIED = structs.replace(
    QUEUED,
    phase=None,
    queue_position=None,
    backend="studio",
    account="default",
    model="studio/z-image-turbo",
    dialect="sdcpp",
    started_at=BEGAN,
    finished_at=ENDED,
)
SUCCEEDED = structs.replace(
    _CARRIED,
    state="succeeded",
    progress=1.0,
    outputs=(OUTPUT,),
    effective=_EFFECTIVE,
    attempts=(structs.replace(_TRIED, effective=_EFFECTIVE, how="done"),),
    usage=Usage(model_load_s=0.0, generation_s=4.006),
    timings=Timings(queued_s=0.0001, submit_s=0.0031, run_s=5.8543, download_s=0.0043, store_s=0.0065),
)
_FAILURE = problem("backend.failed", answered=False)
FAILED = structs.replace(
    _CARRIED,
    state="failed",
    error=_FAILURE,
    attempts=(structs.replace(_TRIED, error=_FAILURE, outcome="finished_no_result", how="failed"),),
)
CANCELLED = structs.replace(
    _CARRIED, state="cancelled", cancel=Cancel(requested_at=BEGAN, answer="stopped", detail="the queue had it still")
)
CANCELLING = structs.replace(
    QUEUED, state="running", phase="image", cancel=Cancel(requested_at=BEGAN, answer="pending"), queue_position=None
)
PAGE = JobPage(jobs=(SUCCEEDED,))

_SNAPPED = Adjustment(
    pointer="/size",
    requested={"width": 1000, "height": 1000},
    applied={"width": 1024, "height": 1024},
    why="snapped",
    by="gateway",
)
EXPLANATION = Explanation(
    chosen="studio/z-image-turbo",
    candidates=(
        Verdict(
            backend="studio",
            account="default",
            model="studio/z-image-turbo",
            fits=True,
            ready=True,
            adjustments=(_SNAPPED,),
        ),
        Verdict(
            backend="imgen",
            account="default",
            model="imgen/eros",
            fits=False,
            ready=True,
            code="request.option_unsupported",
            reasons=problem("request.option_unsupported").errors,
        ),
    ),
    adjustments=(_SNAPPED,),
    effective=_EFFECTIVE,
    request=NativeRequest(
        method="POST",
        path="/api/queue/generate",
        body={"model": "z-image-turbo", "prompt": "a lighthouse in a storm", "size": "1024x1024", "seed": 7},
    ),
)

#: One event of every kind, in the order in which a job could tell them.
EVENTS: tuple[EventBase, ...] = (
    JobQueued(id=41, job_id=JOB_ID, at=BEGAN),
    JobRunning(
        id=42,
        job_id=JOB_ID,
        at=BEGAN,
        attempt=1,
        part=1,
        backend="studio",
        model="studio/z-image-turbo",
        account="default",
    ),
    JobPhase(id=43, job_id=JOB_ID, at=BEGAN, phase="image"),
    JobProgress(id=44, job_id=JOB_ID, at=BEGAN, progress=0.45, phase="image"),
    JobPartialImage(job_id=JOB_ID, at=BEGAN, index=0, media_type="image/png", data="iVBORw0KGgo="),
    JobOutputReady(id=45, job_id=JOB_ID, at=ENDED, output=OUTPUT),
    JobSucceeded(id=46, job_id=JOB_ID, at=ENDED, outputs=(OUTPUT,)),
    JobFailed(id=46, job_id=JOB_ID, at=ENDED, error=_FAILURE),
    JobBlocked(
        id=46,
        job_id=JOB_ID,
        at=ENDED,
        error=problem("policy.output_blocked", answered=False),
        review=Review(verdict="blocked", ruleset="default", categories=("violence",)),
    ),
    JobCancelled(id=46, job_id=JOB_ID, at=ENDED, answer="stopped", detail="the queue had it still"),
)
