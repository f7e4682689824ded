// Two images over each other, divided by a line that a pointer or the arrow keys move.

function makeWipe(box) {
  const frame = one("[data-frame]", box);
  const handle = one("[data-handle]", box);
  const sides = { left: one("[data-side=left]", box), right: one("[data-side=right]", box) };
  const layers = { left: one("[data-layer=left]", box), right: one("[data-layer=right]", box) };
  let shown = null;

  function moveTo(percent) {
    const place = clamp(Math.round(percent * 10) / 10, 0, 100);
    handle.style.left = `${place}%`;
    handle.setAttribute("aria-valuenow", String(place));
    handle.setAttribute("aria-valuetext", `${Math.round(place)} % left image`);
    layers.left.style.clipPath = `inset(0 ${100 - place}% 0 0)`;
  }

  function draw() {
    for (const side of ["left", "right"]) {
      const column = Number(sides[side].value);
      const [picture, drawn] = all("img", layers[side]);
      const source = pictureOf(shown.data, shown.image, column);
      picture.hidden = source === null;
      picture.alt = `${shown.data.columns[column].label}, image ${shown.image.id}`;
      if (source !== null) {
        picture.src = source;
      }
      const predicted = drawnOf(shown.data, shown.image, column, shown.task);
      drawn.hidden = source === null || predicted === null;
      if (!drawn.hidden) {
        drawn.src = predicted;
      }
    }
    const [width, height] = shown.image.size;
    frame.style.aspectRatio = `${width} / ${height}`;
    frame.style.maxWidth = `min(1000px, ${(75 * width / height).toFixed(2)}vh)`;
  }

  // Starts with source b on the left and the first method on the right.
  function show(data, image, task) {
    if (shown?.data !== data) {
      const labels = data.columns.map((column) => column.label);
      fillSelect(sides.left, labels, image.pictures[1] === null ? 3 : 1);
      fillSelect(sides.right, labels, 2);
    }
    shown = { data, image, task };
    draw();
  }

  startHandle(frame, handle, moveTo);
  sides.left.addEventListener("change", draw);
  sides.right.addEventListener("change", draw);
  moveTo(50);
  return { show, frame };
}

const STEPS = { ArrowLeft: -2, ArrowDown: -2, ArrowRight: 2, ArrowUp: 2, PageDown: -10, PageUp: 10, Home: -100, End: 100 };

function startHandle(frame, handle, moveTo) {
  const follow = (event) => moveTo(100 * placeIn(frame, event)[0]);
  handle.addEventListener("pointerdown", (event) => {
    handle.setPointerCapture(event.pointerId);
    follow(event);
  });
  handle.addEventListener("pointermove", (event) => {
    if (handle.hasPointerCapture(event.pointerId)) {
      follow(event);
    }
  });
  handle.addEventListener("keydown", (event) => {
    if (event.key in STEPS) {
      event.preventDefault();
      moveTo(Number(handle.getAttribute("aria-valuenow")) + STEPS[event.key]);
    }
  });
}
