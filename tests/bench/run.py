"""`make bench`: measured, not promised. Prints a table for each question and writes everything to a JSON file.

`python -m tests.bench.run [--quick] [--only a,b,c,d,e,f] [--rounds N] [--seconds S]`. It judges nothing: it ends with 0
whatever the numbers are.
"""

import argparse
import os
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Any

import msgspec

from tests.bench import accept, front, generate, poll, start, stream
from tests.bench.child import ChildError, Cores
from tests.bench.contender import ROOT, Contender
from tests.bench.install import NotInstallableError
from tests.bench.peer import contenders
from tests.bench.setting import Setting, facts, say, workplace

QUESTIONS = "abcdef"


def main() -> None:
    """Measure what was asked for."""
    asked = _arguments()
    # Also where SIGINT came in ignored, as in the background of a script.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    cores = Cores()
    result: dict[str, Any] = {"quick": asked.quick, "interrupted": False}
    try:
        os.sched_setaffinity(0, {cores.around})
        with workplace(asked.cache) as folder:
            setting = Setting(cores, asked.cache, folder, asked.quick, asked.rounds, asked.seconds)
            result["machine"] = facts(cores, folder)
            _introduce(result["machine"], cores)
            here = _available(asked.cache, result) if set(asked.only) & set("be") else []
            for question in asked.only:
                _ask(question, setting, here, result)
    except KeyboardInterrupt:
        result["interrupted"] = True
    asked.out.parent.mkdir(parents=True, exist_ok=True)
    asked.out.write_bytes(msgspec.json.format(msgspec.json.encode(result)))
    print(f"\n{'interrupted; so far ' if result['interrupted'] else ''}written to {os.path.relpath(asked.out)}")
    sys.exit(130 if result["interrupted"] else 0)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measured, not promised: see tests/bench/README.md.")
    parser.add_argument("--quick", action="store_true", help="about two minutes: fewer rounds, shorter, fewer cells")
    parser.add_argument("--only", default=",".join(QUESTIONS), help="which questions, for example a,c")
    parser.add_argument("--rounds", type=int, help="interleaved rounds (5; quick: 2)")
    parser.add_argument("--seconds", type=float, help="seconds of each measurement (2.5; quick: 0.8)")
    parser.add_argument("--cache", type=Path, default=ROOT / "build" / "bench", help="where peers are installed")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "bench" / "result.json")
    asked = parser.parse_args()
    asked.only = [each for each in QUESTIONS if each in asked.only]
    asked.rounds = asked.rounds or (2 if asked.quick else 5)
    asked.seconds = asked.seconds or (0.8 if asked.quick else 2.5)
    asked.cache = asked.cache.resolve()
    return asked


def _interrupt(number: int, frame: FrameType | None) -> None:
    del number, frame
    signal.raise_signal(signal.SIGINT)


def _introduce(machine: dict[str, Any], cores: Cores) -> None:
    for name, value in machine.items():
        print(f"{name:22} {value}")
    if not cores.apart:
        print("!!! one core: gateway, stub and load share it; absolute numbers mean little")
    if machine["in_memory"]:
        print(f"!!! the cache lies on {machine['in_memory']}: commits cost nothing there; use --cache on a disk")
    if machine["load_average"][0] > 0.5:
        print("!!! this machine has other work: trust ratios, not absolute numbers")
    sys.stdout.flush()


def _available(cache: Path, result: dict[str, Any]) -> list[Contender]:
    """Return who can be measured here."""
    found, versions = [], {}
    for contender in contenders():
        say(f"installing {contender.name}, unless it is here")
        try:
            versions[contender.name] = contender.install(cache)
            found.append(contender)
        except NotInstallableError as error:
            print(f"!!! {contender.name} CANNOT BE INSTALLED HERE, its rows stay empty: {error}", flush=True)
    result["versions"] = versions
    print("\n" + "  ".join(f"{name} {version}" for name, version in versions.items()), flush=True)
    return found


def _ask(question: str, setting: Setting, here: list[Contender], result: dict[str, Any]) -> None:
    measures: dict[str, Any] = {
        "a": lambda: accept.measure(setting),
        "b": lambda: generate.measure(setting, here),
        "c": lambda: poll.measure(setting),
        "d": lambda: stream.measure(setting),
        "e": lambda: start.measure(setting, here),
        "f": lambda: front.measure(setting),
    }
    try:
        result[question], text = measures[question]()
    except (ChildError, OSError) as error:
        text = f"\n!!! ({question}) could not be measured: {error}"
    print(text, flush=True)


if __name__ == "__main__":
    main()
