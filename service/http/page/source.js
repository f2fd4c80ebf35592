// Where the snapshots come from. The token is sent as a header, and kept in this tab only.

const KEY = "stepwire-token";

export class Locked extends Error {}
export class Refused extends Error {}

export function unlock(token) {
  sessionStorage.setItem(KEY, token);
}

export function forget() {
  sessionStorage.removeItem(KEY);
}

export function hasToken() {
  return sessionStorage.getItem(KEY) !== null;
}

// Throws Locked without a known token, Refused with the service's reason, or what fetch throws.
export async function snapshot(asked) {
  const token = sessionStorage.getItem(KEY);
  const answer = await fetch(`console/data?${new URLSearchParams(asked)}`, {
    headers: token === null ? {} : { Authorization: `Bearer ${token}` },
    cache: "no-store",
    signal: AbortSignal.timeout(5000),
  });
  if (answer.status === 401) throw new Locked(await answer.text());
  if (!answer.ok) throw new Refused((await answer.text()).trim());
  return answer.json();
}
