"""`dry_run`: who could serve a spec, what would be sent, what would be changed. Nothing is sent, fetched or stored.

The pictures of the spec are named: assets by their ids, others by their places.
"""

from collections.abc import Mapping

from contracts.catalog import CatalogError
from contracts.desk import Caller, Explanation, NativeRequest, Verdict
from contracts.port import Order, Origin
from contracts.spec import JobSpec
from gateway.engine.backends import Backend
from gateway.jobs import rules
from gateway.routing import Choice, Router, allow_of


def explain(
    router: Router, backends: Mapping[str, Backend], caller: Caller, spec: JobSpec, origin: Origin | None
) -> Explanation:
    """Say what would happen with a spec whose source was made as `origin` says, if we made it."""
    choices = router.choices(spec, allow_of(caller))
    fitting: list[Choice] = []
    refusal: CatalogError | None = None
    try:
        fitting = router.capable(spec, allow_of(caller))
        chosen = rules.healthy(spec, fitting)[0]
    except CatalogError as error:
        refusal = error
    capable = {choice.candidate for choice in fitting}
    verdicts = tuple(_verdict(choice, backends, capable=choice.candidate in capable) for choice in choices)
    if refusal is not None:
        # Each candidate's reasons stand in its verdict already.
        return Explanation(chosen=None, candidates=verdicts, refusal=refusal.problem(candidates=()))
    backend = backends[chosen.candidate.backend]
    order = Order(
        job_id="job_00000000000000000000000000",
        n=1,
        part=1,
        spec=spec,
        effective=chosen.fit.effective,
        candidate=chosen.candidate,
        capability=chosen.capability,
        count=min(chosen.fit.count, chosen.capability.max_n),
        origin=origin,
    )
    prepared = backend.adapter.prepare(order)
    preview = prepared.preview
    host = backend.address if caller.may("ops:read") else None
    return Explanation(
        chosen=chosen.candidate.full_model,
        candidates=verdicts,
        adjustments=(*chosen.fit.adjustments, *prepared.adjustments),
        effective=prepared.effective,
        request=NativeRequest(method=preview["method"], path=preview["path"], body=preview["body"], host=host),
        warnings=chosen.fit.warnings,
    )


def _verdict(choice: Choice, backends: Mapping[str, Backend], *, capable: bool) -> Verdict:
    candidate, mismatches = choice.candidate, choice.fit.mismatches
    return Verdict(
        backend=candidate.backend,
        account=candidate.account,
        model=candidate.full_model,
        fits=choice.fits,
        ready=backends[candidate.backend].ready(candidate.account),
        adjustments=choice.fit.adjustments,
        code=mismatches[0].code if mismatches else None,
        reasons=tuple(mismatch.fault for mismatch in mismatches),
        kept_local=choice.fits and not capable,
    )
