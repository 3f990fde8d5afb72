// One session: consent, practice with feedback, pairs without. What is answered is the server's to
// know; a page that is loaded again goes on where the session is.

import { get, post, file } from "./server.js";
import { Unseen, clear, prepare, show } from "./showing.js";

const at = (id) => document.getElementById(id);
const sections = ["welcome", "pause", "trial", "over"];
const memory = window.sessionStorage; // of this tab alone, and gone with it

let study; // what the server has said of it
let trial = 0;
let looks = 0; // how often this trial was begun
let shown; // how long its pictures were there; only while it waits for an answer

function complain(error) {
  at("alert").textContent = error?.message ?? "";
  at("alert").hidden = !error;
}

function say(text) {
  at("status").textContent = text;
}

function open(id) {
  for (const section of sections) at(section).hidden = section !== id;
}

const place = (...parts) => ["api/sessions", memory.getItem("token"), ...parts].join("/");
const isPractice = () => trial < study.practice;
const all = () => study.practice + study.trials;

// Beginning, and beginning again

async function start() {
  study = await get("api/study", complain);
  const practice = `First come ${study.practice} pairs to practice, and you are told whether you are right. Then come `;
  at("task").textContent = `${study.practice ? practice : "There are "}${study.trials} pairs without being told.`;
  if (!memory.getItem("token")) return open("welcome");
  try {
    await sendWhatIsLeft();
    ({ next: trial } = await get(place(), complain));
  } catch (error) {
    if (error.status !== 404) throw error;
    forget(); // of another study
    return open("welcome");
  }
  if (trial === all()) return finish();
  pause("Welcome back", "The study goes on where you were.");
}

function forget() {
  for (const key of ["token", "looks", "answer"]) memory.removeItem(key);
}

async function begin() {
  at("begin").disabled = true;
  try {
    const { token } = await post("api/sessions", { consent: "yes" }, complain);
    memory.setItem("token", token);
    await move(0);
  } finally {
    at("begin").disabled = false;
  }
}

// An answer that was given, and whose arrival nobody has told this page.
async function sendWhatIsLeft() {
  const left = JSON.parse(memory.getItem("answer"));
  if (!left) return;
  await post(place("trials", left.trial), left.message, complain).catch((error) => {
    if (error.status !== 409) throw error;
  });
  memory.removeItem("answer");
}

function pause(title, words) {
  at("pause-title").textContent = title;
  at("pause-words").textContent = words;
  progress();
  open("pause");
  at("go").focus({ focusVisible: false });
}

function progress() {
  at("count").hidden = at("progress").hidden = false;
  const [now, of] = isPractice() ? [trial + 1, study.practice] : [trial - study.practice + 1, study.trials];
  at("count").textContent = `${isPractice() ? "Practice" : "Pair"} ${Math.min(now, of)} of ${of}`;
  at("progress").max = all();
  at("progress").value = trial;
}

function finish() {
  at("count").hidden = at("progress").hidden = true;
  open("over");
  say("Thank you. That was all.");
}

// A pair

async function move(to) {
  trial = to;
  if (trial === all()) return finish();
  if (trial === study.practice && trial > 0) {
    return pause("Practice is over", `Now ${study.trials} pairs that count. You are no longer told whether you are right.`);
  }
  await present();
}

async function present() {
  open("trial");
  progress();
  clear();
  answers(false);
  at("next").hidden = true;
  at("answers").hidden = false;
  say("Look.");
  try {
    await prepare(await Promise.all([1, 2].map((k) => file(place("trials", trial, k), complain))));
    look();
    shown = await show(study.shown_ms, study.empty_ms);
  } catch (error) {
    if (!(error instanceof Unseen)) throw error;
    return pause("Paused", "The page was out of sight. The pair begins anew.");
  }
  at("question").hidden = false;
  answers(true);
  say("Which one was colored by a computer? Press 1 for the first, 2 for the second.");
}

function look() {
  const before = JSON.parse(memory.getItem("looks")) ?? {};
  looks = (before.trial === trial ? before.times : 0) + 1;
  memory.setItem("looks", JSON.stringify({ trial, times: looks }));
}

function answers(may) {
  at("one").disabled = at("two").disabled = !may;
}

async function answer(fake) {
  if (!shown || at("one").disabled) return;
  const message = {
    fake,
    reaction_ms: Math.max(0, performance.now() - shown.end),
    first_ms: shown.firstMs,
    second_ms: shown.secondMs,
    looks,
  };
  shown = undefined;
  answers(false);
  memory.setItem("answer", JSON.stringify({ trial, message }));
  const told = await post(place("trials", trial), message, complain);
  memory.removeItem("answer");
  if (told.fake) return feedback(fake === told.fake, told.fake);
  await move(told.next);
}

function feedback(isRight, fake) {
  const words = `${isRight ? "Right" : "Wrong"}: the ${fake === 1 ? "first" : "second"} was colored.`;
  at("question").hidden = true;
  at("feedback").textContent = words;
  at("feedback").className = isRight ? "right" : "wrong";
  at("feedback").hidden = false;
  at("answers").hidden = true;
  at("next").hidden = false;
  at("next").focus({ focusVisible: false });
  say(words);
}

// Everything together

// Where the session is elsewhere than this page thinks, as with a second tab, it begins again.
const safely = (work) => (...values) => work(...values).catch((error) => {
  if (![404, 409].includes(error.status)) return complain(error);
  memory.removeItem("answer");
  return start().catch(complain);
});

function keys(event) {
  if (event.repeat || event.ctrlKey || event.metaKey || event.altKey || at("trial").hidden) return;
  const chosen = { 1: 1, ArrowLeft: 1, 2: 2, ArrowRight: 2 }[event.key];
  if (!chosen || at("answers").hidden) return;
  event.preventDefault();
  safely(answer)(chosen);
}

at("begin").addEventListener("click", safely(begin));
at("go").addEventListener("click", safely(present));
at("next").addEventListener("click", safely(() => move(trial + 1)));
at("one").addEventListener("click", safely(() => answer(1)));
at("two").addEventListener("click", safely(() => answer(2)));
addEventListener("keydown", keys);
safely(start)();
