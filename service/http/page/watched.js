// The stream whose outputs are drawn: they come a few at a time, and are put together here.

import { colour, dashed, outputs } from "./charts.js";
import { named } from "./columns.js";
import { output } from "./format.js";
import { byId, element, tell } from "./marks.js";

const MOST_STEPS = 512;

export class Watched {
  constructor(namespace, id) {
    this.namespace = namespace;
    this.id = id;
    this.line = null;
    this.gone = false;
    this.seen = false;
  }

  get asked() {
    return { namespace: this.namespace, id: this.id, after: this.line?.steps.at(-1) ?? -1 };
  }

  take(line) {
    this.gone = line === null;
    if (line === null) return;
    const former = this.line;
    const anew = !former || former.model !== line.model || line.next_step <= former.steps.at(-1);
    if (anew && former) {
      this.line = null;
      return;
    }
    const joined = (before, after) => [...before, ...after].slice(-MOST_STEPS);
    this.line = {
      ...line,
      steps: joined(former?.steps ?? [], line.steps),
      values: line.names.map((_, place) =>
        joined(former?.values[place] ?? [], line.values[place] ?? []),
      ),
    };
  }

  show() {
    tell(byId("watched-title"), named(this));
    tell(byId("watched-model"), this.gone ? "this stream has ended" : (this.line?.model ?? ""));
    if (!this.line) return;
    outputs(byId("line"), this.line);
    const more = this.line.features - this.line.names.length;
    const names = this.line.names.map((name, place) =>
      element(
        "li",
        {},
        swatch(place),
        name,
        element("b", {}, this.line.values[place].length ? output(this.line.values[place].at(-1)) : ""),
      ),
    );
    if (more > 0) names.push(element("li", { class: "quiet" }, `and ${more} more`));
    byId("legend").replaceChildren(...names);
    // Only then is it as high as it will be.
    if (!this.seen) byId("outputs").scrollIntoView({ block: "nearest" });
    this.seen = true;
  }
}

function swatch(place) {
  const made = element("span", { class: dashed(place) ? "swatch hollow" : "swatch" });
  made.style.color = colour(place);
  return made;
}
