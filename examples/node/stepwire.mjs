import { randomBytes } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";

import grpc from "@grpc/grpc-js";
import loader from "@grpc/proto-loader";

const definition = loader.loadSync("stepwire/v1/stream.proto", {
  includeDirs: [fileURLToPath(new URL("../../proto", import.meta.url))],
  longs: Number, // step numbers stay below 2^53
  enums: String,
  defaults: true,
  oneofs: true,
});
const { StreamInference } = grpc.loadPackageDefinition(definition).stepwire.v1;

export function connect(address, credentials = grpc.credentials.createInsecure()) {
  return new StreamInference(address, credentials, {
    "grpc.initial_reconnect_backoff_ms": 50,
    "grpc.max_reconnect_backoff_ms": 500,
    "grpc.keepalive_time_ms": 10_000, // a server that is gone without a word is missed
    "grpc.keepalive_timeout_ms": 5_000,
  });
}

export class StepwireError extends Error {
  /** `name`: of the table of errors; `passes`: whether to open the stream again. */
  constructor(name, message, passes = false) {
    super(`${name}: ${message}`);
    Object.assign(this, { name, passes });
  }
}

const PASSING = ["SERVER_DRAINING", "STORE_DOWN", "STREAM_MOVED"];
const BROKEN = [grpc.status.UNAVAILABLE, grpc.status.CANCELLED, grpc.status.INTERNAL];

function failure({ code, details, metadata }) {
  const [name] = metadata.get("stepwire-error");
  const [message] = metadata.get("stepwire-message-bin");
  if (name) return new StepwireError(name, `${message ?? details}`, PASSING.includes(name));
  return new StepwireError(grpc.status[code], details, BROKEN.includes(code));
}

const ARRAYS = {
  float32: Float32Array,
  float64: Float64Array,
  int32: Int32Array,
  int64: BigInt64Array,
  uint8: Uint8Array,
  bool: Uint8Array,
};

function encoded({ dtype }, values) {
  return Buffer.from(ARRAYS[dtype].from(values).buffer);
}

function decoded({ dtype }, bytes) {
  return new ARRAYS[dtype](Uint8Array.from(bytes).buffer);
}

const MOST_KEPT = 100_000;
const RAN_BEFORE = ["CODE_STEP_CONFLICT", "CODE_STEP_TOO_OLD"];

export class Stream {
  #client;
  #open; // the first message of every call
  #retryFor; // milliseconds
  #opened = null; // what the server said of the stream last
  #call = null; // the call that carries the stream; null while there is none
  #next = 0; // the oldest timestep without an answer
  #kept = []; // timesteps before it that the store may not have, with their verdicts
  #unanswered = []; // that timestep and those behind it
  #unsent = []; // what this call is still to carry
  #sent = []; // what it has carried without an answer, in order; null: numbered anew since
  #closing = null;
  #over = null;

