// The names that users rely on: keys of the configuration, routes of the API, values of the chart, metrics.
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';

/** The current names, from the committed and generated files below `root`: a kind and a name each, sorted. */
export function currentNames(root = '.'): string[] {
  const read = (path: string) => readFileSync(join(root, path), 'utf8');
  const references = globSync('docs/metrics/*.md', { cwd: root }).map(read);
  const sources = globSync('src/**/*.ts', { cwd: root }).map(read);
  return sorted([
    ...schemaKeys(JSON.parse(read('docs/config.schema.json'))).map((key) => `config ${key}`),
    ...routes(parse(read('docs/api.yaml'), { maxAliasCount: -1 })).map((route) => `api ${route}`),
    ...chartKeys(parse(read('helm/values.yaml'), { maxAliasCount: -1 })).map((key) => `chart ${key}`),
    ...references
      .flatMap((text) => [
        ...text.matchAll(/^\| `([a-zA-Z_:][^`]*)` \| (counter|gauge|histogram|summary|info|untyped)\b/gm),
      ])
      .map(([, name, type]) => `metric ${name} ${type}`),
    ...sources.flatMap((text) => [...text.matchAll(/'(firesteel_[a-z0-9_]+)'/g)]).map(([, name]) => `metric ${name}`),
  ]);
}

/** `before` with all current names added: a name that is gone stays in the list, and fails test/names.test.ts. */
export const withNames = (before: string): string =>
  `${sorted([...before.split('\n').filter((line) => line !== ''), ...currentNames()]).join('\n')}\n`;

const sorted = (names: readonly string[]): string[] => [...new Set(names)].sort();

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema | boolean;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
}

/** The keys of a schema; `*` stands for a name that users choose, `[]` for the items of a list. */
function schemaKeys(schema: Schema | boolean | undefined, path = ''): string[] {
  if (typeof schema !== 'object') return [];
  const at = (key: string) => (path === '' ? key : `${path}.${key}`);
  return [
    ...Object.entries(schema.properties ?? {}).flatMap(([key, one]) => [at(key), ...schemaKeys(one, at(key))]),
    ...schemaKeys(schema.additionalProperties, at('*')),
    ...schemaKeys(schema.items, `${path}[]`),
    ...[schema.anyOf, schema.oneOf, schema.allOf].flatMap((all) => (all ?? []).flatMap((one) => schemaKeys(one, path))),
  ];
}

/** The routes of an OpenAPI document: `GET /v1/status`. */
const routes = ({ paths }: { readonly paths: Readonly<Record<string, Readonly<Record<string, unknown>>>> }): string[] =>
  Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods)
      .filter((method) => /^(?:get|put|post|delete|patch)$/.test(method))
      .map((method) => `${method.toUpperCase()} ${path}`),
  );

/** The keys of the chart's values, down to lists and scalars. */
function chartKeys(values: unknown, path = ''): string[] {
  if (typeof values !== 'object' || values === null || Array.isArray(values)) return [];
  return Object.entries(values).flatMap(([key, value]) => {
    const at = path === '' ? key : `${path}.${key}`;
    return [at, ...chartKeys(value, at)];
  });
}
