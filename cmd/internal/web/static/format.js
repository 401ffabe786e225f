// Values as people read them.

const UNITS = ["B", "kB", "MB", "GB", "TB", "PB"];

export function bytes(n) {
  let unit = 0;
  for (; n >= 1000 && unit < UNITS.length - 1; unit++) n /= 1000;
  return `${unit === 0 || n >= 100 ? Math.round(n) : n.toFixed(1)} ${UNITS[unit]}`;
}

export const rate = (bytesPerSecond) => `${bytes(bytesPerSecond)}/s`;

export function bits(n) {
  if (!n) return "";
  return n >= 1e9 ? `${trim(n / 1e9)} Gbit/s` : n >= 1e6 ? `${trim(n / 1e6)} Mbit/s` : `${trim(n / 1e3)} kbit/s`;
}

const trim = (n) => String(Number(n.toFixed(1)));

// duration is seconds in at most two units: 59 min 51 s, 6 d 4 h.
export function duration(seconds) {
  const s = Math.max(0, Math.floor(seconds));
  const parts = [[s / 86400, "d"], [(s % 86400) / 3600, "h"], [(s % 3600) / 60, "min"], [s % 60, "s"]].map(([n, unit]) => [Math.floor(n), unit]);
  const first = parts.findIndex(([n]) => n > 0);
  if (first < 0) return "0 s";
  return parts.slice(first, first + 2).filter(([n], i) => i === 0 || n > 0).map(([n, unit]) => `${n} ${unit}`).join(" ");
}

// lease is how long something was asked for; 0 has no end.
export const lease = (seconds) => (seconds ? duration(seconds) : "until removed");

export const clock = (time) => new Date(time).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });

export const milliseconds = (ms) => (ms == null ? "" : ms < 10 ? `${ms.toFixed(1)} ms` : ms < 10000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`);

export const plural = (n, one, many = `${one}s`) => `${n.toLocaleString("en")} ${n === 1 ? one : many}`;

export const endpoint = (host, port) => `${host.includes(":") ? `[${host}]` : host}:${port}`;

// ports reads "9542" or "4000-4010" as its first and last port, or says what is wrong with it.
export function ports(words) {
  const match = /^\s*(\d{1,5})\s*(?:[-–]\s*(\d{1,5})\s*)?$/.exec(words);
  if (!match) return { problem: "Write a port, such as 9542, or a range, such as 4000-4010." };
  const first = Number(match[1]);
  const last = Number(match[2] ?? match[1]);
  if (first < 1 || last > 65535) return { problem: "Ports are numbers from 1 to 65535." };
  if (last < first) return { problem: "The last port of a range comes after the first." };
  return { first, last };
}

export const span = ({ first, last }) => (first === last ? String(first) : `${first}-${last}`);

export const mapping = (m) => `${m.protocol} ${m.externalPort} → ${endpoint(m.internalClient, m.internalPort)}`;

export const keyOf = (m) => `${m.protocol}/${m.externalPort}/${m.remoteHost}`;
