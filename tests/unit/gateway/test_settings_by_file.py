"""A `base_url` that is a file: where it may stand, what `config check` says of it, and where it means nothing."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from gateway.cli import main
from gateway.settings import SettingsError, load

BACKEND = '[backends.here]\ndialect = "{}"\nbase_url = "{}"\n'


@pytest.mark.parametrize(
    ("base_url", "by_file"),
    [
        ("server.json", True),
        ("/srv/ima2/server.json", True),
        ("~/.ima2/server.json", True),
        ("conf/server.json", True),
        ("http://127.0.0.1:3333", False),
        ("http://127.0.0.1:3333/server.json", False),
        ("ftp://127.0.0.1/server.json", None),
        ("file:///srv/server.json", None),
        ("myserver.json", None),
        ("server.json.old", None),
        ("/srv/ima2", None),
        ("", None),
    ],
)
def test_a_base_url_is_an_address_or_a_file_of_that_very_name(
    tmp_path: Path, base_url: str, *, by_file: bool | None
) -> None:
    """Nothing that could be a slip of the pen is taken for a file."""
    path = tmp_path / "triptych.toml"
    path.write_text(BACKEND.format("ima2", base_url))
    if by_file is None:
        with pytest.raises(SettingsError) as caught:
            load(path, {})
        assert [fault.pointer for fault in caught.value.faults] == ["/backends/here/base_url"]
    else:
        assert load(path, {}).backends["here"].by_file is by_file


@pytest.mark.parametrize(("dialect", "exit_code"), [("ima2", 0), ("sdcpp", 2), ("imgen", 2)])
def test_config_check_says_who_can_be_found_by_a_file(tmp_path: Path, dialect: str, exit_code: int) -> None:
    """Only ima2 writes one: there it is told where the address comes from, elsewhere it is an error."""
    path = tmp_path / "triptych.toml"
    path.write_text(BACKEND.format(dialect, "~/.ima2/server.json"))
    checked = CliRunner().invoke(main, ["config", "check", str(path)])
    assert checked.exit_code == exit_code, checked.output
    remark = f"error: backends.here.base_url: no {dialect} server tells a file where it is; name it"
    assert (remark in checked.output) is (exit_code == 2)
    assert f"backend here: {dialect} where ~/.ima2/server.json says" in checked.output
