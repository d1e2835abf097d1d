import { parseAllDocuments } from 'yaml';
import { errorText } from '../base/error-text.ts';
import type { KubeObject } from './object.ts';

/**
 * The objects in a text as printed or accepted by kubectl: a list, an object, an array of objects, JSON lines, or YAML
 * documents. Items of a list get the kind implied by the list. Throws an Error for anything else.
 */
export function parseObjects(text: string): KubeObject[] {
  const values = /^\s*[{[]/.test(text) ? parseJson(text) : parseYaml(text);
  return values.flatMap((value) => flatten(value));
}

function parseJson(text: string): unknown[] {
  try {
    return [JSON.parse(text)];
  } catch (cause) {
    const lines = text.split('\n').filter((line) => line.trim() !== '');
    if (lines.length === 1) throw new Error(`neither JSON nor YAML: ${errorText(cause)}`, { cause });
    return lines.map((line, index) => {
      try {
        return JSON.parse(line);
      } catch (lineCause) {
        // A first line that is not a value on its own means one malformed document, not JSON lines.
        const error = index === 0 ? cause : lineCause;
        const where = index === 0 ? '' : `line ${index + 1} of JSON lines: `;
        throw new Error(`${where}${errorText(error)}`, { cause: error });
      }
    });
  }
}

function parseYaml(text: string): unknown[] {
  return parseAllDocuments(text).map((document) => {
    const [error] = 'errors' in document ? document.errors : [];
    if (error) throw new Error(error.message, { cause: error });
    return document.toJS();
  });
}

function flatten(value: unknown): KubeObject[] {
  if (value === null || value === undefined) return [];
  if (Array.isArray(value)) return value.flatMap((item) => flatten(item));
  if (typeof value !== 'object') throw new Error(`expected objects, found ${JSON.stringify(value)}`);
  const { kind, apiVersion, items } = value as KubeObject & { readonly items?: unknown };
  for (const [key, name] of Object.entries({ kind, apiVersion })) {
    if (name !== undefined && typeof name !== 'string') {
      throw new Error(`expected text as ${key}, found ${JSON.stringify(name)}`);
    }
  }
  if (typeof kind !== 'string' || !kind.endsWith('List') || !Array.isArray(items)) return [value];
  const itemKind =
    kind === 'List' ? {} : { kind: kind.slice(0, -'List'.length), ...(apiVersion ? { apiVersion } : {}) };
  return items.flatMap((item) => flatten(item)).map((item) => ({ ...itemKind, ...item }));
}
