// Sorting by a click on a header, filtering by text and kind.

function valueOf(row, column, kind) {
  const cell = row.cells[column];
  if (kind === "text") {
    return cell.textContent.trim();
  }
  return cell.dataset.value === "" ? null : Number(cell.dataset.value);
}

// Rows without a value stay at the end whichever way the column is sorted.
function compareValues(a, b, sign) {
  if (a === null || b === null) {
    return (a === null) - (b === null);
  }
  const order = typeof a === "string" ? a.localeCompare(b, "en", { numeric: true }) : a - b;
  return sign * order;
}

function sortRows(table, column, kind, direction) {
  const sign = direction === "ascending" ? 1 : -1;
  const body = table.tBodies[0];
  const keyed = [...body.rows].map((row) => ({ row, value: valueOf(row, column, kind) }));
  keyed.sort((a, b) => compareValues(a.value, b.value, sign));
  body.append(...keyed.map((entry) => entry.row));
  [...table.tHead.rows[0].cells].forEach((header, i) => {
    header.setAttribute("aria-sort", i === column ? direction : "none");
  });
}

// The first click shows the best on top, the second turns the order round.
function nextDirection(header, kind) {
  const first = kind === "higher" ? "descending" : "ascending";
  const other = first === "ascending" ? "descending" : "ascending";
  return header.getAttribute("aria-sort") === first ? other : first;
}

function startSorting(table) {
  table.tHead?.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-sort]");
    if (button) {
      const header = button.closest("th");
      const kind = button.dataset.sort;
      sortRows(table, header.cellIndex, kind, nextDirection(header, kind));
    }
  });
}

function startFilter(box) {
  const text = one("[data-filter]", box);
  const kind = one("[data-kind]", box);
  const status = one("[data-status]", box);
  const rows = all("tbody tr", box);
  const apply = () => {
    const words = text.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const row of rows) {
      const name = row.dataset.name.toLowerCase();
      const fits = words.every((word) => name.includes(word));
      row.hidden = !fits || (kind.value !== "" && row.dataset.kind !== kind.value);
    }
    const shown = rows.filter((row) => !row.hidden).length;
    status.textContent = shown === rows.length ? "" : `${shown} of ${rows.length} methods shown`;
  };
  text.addEventListener("input", apply);
  kind.addEventListener("change", apply);
}

function startTables() {
  all("table").filter((table) => one("[data-sort]", table)).forEach(startSorting);
  all(".leaderboard").forEach(startFilter);
}
