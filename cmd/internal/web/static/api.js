// Speaking with the server: calls, and the stream that tells of everything.

const KEY = "upnp-secret";
const SILENCE = 25000; // ms without a line after which the connection counts as lost
let secret = null;

// takeSecret moves the secret from the address bar into this tab's memory. It tells whether there is one.
export function takeSecret() {
  const match = /^#t=(.+)$/.exec(location.hash);
  if (match) {
    sessionStorage.setItem(KEY, match[1]);
    history.replaceState(null, "", "/");
  }
  secret = sessionStorage.getItem(KEY);
  return secret !== null;
}

// A Failure is an error as the server words it: failure has error, kind, hint, upnpCode, upnpName, field.
export class Failure extends Error {
  constructor(failure) {
    super(failure.error);
    this.failure = failure;
  }
}

// Refused is the answer of the guard: the secret is not that of the running server.
export class Refused extends Error {}

async function request(method, path, { body, type, signal } = {}) {
  const headers = { Authorization: `Bearer ${secret}` };
  if (method === "POST") headers["Content-Type"] = type ?? "application/json";
  let answer;
  try {
    answer = await fetch(path, { method, headers, body, signal, cache: "no-store" });
  } catch (cause) {
    if (signal?.aborted) throw cause;
    throw new Failure({ error: "The program behind this page does not answer.", kind: "failed", hint: "Is upnp ui still running?" });
  }
  if (answer.status === 403) throw new Refused();
  if (!answer.ok) throw new Failure(await failureOf(answer));
  return answer;
}

async function failureOf(answer) {
  try {
    return await answer.json();
  } catch {
    return { error: `The program behind this page answered ${answer.status}.`, kind: "failed" };
  }
}

export const read = async (path) => (await request("GET", path)).json();
export const readText = async (path) => (await request("GET", path)).text();
export const readBytes = async (path) => new Uint8Array(await (await request("GET", path)).arrayBuffer());
export const post = async (path, body = {}) => (await request("POST", path, { body: JSON.stringify(body) })).json();
export const upload = async (path, bytes) =>
  (await request("POST", path, { body: bytes, type: "application/octet-stream" })).json();

export async function save(path, name) {
  const address = URL.createObjectURL(await (await request("GET", path)).blob());
  const anchor = Object.assign(document.createElement("a"), { href: address, download: name });
  anchor.click();
  setTimeout(() => URL.revokeObjectURL(address), 10000);
}

// follow calls on.line with each line of the stream and on.lost when it ends, for good after
// on.refused. It begins again by itself; the present comes first each time.
export class Stream {
  #abort = null;
  #wait = 500;
  #timer = 0;

  constructor(on) {
    this.on = on;
  }

  get running() {
    return this.#abort !== null;
  }

  async start() {
    clearTimeout(this.#timer);
    this.#abort?.abort();
    const abort = (this.#abort = new AbortController());
    try {
      await this.#read(abort);
      this.#again(abort);
    } catch (error) {
      if (error instanceof Refused) this.on.refused();
      else this.#again(abort);
    }
  }

  stop() {
    clearTimeout(this.#timer);
    this.#abort?.abort();
    this.#abort = null;
  }

  #again(abort) {
    if (this.#abort !== abort) return;
    abort.abort();
    this.on.lost(this.#wait);
    this.#timer = setTimeout(() => this.start(), this.#wait);
    this.#wait = Math.min(this.#wait * 2, 5000);
  }

  async #read(abort) {
    const answer = await request("GET", "/api/stream", { signal: abort.signal });
    this.#wait = 500;
    let watchdog;
    const alive = () => {
      clearTimeout(watchdog);
      watchdog = setTimeout(() => abort.abort(), SILENCE);
    };
    alive();
    try {
      await eachLine(answer.body, alive, (line) => this.on.line(line));
    } finally {
      clearTimeout(watchdog);
    }
  }
}

// eachLine reads NDJSON. heard is called with every piece that arrives.
async function eachLine(body, heard, line) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    heard();
    const lines = (rest + value).split("\n");
    rest = lines.pop();
    for (const words of lines) if (words) line(JSON.parse(words));
  }
}
