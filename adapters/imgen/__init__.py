"""imgen v2: one endpoint, actions, and a hosted reviewer. Nothing of it was ever recorded: its seed is the source."""

from adapters.imgen import errors
from adapters.imgen.adapter import Imgen
from adapters.imgen.face import FACE
from adapters.imgen.translate import ImgenOptions
from adapters.imgen.verify import CHECKS
from contracts.port import Dialect

DIALECT = Dialect(
    name="imgen",
    title="imgen v2",
    connect=Imgen,
    explain=errors.explain,
    error_rows=errors.TABLE.rows,
    options=ImgenOptions,
    sandbox="adapters.imgen.sandbox:sandbox",
    sandbox_profiles=("v2", "v2-lenient"),
    default_port=8090,
    face=FACE,
    checks=CHECKS,
)
