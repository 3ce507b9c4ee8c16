/** Exchanges the code in the address for a session, when the button is pressed. */

const main = /** @type {HTMLElement} */ (document.querySelector("main"));
const status = /** @type {HTMLElement} */ (main.querySelector("[role=status]"));
const help = /** @type {HTMLElement} */ (main.querySelector(".help"));
const button = /** @type {HTMLButtonElement} */ (main.querySelector("button"));

const parameters = new URLSearchParams(location.hash.slice(1));
const code = parameters.get("code") ?? "";
const run = /^\d{1,9}$/.exec(parameters.get("run") ?? "")?.[0];
history.replaceState(null, "", location.pathname); // a reload, a bookmark or the back button does not show it

/** @param {string} text why this link does not sign in */
function showProblem(text) {
  status.textContent = text;
  button.hidden = true;
  help.hidden = false;
}

async function signIn() {
  button.disabled = true;
  status.textContent = "Signing in …";
  try {
    const response = await fetch(location.pathname, { method: "POST", body: new URLSearchParams({ code }) });
    if (response.ok) location.replace(`${main.dataset.home}${run ? `?run=${run}` : ""}`);
    else showProblem((await response.text()).trim());
  } catch {
    status.textContent = "The server does not answer. Try again.";
    button.disabled = false;
  }
}

if (code) {
  status.textContent = "This link signs in this browser: it can then start, steer and delete runs. It works once.";
  button.hidden = false;
  button.addEventListener("click", signIn);
  if (parameters.has("now")) signIn();
} else {
  showProblem("To act as an owner, open a sign-in link.");
}
