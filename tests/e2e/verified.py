"""`triptych verify` as tests run it: the program itself, and what it wrote."""

from pathlib import Path
from xml.etree.ElementTree import Element, parse

import msgspec
from click.testing import CliRunner
from msgspec import Struct

from contracts.verify import Report, Result
from gateway.cli.verify import verify


class Verified(Struct):
    """What a run of the program came to."""

    code: int
    output: str
    report: Report
    junit: Element
    #: Everything that was written anywhere.
    written: str

    @property
    def drift(self) -> set[str]:
        """The ids of the checks that found drift."""
        return {each.check for each in self.report.drift}

    def result(self, check: str) -> Result:
        """Return what one check came to."""
        return next(each for each in self.report.results if each.check == check)


def verified(folder: Path, target: str, *options: str, key: str | None = None) -> Verified:
    """Run the program against a live server, and read its reports."""
    json_file, junit_file = folder / "report.json", folder / "report.xml"
    files = ("--json", str(json_file), "--junit", str(junit_file))
    named = ("--key-env", "VERIFY_KEY") if key is not None else ()
    env = {"VERIFY_KEY": key} if key is not None else {}
    done = CliRunner().invoke(verify, [target, *named, *files, *options], env=env, catch_exceptions=False)
    assert json_file.exists(), done.output
    return Verified(
        code=done.exit_code,
        output=done.output,
        report=msgspec.json.decode(json_file.read_bytes(), type=Report),
        junit=parse(junit_file).getroot(),  # noqa: S314 - the program's own file
        written=done.output + json_file.read_text() + junit_file.read_text(),
    )
