"""ima2: a local server in front of OpenAI (OAuth or API key) and Grok accounts. Blocking, in three builds."""

from adapters.ima2 import errors
from adapters.ima2.adapter import Ima2
from adapters.ima2.face import FACE
from adapters.ima2.finding import FOLDER, NAME
from adapters.ima2.options import Ima2Options
from adapters.ima2.verify import CHECKS
from contracts.port import Dialect

DIALECT = Dialect(
    name="ima2",
    title="ima2",
    connect=Ima2,
    explain=errors.explain,
    error_rows=errors.TABLE.rows,
    options=Ima2Options,
    sandbox="adapters.ima2.sandbox:sandbox",
    sandbox_profiles=("head", "tag", "new"),
    default_port=3333,
    advertised_at=f"~/{FOLDER}/{NAME}",
    face=FACE,
    checks=CHECKS,
)
