"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const get = (id) => document.getElementById(id);
  const [NAME, VERDICT, SECONDS, FACTS, CODES, REACH, FINDINGS] = [0, 1, 2, 3, 4, 5, 6];
  const PAGE = 100;
  const STATUS_OF = ["pass", "warn", "error", "fail"];
  const state = { text: "", verdict: -1, cause: "", limit: PAGE, shown: [], paper: false, cell: null };
  const PAPER = 850; // pixels: the map on paper stands on one page

  const make = (tag, attributes = {}, ...inner) => {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    node.append(...inner);
    return node;
  };
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  // --- which hosts are shown: the worst first, and side by side those with the same causes ----------------------

  const alike = data.hosts.map((host) => [...host[CODES]].reverse().join(" "));
  const often = new Map();
  for (const codes of alike) often.set(codes, (often.get(codes) || 0) + 1);
  const order = data.hosts.map((_, place) => place).sort((a, b) => data.hosts[b][VERDICT] - data.hosts[a][VERDICT]
    || often.get(alike[b]) - often.get(alike[a]) || (alike[a] < alike[b] ? -1 : alike[a] > alike[b] ? 1 : a - b));
  const texts = data.hosts.map((host) => {
    const findings = host[FINDINGS].map((place) => data.findings[place]);
    const told = findings.filter((one) => one.length > 4).map((one) => `${one[0]} ${one[2]} ${one[3]} ${one[4]}`);
    return [host[NAME], host[FACTS], ...host[CODES], ...told].join(" ").toLowerCase();
  });

  const choose = () => {
    const words = state.text.toLowerCase().split(/\s+/).filter(Boolean);
    state.shown = order.filter((place) => {
      const host = data.hosts[place];
      return (state.verdict < 0 || host[VERDICT] === state.verdict)
        && (!state.cause || host[CODES].includes(state.cause))
        && words.every((word) => texts[place].includes(word));
    });
    state.limit = PAGE;
    get("shown").textContent = state.shown.length === data.hosts.length ? "" : `${state.shown.length} of ${data.hosts.length}`;
    get("clear").hidden = !state.text && state.verdict < 0 && !state.cause;
    for (const chip of get("chips").children) chip.classList.toggle("on", Number(chip.dataset.verdict) === state.verdict);
    for (const one of document.querySelectorAll("[data-cause]")) one.classList.toggle("on", one.dataset.cause === state.cause);
    list();
    draw();
  };

  // --- the list -------------------------------------------------------------------------------------------------

  const findingRow = (finding) => {
    const [check, status, subject, summary, reason, remedy, commands, evidence, code] = finding;
    const word = data.statuses[status];
    const last = make("td", {}, summary);
    if (code) last.append(make("p", {}, "Cause: ", make("a", { href: `#cause-${code}` }, code)));
    if (remedy) last.append(make("p", { class: "remedy" }, remedy));
    if (commands && commands.length) last.append(make("pre", {}, make("code", {}, commands.join("\n"))));
    if (evidence && Object.keys(evidence).length) {
      const text = make("div", { class: "evidence" }, JSON.stringify(evidence, null, 1));
      last.append(make("details", { class: "more" }, make("summary", {}, "evidence"), text));
    }
    const badge = make("span", { class: `status ${word}` }, word);
    return make("tr", {}, make("td", {}, badge), make("td", {}, check), make("td", {}, subject, reason ? ` (${reason})` : ""), last);
  };

  const inside = (host) => {
    const findings = host[FINDINGS].map((place) => data.findings[place]);
    const head = make("p", {}, `${host[FACTS]}${host[FACTS] ? " · " : ""}${host[SECONDS]} s`);
    const box = make("div", { class: "inside" }, head);
    const table = (rows) => {
      const body = make("tbody");
      rows.sort((a, b) => b[1] - a[1]).forEach((finding) => body.append(findingRow(finding)));
      return make("table", {}, body);
    };
    const judged = findings.filter((one) => data.statuses[one[1]] !== "skip");
    const skipped = findings.filter((one) => data.statuses[one[1]] === "skip");
    const worst = (topic) => Math.max(...judged.filter((one) => one[0].split(".")[0] === topic).map((one) => one[1]));
    const topics = [...new Set(judged.map((one) => one[0].split(".")[0]))].sort((a, b) => worst(b) - worst(a));
    for (const topic of topics) {
      box.append(make("p", { class: "topic" }, topic), table(judged.filter((one) => one[0].split(".")[0] === topic)));
    }
    if (skipped.length) box.append(make("details", { class: "more" }, make("summary", {}, `${skipped.length} skipped`), table(skipped)));
    return box;
  };

  const hostRow = (place) => {
    const host = data.hosts[place];
    const [verdict, words] = data.verdicts[host[VERDICT]];
    const badge = make("span", { class: `status ${STATUS_OF[host[VERDICT]]}` }, words);
    const row = make("details", { id: `host-${place}`, class: verdict },
      make("summary", {}, make("b", {}, host[NAME]), badge, make("span", { class: "codes" }, host[CODES].join("  "))));
    row.addEventListener("toggle", () => {
      if (row.open && row.children.length < 2) row.append(inside(host));
    });
    return row;
  };

  const list = () => {
    get("hosts").replaceChildren(...state.shown.slice(0, state.limit).map(hostRow));
    get("more").hidden = state.shown.length <= state.limit;
    get("more").textContent = `show ${Math.min(PAGE * 5, state.shown.length - state.limit)} more`;
    get("rest").textContent = get("more").hidden ? "" : `and ${state.shown.length - state.limit} more hosts, on the screen`;
    if (data.hosts.length === 1) get("hosts").firstChild.open = get("filter").hidden = true;
  };

  const open = (place) => {
    if (!state.shown.includes(place)) return;
    while (state.shown.indexOf(place) >= state.limit) state.limit += PAGE * 5;
    if (!get(`host-${place}`)) list();
    const row = get(`host-${place}`);
    row.open = true;
    row.scrollIntoView({ block: "center" });
  };

  // --- the map: a cell is a host and an endpoint ----------------------------------------------------------------

  const canvas = get("heat");
  // The labels that all names end with say nothing: `ecs-a-1` instead of `ecs-a-1.us-east-1.amazonaws.com`.
  const split = data.endpoints.map((name) => name.split("."));
  let common = 0;
  while (split.length > 1 && split.every((one) => one.length > common + 1 && one.at(-1 - common) === split[0].at(-1 - common))) common += 1;
  const labels = split.map((one) => one.slice(0, one.length - common).join("."));
  const times = data.hosts.flatMap((host) => host[REACH].filter((cell) => cell && cell[0] === 0).map((cell) => cell[1]));
  times.sort((a, b) => a - b);
  const steps = [0.25, 0.5, 0.75].map((share) => times[Math.floor(share * (times.length - 1))] || 0);
  const size = () => {
    const screen = state.shown.length > 400 ? 4 : state.shown.length > 80 ? 10 : 18;
    const longest = Math.min(27, Math.max(...labels.map((name) => name.length)));
    const top = 22 + longest * 5.6;
    const high = state.paper ? Math.min(screen, (PAPER - top) / Math.max(1, state.shown.length)) : screen;
    const narrow = get("scroll").clientWidth < 500; // a telephone: all columns are in sight
    const left = high < 10 ? 8 : narrow ? 96 : 180;
    const right = narrow ? 36 : 60;
    const room = Math.floor((get("scroll").clientWidth - left - right - 10) / Math.max(1, data.endpoints.length));
    return { wide: Math.max(narrow ? 6 : 12, Math.min(left < 10 ? 52 : 30, room)), high, left, top, right };
  };

  const paint = (cell, palette) => {
    if (!cell) return palette.none;
    const [status, ms] = cell;
    const word = data.statuses[status];
    return word === "pass" ? palette.pass[steps.filter((step) => ms > step).length] : palette[word];
  };

  const draw = () => {
    get("map").hidden = data.hosts.length < 2 || !data.endpoints.length;
    if (get("map").hidden) return;
    const { wide, high, left, top, right } = size();
    const palette = {
      pass: ["--q0", "--q1", "--q2", "--q3"].map(colour), warn: colour("--warn"), fail: colour("--fail"),
      error: colour("--unknown"), skip: colour("--skip"), none: colour("--card"),
    };
    const ratio = window.devicePixelRatio || 1;
    const [width, height] = [left + wide * data.endpoints.length + right, top + high * state.shown.length + 4];
    canvas.width = width * ratio;
    canvas.height = Math.min(height * ratio, 32000);
    canvas.style.width = `${width}px`;
    canvas.style.height = `${canvas.height / ratio}px`;
    const pen = canvas.getContext("2d");
    pen.scale(ratio, ratio);
    pen.font = "11px ui-monospace, monospace";
    pen.fillStyle = colour("--soft");
    labels.forEach((name, column) => {
      pen.save();
      pen.translate(left + column * wide + wide / 2 + 3, top - 5);
      pen.rotate(-Math.PI / 3.2);
      pen.fillText(name.length > 27 ? `${name.slice(0, 26)}…` : name, 0, 0);
      pen.restore();
    });
    state.shown.forEach((place, line) => {
      const y = top + line * high;
      if (left > 50) {
        pen.fillStyle = colour("--fg");
        const name = data.hosts[place][NAME];
        pen.fillText(name.length > 25 ? `${name.slice(0, 24)}…` : name, 4, y + high - 3, left - 10);
      }
      data.hosts[place][REACH].forEach((cell, column) => {
        pen.fillStyle = paint(cell, palette);
        pen.fillRect(left + column * wide, y, wide - 1, high > 4 ? high - 1 : high);
      });
    });
    if (state.cell && state.cell.line < state.shown.length) {
      const [x, y] = [left + state.cell.column * wide, top + state.cell.line * high];
      pen.strokeStyle = colour("--fg");
      pen.lineWidth = 2;
      pen.strokeRect(x, y, wide - 1, Math.max(high - 1, 3));
    }
    get("scale").textContent = times.length ? `fast: up to ${steps[0]} ms, slow: over ${steps[2]} ms` : "";
  };

  const under = (event) => {
    const { wide, high, left, top } = size();
    const box = canvas.getBoundingClientRect();
    const [column, line] = [Math.floor((event.clientX - box.left - left) / wide), Math.floor((event.clientY - box.top - top) / high)];
    const place = state.shown[line];
    return place === undefined || line < 0 ? null : { place, column };
  };
  const tell = (found) => {
    const cell = found && data.hosts[found.place][REACH][found.column];
    const name = found ? data.hosts[found.place][NAME] : "";
    const told = cell ? `${data.endpoints[found.column]}: ${data.statuses[cell[0]]}${cell[1] ? `, ${cell[1]} ms` : ""}` : "";
    get("tip").textContent = [name, told].filter(Boolean).join("  →  ");
  };
  canvas.addEventListener("mousemove", (event) => tell(under(event)));
  canvas.addEventListener("click", (event) => {
    const found = under(event);
    if (found) open(found.place);
  });

  const MOVES = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
  const bounded = (value, count) => Math.max(0, Math.min(count - 1, value));
  canvas.addEventListener("keydown", (event) => {
    const { line, column } = state.cell || { line: 0, column: 0 };
    const place = state.shown[line];
    if (event.key === "Enter" && place !== undefined) open(place);
    if (!MOVES[event.key]) return;
    event.preventDefault();
    const [down, right] = state.cell ? MOVES[event.key] : [0, 0];
    state.cell = { line: bounded(line + down, state.shown.length), column: bounded(column + right, data.endpoints.length) };
    draw();
    tell({ place: state.shown[state.cell.line], column: state.cell.column });
  });
  canvas.addEventListener("blur", () => {
    state.cell = null;
    draw();
  });

  // --- the controls ---------------------------------------------------------------------------------------------

  data.verdicts.forEach(([, words], verdict) => {
    const count = data.hosts.filter((host) => host[VERDICT] === verdict).length;
    if (!count || data.hosts.length < 2) return;
    const chip = make("button", { type: "button", "data-verdict": verdict }, `${words} ${count}`);
    chip.addEventListener("click", () => {
      state.verdict = state.verdict === verdict ? -1 : verdict;
      choose();
    });
    get("chips").append(chip);
  });
  for (const button of document.querySelectorAll("button[data-cause]")) {
    button.addEventListener("click", () => {
      state.cause = state.cause === button.dataset.cause ? "" : button.dataset.cause;
      choose();
      get("filter").scrollIntoView({ behavior: "smooth" });
    });
  }
  for (const cell of document.querySelectorAll("[data-step]")) {
    cell.addEventListener("click", () => { get("step").textContent = cell.dataset.step; });
  }
  for (const button of document.querySelectorAll(".copy")) {
    button.addEventListener("click", () => {
      const text = button.dataset.text || button.parentElement.querySelector("code").textContent;
      const area = make("textarea");
      area.value = text;
      document.body.append(area);
      area.select();
      const done = document.execCommand("copy");
      area.remove();
      button.textContent = done ? "copied" : "select and copy";
      setTimeout(() => { button.textContent = "copy"; }, 2000);
    });
  }
  let typing = 0;
  get("search").addEventListener("input", () => {
    clearTimeout(typing);
    typing = setTimeout(() => {
      state.text = get("search").value;
      choose();
    }, 120);
  });
  get("clear").addEventListener("click", () => {
    Object.assign(state, { text: "", verdict: -1, cause: "" });
    get("search").value = "";
    choose();
  });
  get("more").addEventListener("click", () => {
    state.limit += PAGE * 5;
    list();
  });
  get("theme").addEventListener("click", () => {
    const dark = document.documentElement.dataset.theme
      ? document.documentElement.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    document.documentElement.dataset.theme = dark ? "light" : "dark";
    draw();
  });
  window.addEventListener("resize", draw);
  let theme;
  window.addEventListener("beforeprint", () => {
    theme = document.documentElement.dataset.theme;
    document.documentElement.dataset.theme = "light";
    state.paper = true;
    draw();
  });
  window.addEventListener("afterprint", () => {
    if (theme) document.documentElement.dataset.theme = theme;
    else delete document.documentElement.dataset.theme;
    state.paper = false;
    draw();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  choose();
})();
