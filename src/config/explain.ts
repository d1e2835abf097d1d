import type { z } from 'zod';
import { nearest, nearestOf } from './nearest.ts';

/** Where the value at `path` was set, if it was. */
export type Origin = (path: readonly PropertyKey[]) => string | undefined;

type Issue = z.core.$ZodIssue;
type JsonSchema = z.core.JSONSchema.BaseSchema;

/** The configuration that was refused. */
interface RefusedInput {
  readonly input: unknown;
  /** JSON schema of the input, for the names known at a path. */
  readonly shape: JsonSchema;
  readonly origins: readonly Origin[];
}

/** A problem at a path. */
export interface Explained {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

/** One line for each problem of a zod issue: position, path, problem, valid values. */
export const explainIssue = (issue: Issue, refused: RefusedInput): string[] =>
  explained(issue, refused).map(({ path, message }) => problemLine(path, message, refused.origins));

/** The problems of a zod issue. */
export function explained(issue: Issue, { input, shape }: Omit<RefusedInput, 'origins'>): Explained[] {
  const { path } = issue;
  if (issue.code === 'unrecognized_keys') {
    const known = keysAt(shape, input, path);
    return issue.keys.map((key) => ({ path: [...path, key], message: `unknown key${suggestion(key, known)}` }));
  }
  if (issue.code === 'invalid_key') {
    return [{ path, message: issue.issues[0]?.message ?? issue.message }];
  }
  if (issue.code === 'invalid_value') {
    // The schema's own message is more specific than the list.
    const own = issue.message.startsWith('Invalid') ? expectedOneOf(issue.values, issue.input) : issue.message;
    return [{ path, message: own }];
  }
  if (issue.code === 'invalid_union' && 'options' in issue && Array.isArray(issue.options)) {
    const given = valueAt(input, path);
    if (given === undefined) return [{ path, message: `is required: ${issue.options.join(', ')}` }];
    return [{ path, message: expectedOneOf(issue.options, given) }];
  }
  if (issue.code === 'invalid_type') {
    if (issue.input === undefined) return [{ path, message: 'is required' }];
    const own = issue.message.startsWith('Invalid input') ? `expected ${expectedWord(issue.expected)}` : issue.message;
    return [{ path, message: own }];
  }
  return [{ path, message: issue.message }];
}

/** One line: the position of `path`, the path, the problem. */
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

/** If there are more names than this, only the nearest are shown. */
const MAX_LISTED = 20;

const expectedWord = (expected: string): string =>
  ({ object: 'a mapping', record: 'a mapping', array: 'a list', string: 'text', int: 'a whole number' })[expected] ??
  `a ${expected}`;

function expectedOneOf(options: readonly unknown[], given: unknown): string {
  const names = options.map(String);
  const guess = typeof given === 'string' ? nearest(given, names) : undefined;
  if (guess !== undefined) {
    const known = names.length > MAX_LISTED ? `${names.length} names` : names.join(', ');
    return `expected one of ${known}; did you mean ${guess}?`;
  }
  if (names.length <= MAX_LISTED || typeof given !== 'string') return `expected one of ${names.join(', ')}`;
  return `expected one of ${names.length} names; the closest are ${nearestOf(given, names, 5).join(', ')}`;
}

/** The keys that the schema knows at `path` of `input`; for a union, those of the options that match the input. */
function keysAt(schema: JsonSchema, input: unknown, path: readonly PropertyKey[]): string[] {
  let nodes = optionsOf(schema, input);
  let value = input;
  for (const key of path) {
    value = valueAt(value, [key]);
    nodes = nodes.flatMap((node) => {
      const next: unknown = node.properties?.[String(key)] ?? node.additionalProperties ?? node.items;
      return isSchema(next) ? optionsOf(next, value) : [];
    });
  }
  return [...new Set(nodes.flatMap((node) => Object.keys(node.properties ?? {})))];
}

/** The options of a union whose constants match `value`; all of them if none does. */
function optionsOf(schema: JsonSchema, value: unknown): JsonSchema[] {
  const union = (schema.oneOf ?? schema.anyOf)?.filter(isSchema);
  if (union === undefined) return [schema];
  const picked = union.filter(({ properties = {} }) => {
    return Object.entries(properties).every(
      ([key, property]) =>
        !isSchema(property) || property.const === undefined || valueAt(value, [key]) === property.const,
    );
  });
  return (picked.length > 0 ? picked : union).flatMap((option) => optionsOf(option, value));
}

const isSchema = (node: unknown): node is JsonSchema => typeof node === 'object' && node !== null;

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  let found = value;
  for (const key of path) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, key)) return undefined;
    found = Reflect.get(found, key);
  }
  return found;
}
