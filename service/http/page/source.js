// Where the snapshots come from. The token is sent as a header, and kept in this tab only.

const KEY = "stepwire-token";

let token = stored((storage) => storage.getItem(KEY));

export class Locked extends Error {}
export class Refused extends Error {}

export function unlock(given) {
  token = given;
  stored((storage) => storage.setItem(KEY, given));
}

export function forget() {
  token = null;
  stored((storage) => storage.removeItem(KEY));
}

export function hasToken() {
  return token !== null;
}

// Throws Locked without a known token, Refused with the service's reason, or what fetch throws.
export async function snapshot(asked) {
  const answer = await fetch(`console/data?${new URLSearchParams(asked)}`, {
    headers: token === null ? {} : { Authorization: `Bearer ${token}` },
    cache: "no-store",
    signal: AbortSignal.timeout(5000),
  });
  if (answer.status === 401) throw new Locked(await answer.text());
  if (!answer.ok) throw new Refused((await answer.text()).trim());
  return answer.json();
}

// A browser that blocks storage throws; the token lasts as long as the page then.
function stored(act) {
  try {
    return act(sessionStorage);
  } catch {
    return null;
  }
}