  constructor(client, model, { id, token, retryFor = 30_000 } = {}) {
    this.#client = client;
    this.#retryFor = retryFor;
    this.#open = {
      model,
      streamId: id ?? randomBytes(8).toString("hex"),
      token: token ?? randomBytes(16),
      holder: randomBytes(8),
      mode: token ? "OPEN_MODE_RESUME" : "OPEN_MODE_CREATE",
    };
  }

  get id() {
    return this.#open.streamId;
  }

  /** With the id, what another process needs to resume the stream. */
  get token() {
    return this.#open.token;
  }

  get nextStep() {
    return this.#next + this.#unanswered.length;
  }

  /** Why nothing can be stepped any more; null while it can. */
  get over() {
    return this.#over;
  }

  async open() {
    const deadline = Date.now() + this.#retryFor;
    for (let wait = 50; ; wait = Math.min(2 * wait, 1000)) {
      try {
        return await this.#connect();
      } catch (error) {
        if (!error.passes || Date.now() + wait > deadline) throw error;
      }
      await pause(wait);
    }
  }

  #connect() {
    const metadata = new grpc.Metadata();
    metadata.set("stepwire-route", this.id);
    const call = this.#client.Stream(metadata);
    return new Promise((resolve, reject) => {
      call.on("error", () => {}); // the status says it too
      call.on("status", (status) => {
        if (this.#call === call) this.#ended(status);
        else reject(failure(status));
      });
      call.on("data", (response) => {
        if (response.event !== "opened") return this.#heard(call, response);
        try {
          this.#begin(call, response.opened);
          resolve();
        } catch (error) {
          reject(error);
          call.cancel();
        }
      });
      call.write({ open: this.#open });
    });
  }

  #begin(call, opened) {
    if (!this.#opened) this.#next = opened.nextStep;
    const moved = this.#opened && this.#opened.version !== opened.version;
    this.#drop(moved ? opened.nextStep : opened.durableStep);
    const first = this.#next - this.#kept.length;
    if (opened.nextStep < first)
      throw new StepwireError("STATE_LOST", `the inputs before step ${first} are not kept`);
    if (opened.nextStep > this.nextStep)
      throw new StepwireError("STEP_CONFLICT", "another connection has advanced the stream");
    const replayed = this.#kept.slice(Math.max(0, opened.nextStep - first));
    this.#unsent = [...replayed, ...this.#unanswered];
    this.#sent = [];
    this.#opened = opened;
    this.#call = call;
    Object.assign(this.#open, { mode: "OPEN_MODE_RECONNECT", version: 0 });
    this.#write();
  }

  /** The outputs, an array each, once the timestep has run; in order with the others. */
  step(...inputs) {
    return new Promise((resolve, reject) => {
      if (this.#over || this.#closing) throw this.#over ?? new Error("the stream is closed");
      const timestep = {
        step: this.nextStep,
        inputs: inputs.map((each, place) => encoded(this.#opened.signature.inputs[place], each)),
        resolve,
        reject,
      };
      this.#unanswered.push(timestep);
      this.#unsent.push(timestep);
      this.#write();
    });
  }

  #write() {
    if (!this.#call) return;
    while (this.#unsent.length && this.#sent.length < this.#opened.window) {
      const timestep = this.#unsent.shift();
      this.#sent.push(timestep);
      const { step, inputs, verdict } = timestep;
      this.#call.write({ step: { step, inputs, verdict } });
    }
    const done = !this.#unanswered.length && !this.#sent.length;
    if (this.#closing && this.#closing.call !== this.#call && done) {
      this.#closing.call = this.#call;
      this.#call.write({ close: {} });
      this.#call.end();
    }
  }

  #heard(call, { event, output, error, durable }) {
    if (call !== this.#call) return;
    if (event === "output") this.#ran(this.#sent.shift(), output);
    if (event === "error") this.#refused(this.#sent.shift(), error);
    if (event === "durable") this.#drop(durable.durableStep);
    this.#write();
  }

  #ran(timestep, { verdict, outputs, durableStep }) {
    if (timestep === this.#unanswered[0]) {
      this.#unanswered.shift();
      this.#next += 1;
      if (this.#opened.durable) this.#kept.push(Object.assign(timestep, { verdict }));
      const { signature } = this.#opened;
      timestep.resolve(outputs.map((each, place) => decoded(signature.outputs[place], each)));
    }
    this.#drop(durableStep);
  }

  #refused(timestep, { code, message }) {
    if (timestep === null) return;
    const error = new StepwireError(code, message);
    if (timestep !== this.#unanswered[0] || RAN_BEFORE.includes(code)) return this.#fail(error);
    this.#unanswered.shift();
    timestep.reject(error);
    for (const each of this.#unanswered) each.step -= 1;
    this.#sent.fill(null);
    this.#unsent = [...this.#unanswered];
  }

  #drop(durableStep) {
    const first = this.#next - this.#kept.length;
    this.#kept.splice(0, Math.max(durableStep - first, this.#kept.length - MOST_KEPT));
  }

  async #ended(status) {
    this.#call = null;
    if (this.#closing && status.code === grpc.status.OK) return this.#closing.resolve();
    const error = failure(status);
    if (!error.passes) return this.#fail(error);
    await this.open().catch((last) => this.#fail(last));
  }

  #fail(error) {
    this.#over = error;
    this.#call?.cancel();
    this.#call = null;
    for (const { reject } of this.#unanswered.splice(0)) reject(error);
    if (error.name === "STREAM_NOT_FOUND") this.#closing?.resolve();
    else this.#closing?.reject(error);
  }

  /** Ends the sequence once every timestep is answered. */
  close() {
    return new Promise((resolve, reject) => {
      if (this.#over) throw this.#over;
      this.#closing = { resolve, reject };
      this.#write();
    });
  }
}
