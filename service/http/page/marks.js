// Elements of the page and of its charts.

const SVG = "http://www.w3.org/2000/svg";

export function byId(id) {
  return document.getElementById(id);
}

// Touches the page only where it has changed.
export function tell(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export function element(name, attributes = {}, ...children) {
  return filled(document.createElement(name), attributes, children);
}

export function mark(name, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, name), attributes, children);
}

// A drawing in the units of the screen; `draw` gets its width and height.
export function drawn(parent, draw) {
  const { clientWidth: width, clientHeight: height } = parent;
  if (!width || !height) return;
  const picture = mark("svg", { viewBox: `0 0 ${width} ${height}` });
  picture.append(...draw(width, height));
  parent.replaceChildren(picture);
}

function filled(made, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined) made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}
