// One photo at a time: it is sent once, and each move of a slider asks for its preview anew.

import * as hints from "./hints.js";
import { Refused, ask, bytes } from "./server.js";

const at = (id) => document.getElementById(id);
const sliders = ["tau", "temperature", "strength"];
const percent = (value) => `${Math.round(value * 100)} %`;
const pixels = (...sides) => sides.map((side) => side.toLocaleString("en")).join(" × ");
const said = { tau: percent, temperature: (value) => Number(value).toFixed(2), strength: percent };
const pause = (seconds) => new Promise((done) => setTimeout(done, seconds * 1000));

let model; // what the server has said of it, once ready
let photo; // {token, width, height, name} of the one that is shown

function complain(error) {
  at("alert").textContent = error?.message ?? "";
  at("alert").hidden = !error;
}

function say(text) {
  at("status").textContent = text;
}

// A file comes in

function check(file) {
  const most = model.upload_bytes;
  if (file.size <= most) return;
  const [has, may] = [file.size, most].map((bytes) => `${(bytes / 1e6).toLocaleString("en", { maximumFractionDigits: 1 })} MB`);
  throw new Refused(`The file has ${has}. Allowed: at most ${may}.`, 413);
}

async function take(file) {
  if (!file || document.body.classList.contains("busy")) return;
  complain(null);
  busy(true);
  try {
    await ready(); // a quick hand chooses before the server has said which model it has
    check(file);
    const answer = await ask("api/photos", { method: "POST", body: await bytes(file) });
    await show({ ...(await answer.json()), name: file.name });
    say("The photo is colored. Arrow keys move the divider.");
  } catch (error) {
    complain(error);
    say("");
  } finally {
    busy(false);
  }
}

function busy(is) {
  document.body.classList.toggle("busy", is);
  at("drop").setAttribute("aria-busy", is);
  at("another").disabled = is;
  if (is) say("Coloring the photo…");
}

function forget() {
  if (photo) ask(`api/photos/${photo.token}`, { method: "DELETE" }).catch(() => {});
  photo = undefined;
}

function startAgain() {
  forget();
  at("result").hidden = at("another").hidden = true;
  at("start").hidden = false;
  at("drop").focus();
}

// Before and after

async function show(found) {
  const { token, width, height, name } = found;
  const blobs = [await preview(token, "strength=0"), await preview(token, "")];
  forget();
  photo = found;
  hints.begin(found, model.hints);
  reset();
  await Promise.all([put("before", blobs[0]), put("after", blobs[1])]);
  at("before").alt = `${name} in gray`;
  at("after").alt = `${name}, colored by ${model.name}`;
  const picture = at("after");
  at("full-size").textContent = pixels(width, height);
  at("small-size").textContent = pixels(picture.naturalWidth, picture.naturalHeight);
  at("small").hidden = picture.naturalWidth === width; // it is the same
  at("compare").style.setProperty("--ratio", `${picture.naturalWidth} / ${picture.naturalHeight}`);
  fit();
  split(50);
  at("start").hidden = true;
  at("result").hidden = at("another").hidden = false;
  at("divider").focus({ focusVisible: false });
}

// As wide as fits, and not so tall that the whole would not be seen at once: on a phone with a
// slider below it. Never so narrow that there is nothing to get hold of.
function fit() {
  const { naturalWidth: width, naturalHeight: height } = at("after");
  const tallest = matchMedia("(max-width: 860px)").matches ? innerHeight / 2 : innerHeight - 170;
  if (width) at("compare").style.setProperty("--fit", `max(160px, ${(width / height) * Math.max(200, tallest)}px)`);
}

function split(value) {
  const place = Math.min(100, Math.max(0, value));
  at("divider").value = place;
  at("divider").setAttribute("aria-valuetext", `${Math.round(place)} % of the photo in gray`);
  at("compare").style.setProperty("--split", `${place}%`);
  at("compare").classList.toggle("at-left", place < 15);
  at("compare").classList.toggle("at-right", place > 85);
}

function drag(event) {
  const box = at("compare").getBoundingClientRect();
  split(((event.clientX - box.left) / box.width) * 100);
}

async function preview(token, query) {
  for (;;) {
    try {
      return await (await ask(`api/photos/${token}/preview?${query}`)).blob();
    } catch (error) {
      if (![429, 503].includes(error.status)) throw error;
      await pause(error.seconds || 1);
    }
  }
}

async function put(id, blob) {
  const old = at(id).src;
  at(id).src = URL.createObjectURL(blob);
  await at(id).decode();
  if (old) URL.revokeObjectURL(old);
}

// Sliders

function look() {
  const decoding = model.regression ? {} : { tau: at("tau").value, temperature: at("temperature").value };
  const query = new URLSearchParams({ strength: at("strength").value, ...decoding });
  for (const hint of hints.asked()) query.append("hint", hint);
  return query;
}

