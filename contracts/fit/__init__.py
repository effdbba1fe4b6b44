"""How a spec fits a candidate: what is sent as asked, what is changed with a receipt, and what does not fit.

Pure, and the only place where an option is weighed. Under `reject` whatever the capability lacks is a mismatch. Under
`adapt` it is changed where its meaning survives; under `drop` it is left out. Policy, inputs and the dialect's active
syntax are never dropped: leaving them out would change what is allowed, not how it looks.
"""

from contracts.capability import Capability
from contracts.fit.film import video
from contracts.fit.fitting import Fit, Fitting, Mismatch
from contracts.fit.picture import effort, n, output, seed, size
from contracts.fit.taken import taken
from contracts.fit.terms import cache, inputs, optimize_prompt, options, policy, strength, watermark, whole
from contracts.fit.words import character, negative_prompt, prompt, style
from contracts.job import Effective
from contracts.spec import SpecBase

__all__ = ["Fit", "Mismatch", "fit"]


def fit(spec: SpecBase, capability: Capability, dialect: str) -> Fit:
    """Weigh every option of `spec` against one operation of one candidate."""
    fitting = Fitting(spec, capability, dialect)
    for step in _STEPS:
        step(fitting)
    return Fit(
        effective=Effective(**fitting.values),
        count=fitting.count,
        adjustments=tuple(fitting.adjustments),
        mismatches=tuple(fitting.mismatches),
        warnings=tuple(fitting.warnings),
    )


_STEPS = (
    prompt,
    negative_prompt,
    character,
    style,
    size,
    n,
    seed,
    effort,
    output,
    inputs,
    taken,
    strength,
    policy,
    cache,
    watermark,
    whole("provenance", "signs no content credentials"),
    video,
    optimize_prompt,
    options,
)
