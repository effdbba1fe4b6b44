"""Build the site: stage the pages, write the reference, and have Zensical make HTML of them. No network is used."""

import argparse
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import msgspec

from docs.site import decisions, reference
from docs.site.navigation import navigation
from docs.site.staging import ROOT, stage, write

HERE = Path(__file__).parent


def prepare(target: Path) -> Path:
    """Write everything that the builder reads into `target`; return its settings file."""
    shutil.rmtree(target, ignore_errors=True)
    pages = stage(target / "pages")
    for place, text in {**reference.write(), **decisions.index()}.items():
        write(target / "pages" / place, text)
        pages.append(place)
    settings = tomllib.loads((HERE / "zensical.toml").read_text())
    settings["project"]["nav"] = navigation(pages)
    path = target / "zensical.toml"
    path.write_bytes(msgspec.toml.encode(settings))
    return path


def main() -> int:
    """Stage, build, and move the finished site to where it is wanted."""
    parser = argparse.ArgumentParser(prog="python -m docs.site", description="Build the site of the documentation.")
    parser.add_argument("--into", type=Path, default=ROOT / "build/site", help="where the finished site goes")
    parser.add_argument("--serve", metavar="HOST:PORT", help="build, then show the site here until interrupted")
    asked = parser.parse_args()
    work: Path = asked.into.parent / f"{asked.into.name}.pages"
    settings = prepare(work)
    zensical = Path(sys.executable).with_name("zensical")
    done = subprocess.run([zensical, "build", "--clean", "--strict", "--config-file", settings], check=False)  # noqa: S603 - our own words
    if done.returncode:
        return done.returncode
    shutil.rmtree(asked.into, ignore_errors=True)
    shutil.move(work / "site", asked.into)
    if asked.serve:
        host, _, port = asked.serve.rpartition(":")
        show = [sys.executable, "-m", "http.server", port, "--bind", host, "--directory", str(asked.into)]
        return subprocess.run(show, check=False).returncode  # noqa: S603 - the same
    return 0


if __name__ == "__main__":
    sys.exit(main())
