import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Manifest } from './chart.ts';

/**
 * The types of the Kubernetes API as the client library declares them, which it generates from the OpenAPI document of
 * one release. They are read as text: the library's code does not contain which fields are required.
 */
const MODELS = join(dirname(fileURLToPath(import.meta.resolve('@kubernetes/client-node'))), 'gen/models');

interface Field {
  readonly required: boolean;
  /** `string`, `Array<V1Container>`, `{ [key: string]: string; }`, ... */
  readonly type: string;
}

const cache = new Map<string, ReadonlyMap<string, Field>>();

/** The fields of a type; throws when there is no such type. */
function fieldsOf(type: string): ReadonlyMap<string, Field> {
  const known = cache.get(type);
  if (known) return known;
  const text = readFileSync(join(MODELS, `${type}.d.ts`), 'utf8');
  const declarations = text.matchAll(/^ {4}'([^']+)'(\??): (\{[^}]*\}|[^;]+);$/gm);
  const fields = new Map(
    // A name that TypeScript reserves, such as from, is declared as _from.
    [...declarations].map(([, name = '', optional, found = '']) => [
      name.replace(/^_/, ''),
      { required: optional === '', type: found.replaceAll(/\s+/g, ' ') },
    ]),
  );
  cache.set(type, fields);
  return fields;
}

/** Problems of an object, each with its path: unknown or missing fields, values of another type. */
export function typeErrors(object: Manifest): string[] {
  const version = object.apiVersion.split('/').at(-1) ?? '';
  return errorsIn(object, `${version.charAt(0).toUpperCase()}${version.slice(1)}${object.kind}`, object.kind);
}

function errorsIn(value: unknown, type: string, path: string): string[] {
  const array = /^Array<(.+)>$/.exec(type)?.[1];
  const map = /^\{ \[key: string\]: (.+?);? \}$/.exec(type)?.[1];
  if (array !== undefined) {
    if (!Array.isArray(value)) return [`${path}: expected a list, found ${JSON.stringify(value)}`];
    return value.flatMap((item, index) => errorsIn(item, array, `${path}[${index}]`));
  }
  if (isPlain(type)) return fits(value, type) ? [] : [`${path}: expected ${type}, found ${JSON.stringify(value)}`];
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return [`${path}: expected a mapping, found ${JSON.stringify(value)}`];
  }
  const entries = Object.entries(value);
  if (map !== undefined) return entries.flatMap(([key, item]) => errorsIn(item, map, `${path}.${key}`));
  const fields = fieldsOf(type);
  const missing = [...fields].filter(([name, { required }]) => required && !Object.hasOwn(value, name));
  return [
    ...missing.map(([name]) => `${path}.${name}: is required`),
    ...entries.flatMap(([name, item]) => {
      const field = fields.get(name);
      return field ? errorsIn(item, field.type, `${path}.${name}`) : [`${path}.${name}: unknown field`];
    }),
  ];
}

const PLAIN = new Set(['string', 'number', 'boolean', 'Date', 'IntOrString', 'any', 'object']);

const isPlain = (type: string): boolean => PLAIN.has(type);

function fits(value: unknown, type: string): boolean {
  switch (type) {
    case 'any':
    case 'object':
      return true;
    case 'IntOrString':
      return typeof value === 'string' || Number.isInteger(value);
    case 'Date':
      return typeof value === 'string';
    case 'number':
      return typeof value === 'number';
    default:
      return typeof value === type;
  }
}
