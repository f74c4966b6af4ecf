"use strict";
// Tables sort by a click on a column's head; the value is the first number of a cell, else its text.
for (const table of document.querySelectorAll("table.sortable")) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    head.replaceChildren(button);
    head.setAttribute("aria-sort", "none");
    // A browser repeats the head of a table on each page only if nothing in it is a control.
    addEventListener("beforeprint", () => head.replaceChildren(button.textContent));
    addEventListener("afterprint", () => head.replaceChildren(button));
    button.addEventListener("click", () => {
      const falling = head.getAttribute("aria-sort") === "ascending";
      heads.forEach((each) => each.setAttribute("aria-sort", "none"));
      head.setAttribute("aria-sort", falling ? "descending" : "ascending");
      const value = (row) => {
        const text = row.cells[column].textContent.trim();
        const number = text.match(/^[^\d−-]*([−-]?\d[\d,]*(?:\.\d+)?(?:e[+-]?\d+)?)/);
        const named = column === 0 || !number;
        return named ? text : Number(number[1].replace("−", "-").replaceAll(",", ""));
      };
      const order = (a, b) => {
        const [x, y] = [value(a), value(b)];
        const numbers = typeof x === "number" && typeof y === "number";
        if (typeof x !== typeof y) return typeof x === "number" ? -1 : 1; // unmeasured last
        const way = numbers ? x - y : x.localeCompare(y, undefined, { numeric: true });
        return falling ? -way : way;
      };
      table.tBodies[0].append(...[...table.tBodies[0].rows].sort(order));
    });
  });
}

// On paper nothing can be opened: long tables are open while the page is printed.
const long = [...document.querySelectorAll("details.long")];
let opened = [];
addEventListener("beforeprint", () => {
  opened = long.filter((each) => !each.open);
  opened.forEach((each) => { each.open = true; });
});
addEventListener("afterprint", () => opened.forEach((each) => { each.open = false; }));

// A figure tells what its marks are: to a pointer that is near one, and from one to the next by arrow
// keys. The spots are [part of the width, part of the height, text].
const NEAR = 14; // pixels
for (const picture of document.querySelectorAll(".picture[tabindex]")) {
  const image = picture.querySelector("img");
  const spots = JSON.parse(picture.querySelector("script").textContent);
  const tip = document.createElement("output"); // read aloud when it changes
  tip.className = "tip";
  tip.hidden = true;
  picture.append(tip);
  let at = -1;
  const tell = (place) => {
    at = place;
    tip.hidden = place < 0;
    if (place < 0) return;
    const [x, y, text] = spots[place];
    if (tip.textContent !== text) tip.textContent = text;
    const { clientWidth: width, clientHeight: height } = image;
    const above = y * height - tip.offsetHeight - NEAR;
    const middle = x * width - tip.offsetWidth / 2;
    tip.style.left = `${Math.max(0, Math.min(middle, width - tip.offsetWidth))}px`;
    tip.style.top = `${above < 0 ? y * height + NEAR : above}px`;
  };
  const point = (event) => {
    const box = image.getBoundingClientRect();
    let [nearest, least] = [-1, NEAR];
    spots.forEach(([x, y], place) => {
      const right = box.left + x * box.width - event.clientX;
      const far = Math.hypot(right, box.top + y * box.height - event.clientY);
      if (far < least) [nearest, least] = [place, far];
    });
    tell(nearest);
  };
  picture.addEventListener("pointermove", point);
  picture.addEventListener("pointerdown", point);
  picture.addEventListener("pointerleave", () => tell(-1));
  picture.addEventListener("blur", () => tell(-1));
  picture.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (event.key === "Escape") tell(-1);
    if (!step) return;
    event.preventDefault(); // the page stays where it is
    tell(at < 0 && step < 0 ? spots.length - 1 : (at + step + spots.length) % spots.length);
  });
}

// The word box: neighbours packed as 16-bit numbers into the list of words, cosines in hundredths.
const data = document.getElementById("neighbor-data");
if (data) {
  const index = JSON.parse(data.textContent);
  const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const side = (numbers, cosines) => {
    const [raw, steps] = [bytes(numbers), bytes(cosines)];
    return (row) => Array.from({ length: index.shown }, (_, i) => {
      const at = row * index.shown + i;
      return [index.words[raw[2 * at] + 256 * raw[2 * at + 1]], (steps[at] - 100) / 100];
    });
  };
  const before = side(index.before, index.beforeCosines);
  const after = side(index.after, index.afterCosines);
  const places = new Map(index.words.slice(0, index.searched).map((word, i) => [word, i]));
  const box = document.getElementById("word");
  const known = document.getElementById("known");
  const said = document.getElementById("said");
  const found = document.getElementById("found");

  const cell = (row, text, head) => {
    const made = document.createElement(head ? "th" : "td");
    made.textContent = text;
    if (head) made.scope = head;
    row.append(made);
  };
  const show = (word, row) => {
    const [left, right] = [before(row), after(row)];
    const [was, is] = [new Set(left.map((pair) => pair[0])), new Set(right.map((pair) => pair[0]))];
    const table = document.createElement("table");
    table.createCaption().textContent = `Neighbours of “${word}”; * only on this side.`;
    const head = table.createTHead().insertRow();
    ["rank", "before (baseline)", "cosine", "after", "cosine"].forEach((name) => cell(head, name, "col"));
    const body = table.createTBody();
    left.forEach(([old, cosine], i) => {
      const line = body.insertRow();
      const [fresh, other] = right[i];
      cell(line, String(i + 1), "row");
      cell(line, old + (is.has(old) ? "" : " *"));
      cell(line, cosine.toFixed(2));
      cell(line, fresh + (was.has(fresh) ? "" : " *"));
      cell(line, other.toFixed(2));
    });
    found.replaceChildren(table);
    found.hidden = false;
    const kept = [...was].filter((each) => is.has(each)).length;
    said.textContent = `${kept} of ${index.shown} neighbours of “${word}” are the same.`;
  };
  const look = () => {
    const word = box.value.trim();
    const name = places.has(word) ? word : word.toLowerCase().replaceAll(" ", "_");
    const near = word ? [...places.keys()].filter((each) => each.startsWith(name)).slice(0, 12) : [];
    known.replaceChildren(...near.map((each) => {
      const option = document.createElement("option");
      option.value = each;
      return option;
    }));
    if (places.has(name)) return show(name, places.get(name));
    found.hidden = true;
    found.replaceChildren();
    said.textContent = !word ? "" : near.length
      ? `No entry for “${word}”; words that begin so: ${near.join(", ")}.`
      : `“${word}” is not among the ${index.searched.toLocaleString("en")} most frequent words.`;
    return undefined;
  };
  box.addEventListener("input", look);
  document.getElementById("search").addEventListener("submit", (event) => {
    event.preventDefault();
    look();
  });
  if (location.hash.startsWith("#word=")) {
    box.value = decodeURIComponent(location.hash.slice(6));
    look();
  }
}
