"""Files with users' own networks: which are offered, how they are named, and what is refused before any code runs."""

from pathlib import Path

import pytest

from mnist_core.config import SETTINGS, TrainConfig, choice_label
from mnist_core.errors import ConfigError
from mnist_core.network_names import OwnNetwork
from mnist_core.records import MAX_SOURCE_BYTES, NetworkSource
from mnist_core.training.networks.own.files import (
    describe_changes,
    list_networks,
    parse_network,
    read_from_folder,
    read_network_file,
)
from tests.support.networks import TINY, tiny_source, write_network


@pytest.fixture
def folder(places: Path) -> Path:
    return places / "networks"


@pytest.mark.parametrize("name", ["tiny.py:Tiny", "tiny.py:Tiny@0123456789ab", "a-b.c.py:_N2@ffffffffffff"])
def test_a_name_is_file_class_and_version(name: str) -> None:
    network = OwnNetwork.parse(name)
    assert network is not None
    assert network.name == name
    assert TrainConfig(model=name).model == name
    assert TrainConfig.from_stored({"model": name}).model == name


@pytest.mark.parametrize(
    "name",
    [
        "tiny.py",
        "tiny:Tiny",
        "../tiny.py:Tiny",
        "/tmp/tiny.py:Tiny",
        "tiny.py:Tiny@0123",
        "tiny.py:2",
        "a b.py:Tiny",
        ".tiny.py:Tiny",
        "tiny.py:Tiny@0123456789ab\n",
        "tiny.py:Tiny; rm -rf x",
        "x" * 200 + ".py:Tiny",
        "$(x).py:Tiny",
    ],
)
def test_a_name_holds_no_path_and_nothing_that_a_terminal_would_run(name: str) -> None:
    assert OwnNetwork.parse(name) is None
    with pytest.raises(ConfigError, match=r"Network must be one of classic, .*, or FILE.py:CLASS, got|Network must be"):
        TrainConfig(model=name)


def test_a_label_names_class_file_and_version() -> None:
    assert choice_label("model", "tiny.py:Tiny") == "Tiny (tiny.py)"
    assert choice_label("model", "tiny.py:Tiny@0123456789ab") == "Tiny (tiny.py, 01234567)"
    assert choice_label("model", "mlp") == SETTINGS["model"].choices["mlp"]


def test_the_folder_offers_classes_that_derive_from_module_and_need_no_arguments(folder: Path) -> None:
    write_network(folder)
    write_network(
        folder,
        "import torch\nfrom torch.nn import Module, Sequential\n"
        "class First(Module): pass\n"
        "class Second(First):\n    def __init__(self, width=3, *rest, depth=2, **more): pass\n"
        "class Third(torch.nn.Sequential): pass\n"
        "class Block(Module):\n    def __init__(self, width): pass\n"
        "class Keyword(Module):\n    def __init__(self, *, width): pass\n"
        "class _Part(Module): pass\n"
        "class Other: pass\n",
        name="several.py",
    )
    write_network(folder, "x = 1", name="helpers.py")
    write_network(folder, "not python at all", name="notes.txt")
    write_network(folder, TINY, name=".hidden.py")
    (folder / "folder.py").mkdir()
    write_network(folder, "class Broken(", name="broken.py")
    listed = list_networks()
    assert [network.name for network in listed.networks] == [
        *(f"several.py:{name}" for name in ("First", "Second", "Third")),
        "tiny.py:Tiny",
    ]
    assert listed.problems == (
        "broken.py has a syntax error in line 1: '(' was never closed.",
        "folder.py: Is a directory. Choose another network, or put the file there.",
    )


def test_a_changed_file_is_read_again_and_a_missing_folder_is_empty(folder: Path) -> None:
    assert list_networks() == list_networks().__class__((), ())
    path = write_network(folder)
    assert [network.class_name for network in list_networks().networks] == ["Tiny"]
    path.write_text(TINY.replace("class Tiny", "class Smaller"))
    assert [network.class_name for network in list_networks().networks] == ["Smaller"]


def test_listing_runs_no_code(folder: Path, tmp_path: Path) -> None:
    write_network(folder, f"open({str(tmp_path / 'ran')!r}, 'w')\n" + TINY)
    assert len(list_networks().networks) == 1
    assert not (tmp_path / "ran").exists()


def test_a_file_that_cannot_be_read_is_refused_with_a_remedy(folder: Path) -> None:
    folder.mkdir()
    with pytest.raises(
        ConfigError, match=r"There is no file .*tiny\.py\. Choose another network, or put the file there"
    ):
        read_from_folder(OwnNetwork("tiny.py", "Tiny"))
    (folder / "latin.py").write_bytes(b"# \xe4")
    with pytest.raises(ConfigError, match=r"latin\.py is not UTF-8 text\. Save it as UTF-8\."):
        read_network_file(folder / "latin.py")
    (folder / "long.py").write_bytes(b"#" * (MAX_SOURCE_BYTES + 1))
    with pytest.raises(ConfigError, match=r"long\.py has more than 200,000 bytes"):
        read_network_file(folder / "long.py")
    with pytest.raises(ConfigError, match=r"my net\.py cannot be a file of a network: its name .* Rename it\."):
        read_network_file(write_network(folder, name="my net.py"))


def test_a_path_on_the_command_line_is_made_absolute(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert parse_network("nets/tiny.py:Tiny") == (tmp_path / "nets/tiny.py", "Tiny")
    for text in ("tiny.py", "tiny.py:", "tiny:Tiny", "tiny.py:no class", "c:/x"):
        with pytest.raises(ConfigError, match=r"A network of your own is given as path/to/file\.py:Class"):
            parse_network(text)


def test_a_version_follows_from_the_bytes_of_the_file(folder: Path) -> None:
    source = read_network_file(write_network(folder))
    assert source.network("Tiny").digest == source.sha256[:12] == tiny_source().sha256[:12]
    assert source.path == str(folder / "tiny.py")
    assert NetworkSource("other.py", TINY + " ").sha256 != source.sha256


def test_changes_of_the_file_are_told(folder: Path) -> None:
    path = write_network(folder)
    source = read_network_file(path)
    assert describe_changes(source) == ""
    path.write_text(TINY + "# changed\n")
    assert describe_changes(source) == "tiny.py has changed since; runs of this version use the recorded source."
    path.unlink()
    assert describe_changes(source) == "tiny.py is gone; runs of this version use the recorded source."
    assert describe_changes(tiny_source()) == ""
