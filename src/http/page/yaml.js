// The configuration in YAML.

/** Text that YAML reads as text without quotes. */
const PLAIN = /^[a-zA-Z/][a-zA-Z0-9_./-]*(?::\/\/[a-zA-Z0-9_./:-]+)?$/;
const RESERVED = /^(?:true|false|null|yes|no|on|off|y|n)$/i;

/**
 * JSON data as YAML in block style.
 * @param {unknown} value
 */
export const toYaml = (value) => `${block(value, '').replace(/^\n/, '')}\n`;

/**
 * The text after `key:` or `-`: a scalar on the same line, or separate indented lines.
 * @param {unknown} value
 * @param {string} indent
 * @returns {string}
 */
function block(value, indent) {
  if (Array.isArray(value)) {
    if (value.length === 0) return ' []';
    return value.map((item) => `\n${indent}-${block(item, `${indent}  `).replace(/^\n\s*/, ' ')}`).join('');
  }
  if (typeof value !== 'object' || value === null) return ` ${scalar(value)}`;
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  if (entries.length === 0) return ' {}';
  return entries.map(([key, item]) => `\n${indent}${scalar(key)}:${block(item, `${indent}  `)}`).join('');
}

/** @param {unknown} value */
const scalar = (value) =>
  typeof value === 'string' && PLAIN.test(value) && !RESERVED.test(value) ? value : JSON.stringify(value);
