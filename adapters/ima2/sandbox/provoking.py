"""Which outcome of this sandbox the gateway calls by which row of the catalogue (see `adapters.kit.fault`)."""

from adapters.kit.fault import Provocations, Provoke

PROVOCATIONS = Provocations(
    works={
        "image.generate": ("POST /api/generate", "POST /api/node/generate$"),
        "image.edit": ("POST /api/edit$", "POST /api/node/generate$"),
        "video.generate": ("POST /api/video/generate$",),
    },
    codes={
        "request.field_invalid": Provoke("INVALID_PROMPT"),
        "request.option_unsupported": Provoke("CONTEXT_MODE_UNSUPPORTED"),
        "request.model_unknown": Provoke("INVALID_IMAGE_MODEL"),
        "request.model_incapable": Provoke("IMAGE_MODEL_UNSUPPORTED"),
        "request.reference_invalid": Provoke("REF_NOT_BASE64"),
        "request.reference_too_many": Provoke("REF_TOO_MANY"),
        "request.too_large": Provoke("REF_TOO_LARGE"),
        "policy.refused": Provoke("SAFETY_REFUSAL"),
        "resource.state_conflict": Provoke("GRAPH_PARENT_CONFLICT"),
        "resource.precondition_failed": Provoke("GRAPH_VERSION_CONFLICT"),
        "idempotency.conflict": Provoke("IDEMPOTENCY_KEY_CONFLICT"),
        # The caller's deadline runs out while it works; it ends some seconds later, and its slot is free again.
        "job.deadline_exceeded": Provoke("slow", lasts_s=4),
        "backend.unavailable": Provoke("NETWORK_FAILED"),
        "backend.overloaded": Provoke("rate_limit_exceeded"),
        "backend.credentials_rejected": Provoke("AUTH_CHATGPT_EXPIRED"),
        "backend.quota_exhausted": Provoke("429_quota"),
        "backend.misconfigured": Provoke("APIKEY_DISABLED"),
        "backend.rejected_request": Provoke("INVALID_REQUEST"),
        "backend.timeout": Provoke("GENERATION_TIMEOUT"),
        "backend.failed": Provoke("UPSTREAM_5XX"),
        "backend.bad_response": Provoke("EMPTY_RESPONSE"),
        "backend.job_lost": Provoke("JOB_TRACKING_TIMEOUT"),
    },
)