function label() {
  for (const id of sliders) {
    at(`${id}-value`).textContent = said[id](at(id).value);
    at(id).setAttribute("aria-valuetext", said[id](at(id).value));
  }
}

function reset() {
  at("tau").value = model.tau;
  at("temperature").value = model.temperature;
  at("strength").value = 1;
  label();
}

// One request at a time; when it is answered, the sliders may have moved on.
let painting = false;
let moved = false;

async function repaint() {
  label();
  moved = true;
  if (painting) return;
  painting = true;
  while (moved && photo) {
    moved = false;
    await paint(photo.token);
  }
  painting = false;
}

async function paint(token, said = null) {
  const query = look();
  const asked = query.getAll("hint");
  try {
    const blob = await preview(token, query);
    if (photo?.token !== token) return;
    await put("after", blob);
    hints.accept(asked);
    complain(said);
  } catch (error) {
    lost(error, token);
    // A hint on the border of a print: the page does not know where that is.
    if (photo?.token === token && error.status === 422 && hints.refuse(asked)) await paint(token, error);
  }
}

// What went wrong with a photo that is no longer shown is no news.
function lost(error, token) {
  if (photo?.token !== token) return;
  if ([404, 410].includes(error.status)) startAgain();
  complain(error);
}

// Downloads

async function download(button, size) {
  const format = document.querySelector("[name=format]:checked").value;
  const { token, name } = photo;
  button.disabled = true;
  complain(null);
  say("Preparing the download…");
  try {
    const query = new URLSearchParams([...look(), ["format", format], ["size", size]]);
    save(await (await ask(`api/photos/${token}/result?${query}`)).blob(), name, format);
    say("The download is ready.");
  } catch (error) {
    say("");
    lost(error, token);
  } finally {
    button.disabled = false;
  }
}

function save(blob, name, format) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = `${name.replace(/\.[^.]*$/, "") || "photo"}-colored.${format === "jpeg" ? "jpg" : "png"}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}

// Everything together

function listen() {
  at("drop").addEventListener("click", () => at("file").click());
  at("file").addEventListener("change", () => {
    take(at("file").files[0]);
    at("file").value = ""; // or the same file, chosen again after an error, would be no change
  });
  at("another").addEventListener("click", startAgain);
  at("divider").addEventListener("input", () => split(Number(at("divider").value)));
  at("compare").addEventListener("pointerdown", (event) => {
    if (event.button || hints.areOn()) return;
    event.preventDefault();
    at("divider").focus({ focusVisible: false });
    at("compare").setPointerCapture(event.pointerId);
    drag(event);
  });
  at("compare").addEventListener("pointermove", (event) => {
    if (at("compare").hasPointerCapture(event.pointerId)) drag(event);
  });
  for (const id of sliders) at(id).addEventListener("input", repaint);
  at("reset").addEventListener("click", () => {
    reset();
    repaint();
  });
  hints.listen({ changed: repaint, say, complain });
  at("full").addEventListener("click", () => download(at("full"), "full"));
  at("small").addEventListener("click", () => download(at("small"), "preview"));
  at("controls").addEventListener("submit", (event) => event.preventDefault());
  addEventListener("resize", fit);
  addEventListener("dragover", over);
  addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) document.body.classList.remove("over");
  });
  addEventListener("drop", (event) => {
    event.preventDefault();
    document.body.classList.remove("over");
    take(event.dataTransfer.files[0]);
  });
}

function over(event) {
  if (!event.dataTransfer.types.includes("Files")) return;
  event.preventDefault();
  document.body.classList.add("over");
}

async function begin() {
  model = await (await ask("api/model")).json();
  at("tau-control").hidden = at("temperature-control").hidden = model.regression;
  at("strength").max = model.strongest;
  const [megabytes, megapixels] = [model.upload_bytes, model.pixels].map((value) => (value / 1e6).toLocaleString("en"));
  at("allowed").textContent = `JPEG, PNG, TIFF, HEIC, WebP and others, up to ${megabytes}\u00a0MB and ${megapixels}\u00a0megapixels`;
  const decoding = model.regression ? "" : `, ${model.method} decoding`;
  const time = model.seconds < 90 ? `${Math.round(model.seconds)} seconds` : `${Math.round(model.seconds / 60)} minutes`;
  at("about").textContent = `Colored by ${model.name}${decoding}. Photos stay in this server’s memory and are forgotten after ${time} without use.`;
}

// Asked again where it failed: the next photo may find the server awake.
let beginning;
function ready() {
  beginning ??= begin().catch((error) => {
    beginning = undefined;
    throw error;
  });
  return beginning;
}

listen();
ready().catch(complain);
