// Lines of the stream, as the server sends them.

const now = () => new Date().toISOString();
const later = (seconds) => new Date(Date.now() + seconds * 1000).toISOString();

export const hello = (more = {}) => ({
  type: "hello", version: "test", stream: "1", emulated: false, started: now(), now: now(), hostname: "desk", addresses: ["192.168.1.2"],
  defaults: { leaseSeconds: 3600, testPort: 9542 }, presets: [{ name: "Minecraft", ports: [{ protocol: "TCP", from: 25565, to: 25565 }] }], risks: [{ port: 22, what: "SSH" }], ...more,
});

export const search = (state, more = {}) => ({
  type: "search", state, target: "", started: now(), elapsedSeconds: 0, interfaces: ["eth0 192.168.1.2"], skipped: [], candidates: [], rejected: [], failures: [], error: null, ...more,
});

export const gateway = (more = {}) => ({
  type: "gateway", state: "ready", reason: "",
  gateway: {
    friendlyName: "Attic router", deviceType: "urn:schemas-upnp-org:device:InternetGatewayDevice:2", manufacturer: "Some maker", modelName: "R 1", udn: "uuid:1",
    location: "http://192.168.1.1:5000/root.xml", localAddress: "192.168.1.2", externalAddress: "203.0.113.9", addressClass: "public", connected: true,
    status: { connection: "Connected", lastError: "ERROR_NONE", uptimeSeconds: 273000 }, services: [], devices: [], abilities: [], notes: [], others: [], ...more,
  },
});

export const following = (more = {}) => ({ type: "following", on: true, source: "live", reason: "", since: now(), ...more });

export const row = (externalPort, more = {}) => ({
  id: `${externalPort}/tcp`, protocol: "TCP", externalPort, internalClient: "192.168.1.2", internalPort: externalPort, remoteHost: "", enabled: true,
  description: "web", leaseSeconds: 3600, mine: true, expires: later(3600), ...more,
});

export const table = (mappings, more = {}) => ({ type: "table", state: "ready", at: now(), from: 0, count: mappings.length, mappings, error: null, ...more });

// parts is a long table in lines of 500.
export function parts(mappings) {
  const lines = [];
  for (let from = 0; from < mappings.length; from += 500) lines.push(table(mappings.slice(from, from + 500), { from, state: from + 500 < mappings.length ? "reading" : "ready" }));
  return lines;
}

export const drift = (mappings = []) => ({ type: "drift", mappings });
export const kept = (mappings = []) => ({ type: "kept", mappings });

// quiet is the present of a server with nothing special.
export const quiet = () => [kept(), drift(), { type: "server", running: false, port: 0, url: "", publicUrl: "", mapping: null, visitors: [] },
  { type: "check", running: false, check: null }, { type: "devices", searching: false, devices: [] }, { type: "subscriptions", subscriptions: [] }];
