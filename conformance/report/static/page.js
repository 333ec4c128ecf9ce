"use strict";
// The page works without this script; with it, a case is a page of its own, packed pages are shown on demand, and the
// index can be filtered. It draws nothing: it shows, hides and filters what the templates wrote.
(async () => {
  const byId = (id) => document.getElementById(id);
  const data = JSON.parse(byId("on-demand").textContent);
  const found = await inflated(data.found);
  const onDemand = new Map(found.map(([id], number) => [id, number]));
  const questions = new Map(found);
  const pagesOf = new Map(); // the pages of a part, once they were asked for
  const title = document.title;
  const parts = [...byId("index").children];
  const rows = parts.flatMap((part) => [...part.querySelector("tbody").rows]);
  const articles = new Map([...byId("pages").children].map((article) => [article.id, article]));
  const rowOf = new Map(rows.map((row) => [linkOf(row).textContent, row]));
  let query = "";
  let turn = 0; // counts places gone to: what was unpacked for one that was left meanwhile is not shown

  function linkOf(row) {
    return row.cells[1].firstElementChild; // the bare id where a case has no page
  }

  // JSON that was deflated and written in base64; nothing where the browser is too old for it.
  async function inflated(text) {
    if (!("DecompressionStream" in window)) return [];
    const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"))).json();
  }

  async function pageOf(id) {
    const number = onDemand.get(id);
    const part = Math.floor(number / data.size);
    if (!pagesOf.has(part)) pagesOf.set(part, inflated(data.parts[part]));
    return (await pagesOf.get(part))[number % data.size];
  }

  // A page as the template wrote it: every text in it was escaped there.
  function parsed(text) {
    const holder = document.createElement("template");
    holder.innerHTML = text;
    return holder.content.firstElementChild;
  }

  // ---- copying

  function make(tag, className, ...children) {
    const element = document.createElement(tag);
    if (className) element.className = className;
    element.append(...children);
    return element;
  }

  function copyButton(label, text) {
    const button = make("button", "", label);
    button.type = "button";
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(text());
      button.textContent = "copied";
      setTimeout(() => (button.textContent = label), 1500);
    });
    return button;
  }

  function addTools(article) {
    if (!navigator.clipboard || article.querySelector(".tools")) return;
    const link = article.querySelector("h2 a");
    const said = (selector) => article.querySelector(selector)?.textContent ?? "";
    const text = () => `${said("h2")}\n${said(".question")}\n${said(".answer")}\n${link.href}`;
    const tools = make("p", "tools", copyButton("copy link", () => link.href), " ", copyButton("copy answer", text));
    article.firstElementChild.append(tools);
    for (const command of article.querySelectorAll(".command")) {
      const words = command.textContent;
      command.append(" ", copyButton("copy", () => words));
    }
  }

  // A table that is wider than the window can be scrolled by keyboard too, and shows on which side it goes on.
  function makeScrollable(root) {
    for (const element of root.querySelectorAll(".scroll")) {
      const isWide = element.scrollWidth > element.clientWidth + 1;
      if (isWide && !element.hasAttribute("tabindex")) {
        element.tabIndex = 0;
        element.setAttribute("role", "region");
        element.setAttribute("aria-label", element.querySelector("caption")?.textContent ?? "table");
        element.addEventListener("scroll", () => showEnds(element), { passive: true });
      }
      showEnds(element);
    }
  }

  function showEnds(element) {
    const left = element.scrollLeft;
    element.classList.toggle("goes-on", left + element.clientWidth < element.scrollWidth - 1);
    element.classList.toggle("came-from", left > 1);
  }

  // ---- filter

  const KEYS = new Set(["status", "family", "layer", "lane", "aspect", "question", "tag", "deviation", "section", "is"]);
  const searched = new Map();
  const captions = new Map(parts.map((part) => [part, part.querySelector("caption").textContent]));
  const chips = [...byId("search").querySelectorAll("[data-query]")];
  const families = [...document.querySelectorAll("[data-family]")];
  const heads = parts.length ? [...parts[0].querySelectorAll("thead th")] : [];
  const layersAt = heads.findIndex((cell) => cell.textContent === "layers");

  // Everything that a case can be found by: what its row shows, and its question.
  function textOf(row) {
    if (!searched.has(row)) {
      const id = linkOf(row).textContent;
      const article = articles.get(id);
      const question = questions.get(id) ?? article?.querySelector(".question")?.textContent;
      searched.set(row, `${row.textContent}\n${question ?? ""}`.toLowerCase());
    }
    return searched.get(row);
  }

  const facts = new Map(rows.map((row) => [row, (row.dataset.facts ?? "").toLowerCase().split(" ")]));
  const factsOf = (row) => facts.get(row);
  const familyOf = (row) => linkOf(row).textContent.split("/")[0];

  function hasFact(row, key, word) {
    if (key === "status") return row.cells[0].className.toLowerCase() === word;
    if (key === "family") return familyOf(row).toLowerCase() === word;
    if (key === "layer") return layersAt >= 0 && row.cells[layersAt].textContent.trim().toLowerCase().split(", ").includes(word);
    if (key === "lane") return factsOf(row).some((fact) => fact === `lane:${word}` || fact.startsWith(`lane:${word}=`));
    return factsOf(row).includes(`${key}:${word}`);
  }

  // What one lane said to a case: a row names the lanes that do not agree, and those without the case.
  function saidBy(row, lane) {
    const facts = factsOf(row);
    if (facts.includes(`without:${lane}`)) return "";
    return facts.find((fact) => fact.startsWith(`lane:${lane}=`))?.slice(lane.length + 6) ?? "agree";
  }

  // The words of a filter, each with the test that it stands for.
  function termsOf(text) {
    return [...text.toLowerCase().matchAll(/(-?)(?:"([^"]*)"?|(\S+))/g)].map(([whole, minus, phrase, word]) => {
      const [key, ...rest] = (word ?? "").split(":");
      const isFact = phrase === undefined && rest.length > 0 && KEYS.has(key);
      const test = isFact ? (row) => hasFact(row, key, rest.join(":")) : (row) => textOf(row).includes(phrase ?? word);
      const misspelt = !isFact && rest.length > 0 && rest[0] !== "" && /^[a-z]+$/.test(key) ? `${key}:` : "";
      return { whole, misspelt, test: minus ? (row) => !test(row) : test };
    });
  }

  function filter(text) {
    query = text;
    const terms = termsOf(text);
    const shown = [];
    for (const row of rows) {
      row.hidden = !terms.every((term) => term.test(row));
      if (!row.hidden) shown.push(row);
    }
    for (const part of parts) {
      const count = part.querySelectorAll("tbody tr:not([hidden])").length;
      const isCut = count < part.querySelector("tbody").rows.length;
      part.hidden = count === 0;
      part.querySelector("caption").textContent = captions.get(part) + (isCut ? `; ${count} shown` : "");
    }
    byId("shown").textContent = `${shown.length} of ${rows.length} shown`;
    byId("overview").classList.toggle("filtered", terms.length > 0);
    countChips(terms, shown);
    countFamilies(shown);
    sayNothing(terms, shown);
  }

  // A chip counts what would be shown with it, or is shown because of it.
  function countChips(terms, shown) {
    const typed = new Set(terms.map((term) => term.whole));
    for (const chip of chips) {
      const word = chip.dataset.query.toLowerCase();
      const count = shown.filter(termsOf(word)[0].test).length;
      const isOn = typed.has(word);
      chip.setAttribute("aria-pressed", String(isOn));
      chip.lastElementChild.textContent = count;
      chip.parentElement.hidden = count === 0 && !isOn;
    }
  }

  function countFamilies(shown) {
    const inFamily = new Map();
    for (const row of shown) {
      const name = familyOf(row);
      if (!inFamily.has(name)) inFamily.set(name, []);
      inFamily.get(name).push(row);
    }
    for (const line of families) {
      const mine = inFamily.get(line.dataset.family) ?? [];
      line.hidden = mine.length === 0;
      for (const mark of line.querySelectorAll("[data-lane]")) {
        const count = mine.filter((row) => saidBy(row, mark.dataset.lane.toLowerCase()) === mark.dataset.state).length;
        mark.querySelector("b").textContent = count;
        mark.hidden = count === 0;
      }
    }
    for (const table of document.querySelectorAll(".families")) {
      table.parentElement.hidden = !table.querySelector("tbody tr:not([hidden])");
    }
  }

  // Where nothing is found: which word is to blame, each with what would be found without it.
  function sayNothing(terms, shown) {
    const place = byId("nothing");
    place.hidden = shown.length > 0 || terms.length === 0;
    place.replaceChildren();
    if (place.hidden) return;
    const misspelt = terms.map((term) => term.misspelt).filter((word) => word);
    const unknown = misspelt.length ? ` ${misspelt.join(", ")} is no filter word; ? lists them.` : "";
    place.append(`No case has all of this: ${terms.map((term) => term.whole).join(" ")}.${unknown} `, wayOut("All cases", ""));
    for (const term of terms.length > 1 ? terms : []) {
      const others = terms.filter((other) => other !== term);
      const count = rows.filter((row) => others.every((other) => other.test(row))).length;
      const rest = others.map((other) => other.whole).join(" ");
      if (count) place.append(" ", wayOut(`${count} without ${term.whole}`, rest));
    }
  }

  function placeOf(text) {
    return text ? `#?q=${encodeURIComponent(text)}` : "#";
  }

  function wayOut(label, text) {
    const link = make("a", "", label);
    link.setAttribute("href", placeOf(text));
    return link;
  }

  // A chip that is clicked is added to the filter, or taken out of it.
  function toggle(word) {
    const terms = termsOf(query).map((term) => term.whole);
    const rest = terms.filter((term) => term !== word.toLowerCase());
    location.hash = placeOf((rest.length < terms.length ? rest : [...terms, word]).join(" "));
  }

  // ---- places: the overview, perhaps filtered, or one case

  function decoded(text) {
    try {
      return decodeURIComponent(text);
    } catch {
      return text;
    }
  }

  function overviewHash() {
    return placeOf(query);
  }

  function visibleIds() {
    return [...new Set(rows.filter((row) => !row.hidden).map((row) => linkOf(row).textContent))];
  }

  function showOverview() {
    for (const article of articles.values()) article.hidden = false;
    byId("pages").className = "closed";
    byId("overview").hidden = false;
    byId("bar").hidden = true;
    byId("verdict").className = byId("verdict").dataset.state;
    document.title = title;
    makeScrollable(byId("overview"));
  }

  async function showCase(id) {
    const asked = turn;
    if (!articles.has(id)) {
      const article = parsed(await pageOf(id));
      if (asked !== turn) return;
      articles.set(id, article);
      byId("pages").append(article);
    }
    const article = articles.get(id);
    for (const other of articles.values()) other.hidden = other !== article;
    byId("pages").className = "";
    byId("overview").hidden = true;
    byId("verdict").className = `small ${byId("verdict").dataset.state}`;
    addTools(article);
    makeScrollable(article);
    showBar(id);
    document.title = `${article.querySelector(".state").textContent} ${id}`;
    article.focus({ preventScroll: true });
    scrollTo(0, 0);
  }

  function showBar(id) {
    const ids = visibleIds();
    const position = ids.indexOf(id);
    byId("bar").hidden = false;
    byId("all").setAttribute("href", overviewHash());
    for (const [name, other] of [["previous", ids[position - 1]], ["next", ids[position + 1]]]) {
      const link = byId(name);
      if (position < 0 || other === undefined) link.removeAttribute("href");
      else link.setAttribute("href", linkOf(rowOf.get(other)).getAttribute("href"));
    }
    byId("place").textContent = position < 0 ? "" : `${position + 1} of ${ids.length}${query ? ` for ${query}` : ""}`;
  }

  function say(...words) {
    byId("unknown").replaceChildren(...words);
    byId("unknown").hidden = false;
    scrollTo(0, 0);
  }

  // The ids that share most words with one that is not there.
  function nearest(id) {
    const words = id.toLowerCase().split(/[^a-z0-9]+/).filter((word) => word.length > 1);
    const scored = rows.map((row) => {
      const other = linkOf(row).textContent.toLowerCase();
      return [words.filter((word) => other.includes(word)).length, row];
    });
    const best = scored.filter(([score]) => score > 0).sort(([a], [b]) => b - a);
    return best.slice(0, 3).map(([, row]) => linkOf(row));
  }

  function sayUnknown(id) {
    const near = nearest(id).flatMap((link) => [" ", link.cloneNode(true)]);
    say(`There is no case ${id} in this report.`, ...(near.length ? [" Nearest:", ...near] : []));
  }

  async function go() {
    turn += 1;
    const hash = location.hash.slice(1);
    byId("unknown").hidden = true;
    if (hash.startsWith("?")) {
      const asked = new URLSearchParams(hash.slice(1)).get("q") ?? "";
      byId("query").value = asked;
      filter(asked);
      showOverview();
      if (asked) scrollTo(0, 0);
      return;
    }
    const id = decoded(hash);
    if (articles.has(id) || onDemand.has(id)) {
      await showCase(id);
      return;
    }
    if (!hash && query) {
      byId("query").value = "";
      filter("");
    }
    showOverview();
    if (rowOf.has(id)) {
      rowOf.get(id).scrollIntoView();
      if (!("DecompressionStream" in window)) say(`This browser is too old to unpack the page of ${id}.`);
    } else if (hash && !byId(id)) {
      sayUnknown(id);
    }
  }

  function onKey(event) {
    if (byId("help").open) {
      if (event.key === "?") byId("help").close();
      return;
    }
    const isTyping = event.target.matches("input, textarea, select");
    if (event.key === "Escape") {
      if (isTyping) event.target.blur();
      else if (!byId("bar").hidden) location.hash = overviewHash();
      return;
    }
    if (isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "?") {
      byId("help").showModal();
    } else if (event.key === "/") {
      event.preventDefault();
      if (byId("overview").hidden) {
        showOverview();
        history.pushState(null, "", overviewHash());
      }
      byId("query").focus();
    } else if (event.key === "f") {
      location.hash = query === "is:failing" ? "#" : "#?q=is:failing";
    } else if (event.key === "j" || event.key === "k") {
      const link = byId(event.key === "j" ? "next" : "previous");
      const first = rows.find((row) => !row.hidden);
      if (!byId("bar").hidden) link.click();
      else if (first && event.key === "j") linkOf(first).click();
    }
  }

  for (const row of rows) if (onDemand.has(row.id)) row.removeAttribute("id"); // its page takes the id over
  byId("search").addEventListener("submit", (event) => event.preventDefault());
  byId("query").addEventListener("input", (event) => {
    filter(event.target.value.trim());
    history.replaceState(null, "", overviewHash());
  });
  for (const chip of chips) chip.addEventListener("click", () => toggle(chip.dataset.query));
  byId("ask").addEventListener("click", () => byId("help").showModal());
  byId("close").addEventListener("click", () => byId("help").close());
  addEventListener("hashchange", go);
  addEventListener("resize", () => makeScrollable(document));
  addEventListener("keydown", onKey);
  filter("");
  await go();
  byId("search").hidden = false;
})();
