"""Two OpenAPI documents of the gateway held against each other: what broke, what came on top, and where.

Written here because nothing fits: the Python packages for this know neither limits nor alternatives nor both sides, or
need a newer Python; the good tools (oasdiff, openapi-changes) are programs in Go. And what counts as breaking is our
own promise (contracts/CHANGES.md): an enum that is closed, codes of an operation, a union of tagged kinds.

What cannot be judged is called breaking: nothing is passed in silence.
"""

from contracts.compare.change import Change, Comparison, Verdict
from contracts.compare.document import compare
from contracts.compare.release import needs_release

__all__ = ["Change", "Comparison", "Verdict", "compare", "needs_release"]
