/** Lets node import the modules that Python writes: test_javascript.py puts them into the folder PYTHON_MODULES. */
import { registerHooks } from "node:module";
import { join } from "node:path";
import { env } from "node:process";
import { pathToFileURL } from "node:url";

const NAMES = ["constants.js", "fixtures.js"];

registerHooks({
  resolve(specifier, context, nextResolve) {
    const name = NAMES.find((each) => specifier.endsWith(`/${each}`));
    if (!name) return nextResolve(specifier, context);
    return { url: pathToFileURL(join(env.PYTHON_MODULES ?? "", name)).href, format: "module", shortCircuit: true };
  },
});
