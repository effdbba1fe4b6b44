"""Puts each peer into an environment of its own, once: pinned, from wherever this machine gets its packages."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

INSTALL_S = 900


class NotInstallableError(Exception):
    """A peer cannot be had here; the reason is in the log that is named."""


def python(cache: Path, name: str, *requirements: str) -> Path:
    """Return the folder of programs of a virtual environment with these requirements in it."""
    folder, programs, wanted = cache / name, cache / name / "bin", " ".join(requirements)
    if not _is_done(folder, wanted):
        shutil.rmtree(folder, ignore_errors=True)
        _run([sys.executable, "-m", "venv", str(folder)], cache, name)
        pip = [str(programs / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        _run([*pip, *requirements], cache, name)
        _done(folder, wanted)
    return programs


def node(cache: Path, name: str, package: str) -> Path:
    """Return the folder of modules with one package in it."""
    folder = cache / name
    if not _is_done(folder, package):
        _need("node", "npm")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        options = ["--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]
        _run(["npm", "install", *options, "--prefix", str(folder), package], cache, name)
        _done(folder, package)
    return folder / "node_modules"


def debian(cache: Path, name: str, program: str) -> Path:
    """Return a program of the system, or of a Debian package that is unpacked here and not installed."""
    there = shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if there is not None:
        return Path(there)
    folder = cache / name
    if not _is_done(folder, name):
        _need("apt-get", "dpkg")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        _run(["apt-get", "download", "-qq", name], cache, name, cwd=folder)
        for package in folder.glob("*.deb"):
            _run(["dpkg", "-x", package.name, "."], cache, name, cwd=folder)
        _done(folder, name)
    return folder / "usr" / "sbin" / program


def version_of(programs: Path, distribution: str) -> str:
    """Return the version of a distribution in a virtual environment."""
    code = f"import importlib.metadata as m; print(m.version({distribution!r}))"
    return output_of([str(programs / "python"), "-c", code]).strip()


def output_of(command: Sequence[str]) -> str:
    """Return what a program prints."""
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        raise NotInstallableError(str(error)) from error
    return (done.stdout or done.stderr).decode()


def _need(*programs: str) -> None:
    for program in programs:
        if shutil.which(program) is None:
            msg = f"{program} is not here"
            raise NotInstallableError(msg)


def _run(command: Sequence[str], cache: Path, name: str, *, cwd: Path | None = None) -> None:
    cache.mkdir(parents=True, exist_ok=True)
    log = cache / f"{name}.install.log"
    with log.open("ab") as file:
        try:
            code = subprocess.call(
                command, stdin=subprocess.DEVNULL, stdout=file, stderr=file, cwd=cwd, timeout=INSTALL_S
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise NotInstallableError(type(error).__name__) from error
    if code != 0:
        msg = f"{Path(command[0]).name} ended with {code}: see {log}"
        raise NotInstallableError(msg)


def _is_done(folder: Path, what: str) -> bool:
    mark = folder / ".installed"
    return mark.is_file() and mark.read_text() == what


def _done(folder: Path, what: str) -> None:
    (folder / ".installed").write_text(what)
