"""Joins our JavaScript modules into one, so that a page loads one file instead of seventy.

A browser takes 2 to 3 ms for each file of a page, also from its cache. Modules are joined as they are, without a
parser: each becomes a function that is called once and returns its exports. That works for the forms of `import` and
`export` that our modules use, in lines of their own; any other form is an error, which the tests find.
"""

from __future__ import annotations

import os.path
import re
from collections.abc import Callable, Mapping
from pathlib import Path

_IMPORT = re.compile(r'^import (?:\{(\s*\w+(?:,\s*\w+)*,?\s*)\} from )?"(\.[^"]+)";$', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function|class|const) (\w+))", re.MULTILINE)
_OTHER = re.compile(r"^(?:import|export)\b.*", re.MULTILINE)


def bundle_modules(entries: Mapping[str, str], read: Callable[[str], str]) -> str:
    """Return one module that exports `modules`: the exports of each module in `entries`, by its key there.

    `entries` has paths of modules, such as `components/lib/dom.js`, and `read` returns the text of a path. The bundle
    must be served at the root of these paths. Raises `ValueError` for a form of import or export that it does not know.
    """
    names: dict[str, str] = {}
    parts: list[str] = []

    def add(path: str) -> str:
        """Add a module after those that it imports. Return the constant that holds its exports."""
        if path in names:
            return names[path]
        text = read(path)
        for _, imported in _IMPORT.findall(text):
            add(_resolve(path, imported))
        names[path] = f"$module{len(names)}"
        parts.append(_wrap(path, text, names))
        return names[path]

    exports = ", ".join(f"{key}: {add(path)}" for key, path in entries.items())
    return "".join(parts) + f"export const modules = {{ {exports} }};\n"


def _resolve(path: str, imported: str) -> str:
    return Path(os.path.normpath(Path(path).parent / imported)).as_posix()


def _wrap(path: str, text: str, names: Mapping[str, str]) -> str:
    def assign(match: re.Match[str]) -> str:
        return f"const {{{match[1]}}} = {names[_resolve(path, match[2])]};" if match[1] else ""

    exported = _EXPORT.findall(text)
    body = _EXPORT.sub("", _IMPORT.sub(assign, text))
    if unknown := _OTHER.search(body):
        raise ValueError(f"{path} has a form of import or export that bundles do not know: {unknown[0]}")
    body = body.replace("import.meta.url", f'new URL("{path}", import.meta.url).href')
    return f"const {names[path]} = (() => {{\n{body}\nreturn {{ {', '.join(exported)} }};\n}})();\n"
