// The page: asks for a snapshot twice a second while somebody looks, and shows it.

import { rates, sizes, times } from "./charts.js";
import { MODELS, STREAMS, streamKey } from "./columns.js";
import { amount, count, elapsed } from "./format.js";
import { counters, heading } from "./heading.js";
import { byId, tell } from "./marks.js";
import { Locked, Refused, forget, hasToken, snapshot, unlock } from "./source.js";
import { Table } from "./table.js";
import { Watched } from "./watched.js";

const INTERVAL = 500;
const WATCHING_INTERVAL = 250;
const RATES_KEPT = 300;

let idleShown = false;
const asked = { text: "", sort: "id", descending: false, model: "" };
let watched = null;
let heard = performance.now();
let due = null;
let asking = false;
let hurried = false;

const models = new Table(byId("models"), MODELS, {
  key: (row) => row.name,
  choose: (row) => only(asked.model === row.name ? "" : row.name),
});

const streams = new Table(byId("streams"), STREAMS, {
  key: streamKey,
  choose: (row) => watch(row),
  sort: sortBy,
});

function only(model) {
  asked.model = model;
  soon();
}

function sortBy(column) {
  asked.descending = asked.sort === column ? !asked.descending : ["step", "rate"].includes(column);
  asked.sort = column;
  soon();
}

function watch(row) {
  const same = watched && streamKey(watched) === streamKey(row);
  watched = same ? null : new Watched(row.namespace, row.id);
  byId("watched").hidden = !watched;
  byId("unwatched").hidden = Boolean(watched);
  byId("unwatch").hidden = !watched;
  tell(byId("watched-title"), "Outputs");
  tell(byId("watched-model"), "");
  byId("line").replaceChildren();
  byId("legend").replaceChildren();
  soon();
}

// Whoever looked at it goes on where it is listed.
function unwatch() {
  const key = streamKey(watched);
  watch(watched);
  streams.focus(key);
}

function show(told) {
  heading(told.service);
  const values = told.rates.values;
  tell(byId("rate"), amount(chosenRate(told.models)));
  rates(byId("rates"), values, told.rates.interval, RATES_KEPT);
  tell(byId("attached"), count(told.streams.attached));
  tell(byId("detached"), count(told.streams.detached));
  counters(told.totals);
  const { queue, compute, write, sizes: batches } = told.histograms;
  times(byId("times"), queue.bounds, [queue.counts, compute.counts, write.counts]);
  sizes(byId("sizes"), batches.bounds, batches.counts);
  modelRows(told.models);
  listing(told.streams, Object.keys(told.service.workers).length > 0);
  if (watched) {
    watched.take(told.line);
    watched.show();
  }
}

// Those without streams and steps stand aside.
function modelRows(all) {
  const busy = all.filter((row) => row.streams || row.rate || row.name === asked.model);
  const idle = all.length - busy.length;
  models.show(idleShown || !busy.length ? all : busy, asked.model);
  byId("idle-models").hidden = !idle || !busy.length;
  tell(byId("idle-models"), idleShown ? "Hide those without streams" : `Show ${idle} without streams`);
  byId("all-models").hidden = !asked.model;
  tell(byId("all-models"), "Show streams of all models");
}

function chosenRate(all) {
  return all
    .filter((model) => !asked.model || model.name === asked.model)
    .reduce((sum, model) => sum + model.rate, 0);
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
  byId("empty").hidden = !none || Boolean(asked.model);
  byId("beside").hidden = none && !asked.model && !watched;
}

async function ask() {
  if (asking || document.hidden) return;
  asking = true;
  hurried = false;
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
    later(hurried ? 0 : watched ? WATCHING_INTERVAL : INTERVAL);
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
  const silent = elapsed(Math.max(1, (performance.now() - heard) / 1000));
  notice(
    error instanceof Refused ? error.message : `No answer from the service for ${silent}. Trying again.`,
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
  hurried = true;
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
byId("lock").addEventListener("close", soon); // browsers close it all the same when told twice
byId("text").addEventListener("input", () => {
  asked.text = byId("text").value.trim();
  soon();
});
byId("all-models").addEventListener("click", () => only(""));
byId("idle-models").addEventListener("click", () => {
  idleShown = !idleShown;
  soon();
});
byId("unwatch").addEventListener("click", unwatch);
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && watched && event.target !== byId("text")) unwatch();
});
document.addEventListener("visibilitychange", soon);
ask();
