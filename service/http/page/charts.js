// The charts: rates over time, histograms, and the outputs of a stream.

import { amount, output, seconds } from "./format.js";
import { drawn, mark } from "./marks.js";

const COLOURS = 8;

export function colour(place) {
  return `var(--series-${(place % COLOURS) + 1})`;
}

// Whether its colour is another's, too.
export function dashed(place) {
  return place >= COLOURS;
}

// `values`: the newest last, one each `interval` seconds, of which there is room for `most`.
export function rates(parent, values, interval, most) {
  drawn(parent, (width, height) => {
    const bottom = height - 16;
    const highest = Math.max(...values, 1);
    const x = (place) => width - ((values.length - 1 - place) * width) / (most - 1);
    const y = (value) => bottom - (value / highest) * (bottom - 4);
    const minutes = Math.round((most * interval) / 60);
    const marks = [
      rule(0, width, bottom),
      label(0, height - 2, `${minutes} min ago`, "start"),
      label(width, height - 2, `highest ${amount(Math.max(...values, 0))}`, "end"),
    ];
    if (values.length < 2) return marks;
    const path = trace(values.map((value, place) => [x(place), y(value)]));
    const floor = `L${width},${bottom}L${x(0).toFixed(1)},${bottom}Z`;
    marks.push(mark("path", { d: path + floor, class: "area", fill: colour(1) }));
    marks.push(mark("path", { d: path, class: "trace", stroke: colour(1) }));
    return marks;
  });
}

// Times, each of `series` as shares of its own counts. Bounds are named at powers of ten.
export function times(parent, bounds, series) {
  const places = bounds.flatMap((bound, place) => (isPowerOfTen(bound) ? [place] : []));
  const named = (place) => seconds(bounds[place]).replace(/\.0+/, "");
  histogram(parent, bounds, series.map(shares), series.map((_, which) => colour(which)), places, named);
}

export function sizes(parent, bounds, counts) {
  const places = bounds.flatMap((_, place) => (place % 2 ? [] : [place]));
  histogram(parent, bounds, [shares(counts)], [colour(1)], places, (place) => bounds[place]);
}

// A bar for each bound, as high as its share beside the highest.
function histogram(parent, bounds, series, colours, places, named) {
  drawn(parent, (width, height) => {
    const bottom = height - 16;
    const room = width / bounds.length;
    const thick = (room * 0.78) / series.length;
    const highest = Math.max(...series.flat(), 1e-9);
    const reach = (place) =>
      place < bounds.length - 1 ? `up to ${named(place)}` : `beyond ${named(place - 1)}`;
    const marks = [rule(0, width, bottom)];
    series.forEach((bars, which) => {
      bars.forEach((share, place) => {
        if (!share) return;
        const tall = Math.max(1.5, (share / highest) * (bottom - 4));
        const left = place * room + room * 0.11 + which * thick;
        const title = mark("title", {}, `${reach(place)}: ${(100 * share).toFixed(1)} %`);
        marks.push(bar(left, bottom - tall, thick - 0.5, tall, colours[which], title));
      });
    });
    const longest = Math.max(...places.map((place) => String(named(place)).length));
    const every = Math.ceil((places.length * (longest * 6 + 10)) / width);
    for (const place of places.filter((_, at) => at % every === 0)) {
      marks.push(label((place + 0.5) * room, height - 2, named(place), "middle"));
    }
    return marks;
  });
}

// The last count is of what lies beyond all bounds; it is shown with the one before.
function shares(counts) {
  const all = counts.reduce((sum, each) => sum + each, 0);
  const bars = counts.slice(0, -1);
  bars[bars.length - 1] += counts.at(-1);
  return bars.map((each) => (all ? each / all : 0));
}

function isPowerOfTen(value) {
  const power = Math.log10(value);
  return Math.abs(power - Math.round(power)) < 1e-6;
}

// `line`: steps, and for each feature its values.
export function outputs(parent, line) {
  drawn(parent, (width, height) => {
    const left = 52;
    const bottom = height - 18;
    const flat = line.values.flat();
    if (!flat.length) return [label(width / 2, height / 2, "no output yet", "middle")];
    const [low, high] = spread(Math.min(...flat), Math.max(...flat));
    const first = line.steps[0];
    const last = Math.max(line.steps.at(-1), first + 1);
    const x = (step) => left + ((step - first) * (width - left - 4)) / (last - first);
    const y = (value) => bottom - ((value - low) / (high - low)) * (bottom - 8);
    const marks = [];
    for (const value of ticks(low, high)) {
      marks.push(rule(left, width, y(value)));
      marks.push(label(left - 8, y(value) + 4, output(value), "end"));
    }
    marks.push(label(left, height - 2, `step ${first}`, "start"));
    marks.push(label(width - 4, height - 2, `step ${line.steps.at(-1)}`, "end"));
    line.values.forEach((values, place) => {
      const points = values.map((value, at) => [x(line.steps[at]), y(value)]);
      const dashes = dashed(place) ? "5 3" : null;
      const look = { class: "trace", stroke: colour(place), "stroke-dasharray": dashes };
      marks.push(mark("path", { d: trace(points), ...look }));
      const [lastX, lastY] = points.at(-1);
      marks.push(mark("circle", { cx: lastX, cy: lastY, r: 2.6, fill: colour(place) }));
    });
    return marks;
  });
}

function trace(points) {
  return points
    .map(([x, y], place) => `${place ? "L" : "M"}${x.toFixed(1)},${y.toFixed(1)}`)
    .join("");
}

function rule(from, to, y) {
  return mark("line", { x1: from, x2: to, y1: y, y2: y, class: "grid" });
}

function bar(x, y, width, height, fill, title) {
  const [left, top, wide, tall] = [x, y, width, height].map((each) => each.toFixed(1));
  return mark("rect", { x: left, y: top, width: wide, height: tall, rx: 1, fill }, title);
}

function label(x, y, text, anchor) {
  return mark("text", { x, y, "text-anchor": anchor }, text);
}

function spread(low, high) {
  const room = high > low ? (high - low) * 0.06 : Math.max(Math.abs(high) * 0.1, 0.5);
  return [low - room, high + room];
}

// Round numbers between the two, three to seven; fewer where numbers as large lie further apart.
export function ticks(low, high) {
  const rough = (high - low) / 6;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((each) => each >= rough);
  const first = Math.ceil(low / step);
  const length = Math.floor(high / step) - first + 1;
  const found = Array.from({ length }, (_, place) => (first + place) * step);
  return [...new Set(found)].filter((value) => value >= low && value <= high);
}
