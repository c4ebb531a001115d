// Shows the chosen layer's similarities, and in the chart where it is and which pair one points at.
(() => {
  const { cosines, nearest, occurrences } = window.view;
  const slider = document.querySelector("#depth");
  const squares = [...document.querySelectorAll("[data-pair]")];
  const lines = new Map([...document.querySelectorAll("[data-line]")].map((line) => [line.dataset.line, line]));
  const mark = document.querySelector("#at");
  const points = lines.values().next().value.points;
  const origin = points[0].x;
  const step = points.length > 1 ? points[1].x - origin : 0;

  const pair = (square) => square.dataset.pair.split(" ").map(Number);

  function show(depth) {
    const values = squares.map((square) => { const [row, column] = pair(square); return cosines[depth][row][column]; });
    const low = Math.min(...values), high = Math.max(...values);
    squares.forEach((square, index) => {
      square.textContent = values[index].toFixed(2);
      square.style.setProperty("--s", high > low ? (0.75 * (values[index] - low)) / (high - low) : 0.75);
    });
    document.querySelectorAll(".near").forEach((cell, row) => {
      cell.textContent = occurrences[nearest[depth][row]].label;
    });
    document.querySelector("output").textContent = depth;
    for (const end of ["x1", "x2"]) mark.setAttribute(end, origin + depth * step);
  }

  function light(square, on) {
    const [row, column] = pair(square).sort((left, right) => left - right);
    lines.get(`${occurrences[row].label}-${occurrences[column].label}`).classList.toggle("lit", on);
  }

  slider.addEventListener("input", () => show(Number(slider.value)));
  for (const square of squares) {
    square.addEventListener("mouseenter", () => light(square, true));
    square.addEventListener("mouseleave", () => light(square, false));
  }
})();
