// One zoom and one position for all images. x and y are in parts of an image's own size, so that images shown at
// different sizes move together.

const LARGEST = 32;

function makeView(onChange) {
  const view = { zoom: 1, x: 0, y: 0 };

  function set(zoom, x, y) {
    view.zoom = clamp(zoom, 1, LARGEST);
    view.x = clamp(x, 1 - view.zoom, 0);
    view.y = clamp(y, 1 - view.zoom, 0);
    onChange(view);
  }

  // The point at (u, v), in parts of the frame, stays where it is.
  function zoomBy(factor, u = 0.5, v = 0.5) {
    const zoom = clamp(view.zoom * factor, 1, LARGEST);
    const scale = zoom / view.zoom;
    set(zoom, u - (u - view.x) * scale, v - (v - view.y) * scale);
  }

  return {
    state: view,
    zoomBy,
    moveBy: (x, y) => set(view.zoom, view.x + x, view.y + y),
    reset: () => set(1, 0, 0),
    refresh: () => onChange(view),
  };
}

function transformOf(view) {
  return `translate(${(view.x * 100).toFixed(3)}%, ${(view.y * 100).toFixed(3)}%) scale(${view.zoom.toFixed(4)})`;
}

const MOVES = { ArrowLeft: [0.1, 0], ArrowRight: [-0.1, 0], ArrowUp: [0, 0.1], ArrowDown: [0, -0.1] };

function startKeys(box, view) {
  box.addEventListener("keydown", (event) => {
    if (event.target.closest("[role=slider]") || event.ctrlKey || event.metaKey || event.altKey) {
      return;
    }
    if (event.key === "+" || event.key === "=") {
      view.zoomBy(1.25);
    } else if (event.key === "-" || event.key === "_") {
      view.zoomBy(0.8);
    } else if (event.key === "0") {
      view.reset();
    } else if (MOVES[event.key] && view.state.zoom > 1) {
      view.moveBy(...MOVES[event.key]);
    } else {
      return;
    }
    event.preventDefault();
  });
}

function placeIn(frame, point) {
  const box = frame.getBoundingClientRect();
  return [(point.clientX - box.left) / box.width, (point.clientY - box.top) / box.height];
}

// Zooming out of a whole image scrolls the page instead, so that nobody is held back by an image.
function startWheel(box, view, frameAt) {
  box.addEventListener("wheel", (event) => {
    const frame = frameAt(event.target);
    if (!frame || (event.deltaY > 0 && view.state.zoom === 1)) {
      return;
    }
    event.preventDefault();
    view.zoomBy(Math.exp(-clamp(event.deltaY, -120, 120) / 500), ...placeIn(frame, event));
  }, { passive: false });
}

// One pointer moves, two pinch. The frame in which the gesture began is the measure.
function startPointers(box, view, frameAt) {
  const down = new Map();
  let frame = null;

  box.addEventListener("pointerdown", (event) => {
    frame = event.target.closest("[role=slider]") ? null : frameAt(event.target);
    if (frame && event.button === 0) {
      down.set(event.pointerId, event);
      box.setPointerCapture(event.pointerId);
    }
  });
  box.addEventListener("pointermove", (event) => {
    const before = down.get(event.pointerId);
    if (!before) {
      return;
    }
    const points = [...down.values()];
    down.set(event.pointerId, event);
    const size = frame.getBoundingClientRect();
    const share = 1 / points.length;
    view.moveBy(
      (share * (event.clientX - before.clientX)) / size.width,
      (share * (event.clientY - before.clientY)) / size.height,
    );
    if (points.length === 2) {
      pinch(view, frame, points, [...down.values()]);
    }
  });
  for (const name of ["pointerup", "pointercancel"]) {
    box.addEventListener(name, (event) => down.delete(event.pointerId));
  }
}

function pinch(view, frame, before, after) {
  const distance = ([p, q]) => Math.hypot(p.clientX - q.clientX, p.clientY - q.clientY);
  const middle = {
    clientX: (after[0].clientX + after[1].clientX) / 2,
    clientY: (after[0].clientY + after[1].clientY) / 2,
  };
  if (distance(before) > 0) {
    view.zoomBy(distance(after) / distance(before), ...placeIn(frame, middle));
  }
}

function startGestures(box, view, frameAt) {
  startKeys(box, view);
  startWheel(box, view, frameAt);
  startPointers(box, view, frameAt);
}
