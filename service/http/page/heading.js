// What the top of the page says of the service as a whole.

import { count, elapsed } from "./format.js";
import { byId, element, tell } from "./marks.js";

export function heading(service) {
  const state = byId("state");
  tell(state, service.store_away_for === null ? service.reason : `${service.reason}, store away`);
  state.className = `state ${service.ready && service.store_away_for === null ? "good" : "bad"}`;
  const facts = [
    ["release", service.release],
    ["up", elapsed(service.uptime)],
    ["store", service.store_away_for === null ? "ok" : `no answer for ${elapsed(service.store_away_for)}`],
  ];
  if (service.device) {
    facts.push(["device", service.device]);
  }
  const workers = Object.values(service.workers);
  if (workers.length) {
    facts.push(["workers", `${workers.filter((phase) => phase === "serving").length} of ${workers.length}`]);
  }
  byId("facts").replaceChildren(
    ...facts.map(([term, fact]) => element("div", {}, element("dt", {}, term), element("dd", {}, fact))),
  );
}

export function counters(totals) {
  const told = [
    ["steps", totals.ran, false],
    ["late", totals.late, true],
    ["errors", totals.errors, true],
    ["replays", totals.replays, false],
    ["held", totals.held, false],
  ];
  byId("totals").replaceChildren(
    ...told.flatMap(([term, value, bad]) => [
      element("dt", {}, term),
      element("dd", { class: bad && value ? "some" : null }, count(value)),
    ]),
  );
}
