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
    return row.cells[1].firstElementChild;
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

  // A table that is wider than the window can be scrolled by keyboard too.
  function makeScrollable(root) {
    for (const element of root.querySelectorAll(".scroll")) {
      if (element.scrollWidth > element.clientWidth) {
        element.tabIndex = 0;
        element.setAttribute("role", "region");
        element.setAttribute("aria-label", element.querySelector("caption")?.textContent ?? "table");
      }
    }
  }

  // ---- filter

  const KEYS = new Set(["status", "layer", "lane", "aspect", "question", "tag", "deviation", "is"]);
  const searched = new Map();

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

  function hasFact(row, key, word) {
    if (key === "status") return row.cells[0].className.toLowerCase() === word;
    if (key === "layer") return row.cells[2].textContent.trim().toLowerCase().split(", ").includes(word);
    return (row.dataset.facts ?? "").toLowerCase().split(" ").includes(`${key}:${word}`);
  }

  function termsOf(text) {
    return [...text.toLowerCase().matchAll(/(-?)(?:"([^"]*)"?|(\S+))/g)].map(([, minus, phrase, word]) => {
      const [key, ...rest] = (word ?? "").split(":");
      const isFact = phrase === undefined && rest.length > 0 && KEYS.has(key);
      const test = isFact ? (row) => hasFact(row, key, rest.join(":")) : (row) => textOf(row).includes(phrase ?? word);
      return minus ? (row) => !test(row) : test;
    });
  }

  function filter(text) {
    query = text;
    const terms = termsOf(text);
    let shown = 0;
    for (const row of rows) {
      row.hidden = !terms.every((term) => term(row));
      shown += row.hidden ? 0 : 1;
    }
    for (const part of parts) part.hidden = !part.querySelector("tbody tr:not([hidden])");
    byId("shown").textContent = `${shown} of ${rows.length} shown`;
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
    return query ? `#?q=${encodeURIComponent(query)}` : "#";
  }

  function visibleIds() {
    return rows.filter((row) => !row.hidden).map((row) => linkOf(row).textContent);
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

  function say(words) {
    byId("unknown").textContent = words;
    byId("unknown").hidden = false;
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
      if (asked) byId("index-title").scrollIntoView();
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
      say(`There is no case ${id} in this report.`);
      byId("unknown").scrollIntoView();
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
  byId("ask").addEventListener("click", () => byId("help").showModal());
  byId("close").addEventListener("click", () => byId("help").close());
  addEventListener("hashchange", go);
  addEventListener("keydown", onKey);
  filter("");
  await go();
  byId("search").hidden = false;
})();
