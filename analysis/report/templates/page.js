(() => {
  const figures = JSON.parse(document.getElementById("figures").textContent);
  const dark = JSON.parse(document.getElementById("dark").textContent);
  const scheme = window.matchMedia("(prefers-color-scheme: dark)");
  const hover = window.matchMedia("(hover: hover)").matches;
  const config = { responsive: true, displaylogo: false, displayModeBar: hover ? "hover" : false, modeBarButtons: [["zoom2d", "resetScale2d", "toImage"]] };
  let printing = false;

  const themed = (figure) => {
    const text = JSON.stringify(figure);
    const isDark = scheme.matches && !printing;
    return JSON.parse(isDark ? text.replace(/#[0-9a-f]{6}\b/gi, (c) => dark[c.toLowerCase()] || c) : text);
  };
  const hidden = (plot) => new Set([...plot.closest(".picture").querySelectorAll('.switches [aria-pressed="false"]')]
    .map((button) => button.dataset.family));
  const draw = (plot) => {
    const { data, layout } = themed(figures[plot.dataset.figure]);
    const off = hidden(plot);
    data.forEach((trace) => { if (off.has(trace.name)) trace.visible = false; });
    return Plotly.react(plot, data, layout, config);
  };
  const plots = () => [...document.querySelectorAll(".plot")];
  const visible = (plot) => plot.offsetParent !== null;
  const drawn = new WeakSet();
  const drawOnce = (plot) => {
    if (drawn.has(plot)) return;
    drawn.add(plot);
    draw(plot);
  };
  const drawInTurn = (queue) => {
    const plot = queue.shift();
    if (!plot) return;
    drawOnce(plot);
    setTimeout(() => drawInTurn(queue), 0);
  };
  drawInTurn(plots().filter(visible));
  scheme.addEventListener("change", () => plots().filter((p) => drawn.has(p)).forEach(draw));

  window.addEventListener("beforeprint", () => {
    printing = true;
    document.querySelectorAll(".tab.off").forEach((tab) => (tab.style.display = "block"));
    document.querySelectorAll("details:not([open])").forEach((d) => (d.open = true));
    plots().forEach((plot) => { drawn.add(plot); draw(plot); });
  });
  window.addEventListener("afterprint", () => {
    printing = false;
    document.querySelectorAll(".tab.off").forEach((tab) => (tab.style.display = ""));
    plots().forEach(draw);
  });

  document.querySelectorAll(".tabs button").forEach((button) => button.addEventListener("click", () => {
    const picture = button.closest(".picture");
    const chosen = button.dataset.tab;
    picture.querySelectorAll(".tabs button").forEach((b) => b.setAttribute("aria-selected", String(b === button)));
    picture.querySelectorAll(".tab").forEach((tab) => tab.classList.toggle("off", tab.dataset.tab !== chosen));
    drawInTurn([...picture.querySelectorAll(".plot")].filter(visible));
  }));

  document.querySelectorAll(".switches button").forEach((button) => button.addEventListener("click", () => {
    button.setAttribute("aria-pressed", String(button.getAttribute("aria-pressed") !== "true"));
    [...button.closest(".picture").querySelectorAll(".plot")].filter((plot) => drawn.has(plot)).forEach(draw);
  }));

  const key = (row, column) => row.cells[column].dataset.sort;
  const compare = (a, b) => {
    const [x, y] = [Number(a), Number(b)];
    return Number.isNaN(x) || Number.isNaN(y) ? a.localeCompare(b) : x - y;
  };
  document.querySelectorAll("th button").forEach((button) => button.addEventListener("click", () => {
    const head = button.parentElement;
    const body = head.closest("table").tBodies[0];
    const down = head.getAttribute("aria-sort") === "ascending";
    head.parentElement.querySelectorAll("th").forEach((th) => th.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const rows = [...body.rows];
    const empty = rows.filter((row) => key(row, head.cellIndex) === "");
    const full = rows.filter((row) => key(row, head.cellIndex) !== "");
    full.sort((a, b) => (down ? -1 : 1) * compare(key(a, head.cellIndex), key(b, head.cellIndex)));
    body.append(...full, ...empty);
  }));
})();
