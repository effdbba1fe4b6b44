"""Which outcome of this sandbox the gateway calls by which row of the catalogue (see `adapters.kit.fault`)."""

from adapters.kit.fault import Provocations, Provoke

PROVOCATIONS = Provocations(
    works={
        "image.generate": ("POST /api/queue/generate$",),
        "image.edit": ("POST /api/queue/edit$",),
        "image.variation": ("POST /api/queue/variation$",),
        "image.upscale": ("POST /api/queue/upscale$",),
    },
    codes={
        "request.field_invalid": Provoke("missing_prompt"),
        "request.model_unknown": Provoke("model_not_found"),
        "request.reference_invalid": Provoke("convert_failed"),
        "request.too_large": Provoke("body_too_large"),
        "resource.expired": Provoke("image_gone"),
        "job.cancelled": Provoke("cancelled_by_operator"),
        "backend.unavailable": Provoke("startup_failed"),
        "backend.overloaded": Provoke("upstream_429"),
        "backend.credentials_rejected": Provoke("upstream_401"),
        "backend.misconfigured": Provoke("no_default_model"),
        "backend.rejected_request": Provoke("bad_request"),
        "backend.timeout": Provoke("timeout", lasts_s=0.1),
        "backend.failed": Provoke("upstream_500"),
        "backend.bad_response": Provoke("none"),
        "backend.job_lost": Provoke("lost"),
    },
)
