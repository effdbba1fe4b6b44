"""A gateway that kills itself at one commit: `python -m tests.crash.dying COUNT before|after serve …`.

It counts only the commits that move jobs (accepting one, carrying one on), and dies with SIGKILL just before or just
after the chosen one reaches the disk. Nothing else about it differs from the real program.
"""

import os
import signal
import sys
from typing import Any

from gateway.cli import main
from gateway.store.change import Accept, Advance
from gateway.store.writer import Writer


def die() -> None:
    """End this process as a power cut would."""
    os.kill(os.getpid(), signal.SIGKILL)


def let_die_at(count: int, moment: str) -> None:
    """Arrange for the end."""
    commit = Writer._commit
    left = count

    def dying(writer: Writer, group: list[Any]) -> None:
        nonlocal left
        if any(isinstance(item.apply.__self__, Accept | Advance) for item in group):
            left -= 1
            if left == 0 and moment == "before":
                die()
            commit(writer, group)
            if left == 0:
                die()
        else:
            commit(writer, group)

    Writer._commit = dying  # type: ignore[method-assign]


if __name__ == "__main__":
    let_die_at(int(sys.argv[1]), sys.argv[2])
    sys.argv = ["triptych", *sys.argv[3:]]
    main()
