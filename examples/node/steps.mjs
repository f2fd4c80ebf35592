// Reads a timestep per line and writes its output as a line: numbers with commas between them.
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";

import { Stream, connect } from "./stepwire.mjs";

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { rate: { type: "string", default: "20" } },
});
const [address, model] = positionals;
if (!model || !(values.rate > 0)) {
  console.error("usage: steps.mjs ADDRESS MODEL [--rate TIMESTEPS_PER_SECOND] <INPUTS");
  process.exit(2);
}

const client = connect(address);
const stream = new Stream(client, model);
const period = 1000 / values.rate;

function complain(error) {
  console.error(`error: ${error.message}`);
  process.exitCode = 1;
}

try {
  await stream.open();
  let due = performance.now();
  for await (const line of createInterface({ input: process.stdin })) {
    if (stream.over) break;
    await pause(Math.max(0, due - performance.now()));
    due += period;
    const input = line.split(",").map(Number);
    stream.step(input).then((outputs) => console.log(outputs.join(",")), complain);
  }
  await stream.close();
} catch (error) {
  complain(error);
}
client.close();
