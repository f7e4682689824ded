// Choose an image; see it in all methods' results, with its scores.

function makeGallery(box) {
  const parts = {
    list: one("[data-list]", box), order: one("[data-order]", box), metric: one("[data-metric]", box),
    title: one("[data-title]", box), panes: one("[data-panes]", box), wipe: one("[data-wipe]", box),
    scale: one("[data-scale]", box), single: one("[data-single]", box),
    drawn: one("[data-drawn]", box), key: one("[data-key]", box),
  };
  const state = { data: null, board: null, image: null, order: [] };
  const view = makeView((at) => {
    for (const picture of all(".frame img", box)) {
      picture.style.transform = transformOf(at);
      picture.classList.toggle("pixels", at.zoom >= 4);
    }
    parts.scale.textContent = `${Math.round(at.zoom * 100)} %`;
    box.classList.toggle("zoomed", at.zoom > 1);
  });
  const wipe = makeWipe(parts.wipe);

  function showValue() {
    const number = Number(parts.metric.value);
    const metric = state.board.metrics[number];
    const values = metric ? state.board.values[state.data.images.indexOf(state.image)][number] : [];
    showValues(parts.panes, metric, values);
  }

  function showImage(image) {
    state.image = image;
    const number = state.data.images.indexOf(image);
    markChosen(parts.list, number);
    parts.title.textContent = titleOf(image);
    showPictures();
    showScores(parts.single, state.data.columns.slice(2), state.board.metrics, state.board.values[number]);
    showValue();
  }

  // The pictures of the image, under what the chosen task's networks predicted.
  function showPictures() {
    const task = Number(parts.drawn.value) - 1;
    showPanes(parts.panes, state.data, state.image, task);
    wipe.show(state.data, state.image, task);
    showKey(parts.key, state.data, state.image, task);
    view.refresh();
  }

  function showList() {
    state.order = ordered(state.data.images, parts.order.value);
    parts.list.replaceChildren(...state.order.map((image) => optionOf(state.data, image)));
  }

  function show(key, profile) {
    const same = state.data?.key === key;
    if (!same) {
      state.data = readJson(`${key}-data`);
      view.reset();
    }
    state.board = state.data.boards.find((board) => board.profile === profile) ?? state.data.boards[0];
    box.hidden = state.data.images.length === 0;
    if (!box.hidden) {
      fillSelect(parts.metric, state.board.metrics.map((m) => `${m.name} ${m.arrow}`), Number(parts.metric.value) || 0);
      fillSelect(parts.drawn, ["none", ...state.data.tasks.map((task) => task.title)], Number(parts.drawn.value) || 0);
      parts.drawn.parentElement.hidden = state.data.tasks.length === 0;
      showList();
      showImage(same ? state.image : state.order[0]);
    }
  }

  startList(parts.list, (number) => showImage(state.data.images[number]), () => state);
  parts.order.addEventListener("change", () => {
    showList();
    markChosen(parts.list, state.data.images.indexOf(state.image));
  });
  parts.metric.addEventListener("change", showValue);
  parts.drawn.addEventListener("change", () => {
    showPictures();
    showValue();
  });
  startStage(box, parts, view, wipe);
  return { show };
}

function titleOf(image) {
  const tags = image.tags.length ? `: ${image.tags.map((tag) => TAG_TEXTS[tag]).join(", ")}` : "";
  const reduced = image.size.join() === image.native.join() ? "" : `, shown at ${image.size.join(" × ")}`;
  return `${image.id}${tags}. ${image.native.join(" × ")} pixels${reduced}`;
}

const TAG_TEXTS = {
  best: "among the best scored", worst: "among the worst scored", disputed: "metrics disagree most on the order of the methods",
};

// By tags: the best, the worst, the most disputed, each as chosen; then the others as in the split.
function ordered(images, by) {
  const tags = ["best", "worst", "disputed"];
  const rank = (image) => (image.tags.length ? tags.indexOf(image.tags[0]) : tags.length);
  const sorted = [...images].sort((a, b) => a.place - b.place);
  return by === "tags"
    ? [0, 1, 2, 3].flatMap((r) => (r < 3 ? images : sorted).filter((image) => rank(image) === r))
    : sorted;
}

function optionOf(data, image) {
  const number = data.images.indexOf(image);
  const column = [1, 2, 0].find((i) => image.pictures[i] !== null) ?? image.pictures.findIndex((text) => text !== null);
  const marks = image.tags.map((tag) => make("span", { class: `tag ${tag}` }, tag));
  return make(
    "li", { role: "option", id: `image-${number}`, "data-number": number, "aria-selected": "false" },
    make("img", { src: pictureOf(data, image, column), alt: "" }),
    make("span", { class: "name" }, image.id, ...marks),
  );
}

function markChosen(list, number) {
  for (const option of list.children) {
    const chosen = Number(option.dataset.number) === number;
    option.setAttribute("aria-selected", String(chosen));
    if (chosen) {
      list.setAttribute("aria-activedescendant", option.id);
      scrollWithin(list, option);
    }
  }
}

// Not scrollIntoView, which would move the page too.
function scrollWithin(list, option) {
  const outer = list.getBoundingClientRect();
  const inner = option.getBoundingClientRect();
  list.scrollTop += Math.min(0, inner.top - outer.top) + Math.max(0, inner.bottom - outer.bottom);
  list.scrollLeft += Math.min(0, inner.left - outer.left) + Math.max(0, inner.right - outer.right);
}

function startList(list, choose) {
  const steps = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1, Home: -Infinity, End: Infinity };
  list.addEventListener("click", (event) => {
    const option = event.target.closest("[role=option]");
    if (option) {
      choose(Number(option.dataset.number));
    }
  });
  list.addEventListener("keydown", (event) => {
    if (event.key in steps) {
      event.preventDefault();
      const options = [...list.children];
      const at = options.findIndex((option) => option.getAttribute("aria-selected") === "true");
      const next = options[clamp(at + steps[event.key], 0, options.length - 1)];
      choose(Number(next.dataset.number));
    }
  });
}

function startStage(box, parts, view, wipe) {
  const zooms = { in: () => view.zoomBy(1.5), out: () => view.zoomBy(1 / 1.5), reset: view.reset };
  all("[data-zoom]", box).forEach((button) => button.addEventListener("click", zooms[button.dataset.zoom]));
  const modes = all("[data-mode]", box);
  modes.forEach((button) => button.addEventListener("click", () => {
    modes.forEach((other) => other.setAttribute("aria-pressed", String(other === button)));
    box.dataset.mode = button.dataset.mode;
    parts.panes.hidden = button.dataset.mode !== "grid";
    parts.wipe.hidden = button.dataset.mode !== "wipe";
  }));
  startGestures(parts.panes, view, (target) => target.closest(".frame"));
  startGestures(wipe.frame, view, () => wipe.frame);
}
