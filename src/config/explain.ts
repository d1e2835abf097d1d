import type { z } from 'zod';
import { nearest } from './nearest.ts';

/** Where the value at `path` was given, if it was. */
export type Origin = (path: readonly PropertyKey[]) => string | undefined;

type Issue = z.core.$ZodIssue;
type JsonSchema = z.core.JSONSchema.BaseSchema;

/**
 * One line for each problem of a zod issue: place, path, the problem, a suggestion. `shape` is the JSON
 * schema of the input, for the names that are known at a path.
 */
export function explainIssue(issue: Issue, shape: JsonSchema, origins: readonly Origin[]): string[] {
  if (issue.code === 'unrecognized_keys') {
    const known = keysAt(shape, issue.path);
    return issue.keys.map((key) => problemLine([...issue.path, key], `unknown key${suggestion(key, known)}`, origins));
  }
  if (issue.code === 'invalid_key') {
    return [problemLine(issue.path, issue.issues[0]?.message ?? issue.message, origins)];
  }
  if (issue.code === 'invalid_value') {
    const values = issue.values.map(String);
    const guess = typeof issue.input === 'string' ? nearest(issue.input, values) : undefined;
    const meant = guess === undefined ? '' : `; did you mean ${guess}?`;
    return [problemLine(issue.path, `expected one of ${values.join(', ')}${meant}`, origins)];
  }
  if (issue.code === 'invalid_type') {
    if (issue.input === undefined) return [problemLine(issue.path, 'is required', origins)];
    const own = issue.message.startsWith('Invalid input') ? `expected ${expectedWord(issue.expected)}` : issue.message;
    return [problemLine(issue.path, own, origins)];
  }
  return [problemLine(issue.path, issue.message, origins)];
}

/** One line: the place of `path`, the path, the problem. */
export function problemLine(path: readonly PropertyKey[], message: string, origins: readonly Origin[]): string {
  const place = origins.map((origin) => origin(path)).find((found) => found !== undefined);
  const name = path.map(String).join('.');
  return [place, name, message].filter((part) => part !== undefined && part !== '').join(': ');
}

function suggestion(key: string, known: readonly string[]): string {
  if (known.length === 0) return '';
  const guess = nearest(key, known);
  return guess === undefined ? `; known here: ${known.join(', ')}` : `; did you mean ${guess}?`;
}

const expectedWord = (expected: string): string =>
  ({ object: 'a mapping', record: 'a mapping', array: 'a list', string: 'text', int: 'a whole number' })[expected] ??
  `a ${expected}`;

/** The keys that the schema knows at `path`. */
function keysAt(schema: JsonSchema, path: readonly PropertyKey[]): string[] {
  let node: JsonSchema | undefined = schema;
  for (const key of path) {
    const next: unknown = node.properties?.[String(key)] ?? node.additionalProperties ?? node.items;
    node = typeof next === 'object' && next !== null ? (next as JsonSchema) : undefined;
    if (node === undefined) return [];
  }
  return Object.keys(node.properties ?? {});
}
