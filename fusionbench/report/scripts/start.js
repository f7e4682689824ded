// What is shown follows from the chosen data set and profile; without this script the page shows every table.

function startPicker(gallery) {
  const form = one("[data-picker]");
  const chosen = (name) => new FormData(form).get(name);

  function show() {
    const group = chosen("group");
    const boards = all(".board").filter((board) => board.dataset.group === group);
    const board = boards.find((entry) => entry.dataset.profile === chosen("profile")) ?? boards[0];
    all(".board").forEach((entry) => { entry.hidden = entry !== board; });
    all(".note[data-group]").forEach((note) => { note.hidden = note.dataset.group !== group; });
    gallery.show(group, board.dataset.profile);
  }

  form.addEventListener("change", show);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.hidden = all("input", form).length <= 2 && all("[name=group]", form).length === 1;
  show();
}

function startFigures() {
  for (const figures of all("[data-figures]")) {
    one("[data-close]", figures).addEventListener("change", (event) => {
      figures.classList.toggle("close", event.target.checked);
    });
  }
}

document.documentElement.classList.add("scripted");
startTables();
startFigures();
startPicker(makeGallery(one("[data-gallery]")));
// whoever prints wants the closed parts, too
window.addEventListener("beforeprint", () => all("details").forEach((part) => { part.open = true; }));
