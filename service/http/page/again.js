// Loads the page again where a part of it did not come: a service that is started again, or a
// network that changes, can cut a page off in the middle of loading. Each try in a row waits twice
// as long as the one before.

const TRIES = "stepwire-tries";
const PAUSE = 1;
const LONGEST_PAUSE = 30;

let missing = false;

async function again() {
  try {
    const answer = await fetch("", { cache: "no-store" });
    if (!answer.ok) throw new Error(answer.statusText);
    location.reload(); // only to what is a page: that of an error has nobody to load it again
  } catch {
    setTimeout(again, 1000 * PAUSE);
  }
}

function missed({ target }) {
  const path = target.src ?? target.href;
  if (missing || !path || target instanceof HTMLImageElement) return;
  missing = true;
  const tries = Number(sessionStorage.getItem(TRIES));
  const pause = Math.min(PAUSE * 2 ** tries, LONGEST_PAUSE);
  sessionStorage.setItem(TRIES, tries + 1);
  tell(`${new URL(path).pathname}, or a part of it, could not be loaded. Trying again in ${pause} s.`);
  setTimeout(again, 1000 * pause);
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

function loaded() {
  if (!missing) sessionStorage.removeItem(TRIES);
}

window.addEventListener("error", missed, true);
window.addEventListener("load", loaded);
