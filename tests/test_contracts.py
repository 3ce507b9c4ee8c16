"""Rules about imports that lint-imports cannot check."""

import ast
import json
import subprocess
import sys

import pytest

import mnist_core
from mnist_core import config, records
from mnist_core.data import datasets
from mnist_core.sweeps import control, spec
from mnist_core.system.paths import ROOT
from mnist_core.training import engine

SERVED = (
    "mnist_core",
    "mnist_core.store.run_store",
    "mnist_core.scheduler.supervisor",
    "mnist_dashboard.feed.hub",
    "mnist_dashboard.components",
)


def imports_of_scripts() -> set[str]:
    """Return the modules that `app.py` and the pages import. Running the pages takes a browser."""
    names: set[str] = set()
    for script in [
        ROOT / "app.py",
        ROOT / "mnist_dashboard" / "main.py",
        *(ROOT / "mnist_dashboard" / "pages").glob("*.py"),
    ]:
        for node in ast.walk(ast.parse(script.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                names.add(node.module)
                names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return {name for name in names if name.partition(".")[0] in ("mnist_dashboard", "mnist_core") and is_module(name)}


def is_module(name: str) -> bool:
    path = ROOT.joinpath(*name.split("."))
    return path.is_dir() or path.with_suffix(".py").is_file()


@pytest.mark.fault
def test_the_server_does_not_import_torch() -> None:
    modules = [*SERVED, *sorted(imports_of_scripts() - set(SERVED))]
    assert "mnist_dashboard.services" in modules
    code = (
        "import importlib, json, sys\n"
        "for name in json.loads(sys.argv[1]):\n"
        "    importlib.import_module(name)\n"
        "    assert 'torch' not in sys.modules, f'{name} imports torch'\n"
        "print('all imported')"
    )
    command = [sys.executable, "-c", code, json.dumps(modules)]
    program = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert program.stdout == "all imported\n", program.stderr


@pytest.mark.fault
def test_public_names_are_found_on_first_use() -> None:
    code = (
        "import sys; sys.modules['torch'] = None  # as if it were not installed\n"
        "from mnist_core import TrainConfig, load_dataset, Adjustment, StepMetrics\n"
        "try:\n    from mnist_core import train\n"
        "except ModuleNotFoundError as error:\n    print(error.name)"
    )
    program = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert program.stdout == "torch\n", program.stderr


def test_public_names_are_the_ones_of_their_modules() -> None:
    homes = (config, datasets, engine, records, spec, control)
    for name in mnist_core.__all__:
        assert any(getattr(mnist_core, name) is getattr(home, name, None) for home in homes), name


def test_a_missing_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'mnist_core' has no attribute 'trian'"):
        _ = mnist_core.trian
