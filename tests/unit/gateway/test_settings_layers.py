"""The file, the environment over it, the command line over that; and what is said of settings that cannot be used."""

from pathlib import Path

import pytest

from gateway.settings import LOOPBACK, Settings, SettingsError, load, refuse, remarks

DIALECTS = frozenset({"ima2", "imgen", "sdcpp"})
STUDIO = '[backends.studio]\ndialect = "sdcpp"\nbase_url = "http://127.0.0.1:3000"\n'
SECRET = "sk-a-very-secret-key"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return where a file of settings is to be."""
    return tmp_path / "triptych.toml"


def faults(path: Path | None = None, environ: dict[str, str] | None = None) -> list[tuple[str, str]]:
    """Return what is wrong: places and reasons."""
    with pytest.raises(SettingsError) as caught:
        load(path, environ or {})
    return [(fault.pointer, fault.reason) for fault in caught.value.faults]


def said(file: Path, text: str) -> list[tuple[str, str]]:
    """Return the remarks on a file of settings."""
    file.write_text(text)
    return [(kind, remark) for kind, remark in remarks(load(file, {}), DIALECTS)]


def test_nothing_set_is_a_gateway_for_this_machine() -> None:
    """Without file and environment it listens on loopback and keeps its data beside itself."""
    settings = load(None, {"PATH": "/bin", "TRIPTYC_SERVER__PORT": "1"})
    assert settings == Settings()
    assert settings.loopback
    assert (settings.server.host, settings.data_dir) == ("127.0.0.1", "./triptych-data")


def test_each_layer_lies_over_the_one_below(file: Path) -> None:
    """The command line wins over the environment, that over the file, and what they do not name stays."""
    file.write_text('data_dir = "file"\n[server]\nhost = "10.0.0.1"\nport = 1\nmax_json_bytes = 5\n')
    environ = {"TRIPTYCH_SERVER__PORT": "2", "TRIPTYCH_DATA_DIR": "environment"}
    settings = load(file, environ, {"server.port": 3, "server.host": None, "log.level": "debug"})
    assert (settings.server.port, settings.server.host, settings.server.max_json_bytes) == (3, "10.0.0.1", 5)
    assert (settings.data_dir, settings.log.level) == ("environment", "debug")
    assert not settings.loopback


def test_a_table_and_what_is_set_inside_it_go_together_in_any_order() -> None:
    """A whole table as JSON does not undo what another variable sets in it."""
    table, inside = ("TRIPTYCH_SERVER", '{"host": "::1", "port": 1}'), ("TRIPTYCH_SERVER__PORT", "2")
    for environ in (dict([table, inside]), dict([inside, table])):
        server = load(None, environ).server
        assert (server.host, server.port) == ("::1", 2)


def test_variables_of_the_client_commands_are_no_settings() -> None:
    """The address and the key of a client, and the name of the file, are read elsewhere."""
    environ = {"TRIPTYCH_URL": "http://x", "TRIPTYCH_API_KEY": SECRET, "TRIPTYCH_CONFIG": "/x"}
    assert load(None, environ) == Settings()


def test_all_that_is_wrong_is_told_at_once(file: Path) -> None:
    """From both layers together, in words that name the setting as it is written."""
    file.write_text(STUDIO + 'priority = "high"\nquality = 5\n[server]\nport = 70000\n')
    environ = {"TRIPTYCH_LOG__LEVEL": "loud", "TRIPTYCH_LIMITS__QUEUED_TOTAL": "many", "TRIPTYCH_KEEP__JOBS_DAYS": "0"}
    assert set(faults(file, environ)) == {
        ("/backends/studio/priority", "type"),
        ("/backends/studio/quality", "unknown_field"),
        ("/server/port", "range"),
        ("/log/level", "enum"),
        ("/limits/queued_total", "type"),
        ("/keep/jobs_days", "range"),
    }
    with pytest.raises(SettingsError, match=r"^log\.level: must be one of .*; server\.port: must be at most 65535$"):
        load(None, {"TRIPTYCH_LOG__LEVEL": "loud", "TRIPTYCH_SERVER__PORT": "65536"})


@pytest.mark.parametrize("value", ["inf", "nan", "-1", "1e9", "0"])
def test_times_of_keeping_can_be_written_down(value: str) -> None:
    """A moment that no calendar knows could never be shown: such a time is refused."""
    assert {where for where, _ in faults(environ={"TRIPTYCH_KEEP__ASSETS_DAYS": value})} == {"/keep/assets_days"}


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"[server", "format"), (b"a = 1\na = 2", "format"), (b'data_dir = "\xe9"', "format"), (None, "missing")],
)
def test_a_file_that_cannot_be_read_is_told_as_such(file: Path, content: bytes | None, reason: str) -> None:
    """No TOML, not UTF-8, or not there: a fault, and no crash."""
    if content is not None:
        file.write_bytes(content)
    assert faults(file) == [("/", reason)]


@pytest.mark.parametrize("name", ["Studio", "my_studio", "9", "", "a" * 33, "a/b"])
def test_a_backends_name_fits_into_a_models_name(file: Path, name: str) -> None:
    """`<backend>/<id>` must be readable again: small letters, digits and dashes."""
    file.write_text(STUDIO.replace("backends.studio", f'backends."{name}"'))
    assert {reason for _, reason in faults(file)} <= {"format", "too_long", "empty"}


@pytest.mark.parametrize("url", ["127.0.0.1:3000", "ftp://x", "", "HTTP://x"])
def test_a_backends_address_is_a_url(file: Path, url: str) -> None:
    """Only http and https are spoken."""
    file.write_text(STUDIO.replace("http://127.0.0.1:3000", url))
    assert faults(file) == [("/backends/studio/base_url", "format")]


def test_a_secret_stands_elsewhere(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By an environment variable, or by a file without the white space around it; None when nothing is there."""
    monkeypatch.setenv("STUDIO_KEY", SECRET)
    monkeypatch.delenv("OTHER_KEY", raising=False)
    (tmp_path / "key").write_text(f"  {SECRET}\n")
    for reference, found in (
        ('{ env = "STUDIO_KEY" }', SECRET),
        (f'{{ file = "{tmp_path / "key"}" }}', SECRET),
        ('{ env = "OTHER_KEY" }', None),
        (f'{{ file = "{tmp_path / "nowhere"}" }}', None),
        ("{}", None),
    ):
        file.write_text(STUDIO + f"api_key = {reference}\n")
        key = load(file, {}).backends["studio"].api_key
        assert key is not None
        assert key.read() == found


