/**
 * Mounts one component of the page and keeps it mounted. Streamlit runs this text as the component's script, with the
 * address of the module filled in by components.py.
 *
 * Streamlit calls the default function at the first mount and again whenever the component's data or the theme changes,
 * always with the same parentElement, and runs the clean-up it returned last when the component leaves the page. A clean-up
 * of an earlier call may run late, after the next call, hence the turn.
 *
 * A module exports mount(root, data, host) and returns {update(data, host), destroy()}; host passes values to Python.
 */
const MODULE_URL = "__MODULE_URL__";
const SLOT = Symbol.for("mnist-trainer.component");

class Slot {
  constructor(parent) {
    this.url = MODULE_URL;
    this.turn = 0;
    this.root = parent.appendChild(document.createElement("div"));
    this.instance = null;
    this.destroyed = false;
    import(new URL(MODULE_URL, document.baseURI).href).then(
      (module) => {
        if (!this.destroyed) this.instance = module.mount(this.root, this.data, this.host);
      },
      (error) => {
        // A restarted server may have newer files under other addresses: a fresh page knows them.
        console.warn("MNIST Trainer: a part of the page could not be loaded.", error);
        this.root.textContent = "This part of the page could not be loaded. Reload the page.";
      },
    );
  }

  update(data, host) {
    this.data = data;
    this.host = host;
    this.instance?.update(data, host);
  }

  destroy() {
    this.destroyed = true;
    this.instance?.destroy();
    this.root.remove();
  }
}

export default function ({ data, parentElement, setStateValue, setTriggerValue }) {
  let slot = parentElement[SLOT];
  if (slot && slot.url !== MODULE_URL) {
    slot.destroy();
    slot = null;
  }
  slot ??= parentElement[SLOT] = new Slot(parentElement);
  const turn = ++slot.turn;
  slot.update(data, { setStateValue, setTriggerValue });
  return () => {
    if (slot.turn !== turn) return;
    slot.destroy();
    if (parentElement[SLOT] === slot) delete parentElement[SLOT];
  };
}
