// PromQL selectors, and the filter that users type to select series.

/**
 * A selector for the series with these labels: `name{device="sda"}`. An empty value means: without that label.
 * @param {string} name
 * @param {Readonly<Record<string, string>>} labels
 */
export function selector(name, labels) {
  const matchers = Object.entries(labels).map(([label, value]) => `${label}=${quoted(value)}`);
  return matchers.length === 0 ? name : `${name}{${matchers.join(', ')}}`;
}

/**
 * A string literal of PromQL; with Go's escapes.
 * @param {string} value
 */
const quoted = (value) => `"${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`;

/** A label with its value, bare or quoted, or a word. */
const TERM = /([a-zA-Z_][a-zA-Z0-9_]*)=(?:"([^"]*)"|([^\s,"]*))|([^\s,]+)/g;

/**
 * Reads a filter such as `device=sda mode="idle time" nvme`: labels with exact values, and words that may occur
 * anywhere in the labels.
 * @param {string} filter
 */
export function parseFilter(filter) {
  /** @type {Record<string, string>} */
  const labels = {};
  const words = [];
  for (const [, label, quotedValue, bare, word] of filter.matchAll(TERM)) {
    if (label !== undefined) labels[label] = quotedValue ?? bare ?? '';
    else if (word !== undefined) words.push(word);
  }
  return { labels, text: words.join(' ') };
}
