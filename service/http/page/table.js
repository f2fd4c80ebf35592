// A table whose rows stay the same elements while what they say changes, so that a row can be
// clicked, and keeps the focus, while it moves.

import { element, tell } from "./marks.js";

// `columns`: {title, text, sort, value(row), meaning}. The first column's cell is a button.
export class Table {
  constructor(parent, columns, { key, choose, sort }) {
    this.columns = columns;
    this.key = key;
    this.choose = choose;
    this.rows = new Map();
    this.heads = columns.map((column) => head(column, sort));
    this.body = element("tbody");
    this.body.addEventListener("keydown", stepped);
    parent.replaceChildren(element("thead", {}, element("tr", {}, ...this.heads)), this.body);
  }

  // `chosen`: the key of a row, or null; `sorted`: {sort, descending} or null.
  show(rows, chosen, sorted = null) {
    const kept = new Map();
    const focused = document.activeElement;
    rows.forEach((row, place) => {
      const key = this.key(row);
      const line = this.rows.get(key) ?? this.made();
      line.row = row;
      line.element.classList.toggle("chosen", key === chosen);
      line.cells[0].setAttribute("aria-pressed", key === chosen);
      this.columns.forEach((column, at) => tell(line.cells[at], column.value(row)));
      kept.set(key, line);
      if (this.body.children[place] !== line.element) {
        this.body.insertBefore(line.element, this.body.children[place] ?? null);
      }
    });
    for (const [key, line] of this.rows) if (!kept.has(key)) line.element.remove();
    this.rows = kept;
    // What is moved loses the focus.
    if (this.body.contains(focused)) focused.focus({ preventScroll: true });
    this.columns.forEach((column, at) => marked(this.heads[at], column, sorted));
  }

  focus(key) {
    this.rows.get(key)?.cells[0].focus();
  }

  without(titles) {
    this.columns.forEach((column, at) => {
      this.heads[at].hidden = titles.includes(column.title);
      for (const { element: line } of this.rows.values()) {
        line.children[at].hidden = this.heads[at].hidden;
      }
    });
  }

  made() {
    const cells = this.columns.map((_, at) => element(at ? "span" : "button"));
    const line = { cells, row: null };
    line.element = element(
      "tr",
      {},
      ...cells.map((cell, at) => element("td", { class: this.columns[at].text ? "text" : null }, cell)),
    );
    line.element.addEventListener("click", () => this.choose(line.row));
    return line;
  }
}

// Up and down go from row to row.
function stepped(event) {
  const line = event.target.closest("tr");
  const ways = { ArrowUp: line.previousElementSibling, ArrowDown: line.nextElementSibling };
  if (!ways[event.key]) return;
  event.preventDefault();
  ways[event.key].querySelector("button").focus();
}

function head(column, sort) {
  const attributes = { scope: "col", class: column.text ? "text" : null, title: column.meaning };
  if (!column.sort) return element("th", attributes, column.title);
  const button = element("button", {}, column.title);
  button.addEventListener("click", () => sort(column.sort));
  return element("th", attributes, button);
}

function marked(cell, column, sorted) {
  if (sorted && column.sort === sorted.sort) {
    cell.setAttribute("aria-sort", sorted.descending ? "descending" : "ascending");
  } else {
    cell.removeAttribute("aria-sort");
  }
}
