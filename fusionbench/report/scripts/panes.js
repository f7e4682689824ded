// The sources and all methods' images side by side.

function pictureOf(data, image, column) {
  const text = image.pictures[column];
  return text === null ? null : `data:${data.mime};base64,${text}`;
}

// What a downstream task's network predicted on a picture; null where nothing is to be drawn.
function drawnOf(data, image, column, task) {
  const text = data.drawn[data.images.indexOf(image)]?.[task]?.[column];
  return text ? `data:image/png;base64,${text}` : null;
}

function paneOf(data, image, column, task) {
  const { label, kind } = data.columns[column];
  const frame = make("div", { class: "frame", style: `aspect-ratio: ${image.size[0]} / ${image.size[1]}` });
  const source = pictureOf(data, image, column);
  if (source === null) {
    frame.append(make("span", { class: "absent" }, "no image"));
  } else {
    frame.append(make("img", { src: source, alt: `${label}, image ${image.id}`, draggable: "false" }));
    const drawn = drawnOf(data, image, column, task);
    if (drawn !== null) {
      frame.append(make("img", { class: "drawn", src: drawn, alt: "", draggable: "false" }));
    }
  }
  const value = make("span", { class: "value", "data-value-of": column });
  const caption = make("figcaption", {}, make("span", { class: "label", title: label }, label), value);
  return make("figure", { class: `pane kind-${kind === "source" ? "source" : "method"}`, "data-column": column }, frame, caption);
}

// A source that is absent has no pane; a method's missing image does, because that is a result.
function showPanes(box, data, image, task) {
  const columns = data.columns.map((_, i) => i);
  const shown = columns.filter((i) => data.columns[i].kind !== "source" || image.pictures[i] !== null);
  box.replaceChildren(...shown.map((i) => paneOf(data, image, i, task)));
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

// The classes of a task with their colors, or why nothing is drawn on this image.
function showKey(list, data, image, task) {
  const chosen = data.tasks[task];
  const drawn = chosen && data.drawn[data.images.indexOf(image)][task].some((text) => text !== null);
  const entries = drawn ? chosen.key : [];
  list.replaceChildren(...entries.map(({ name, color }) => (
    make("li", {}, make("span", { class: "patch", style: `background: ${color}` }), name)
  )));
  if (chosen && !drawn) {
    list.replaceChildren(make("li", {}, "This image is none of the task's test images."));
  }
  list.hidden = !chosen;
}
