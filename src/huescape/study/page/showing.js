// Two pictures on the stage, one after the other, and how long each was really there.

const at = (id) => document.getElementById(id);
const frame = () => new Promise((done) => requestAnimationFrame(done));

// While the page is not seen, no frame comes, and a picture would stay.
export class Unseen extends Error {}

// A picture goes with the frame that is nearest to its time: half a frame of 60 Hz before it.
const HALF_FRAME_MS = 8;

export async function prepare(blobs) {
  for (const [id, blob] of [["first", blobs[0]], ["second", blobs[1]]]) {
    const old = at(id).src;
    at(id).src = URL.createObjectURL(blob);
    await at(id).decode();
    if (old) URL.revokeObjectURL(old);
  }
}

export function clear() {
  for (const id of ["first", "second", "cross", "question", "feedback"]) at(id).hidden = true;
}

async function during(id, ms) {
  if (document.hidden) throw new Unseen();
  at(id).hidden = false;
  const gone = hidden();
  const start = await frame();
  let now = start;
  while (now - start < ms - HALF_FRAME_MS) {
    now = await Promise.race([frame(), gone]);
    if (document.hidden) {
      clear();
      throw new Unseen();
    }
  }
  at(id).hidden = true;
  return now - start;
}

function hidden() {
  return new Promise((done) => document.addEventListener("visibilitychange", done, { once: true }));
}

// Milliseconds of each, and when the second one went.
export async function show(shownMs, emptyMs) {
  clear();
  await during("cross", emptyMs);
  const firstMs = await during("first", shownMs);
  await during("cross", emptyMs);
  const secondMs = await during("second", shownMs);
  await frame();
  return { firstMs, secondMs, end: performance.now() };
}
