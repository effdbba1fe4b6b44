"""sd.cpp Studio: a queue polled by id, one worker, and a cancel that is not always one."""

from adapters.sdcpp import errors
from adapters.sdcpp.adapter import Sdcpp
from adapters.sdcpp.capability import SdcppOptions
from adapters.sdcpp.face import FACE
from adapters.sdcpp.verify import CHECKS
from contracts.port import Dialect

DIALECT = Dialect(
    name="sdcpp",
    title="sd.cpp Studio",
    connect=Sdcpp,
    explain=errors.explain,
    error_rows=errors.TABLE.rows,
    options=SdcppOptions,
    face=FACE,
    checks=CHECKS,
    sandbox="adapters.sdcpp.sandbox:sandbox",
    sandbox_profiles=("head", "seed"),
    default_port=3000,
)
