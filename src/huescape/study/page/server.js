// What the server is asked, and what it or the network refuses, in one line for a person.

export class Refused extends Error {
  constructor(message, status, seconds) {
    super(message);
    this.status = status;
    this.seconds = seconds;
  }
}

// What passes by itself: no answer at all, too many requests, a store that is busy.
const LATER = [0, 429, 503];
const LONGEST_WAIT = 10;

const pause = (seconds) => new Promise((done) => setTimeout(done, seconds * 1000));

async function once(address, options) {
  let answer;
  try {
    answer = await fetch(address, options);
    if (answer.ok) return { answer, blob: await answer.blob() };
  } catch {
    throw new Refused("The server does not answer. Trying again; nothing is lost.", 0);
  }
  const { error } = await answer.json().catch(() => ({ error: `error ${answer.status}` }));
  const line = error[0].toUpperCase() + error.slice(1);
  throw new Refused(`${line}.`, answer.status, Number(answer.headers.get("Retry-After")));
}

// Asks until there is an answer, and tells `complain` of what stands in the way meanwhile.
async function patiently(address, options, complain) {
  for (let wait = 1; ; wait = Math.min(2 * wait, LONGEST_WAIT)) {
    try {
      const found = await once(address, options);
      complain(null);
      return found;
    } catch (error) {
      if (!LATER.includes(error.status)) throw error;
      complain(error);
      await pause(error.seconds || wait);
    }
  }
}

export async function get(address, complain) {
  return JSON.parse(await (await patiently(address, {}, complain)).blob.text());
}

export async function post(address, message, complain) {
  const options = { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(message) };
  return JSON.parse(await (await patiently(address, options, complain)).blob.text());
}

export async function file(address, complain) {
  return (await patiently(address, {}, complain)).blob;
}
