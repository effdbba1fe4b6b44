"""Which outcome of this sandbox the gateway calls by which row of the catalogue (see `adapters.kit.fault`)."""

from adapters.kit.fault import Provocations, Provoke

PROVOCATIONS = Provocations(
    works={"image.generate": ("POST /api/v2#generate$",)},
    codes={
        "request.field_invalid": Provoke("prompt_required"),
        "request.too_large": Provoke("too_large"),
        "policy.output_blocked": Provoke("unsafe"),
        "resource.expired": Provoke("cached_expired"),
        "resource.cache_miss": Provoke("no_cached"),
        "job.deadline_exceeded": Provoke("slow", lasts_s=4),
        "backend.unavailable": Provoke("edge_503"),
        "backend.overloaded": Provoke("rate_limited"),
        "backend.credentials_rejected": Provoke("invalid_key"),
        "backend.misconfigured": Provoke("result_host"),
        "backend.rejected_request": Provoke("bad_id"),
        "backend.timeout": Provoke("timed_out"),
        "backend.failed": Provoke("generation_failed"),
        "backend.bad_response": Provoke("no_compliance"),
        "backend.job_lost": Provoke("lost"),
    },
)
