// The page: asks for a snapshot twice a second while somebody looks, and shows it.

import { rates, sizes, times } from "./charts.js";
import { DASH, amount, count, elapsed, seconds } from "./format.js";
import { byId, element, tell } from "./marks.js";
import { Locked, Refused, forget, hasToken, snapshot, unlock } from "./source.js";
import { Table } from "./table.js";
import { Watched } from "./watched.js";

const INTERVAL = 500;
const WATCHING_INTERVAL = 250;
const RATES_KEPT = 300;

const asked = { text: "", order: "id", descending: false, model: "" };
let watched = null;
let heard = performance.now();
let due = null;
let asking = false;

const models = new Table(
  byId("models"),
  [
    { title: "model", value: (row) => row.name },
    { title: "streams", value: (row) => count(row.streams) },
    { title: "steps/s", value: (row) => amount(row.rate) },
    { title: "queue p50", value: (row) => seconds(row.queue.p50), meaning: "from reading a step to the start of its run, over the last seconds" },
    { title: "p99", value: (row) => seconds(row.queue.p99) },
    { title: "compute p50", value: (row) => seconds(row.compute.p50), meaning: "a run of the model, over the last seconds" },
    { title: "p99", value: (row) => seconds(row.compute.p99) },
    { title: "mean batch", value: (row) => amount(row.batch), meaning: "streams that share a run" },
  ],
  { key: (row) => row.name, choose: (row) => only(asked.model === row.name ? "" : row.name) },
);

const streams = new Table(
  byId("streams"),
  [
    { title: "stream", order: "id", value: (row) => (row.namespace ? `${row.namespace}/${row.id}` : row.id) },
    { title: "model", order: "model", text: true, value: (row) => row.model },
    { title: "next step", order: "step", value: (row) => count(row.next_step) },
    { title: "steps/s", order: "rate", value: (row) => amount(row.rate) },
    { title: "last step", order: "idle", value: (row) => (row.idle === null ? DASH : row.idle < 1 ? "just now" : `${elapsed(row.idle)} ago`) },
    { title: "state", text: true, value: (row) => (row.attached ? "attached" : "detached") },
    { title: "worker", text: true, value: (row) => row.worker },
  ],
  { key: streamKey, choose: (row) => watch(row), sort: sortBy },
);

function streamKey(stream) {
  return JSON.stringify([stream.namespace, stream.id]);
}

function only(model) {
  asked.model = model;
  soon();
}

function sortBy(order) {
  asked.descending = asked.order === order ? !asked.descending : ["step", "rate"].includes(order);
  asked.order = order;
  soon();
}

function watch(row) {
  const same = watched && streamKey(watched) === streamKey(row);
  watched = same ? null : new Watched(row.namespace, row.id);
  byId("watched").hidden = !watched;
  byId("line").replaceChildren();
  byId("legend").replaceChildren();
  soon();
}

function show(told) {
  heading(told.service);
  const values = told.rates.values;
  tell(byId("rate"), amount(chosenRate(told.models)));
  rates(byId("rates"), values, told.rates.interval, RATES_KEPT);
  tell(byId("attached"), count(told.streams.attached));
  tell(byId("detached"), count(told.streams.detached));
  counters(told.totals);
  const { queue, compute, sizes: batches } = told.histograms;
  times(byId("times"), queue.bounds, [queue.counts, compute.counts]);
  sizes(byId("sizes"), batches.bounds, batches.counts);
  models.show(told.models, asked.model);
  byId("all-models").hidden = !asked.model;
  tell(byId("all-models"), `only ${asked.model} · show all`);
  listing(told.streams, Object.keys(told.service.workers).length > 0);
  if (watched) {
    watched.take(told.line);
    watched.show();
  }
}

function heading(service) {
  const state = byId("state");
  tell(state, service.store_away_for === null ? service.reason : `${service.reason}, store away`);
  state.className = `state ${service.ready && service.store_away_for === null ? "good" : "bad"}`;
  const facts = [
    ["release", service.release],
    ["up", elapsed(service.uptime)],
    ["store", service.store_away_for === null ? "ok" : `no answer for ${elapsed(service.store_away_for)}`],
  ];
  const workers = Object.values(service.workers);
  if (workers.length) {
    facts.push(["workers", `${workers.filter((phase) => phase === "serving").length} of ${workers.length}`]);
  }
  byId("facts").replaceChildren(
    ...facts.map(([term, fact]) => element("div", {}, element("dt", {}, term), element("dd", {}, fact))),
  );
}

function chosenRate(all) {
  return all
    .filter((model) => !asked.model || model.name === asked.model)
    .reduce((sum, model) => sum + model.rate, 0);
}

function counters(totals) {
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

function listing(told, byWorker) {
  streams.show(told.rows, watched && streamKey(watched), asked);
  streams.without(byWorker ? [] : ["worker"]);
  const shown = told.rows.length;
  tell(
    byId("matched"),
    shown < told.matched ? `the first ${shown} of ${count(told.matched)}` : count(told.matched),
  );
  const none = told.attached + told.detached === 0;
  byId("empty").hidden = !none;
  byId("streams").hidden = none;
}

async function ask() {
  if (asking || document.hidden) return;
  asking = true;
  try {
    const answered = watched;
    const told = await snapshot({ ...asked, ...answered?.asked });
    heard = performance.now();
    unlocked();
    if (answered === watched) show(told);
  } catch (error) {
    failed(error);
  } finally {
    asking = false;
    later(watched ? WATCHING_INTERVAL : INTERVAL);
  }
}

function unlocked() {
  notice("");
  byId("main").hidden = false;
  document.body.classList.remove("stale");
  if (byId("lock").open) byId("lock").close();
}

function failed(error) {
  if (error instanceof Locked) {
    lock();
    return;
  }
  document.body.classList.add("stale");
  byId("state").className = "state bad";
  tell(byId("state"), "disconnected");
  const since = elapsed((performance.now() - heard) / 1000);
  notice(
    error instanceof Refused ? error.message : `No answer from the service since ${since}. Trying again.`,
  );
}

function lock() {
  const wrong = byId("lock-error");
  if (hasToken()) {
    forget();
    wrong.hidden = false;
    tell(wrong, "The service does not know this token.");
  }
  byId("main").hidden = true;
  tell(byId("state"), "locked");
  byId("state").className = "state";
  if (!byId("lock").open) byId("lock").showModal();
}

function notice(text) {
  byId("notice").hidden = !text;
  tell(byId("notice"), text);
}

function later(milliseconds) {
  clearTimeout(due);
  if (!byId("lock").open && !document.hidden) due = setTimeout(ask, milliseconds);
}

function soon() {
  later(0);
}

byId("lock-form").addEventListener("submit", (event) => {
  event.preventDefault();
  unlock(byId("token").value.trim());
  byId("token").value = "";
  byId("lock-error").hidden = true;
  ask();
});
byId("lock").addEventListener("cancel", (event) => event.preventDefault());
byId("text").addEventListener("input", () => {
  asked.text = byId("text").value.trim();
  soon();
});
byId("all-models").addEventListener("click", () => only(""));
byId("unwatch").addEventListener("click", () => watch(watched));
document.addEventListener("visibilitychange", soon);
ask();
