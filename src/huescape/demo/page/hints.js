// Hints: a person chooses a color and points at places of the photo that have it. Each is a marker
// there, seen while hints are placed; what is asked of the server has them in pixels of the photo.

const at = (id) => document.getElementById(id);
const share = (value) => `${Math.round(value * 100)} %`;
const where = ({ x, y }) => `${share(x)} from the left, ${share(y)} from the top`;
// Of the picture's width or height, with an arrow key, and with the shift key besides.
const [step, fine] = [0.025, 0.0025];
const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

let hints = []; // {x, y, color, text, painted}, x and y of 0 to 1, the text as the server has it
let cross = { x: 0.5, y: 0.5 };
let photo; // {width, height}
let most;
let page; // what to do when something changes: {changed, say, complain}

export const areOn = () => at("hint-mode").getAttribute("aria-pressed") === "true";
export const asked = () => hints.map((hint) => hint.text);

// Another photo: what was said of the last one means nothing there.
export function begin(found, limit) {
  [photo, most, hints, cross] = [found, limit, [], { x: 0.5, y: 0.5 }];
  turn(false);
  draw();
}

export function accept(texts) {
  for (const hint of hints) hint.painted ||= texts.includes(hint.text);
}

// Whether there were any among those that the server did not take.
export function refuse(texts) {
  const left = hints.filter((hint) => hint.painted || !texts.includes(hint.text));
  const some = left.length < hints.length;
  hints = left;
  draw();
  return some;
}

function turn(on) {
  at("hint-mode").setAttribute("aria-pressed", on);
  at("compare").classList.toggle("hinting", on);
  at("cross").hidden = !on;
  at("divider").hidden = on;
}

function place({ x, y }) {
  if (hints.length >= most) {
    page.complain(new Error(`There are ${most} hints, which is the most. Remove one first.`));
    return;
  }
  const color = at("hint-color").value;
  const [column, row] = [pixel(x, photo.width), pixel(y, photo.height)];
  hints.push({ x, y, color, text: `${column},${row},${color}`, painted: false });
  change(`Hint ${hints.length}: ${color}, ${where({ x, y })}.`);
}

const pixel = (value, size) => Math.min(size - 1, Math.max(0, Math.floor(value * size)));

function remove(hint) {
  hints = hints.filter((other) => other !== hint);
  change(`Hint removed; ${count()}.`);
}

function change(words) {
  draw();
  page.say(words);
  page.changed();
}

const count = () => (hints.length === 1 ? "1 hint" : `${hints.length || "no"} hints`);

function draw() {
  at("markers").replaceChildren(...hints.map(marker));
  at("hint-count").textContent = hints.length ? count() : "";
  if (!hints.length && at("hint-list").contains(document.activeElement)) at("hint-mode").focus();
  at("hint-list").hidden = !hints.length;
  put(at("cross"), cross);
}

function marker(hint, number) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "marker";
  button.title = "Remove this hint";
  button.setAttribute("aria-label", `Remove hint ${number + 1}: ${hint.color}, ${where(hint)}`);
  button.style.setProperty("--hint", hint.color);
  put(button, hint);
  button.addEventListener("click", (event) => {
    event.stopPropagation(); // or it were placed again
    if (event.detail > 1) return; // the second half of a double click that placed it
    remove(hint);
    at("cross").focus({ preventScroll: true, focusVisible: event.detail === 0 });
  });
  return button;
}

function put(element, { x, y }) {
  element.style.setProperty("--x", `${x * 100}%`);
  element.style.setProperty("--y", `${y * 100}%`);
}

function point(event) {
  if (!areOn()) return;
  const box = at("compare").getBoundingClientRect();
  const [x, y] = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
  cross = { x: within(x), y: within(y) };
  place(cross);
}

const within = (value) => Math.min(1, Math.max(0, value));

function press(event) {
  const towards = arrows[event.key];
  if (towards) {
    const [x, y] = towards.map((sign) => sign * (event.shiftKey ? fine : step));
    cross = { x: within(cross.x + x), y: within(cross.y + y) };
    put(at("cross"), cross);
    page.say(`${where(cross)}.`);
  } else if (event.key === "Enter" || event.key === " ") {
    place(cross);
  } else return;
  event.preventDefault();
}

export function listen(told) {
  page = told;
  at("hint-mode").addEventListener("click", (event) => {
    turn(!areOn());
    // By keyboard: on to where the arrow keys are heard.
    if (areOn() && event.detail === 0) at("cross").focus({ preventScroll: true });
  });
  at("compare").addEventListener("click", point);
  at("cross").addEventListener("keydown", press);
  at("compare").addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !areOn()) return;
    turn(false);
    at("hint-mode").focus();
  });
  at("hint-undo").addEventListener("click", () => remove(hints.at(-1)));
  at("hint-clear").addEventListener("click", () => {
    hints = [];
    change("All hints removed.");
  });
}
