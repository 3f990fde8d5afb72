// What the server is asked, and what it or the browser refuses, in one line for a person.

export class Refused extends Error {
  constructor(message, status, seconds) {
    super(message);
    this.status = status;
    this.seconds = seconds;
  }
}

export async function ask(address, options) {
  let answer;
  try {
    answer = await fetch(address, options);
  } catch {
    throw new Refused("The server does not answer. Is huescape demo still running?", 0);
  }
  if (answer.ok) return answer;
  const { error } = await answer.json().catch(() => ({ error: `error ${answer.status}` }));
  const line = error[0].toUpperCase() + error.slice(1);
  throw new Refused(`${line}.`, answer.status, Number(answer.headers.get("Retry-After")));
}

export async function bytes(file) {
  try {
    return await file.arrayBuffer();
  } catch {
    throw new Refused("The file cannot be read. Is it a folder?", 0);
  }
}
