"""sd.cpp Studio's queue, with jobs that wait for ever, and a count of how often each was asked after."""

import itertools
import time
from typing import Any

MODEL = "bench"
_CONFIG = {"model": MODEL, "authEnabled": False, "keyPassed": False, "keyValid": False}
_MODALITIES = {"input_modalities": ["text"], "output_modalities": ["image"]}
_MODELS = {"data": [{"id": MODEL, "name": MODEL, "status": "running", "architecture": _MODALITIES}]}
#: A row as the queue shows it (recorded: queue_generate_lifecycle), so that reading it costs what it costs in life.
_NULLS = (
    "negative_prompt", "user_id", "source_image_id", "error", "completed_at", "input_image_path",
    "input_image_mime_type", "mask_image_path", "mask_image_mime_type", "strength", "model_loading_time_ms",
    "generation_time_ms", "sample_steps", "cfg_scale", "sampling_method", "clip_skip", "vae_on_cpu", "offload_to_cpu",
    "clip_on_cpu", "vae_tiling", "diffusion_fa", "binary_version",
)  # fmt: skip
_ROW: dict[str, Any] = {
    "type": "generate",
    "model": MODEL,
    "prompt": "a shiba in space",
    "size": "64x64",
    "seed": "42.0",
    "n": 1,
    "quality": "auto",
    "style": "natural",
    "response_format": "b64_json",
    "status": "pending",
    "progress": 0,
    "created_at": 1795232706000,
    "updated_at": 1795232706000,
    "started_at": 1795232706000,
    "upscale_enable": 0,
    "image_count": 0,
    "images": [],
    **dict.fromkeys(_NULLS),
}


class Studio:
    """The queue."""

    def __init__(self) -> None:
        """Begin empty."""
        self._numbers = itertools.count(1)
        self._asked_at: dict[str, float] = {}
        self._polls = 0
        #: The longest that any job was not asked after, since the last count.
        self._worst_gap_s = 0.0

    def answer(self, method: str, path: str) -> object:
        """Answer a request."""
        if method == "POST" and path == "/api/queue/generate":
            name = f"fbc09634-d308-4882-b00f-{next(self._numbers):012d}"
            self._asked_at[name] = time.monotonic()
            return {"job_id": name, "status": "pending"}
        if path == "/api/queue":
            return self._list()
        if path.startswith("/api/queue/"):
            return self._row(path.rpartition("/")[2])
        if path == "/_count":
            return self._count()
        known: dict[str, object] = {"/api/config": _CONFIG, "/api/v1/models": _MODELS}
        return known.get(path, {"error": "Not found"})

    def _row(self, name: str) -> dict[str, Any]:
        self._polls += 1
        return self._told(name)

    def _list(self) -> dict[str, Any]:
        """Tell of all at once: one poll, whatever it is about."""
        self._polls += 1
        return {"jobs": [self._told(name) for name in tuple(self._asked_at)]}

    def _told(self, name: str) -> dict[str, Any]:
        now = time.monotonic()
        self._worst_gap_s = max(self._worst_gap_s, now - self._asked_at.get(name, now))
        self._asked_at[name] = now
        return {"id": name, **_ROW}

    def _count(self) -> dict[str, float]:
        now = time.monotonic()
        waiting = sorted(now - at for at in self._asked_at.values())
        worst, self._worst_gap_s = self._worst_gap_s, 0.0
        return {
            "jobs": len(waiting),
            "polls": self._polls,
            "median_age_s": waiting[len(waiting) // 2] if waiting else 0.0,
            "oldest_s": max(worst, waiting[-1] if waiting else 0.0),
        }
