"use strict";
(() => {
  const all = (where, what) => [...where.querySelectorAll(what)];
  const STEP = 200;

  // Filter and length: each section shows those of its rows that match, so many at a time.
  const form = document.getElementById("filter");
  form.hidden = false;
  const sections = all(document, "[data-filtered]").map((section) => {
    const rows = all(section, "tbody > tr, .grid > figure");
    for (const row of rows) row.classList.remove("rest");
    const more = document.createElement("button");
    more.type = "button";
    more.className = "more";
    const found = { section, rows, more, shown: STEP, texts: null };
    more.addEventListener("click", () => { found.shown += 5 * STEP; show(found); });
    section.append(more);
    return found;
  });
  const wanted = () => {
    const chosen = ["model", "data", "metric"].map((name) => [name, form.elements[name].value]);
    const words = form.elements.words.value.toLowerCase().split(/\s+/).filter(Boolean);
    return { chosen: chosen.filter(([, value]) => value), words };
  };
  const show = (found) => {
    const { chosen, words } = wanted();
    let n = 0;
    // Read when somebody first looks for words.
    if (words.length && !found.texts) found.texts = found.rows.map((row) => row.textContent.toLowerCase());
    found.rows.forEach((row, at) => {
      const fits = chosen.every(([name, value]) => !(name in row.dataset) || row.dataset[name] === value)
        && words.every((word) => found.texts[at].includes(word));
      if (fits) n += 1;
      row.hidden = !fits || n > found.shown;
    });
    const left = n - found.shown;
    found.more.hidden = left <= 0;
    found.more.textContent = `Show ${Math.min(left, 5 * STEP).toLocaleString("en")} more`;
    found.section.querySelector(".count").textContent =
      `${Math.min(n, found.shown).toLocaleString("en")} of ${found.rows.length.toLocaleString("en")} shown.`;
  };
  const showAll = () => sections.forEach((found) => { found.shown = STEP; show(found); });
  let waiting = 0;
  form.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(showAll, 60); });
  form.addEventListener("reset", () => setTimeout(showAll));
  form.addEventListener("submit", (event) => event.preventDefault());
  for (const row of all(document, "tr.rest")) row.classList.remove("rest");
  showAll();
  // On paper there is everything.
  let hidden = [];
  addEventListener("beforeprint", () => {
    hidden = all(document, "tr[hidden], figure[hidden], details:not([open])");
    for (const each of hidden) { each.hidden = false; if ("open" in each) each.open = true; }
  });
  addEventListener("afterprint", () => {
    for (const each of hidden) { if ("open" in each) each.open = false; else each.hidden = true; }
  });

  // Sorting: numbers as numbers, and what is none of them last.
  const key = (text) => { const value = parseFloat(text); return Number.isNaN(value) ? null : value; };
  document.addEventListener("click", (event) => {
    const button = event.target.closest(".sort");
    if (!button) return;
    const head = button.closest("th"), table = button.closest("table"), body = table.tBodies[0];
    const at = head.cellIndex, numeric = head.classList.contains("n");
    const up = head.getAttribute("aria-sort") !== "ascending";
    const rows = [...body.rows].map((row) => {
      const text = row.cells[at].textContent.trim();
      return { row, text, value: numeric ? key(text) : null };
    });
    const order = up ? 1 : -1;
    rows.sort((a, b) => {
      if (numeric && (a.value === null || b.value === null)) return (a.value === null) - (b.value === null);
      if (numeric) return order * (a.value - b.value);
      return order * a.text.localeCompare(b.text, "en", { numeric: true });
    });
    body.append(...rows.map(({ row }) => row));
    for (const each of all(table, "[aria-sort]")) each.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
    const found = sections.find(({ section }) => section.contains(table));
    if (found) {
      found.rows = [...body.rows];
      found.texts = null;
      show(found);
    }
  });

  // A picture, large.
  const dialog = document.getElementById("large"), place = document.getElementById("large-picture");
  let current = null;
  const enlarge = (button) => {
    current = button;
    const copy = button.firstElementChild.cloneNode(true);
    place.className = copy.tagName === "IMG" ? "white" : "";
    place.replaceChildren(copy);
    document.getElementById("large-title").textContent = button.dataset.title;
    if (!dialog.open) dialog.showModal();
  };
  const go = (by) => {
    const seen = all(document, ".grow").filter((each) => each.offsetParent !== null);
    const next = seen[seen.indexOf(current) + by];
    if (next) enlarge(next);
  };
  document.addEventListener("click", (event) => {
    const button = event.target.closest(".grow");
    if (button) enlarge(button);
  });
  document.getElementById("previous").addEventListener("click", () => go(-1));
  document.getElementById("next").addEventListener("click", () => go(1));
  document.getElementById("close").addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  dialog.addEventListener("keydown", (event) => {
    if (event.key === "ArrowLeft") go(-1);
    if (event.key === "ArrowRight") go(1);
  });
  dialog.addEventListener("close", () => { if (current) current.focus(); });

  // Two trainings, side by side.
  const source = document.getElementById("facts");
  if (!source) return;
  const facts = JSON.parse(source.textContent), trainings = facts.trainings, ids = Object.keys(trainings);
  const left = document.getElementById("left"), right = document.getElementById("right");
  for (const select of [left, right]) {
    for (const id of ids) select.append(new Option(trainings[id].title, id));
  }
  right.selectedIndex = 1;
  const line = (kind, ...texts) => {
    const row = document.createElement("tr");
    row.append(...texts.map((text) => {
      const cell = document.createElement(kind);
      if (kind === "th") cell.scope = "col";
      cell.textContent = text;
      return cell;
    }));
    return row;
  };
  const compare = () => {
    const a = trainings[left.value], b = trainings[right.value], table = document.getElementById("beside");
    table.tHead.replaceChildren(line("th", "what", a.title, b.title));
    const rows = [];
    for (const part of ["settings", "values"]) {
      facts[part].forEach((name, at) => {
        const [one, other] = [a[part][at], b[part][at]];
        if (!(one || other) || (part === "settings" && one === other)) return;
        const row = line("td", name, one, other);
        if (one !== other) row.className = "differs";
        rows.push(row);
      });
    }
    table.tBodies[0].replaceChildren(...rows);
    const curves = [left.value, right.value].map((id) => {
      const found = document.querySelector(`#t${id} .curve`), box = document.createElement("div");
      if (found) { const copy = found.cloneNode(true); copy.classList.add("in-pair"); box.append(copy); }
      return box;
    });
    const figures = (id) => all(document, "#pictures figure").filter((each) => each.dataset.training === id);
    const [ours, theirs] = [figures(left.value), figures(right.value)];
    const metrics = [...new Set([...ours, ...theirs].map((each) => each.dataset.metric))];
    const pairs = metrics.flatMap((metric) => {
      const [one, other] = [ours, theirs].map((list) => list.filter((each) => each.dataset.metric === metric));
      return Array.from({ length: Math.max(one.length, other.length) }, (_, at) => [one[at], other[at]]).flat();
    });
    const copies = pairs.map((each) => {
      if (!each) return document.createElement("div");
      const copy = each.cloneNode(true);
      copy.removeAttribute("id");
      copy.hidden = false;
      return copy;
    });
    document.getElementById("pair").replaceChildren(...curves, ...copies);
  };
  left.addEventListener("change", compare);
  right.addEventListener("change", compare);
  compare();
})();
