// What the page knows, by topic. Whoever shows a topic is called when it changes.

const values = new Map();
const listeners = new Map();

export const get = (topic) => values.get(topic);

export function set(topic, value) {
  values.set(topic, value);
  for (const listener of listeners.get(topic) ?? []) listener(value);
}

// on calls listener with each new value, and at once with the one that is there.
export function on(topic, listener) {
  if (!listeners.has(topic)) listeners.set(topic, new Set());
  listeners.get(topic).add(listener);
  if (values.has(topic)) listener(values.get(topic));
}
