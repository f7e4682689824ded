// The scores of one image: methods by metrics, best and second best marked.

function textOf(value, digits) {
  if (typeof value !== "number") {
    return "–";
  }
  const text = value.toFixed(digits);
  return Number(text) === 0 ? text.replace("-", "") : text;
}

// As in the leaderboard: by the printed digits, equal ones share a mark.
function marksOf(values, metric) {
  const printed = values.map((value) => (typeof value === "number" ? Number(value.toFixed(metric.digits)) : null));
  const distinct = [...new Set(printed.filter((value) => value !== null))];
  distinct.sort((a, b) => (metric.better === "higher" ? b - a : a - b));
  return printed.map((value) => (value === null ? "gap" : ["best", "second"][distinct.indexOf(value)] ?? ""));
}

function headerOf(label, sort, title) {
  const button = make("button", { type: "button", "data-sort": sort, title }, label);
  return make("th", { scope: "col", "aria-sort": "none", class: sort === "text" ? "name" : "number" }, button);
}

function cellOf(value, mark, metric) {
  const number = typeof value === "number";
  const attributes = { class: `number ${mark}`, "data-value": number ? value : "", title: number ? null : value };
  return make("td", attributes, textOf(value, metric.digits));
}

function showScores(table, methods, metrics, values) {
  const sorted = all("th[aria-sort]", table).findIndex((header) => header.getAttribute("aria-sort") !== "none");
  const direction = sorted < 0 ? null : table.tHead.rows[0].cells[sorted].getAttribute("aria-sort");
  const marks = metrics.map((metric, m) => marksOf(values[m], metric));
  const head = make("tr", {}, headerOf("Method", "text"), ...metrics.map((metric) =>
    headerOf(`${metric.name} ${metric.arrow}`, metric.better, `${metric.title}, ${metric.better} is better`)));
  const rows = methods.map((method, r) => make(
    "tr", { class: method.kind === "trivial" ? "trivial" : "" },
    make("th", { scope: "row", class: "name" }, method.label),
    ...metrics.map((metric, m) => cellOf(values[m][r], marks[m][r], metric)),
  ));
  const caption = make("caption", {}, "Scores of this image");
  table.replaceChildren(caption, make("thead", {}, head), make("tbody", {}, ...rows));
  startSorting(table);
  if (direction && sorted <= metrics.length) {
    const kind = sorted === 0 ? "text" : metrics[sorted - 1].better;
    sortRows(table, sorted, kind, direction);
  }
}
