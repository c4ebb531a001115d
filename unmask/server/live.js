"use strict";
// What the engine did since the last look, once a second; nothing is asked while the page is not seen.
const words = JSON.parse(document.getElementById("words").textContent);
const models = document.getElementById("models"), state = document.getElementById("state");
const wanted = document.getElementById("wanted"), key = document.getElementById("key");
const shown = 90, seen = new Map();

const make = (tag, text, parent, name) => {
  const made = document.createElement(tag);
  made.textContent = text;
  if (name) made.className = name;
  parent.append(made);
  return made;
};
const count = (number) => number.toLocaleString(document.documentElement.lang);
const share = (part, whole) => (whole ? `${Math.round((100 * part) / whole)} %` : "–");
const mega = (bytes) => `${count(Math.round(bytes / 1e6))} MB`;
const seconds = (time) => (time === null ? "–" : time < 1 ? `${Math.round(time * 1000)} ms` : `${time.toFixed(1)} s`);

function pace(model, now) {
  const past = seen.get(model.name) || { rates: [], at: now, written: model.written_tokens };
  if (now > past.at) past.rates.push((1000 * Math.max(0, model.written_tokens - past.written)) / (now - past.at));
  past.rates = past.rates.slice(-shown);
  seen.set(model.name, Object.assign(past, { at: now, written: model.written_tokens }));
  return past.rates;
}

function line(rates, parent) {
  const space = "http://www.w3.org/2000/svg", svg = document.createElementNS(space, "svg");
  const drawn = document.createElementNS(space, "polyline"), top = Math.max(1, ...rates);
  svg.setAttribute("viewBox", `0 0 ${shown - 1} 100`);
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("aria-hidden", "true");
  const points = rates.map((rate, at) => `${shown - rates.length + at},${(97 - (94 * rate) / top).toFixed(1)}`);
  drawn.setAttribute("points", points.join(" "));
  svg.append(drawn);
  parent.append(svg);
}

function card(model, now) {
  const section = document.createElement("section");
  make("h2", model.alive ? model.name : `${model.name}: ${words.stopped}`, section);
  const numbers = make("dl", "", section);
  const number = (name, value) => {
    const pair = make("div", "", numbers);
    make("dt", words[name], pair);
    make("dd", value, pair);
  };
  if (!model.blocks) {
    number("now", words[model.busy ? "work" : "idle"]);
    return section;
  }
  const rates = pace(model, now);
  number("speed", count(Math.round(rates.at(-1) || 0)));
  number("running", count(model.running));
  number("waiting", count(model.waiting));
  number("reused", share(model.reused_tokens, model.prompt_tokens + model.reused_tokens));
  number("guessed", share(model.accepted_tokens, model.drafted_tokens));
  line(rates, section);
  const bar = make("div", "", section, "blocks");
  for (const part of [model.blocks_used, model.blocks_kept]) {
    make("i", "", bar).style.width = `${(100 * part) / model.blocks}%`;
  }
  const told = { used: model.blocks_used, kept: model.blocks_kept, all: model.blocks };
  const size = (name) => (name === "size" ? mega(model.cache_bytes) : count(told[name]));
  make("p", words.blocks.replace(/\{(\w+)\}/g, (_, name) => size(name)), section);
  return section;
}

async function look() {
  if (!document.hidden && (wanted.hidden || key.value)) {
    try {
      const answer = await fetch("engine/stats", key.value ? { headers: { Authorization: `Bearer ${key.value}` } } : {});
      wanted.hidden = answer.status !== 401;
      state.className = answer.ok ? "on" : "off";
      if (answer.ok) {
        const found = await answer.json(), now = performance.now();
        document.getElementById("first").textContent = seconds(found.first_token_seconds);
        document.getElementById("memory").textContent = mega(found.memory);
        models.replaceChildren(...found.models.map((model) => card(model, now)));
      }
    } catch {
      state.className = "off";
    }
  }
  setTimeout(look, 1000);
}
wanted.addEventListener("submit", (event) => event.preventDefault());
look();
