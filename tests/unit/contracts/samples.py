"""One of every event that there is."""

from contracts.catalog import CatalogError
from contracts.event import (
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
from contracts.job import JobOutput, Review, moment

AT = moment(1_700_000_000.25)
PROBLEM = CatalogError("backend.failed", "The backend accepted the work and failed.", backend="studio").problem()
OUTPUT = JobOutput(
    asset_id="ast_1",
    url="/v1/assets/ast_1/content",
    media_type="image/png",
    width=8,
    height=8,
    bytes=75,
    sha256="0" * 64,
    role="image",
    index=0,
    review="not_reviewed",
)
EVENTS = [
    JobQueued(job_id="job_1", at=AT),
    JobQueued(job_id="job_1", at=AT, attempt=2),
    JobRunning(job_id="job_1", at=AT, attempt=1, part=1, backend="studio", model="studio/flux", account="default"),
    JobPhase(job_id="job_1", at=AT, phase="model_load", progress=0.1),
    JobProgress(job_id="job_1", at=AT, progress=0.5, phase="image"),
    JobPartialImage(job_id="job_1", at=AT, index=0, media_type="image/png", data="AA=="),
    JobOutputReady(job_id="job_1", at=AT, output=OUTPUT),
    JobSucceeded(job_id="job_1", at=AT, outputs=(OUTPUT,), review=Review(verdict="passed")),
    JobFailed(job_id="job_1", at=AT, error=PROBLEM),
    JobBlocked(job_id="job_1", at=AT, error=PROBLEM, review=Review(verdict="blocked", categories=("gore",))),
    JobCancelled(job_id="job_1", at=AT, answer="stopped"),
]
