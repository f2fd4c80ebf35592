// The columns of the two tables.

import { DASH, amount, count, elapsed, seconds } from "./format.js";

const QUEUE = "from reading a step to the start of its run, in the last 10 s";
const COMPUTE = "a run of the model, in the last 10 s";

export const MODELS = [
  { title: "model", value: (row) => row.name },
  { title: "streams", value: (row) => count(row.streams) },
  { title: "steps/s", value: (row) => amount(row.rate) },
  { title: "queue p50", value: (row) => seconds(row.queue.p50), meaning: QUEUE },
  { title: "p99", value: (row) => seconds(row.queue.p99), meaning: QUEUE },
  { title: "compute p50", value: (row) => seconds(row.compute.p50), meaning: COMPUTE },
  { title: "p99", value: (row) => seconds(row.compute.p99), meaning: COMPUTE },
  { title: "mean batch", value: (row) => amount(row.batch), meaning: "streams that share a run" },
];

export const STREAMS = [
  { title: "stream", sort: "id", value: (row) => named(row) },
  { title: "model", sort: "model", text: true, value: (row) => row.model },
  { title: "next step", sort: "step", value: (row) => count(row.next_step) },
  { title: "steps/s", sort: "rate", value: (row) => amount(row.rate) },
  { title: "last step", sort: "idle", value: (row) => ago(row.idle) },
  { title: "state", text: true, value: (row) => (row.attached ? "attached" : "detached") },
  { title: "worker", text: true, value: (row) => row.worker },
];

export function streamKey(stream) {
  return JSON.stringify([stream.namespace, stream.id]);
}

export function named(stream) {
  return stream.namespace ? `${stream.namespace}/${stream.id}` : stream.id;
}

function ago(idle) {
  if (idle === null) return DASH;
  return idle < 1 ? "just now" : `${elapsed(idle)} ago`;
}
