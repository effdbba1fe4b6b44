"""`python -m tests.conformance.matrix`: run everything and write the page; exit 1 if anything is against the law."""

import asyncio
import sys
import tempfile
from pathlib import Path

from tests.conformance.matrix.law import breaches
from tests.conformance.matrix.page import PAGE, page
from tests.conformance.matrix.run import run


def main() -> int:
    """Run, write, and say what is wrong."""
    with tempfile.TemporaryDirectory(prefix="matrix-") as folder:
        found = asyncio.run(run(Path(folder)))
    wrong = breaches(found.seen)
    for each in wrong:
        sys.stderr.write(f"{each}\n")
    if not wrong:
        PAGE.write_text(page(found.seen))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
