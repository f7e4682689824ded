// The sources and all methods' images side by side.

function pictureOf(data, image, column) {
  const text = image.pictures[column];
  return text === null ? null : `data:${data.mime};base64,${text}`;
}

function paneOf(data, image, column) {
  const { label, kind } = data.columns[column];
  const frame = make("div", { class: "frame", style: `aspect-ratio: ${image.size[0]} / ${image.size[1]}` });
  const source = pictureOf(data, image, column);
  if (source === null) {
    frame.append(make("span", { class: "absent" }, "no image"));
  } else {
    frame.append(make("img", { src: source, alt: `${label}, image ${image.id}`, draggable: "false" }));
  }
  const value = make("span", { class: "value", "data-value-of": column });
  const caption = make("figcaption", {}, make("span", { class: "label", title: label }, label), value);
  return make("figure", { class: `pane kind-${kind === "source" ? "source" : "method"}`, "data-column": column }, frame, caption);
}

// A source that is absent has no pane; a method's missing image does, because that is a result.
function showPanes(box, data, image) {
  const columns = data.columns.map((_, i) => i);
  const shown = columns.filter((i) => data.columns[i].kind !== "source" || image.pictures[i] !== null);
  box.replaceChildren(...shown.map((i) => paneOf(data, image, i)));
}

// The chosen metric's value under each method's image.
function showValues(box, metric, values) {
  const marks = metric ? marksOf(values, metric) : [];
  for (const span of all("[data-value-of]", box)) {
    const row = Number(span.dataset.valueOf) - 2;
    const value = row < 0 || !metric ? "" : values[row];
    span.textContent = row < 0 || !metric ? "" : `${metric.name} ${textOf(value, metric.digits)}`;
    span.className = `value ${marks[row] ?? ""}`;
  }
}
