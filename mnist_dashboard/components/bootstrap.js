/**
 * Mounts one component of the page and keeps it mounted. Streamlit runs this text as the component's script; registry.py fills
 * in the address of the bundle of all components, and the name of this one.
 *
 * Streamlit calls the default function at the first mount and again whenever the component's data or the theme changes,
 * always with the same parentElement, and runs the clean-up it returned last when the component leaves the page. A clean-up
 * of an earlier call may run late, after the next call, hence the count of calls.
 *
 * A module exports mount(root, data, host) and returns {update(data, host), destroy()}; host passes values to Python.
 */
const BUNDLE_URL = "__BUNDLE_URL__";
const NAME = "__COMPONENT__";
const MODULE_URL = `${BUNDLE_URL}#${NAME}`;
const SLOT = Symbol.for("mnist-trainer.component");

/**
 * @import { Host } from "./lib/types"
 * @typedef {{update: (data: unknown, host: Host) => void, destroy: () => void}} Component
 * @typedef {HTMLElement & {[SLOT]?: Slot}} Parent
 */

class Slot {
  url = MODULE_URL;
  calls = 0;
  root = document.createElement("div");
  /** @type {Component|null} null until its module is loaded */
  component = null;
  destroyed = false;

  /** @param {Parent} parent @param {unknown} data @param {Host} host */
  constructor(parent, data, host) {
    this.data = data;
    this.host = host;
    parent.append(this.root);
    import(new URL(BUNDLE_URL, document.baseURI).href).then(
      ({ modules }) => {
        if (!this.destroyed) this.component = modules[NAME].mount(this.root, this.data, this.host);
      },
      (error) => {
        // A restarted server may have newer files under other addresses: a fresh page knows them.
        console.warn("MNIST Trainer: a part of the page could not be loaded.", error);
        this.root.textContent = "This part of the page could not be loaded. Reload the page.";
      },
    );
  }

  /** @param {unknown} data @param {Host} host */
  update(data, host) {
    this.data = data;
    this.host = host;
    this.component?.update(data, host);
  }

  destroy() {
    this.destroyed = true;
    this.component?.destroy();
    this.root.remove();
  }
}

/** @param {Host & {data: unknown, parentElement: Parent}} options */
export default function ({ data, parentElement, setStateValue, setTriggerValue }) {
  const host = { setStateValue, setTriggerValue };
  let slot = parentElement[SLOT];
  if (slot?.url !== MODULE_URL) {
    slot?.destroy();
    slot = parentElement[SLOT] = new Slot(parentElement, data, host);
  } else {
    slot.update(data, host);
  }
  const call = ++slot.calls;
  return () => {
    if (slot.calls !== call) return;
    slot.destroy();
    if (parentElement[SLOT] === slot) delete parentElement[SLOT];
  };
}
