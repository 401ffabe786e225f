// A server of the page that says what a test wants: for states that a router is seldom in. It serves
// the real files under the real policy.

import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname } from "node:path";

const STATIC = new URL("../static/", import.meta.url);
const TYPES = { ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml" };
export const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'";

export class Fake {
  #streams = new Set();
  calls = [];

  // lines are what a stream begins with; answers are what calls get: path: value or function of the body.
  constructor(lines, answers = {}) {
    this.lines = lines;
    this.answers = answers;
  }

  // start listens on a port, or on any.
  async start(port = 0) {
    this.server = createServer((request, response) => this.#serve(request, response).catch((error) => response.destroy(error)));
    await new Promise((resolve) => this.server.listen(port, "127.0.0.1", resolve));
    this.idle = setInterval(() => this.say({ type: "idle" }), 5000);
    this.url = `http://127.0.0.1:${this.server.address().port}/#t=secret`;
    return this;
  }

  async #serve(request, response) {
    const path = new URL(request.url, "http://fake").pathname;
    response.setHeader("Content-Security-Policy", POLICY);
    if (!path.startsWith("/api/")) return this.#file(path === "/" ? "/index.html" : path, response);
    if (request.headers.authorization !== "Bearer secret") return response.writeHead(403).end();
    if (path === "/api/stream" && request.method === "GET") return this.#stream(response);
    const body = await text(request);
    this.calls.push({ path, body: body && request.headers["content-type"] === "application/json" ? JSON.parse(body) : body });
    const answer = this.answers[path];
    const value = (typeof answer === "function" ? answer(this.calls.at(-1).body) : answer) ?? {};
    response.writeHead(200, { "Content-Type": "application/json" }).end(JSON.stringify(value));
  }

  async #file(path, response) {
    const data = await readFile(new URL(path.slice(1), STATIC));
    response.writeHead(200, { "Content-Type": TYPES[extname(path)] }).end(data);
  }

  #stream(response) {
    response.writeHead(200, { "Content-Type": "application/x-ndjson" });
    this.#streams.add(response);
    response.on("close", () => this.#streams.delete(response));
    for (const line of this.lines) response.write(`${JSON.stringify(line)}\n`);
  }

  // say sends a line to every stream.
  say(line) {
    for (const stream of this.#streams) stream.write(`${JSON.stringify(line)}\n`);
  }

  // hangUp ends every stream, and stop the server as well.
  hangUp() {
    for (const stream of this.#streams) stream.destroy();
  }

  async stop() {
    clearInterval(this.idle);
    this.hangUp();
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

async function text(request) {
  let words = "";
  for await (const piece of request) words += piece;
  return words;
}
