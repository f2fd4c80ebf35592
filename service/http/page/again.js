// Loads the page again where a part of it did not come: a service that is started again, or a
// network that changes, can cut a page off in the middle of loading.

const PAUSE = 1000;

async function again() {
  try {
    await fetch("", { cache: "no-store" });
    location.reload();
  } catch {
    setTimeout(again, PAUSE);
  }
}

function missed({ target }) {
  if (target === window) return;
  window.removeEventListener("error", missed, true);
  setTimeout(again, PAUSE);
}

window.addEventListener("error", missed, true);
