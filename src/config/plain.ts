import { Pattern } from './re2/pattern.ts';
import { CompiledRule } from './relabel-schema.ts';

/**
 * The configuration in a form that can be passed to another process: patterns and rules, which contain code, as source
 * text. Each is represented by a Map, because nothing else in a configuration is one.
 */
export function toPlain(value: unknown): unknown {
  if (value instanceof Pattern) return new Map([['pattern', value.source]]);
  if (value instanceof CompiledRule) {
    const { written, regex, matchesAll } = value;
    return new Map<string, unknown>([['rule', { written, whole: regex.source, matchesAll }]]);
  }
  if (Array.isArray(value)) return value.map(toPlain);
  if (typeof value !== 'object' || value === null) return value;
  if (Object.getPrototypeOf(value) !== Object.prototype) {
    throw new Error(`BUG: the configuration has a ${value.constructor.name}, for which there is no plain form`);
  }
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, toPlain(inner)]));
}

interface PlainRule {
  readonly written: CompiledRule['written'];
  readonly whole: string;
  readonly matchesAll: boolean;
}

/** The inverse of {@link toPlain}. */
export function fromPlain(value: unknown): unknown {
  if (value instanceof Map) {
    const pattern: unknown = value.get('pattern');
    if (typeof pattern === 'string') return Pattern.of(pattern);
    const { written, whole, matchesAll }: PlainRule = value.get('rule');
    return new CompiledRule(written, Pattern.numbered(whole), matchesAll);
  }
  if (Array.isArray(value)) return value.map(fromPlain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, fromPlain(inner)]));
}
