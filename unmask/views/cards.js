// Shows what is known of the cell one points at. A click pins it, so that the pointer may move on; arrow keys walk.
(() => {
  const cells = [...document.querySelectorAll("[data-cell]")];
  const panel = document.querySelector(".cards");
  const template = document.querySelector("#card");
  const forms = {
    percent: (value) => (value < 1e-6 ? "< 0.0001" : value < 0.1 ? short(100 * value) : (100 * value).toFixed(1)) + " %",
    place: (value) => (value + 1).toLocaleString("en"),
    nats: (value) => value.toFixed(2),
    text: (value) => visible(String(value)),
  };
  let pinned = false;

  function short(value) {
    return String(Number(value.toPrecision(2)));
  }

  function visible(token) {
    const marks = { "\n": "⏎", "\r": "⏎", "\t": "⇥" };
    const ends = token.replace(/^\s+|\s+$/g, (blanks) => [...blanks].map((each) => marks[each] || "␣").join(""));
    return ends.replace(/[\p{Cc}\p{Cf}]/gu, (each) => `U+${each.codePointAt(0).toString(16).toUpperCase()}`) || "∅";
  }

  function row(each, own) {
    const line = document.createElement("li");
    const bar = document.createElement("i");
    bar.style.width = `${100 * each.probability}%`;
    for (const [kind, text] of [["name", visible(each.token)], ["value", forms.percent(each.probability)]]) {
      const part = document.createElement("span");
      part.className = kind;
      part.textContent = text;
      line.append(part);
    }
    line.classList.toggle("own", own);
    line.insertBefore(document.createElement("span"), line.lastChild).append(bar);
    return line;
  }

  function card(reading) {
    const shown = template.content.cloneNode(true);
    for (const field of shown.querySelectorAll("[data-field]")) {
      field.textContent = forms[field.dataset.form](reading[field.dataset.field]);
    }
    const list = shown.querySelector("ol");
    for (const each of reading.best) list.append(row(each, each.id === reading.id));
    return shown;
  }

  function show(cell) {
    for (const each of cells) each.classList.toggle("chosen", each === cell);
    panel.replaceChildren(...cell.dataset.cell.split(" ").map((index) => card(window.view.readings[index])));
  }

  function pin(cell) {
    pinned = !(pinned && cell.classList.contains("chosen"));
    show(cell);
  }

  cells.forEach((cell, index) => {
    cell.addEventListener("mouseenter", () => pinned || show(cell));
    cell.addEventListener("click", () => pin(cell));
    cell.addEventListener("focus", () => pinned || show(cell));
    cell.addEventListener("keydown", (event) => {
      const columns = Number(cell.parentElement.dataset.columns || 1);
      const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns };
      const next = cells[index + (steps[event.key] || 0)];
      if (event.key === "Enter" || event.key === " ") pin(cell);
      else if (event.key === "Escape") pinned = false;
      else if (event.key in steps && next) {
        pinned = false;
        next.focus();
      } else return;
      event.preventDefault();
    });
  });
  for (const each of document.querySelectorAll(".lens")) each.scrollLeft = each.scrollWidth;
  if (cells.length) show(cells.find((each) => each.classList.contains("chosen")) || cells[0]);
})();
