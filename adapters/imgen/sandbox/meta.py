"""What `status` says of a run that is through: its `meta`, or why there is none (seed, "action: status")."""

from base64 import b64encode
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from adapters.imgen.sandbox.review import label
from adapters.imgen.sandbox.run import QUEUE_S, Hit, Run
from adapters.kit.scenario import Forced


def completed(
    run: Run, hit: Hit | None, images: list[dict[str, str]], forced: Mapping[str, Forced], *, speed: float
) -> dict[str, Any]:
    """Return the answer for a safe run, or for a hit: the same shape, plus `cache`."""
    answer: dict[str, Any] = {"status": "COMPLETED"}
    if "no_meta" not in forced:
        answer["meta"] = _meta(run, hit, images, forced, speed=speed)
    if hit is not None:
        answer["cache"] = True
    return answer


def blocked(flagged: tuple[str, ...], url: str) -> dict[str, Any]:
    """Return the answer for a run that the reviewer blocks: the picture's URL is wrapped, not protected."""
    return {
        "status": "COMPLETED",
        "compliance": "unsafe",
        "error": f"Content blocked — flagged for: {', '.join(map(label, flagged))}",
        "filter_categories": list(flagged),
        "unsafe_url": b64encode(url.encode()).decode(),
    }


def ended(state: str) -> dict[str, Any]:
    """Return the answer for a run that has no picture: the seed gives all three endings the same text."""
    answer = {"status": state}
    if state in ("FAILED", "TIMED_OUT", "CANCELLED"):
        answer["error"] = "Generation failed"
    return answer


def _meta(
    run: Run, hit: Hit | None, images: list[dict[str, str]], forced: Mapping[str, Forced], *, speed: float
) -> dict[str, Any]:
    wish = run.wish
    facts = (run.positive, run.negative, wish.model, wish.style, wish.width, wish.height)
    meta: dict[str, Any] = {
        "id": run.id if hit is None else hit.id,
        "gen_id": run.gen_id,
        "time": f"{datetime.fromtimestamp(run.ended_at(speed), UTC):%Y-%m-%dT%H:%M:%SZ}",
        "prompt": run.prompt,
        "positive": run.positive,
        "negative": run.negative,
        "character": wish.parsed.character,
        "model": wish.model,
        "style": wish.style,
        "width": wish.width,
        "height": wish.height,
        "format": wish.format,
        "quality": wish.quality,
        "lossless": wish.lossless,
        "optimized": run.optimized,
        "compliance": forced["compliance"].argument or "pending" if "compliance" in forced else "safe",
        "compliance_codes": [],
        "compliance_ruleset": wish.ruleset,
        "precompliance": wish.precompliance,
        "fingerprint": sha256("\n".join(map(str, facts)).encode()).hexdigest(),
        "images": images,
        # The seed's example ends in "...": there are keys that it does not name.
        "version": "v2",
        "delay_ms": round(QUEUE_S * 1000),
        "execution_ms": round(run.work_s * 1000),
    }
    if "no_compliance" in forced:
        del meta["compliance"], meta["compliance_codes"]
    return meta
