"""`mnist-trainer`: the commands of the engine, `serve` and `owner-link`."""

from pathlib import Path

import pytest

from mnist_dashboard import cli
from mnist_dashboard.server import announcement
from mnist_dashboard.server.roles.access_policy import AccessPolicy


def test_it_has_the_commands_of_the_engine(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["runs"]) == 0
    assert capsys.readouterr().out.startswith("No runs yet.")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--port", "0"], "port must be between 1 and 65535, got 0"),
        (["--port", "65536"], "port must be between 1 and 65535, got 65536"),
        (["--port", "http"], "port must be between 1 and 65535, got http"),
        (["--address", "203.0.113.7"], "address must be one that this machine has, got 203.0.113.7"),
        (["--address", "no such name"], "address must be one that this machine has, got no such name"),
    ],
)
def test_an_invalid_address_or_port_is_refused(
    capsys: pytest.CaptureFixture[str], arguments: list[str], sentence: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["serve", *arguments])
    assert ended.value.code == 2
    assert sentence in capsys.readouterr().err


def test_serve_starts_streamlit_with_the_app(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[list[str]] = []
    monkeypatch.setattr("streamlit.web.cli.main", lambda arguments, **_: started.append(arguments))
    assert cli.main(["serve"]) == 0
    assert cli.main(["serve", "--port", "8600", "--address", "localhost", "--headless"]) == 0
    app = ["run", str(cli.APP_SCRIPT)]
    place = ["--server.port", "8600", "--server.address", "localhost"]
    assert started == [app, [*app, "--server.headless", "true", *place]]


def test_owner_link_prints_a_link_for_the_server_that_runs(
    places: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cli.main(["owner-link"]) == 1
    assert "No server runs on the runs folder" in capsys.readouterr().err
    announcement.save_addresses(places / "runs", ["http://localhost:8600/base"])
    assert cli.main(["owner-link"]) == 0
    link, sentence = capsys.readouterr().out.splitlines()
    address, _, code = link.partition("#code=")
    assert address == "http://localhost:8600/base/sign-in"
    assert "Works once, until" in sentence
    assert AccessPolicy(places / "runs").sessions.sign_in(code, "Firefox")
