import { Pattern } from './re2/pattern.ts';
import { CompiledRule } from './relabel-schema.ts';

/**
 * The configuration as it may be shown: header values hidden, since they may hold tokens, regular expressions as text,
 * and rules as they were written. Passwords and tokens are only known by their files.
 */
export function printable(value: unknown, path: readonly string[] = []): unknown {
  if (value instanceof Pattern) return value.source;
  if (value instanceof CompiledRule) return printable(value.written);
  if (Array.isArray(value)) return value.map((item) => printable(item, path));
  if (typeof value !== 'object' || value === null) {
    const isHeader = path[0] === 'exporters' && path[2] === 'headers' && path.length === 4;
    return isHeader ? '<hidden>' : value;
  }
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  return Object.fromEntries(entries.map(([key, item]) => [key, printable(item, [...path, key])]));
}
