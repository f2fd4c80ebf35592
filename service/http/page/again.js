// Loads the page again where a part of it did not come: a service that is started again, or a
// network that changes, can cut a page off in the middle of loading. Each try in a row waits twice
// as long as the one before, also where the page itself does not come.

const TRIES = "stepwire-tries";
const FIRST_PAUSE = 1;
const LONGEST_PAUSE = 30;

let missing = false;

function missed({ target }) {
  const url = target.src ?? target.href;
  if (missing || !url || target instanceof HTMLImageElement) return;
  missing = true;
  wait(new URL(url).pathname, Number(stored((storage) => storage.getItem(TRIES))));
}

function wait(path, tries) {
  const pause = Math.min(FIRST_PAUSE * 2 ** tries, LONGEST_PAUSE);
  stored((storage) => storage.setItem(TRIES, tries + 1));
  tell(`${path}, or a part of it, could not be loaded. Trying again in ${pause} s.`);
  setTimeout(again, 1000 * pause, path, tries + 1);
}

async function again(path, tries) {
  try {
    const answer = await fetch("", { cache: "no-store" });
    if (!answer.ok) throw new Error(answer.statusText);
    location.reload(); // only to what is a page: that of an error has nobody to load it again
  } catch {
    wait(path, tries);
  }
}

function tell(text) {
  const place = document.getElementById("missing");
  if (!place) {
    document.addEventListener("DOMContentLoaded", () => tell(text), { once: true });
    return;
  }
  place.hidden = false;
  place.textContent = text;
}

// A browser that blocks storage throws; each load of the page counts anew then.
function stored(act) {
  try {
    return act(sessionStorage);
  } catch {
    return null;
  }
}

function loaded() {
  if (!missing) stored((storage) => storage.removeItem(TRIES));
}

window.addEventListener("error", missed, true);
window.addEventListener("load", loaded);
