"""A job with its pictures inside its answer, without a picture ever going through an encoder."""

from collections.abc import Mapping

from msgspec import Raw, structs

from contracts.job import Job
from gateway.v1.answer import encode


def with_pictures(job: Job, data: Mapping[str, bytes]) -> bytes:
    """Return a job as JSON, each output's `data` being the base64 that `data` has for its asset id.

    A mark stands for each picture while the job is encoded, and is then replaced: the one copy that is made is the
    answer itself. Marks are not found in callers' words: inside a JSON string a quote is never bare.
    """
    outputs = []
    for output in job.outputs:
        inside = output.asset_id in data and output.role != "thumbnail"
        outputs.append(structs.replace(output, data=Raw(_mark(output.asset_id))) if inside else output)
    left_out = [each for each in job.outputs if each.asset_id not in data and each.role != "thumbnail"]
    warnings = job.warnings
    if left_out:
        warnings = (*warnings, f"{len(left_out)} outputs are too large to be sent inline: use their url.")
    rest = encode(structs.replace(job, outputs=tuple(outputs), warnings=warnings))
    pieces: list[bytes] = []
    for output in outputs:
        if isinstance(output.data, Raw):
            before, _, rest = rest.partition(b'"data":' + bytes(output.data))
            pieces += (before, b'"data":"', data[output.asset_id], b'"')
    return b"".join((*pieces, rest))


def _mark(asset_id: str) -> bytes:
    return b'"%b"' % asset_id.encode()
