// The attention page: choose a head, read its map, follow its lines, sort the heads.
"use strict";
{
  const view = window.view;
  const root = document.getElementById("attention");
  const texts = JSON.parse(root.dataset.texts);
  const find = (selector) => root.querySelector(selector);
  const worded = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
  const make = (name, text = "") => Object.assign(document.createElement(name), { textContent: text });
  const drawn = (name, attributes) => {
    const element = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    return element;
  };
  const MOST = 1500; // lines at once
  const LEAST = 0.01; // weight of a line
  const mean = view.heads.length - 1;
  const whole = new Map(view.maps.map((map) => [`${map.layer} ${map.head}`, map.cells]));
  const image = find("#map image");
  const frames = [...root.querySelectorAll(".thumbnail")];
  const colour = getComputedStyle(root).getPropertyValue("--cool"); // "#rrggbb"
  const cool = colour.match(/[0-9a-f]{2}/gi).map((pair) => parseInt(pair, 16));
  const place = (name) => Number(image.getAttribute(name));

  // Indices of the layer and head shown; the word whose lines are shown, and the one that stays so.
  let layer = view.layers.indexOf(view.chosen.layer);
  let head = view.heads.indexOf(view.chosen.head);
  let map = null; // { side, values, whole }
  let picked = null;
  let pinned = null;

  // --- the numbers of the head shown

  function read() {
    const cells = whole.get(`${view.layers[layer]} ${view.heads[head]}`);
    const bytes = Uint8Array.from(atob(cells ?? view.thumbnails[layer][head]), (letter) => letter.charCodeAt(0));
    const values = Float32Array.from(bytes, (byte) => (byte / 255) ** 2);
    const side = Math.sqrt(values.length);
    if (cells && find(".without input").checked) leaveOutFirst(values, side);
    return { side, values, whole: cells !== undefined };
  }

  function leaveOutFirst(values, side) {
    for (let row = 0; row < side; row++) {
      const line = values.subarray(row * side, (row + 1) * side);
      line[0] = 0;
      const sum = line.reduce((a, b) => a + b, 0);
      if (sum > 0) line.forEach((value, at) => (line[at] = value / sum));
    }
  }

  // --- the map

  function paint() {
    const canvas = Object.assign(document.createElement("canvas"), { width: map.side, height: map.side });
    const context = canvas.getContext("2d");
    const pixels = context.createImageData(map.side, map.side);
    map.values.forEach((value, at) => pixels.data.set([...cool, 255 * Math.sqrt(value)], 4 * at));
    context.putImageData(pixels, 0, 0);
    image.setAttribute("href", canvas.toDataURL());
  }

  const cross = ["row", "column"].map(() => drawn("rect", { class: "cross", visibility: "hidden" }));
  image.after(...cross);
  let pointed = null; // [row, column] of the map

  function point(row, column) {
    pointed = [row, column];
    const size = place("width") / map.side;
    const [x, y] = [place("x"), place("y")];
    const boxes = [
      { x, y: y + row * size, width: place("width"), height: size },
      { x: x + column * size, y, width: size, height: place("height") },
    ];
    cross.forEach((rect, at) => {
      for (const [key, value] of Object.entries(boxes[at])) rect.setAttribute(key, value);
      rect.setAttribute("visibility", "visible");
    });
    const box = image.getBoundingClientRect();
    const value = map.values[row * map.side + column];
    // A byte holds no more places than these.
    const weight = `${map.whole ? "" : "≤ "}${value.toFixed(value < 0.01 ? 3 : 2)}`;
    tell(`${named(row)} → ${named(column)}: ${weight}`,
      box.left + ((column + 0.5) * box.width) / map.side, box.top + (row * box.height) / map.side);
  }

  // A thumbnail's cell stands for several words: the bounds are those of adaptive pooling.
  function named(cell) {
    const first = Math.floor((cell * view.words.length) / map.side);
    const last = Math.ceil(((cell + 1) * view.words.length) / map.side) - 1;
    return first === last ? view.words[first] : `${view.words[first]} … ${view.words[last]}`;
  }

  function unpoint() {
    pointed = null;
    cross.forEach((rect) => rect.setAttribute("visibility", "hidden"));
    tell("");
  }

  function tell(text, x = 0, y = 0) {
    const tip = find("#tip");
    tip.hidden = !text;
    tip.textContent = text;
    const left = Math.min(x - tip.offsetWidth / 2, document.documentElement.clientWidth - tip.offsetWidth - 4);
    tip.style.left = `${Math.max(4, left)}px`;
    tip.style.top = `${Math.max(4, y - tip.offsetHeight - 8)}px`;
  }

  find("#map").addEventListener("pointermove", (event) => {
    const box = image.getBoundingClientRect();
    const column = Math.floor(((event.clientX - box.left) / box.width) * map.side);
    const row = Math.floor(((event.clientY - box.top) / box.height) * map.side);
    const inside = Math.min(row, column) >= 0 && Math.max(row, column) < map.side;
    if (inside) point(row, column);
    else unpoint();
  });
  find("#map").addEventListener("pointerleave", unpoint);
  find("#map").addEventListener("blur", unpoint);
  walk(find("#map"), (down, right) => {
    const bound = (value) => Math.max(0, Math.min(map.side - 1, value));
    point(...(pointed ? [bound(pointed[0] + down), bound(pointed[1] + right)] : [0, 0]));
  }, unpoint);

  // --- the lines

  const columns = { from: find("#lines .from"), to: find("#lines .to") };
  for (const [side, list] of Object.entries(columns)) {
    list.append(...view.words.map((word) => Object.assign(make("li", word), { title: word })));
    list.addEventListener("pointerover", (event) => pick(wordAt(side, event)));
    list.addEventListener("pointerleave", () => pick(pinned));
    list.addEventListener("click", (event) => {
      const word = wordAt(side, event);
      pinned = same(word, pinned) ? null : word;
      pick(pinned);
    });
  }

  function wordAt(side, event) {
    const at = [...columns[side].children].indexOf(event.target);
    return at < 0 ? null : { side, at };
  }

  const same = (one, other) => one?.side === other?.side && one?.at === other?.at;

  function pick(word) {
    if (same(word, picked)) return;
    picked = word;
    follow();
  }

  function follow() {
    const svg = find("#lines svg");
    const count = view.words.length;
    svg.setAttribute("viewBox", `0 0 100 ${count}`);
    svg.replaceChildren();
    find("#count").textContent = map.whole ? "" : texts.nolines;
    for (const list of Object.values(columns)) for (const item of list.children) item.style.removeProperty("--part");
    if (!map.whole) return;
    const all = candidates(count);
    const most = all.sort((a, b) => b.weight - a.weight).slice(0, MOST);
    svg.append(...most.reverse().map(({ from, to, weight }) => drawn("path", {
      d: `M0 ${from + 0.5}C50 ${from + 0.5} 50 ${to + 0.5} 100 ${to + 0.5}`, "stroke-opacity": weight.toFixed(3),
    })));
    find("#count").textContent = worded(texts.lines, { drawn: most.length, all: picked ? count : count * count });
    if (!picked) return;
    columns[picked.side].children[picked.at].style.setProperty("--part", 1);
    for (const { from, to, weight } of most) {
      const [list, at] = picked.side === "from" ? [columns.to, to] : [columns.from, from];
      list.children[at].style.setProperty("--part", Math.sqrt(weight));
    }
  }

  function candidates(count) {
    const found = [];
    map.values.forEach((weight, cell) => {
      const [from, to] = [Math.floor(cell / count), cell % count];
      const meant = !picked || (picked.side === "from" ? from : to) === picked.at;
      if (weight >= LEAST && meant) found.push({ from, to, weight });
    });
    return found;
  }

  walk(find("#lines"), (down, right) => {
    const at = Math.max(0, Math.min(view.words.length - 1, (picked?.at ?? -1) + down));
    pinned = { side: right ? (right > 0 ? "to" : "from") : (picked?.side ?? "from"), at };
    pick(pinned);
    columns[pinned.side].children[at].scrollIntoView({ block: "nearest" });
  }, () => pick((pinned = null)));

  // --- the heads

  function choose(chosenLayer, chosenHead) {
    [layer, head] = [chosenLayer, chosenHead];
    const here = ({ dataset }) => Number(dataset.layer) === layer && Number(dataset.head) === head;
    for (const frame of frames) frame.classList.toggle("chosen", here(frame));
    for (const row of find("tbody").children) row.toggleAttribute("aria-current", here(row));
    show();
  }

  function show() {
    map = read();
    find("#named").textContent = called(layer, head);
    find("#small").hidden = map.whole;
    find("#small").textContent = texts.small;
    find(".without input").disabled = !map.whole;
    unpoint();
    paint();
    follow();
  }

  function called(ofLayer, ofHead) {
    return worded(ofHead === mean ? texts.mean : texts.one, { layer: view.layers[ofLayer], head: view.heads[ofHead] });
  }

  find("#grid").addEventListener("click", (event) => {
    const { layer: chosenLayer, head: chosenHead } = event.target.dataset;
    if (chosenLayer !== undefined) choose(Number(chosenLayer), Number(chosenHead));
  });
  walk(find("#grid"), (down, right) => {
    const now = frames.find((frame) => frame.classList.contains("chosen")).dataset;
    const next = frames.find(({ dataset }) =>
      Number(dataset.row) === Number(now.row) + down && Number(dataset.column) === Number(now.column) + right);
    if (!next) return;
    choose(Number(next.dataset.layer), Number(next.dataset.head));
    next.scrollIntoView({ block: "nearest", inline: "nearest" });
  }, () => {});
  find(".without input").addEventListener("change", show);

  function walk(element, step, leave) {
    const steps = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
    element.addEventListener("keydown", (event) => {
      if (event.key === "Escape") leave();
      if (!(event.key in steps)) return;
      event.preventDefault();
      step(...steps[event.key]);
    });
  }

  // --- the table, and the ways into it

  const keys = [...root.querySelectorAll("th")].map((th) => th.dataset.key);
  const counts = new Set(["layer", "head"]);
  const widest = Math.max(...view.statistics.map((each) => each.entropy)) || 1;
  const rows = view.statistics.map((each) => ({ each, row: rowOf(each) }));

  function rowOf(each) {
    const row = make("tr");
    const at = [view.layers.indexOf(each.layer), view.heads.indexOf(each.head)];
    [row.dataset.layer, row.dataset.head] = at;
    for (const key of keys) {
      const value = each[key];
      const cell = make("td", value === null ? "–" : counts.has(key) ? value : value.toFixed(3));
      if (!counts.has(key)) cell.style.setProperty("--part", value / (key === "entropy" ? widest : 1));
      row.append(cell);
    }
    const button = Object.assign(make("button", each.head), { type: "button", ariaLabel: called(...at) });
    row.children[keys.indexOf("head")].replaceChildren(button);
    row.addEventListener("click", () => choose(...at));
    return row;
  }

  function sort(key, direction) {
    for (const th of root.querySelectorAll("th")) {
      if (th.dataset.key === key) th.ariaSort = direction > 0 ? "ascending" : "descending";
      else th.removeAttribute("aria-sort");
    }
    rows.sort((a, b) => a.each.layer - b.each.layer || a.each.head - b.each.head);
    rows.sort((a, b) => direction * (a.each[key] - b.each[key]));
    find("tbody").replaceChildren(...rows.map(({ row }) => row));
  }

  for (const th of root.querySelectorAll("th")) {
    th.firstChild.addEventListener("click", () => {
      const rising = th.ariaSort ? th.ariaSort === "descending" : counts.has(th.dataset.key);
      sort(th.dataset.key, rising ? 1 : -1);
    });
  }

  function shortcut(text, at, title = "") {
    const button = Object.assign(make("button", text), { type: "button", title });
    button.addEventListener("click", () => choose(...at()));
    find(".shortcuts").append(button);
  }

  const best = (key, direction) => {
    const most = view.statistics.reduce((a, b) => (direction * (b[key] - a[key]) > 0 ? b : a));
    return [view.layers.indexOf(most.layer), view.heads.indexOf(most.head)];
  };
  const ways = [
    ["previous", "previous", 1], ["induction", "induction", 1], ["itself", "itself", 1],
    ["narrow", "entropy", -1], ["wide", "entropy", 1],
  ];
  for (const [name, key, direction] of ways) {
    if (view.statistics[0][key] === null) continue;
    const at = best(key, direction);
    shortcut(texts[name], () => at, called(...at));
  }
  shortcut(texts.average, () => [layer, mean]);

  sort("layer", 1);
  choose(layer, head);
}