def test_a_secret_in_the_settings_themselves_is_refused_and_not_repeated(file: Path) -> None:
    """Written where a reference belongs, it is a fault whose words do not hold it."""
    file.write_text(STUDIO + f'api_key = "{SECRET}"\n')
    for path, environ in (
        (file, {}),
        (None, {"TRIPTYCH_BACKENDS__STUDIO__API_KEY": SECRET}),
        (None, {"TRIPTYCH_BACKENDS__STUDIO__API_KEY": f'{{"key": "{SECRET}"}}'}),
    ):
        with pytest.raises(SettingsError) as caught:
            load(path, environ)
        assert "api_key" in str(caught.value)
        assert SECRET not in str(caught.value)
        assert SECRET not in repr(caught.value.faults)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_loopback_is_this_machine_alone(host: str) -> None:
    """Exactly these three names; every other address is seen from outside."""
    assert {host} <= LOOPBACK
    assert load(None, {"TRIPTYCH_SERVER__HOST": host}).loopback
    for outside in ("0.0.0.0", "", "localhost.example", "127.0.0.1.example"):  # noqa: S104 - that is what it is about
        assert not load(None, {"TRIPTYCH_SERVER__HOST": outside}).loopback


def test_good_settings_need_no_remark(file: Path) -> None:
    """A plain backend with an alias has nothing to be said about."""
    assert said(file, STUDIO + '[aliases]\nbest = ["studio/flux"]\n') == []


@pytest.mark.parametrize(
    ("text", "kind", "remark"),
    [
        (
            STUDIO.replace("sdcpp", "comfy"),
            "error",
            "backends.studio.dialect: no dialect 'comfy'; there are ima2, imgen, sdcpp",
        ),
        (
            STUDIO + 'api_key = { env = "NO_SUCH_KEY_HERE" }',
            "warning",
            "backends.studio.api_key: nothing to read in NO_SUCH_KEY_HERE",
        ),
        (
            STUDIO.replace("sdcpp", "imgen"),
            "warning",
            "backends.studio.fetch_hosts: empty; imgen's signed pictures usually lie on another host",
        ),
        (
            STUDIO.replace("http://", "http://me:pw@"),
            "error",
            "backends.studio.base_url: no credentials in addresses; use api_key",
        ),
        (
            STUDIO + '[aliases]\nbest = ["flux"]',
            "error",
            "aliases.best: 'flux' is not <backend>/<model> of a configured backend",
        ),
        (
            STUDIO + '[aliases]\nbest = ["other/flux"]',
            "error",
            "aliases.best: 'other/flux' is not <backend>/<model> of a configured backend",
        ),
        (
            STUDIO + '[aliases]\nbest = ["studio/"]',
            "error",
            "aliases.best: 'studio/' is not <backend>/<model> of a configured backend",
        ),
    ],
)
def test_doubtful_settings_are_remarked_upon(file: Path, text: str, kind: str, remark: str) -> None:
    """What is legal by its type and still cannot be meant: errors stop the start, warnings do not."""
    assert said(file, text) == [(kind, remark)]


def test_an_imgen_backend_with_hosts_or_in_a_sandbox_needs_no_remark(file: Path) -> None:
    """The warning is about pictures on hosts that would be refused later."""
    imgen = STUDIO.replace("sdcpp", "imgen")
    assert said(file, imgen + 'fetch_hosts = ["*.example"]\n') == []
    assert said(file, imgen + "sandbox = true\n") == []


def test_what_stops_a_start_is_an_error_of_the_catalogue() -> None:
    """It names the settings as its reason."""
    error = refuse("No.")
    assert (error.code, error.detail, error.facts["reason"]) == ("gateway.internal", "No.", "settings")
