import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

const SOURCES = globSync('src/**/*.ts', { cwd: ROOT });
const EVERYTHING = globSync(['{src,test,bench,scripts}/**/*.{ts,js,mjs}'], {
  cwd: ROOT,
  exclude: (path) => path === 'test/fixtures',
});

const texts = new Map(EVERYTHING.map((file) => [file, readFileSync(join(ROOT, file), 'utf8')]));
const textOf = (file: string): string => texts.get(file) ?? '';

/** Without comments and the contents of strings in one line. */
const codeOf = (file: string): string =>
  textOf(file)
    .replaceAll(/\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/.*$/gm, '')
    .replaceAll(/'(?:[^'\\\n]|\\.)*'|`[^`$\n]*`/g, "''");

/** Files that a file refers to by path: imports of all kinds, also in comments of the page and in the text of scripts. */
function referencesOf(file: string): string[] {
  const paths = [...textOf(file).matchAll(/'(\.\.?\/[^'\s]+\.(?:ts|js|mjs))'/g)].map((match) => match[1] ?? '');
  return paths.flatMap((path) => [join(dirname(file), path), join(path)]);
}

/** The names that a file exports. */
const exportsOf = (file: string): string[] =>
  [
    ...codeOf(file).matchAll(
      /^export (?:declare )?(?:abstract )?(?:async )?(?:const|let|function\*?|class|interface|type|enum) (\w+)/gm,
    ),
  ].map((match) => match[1] ?? '');

const users = new Map<string, string[]>();
for (const file of EVERYTHING) {
  for (const path of referencesOf(file)) users.set(path, [...(users.get(path) ?? []), file]);
}

/** Files that may use the exports of `file`, also through files that re-export all of them. */
function usersOf(file: string): string[] {
  const direct = users.get(file) ?? [];
  const passing = direct.filter((user) => /^export (?:type )?\* from/m.test(textOf(user)));
  return [...direct, ...passing.flatMap((user) => users.get(user) ?? [])].filter((user) => user !== file);
}

/** How often `file` has the word `name` in its code. */
const timesIn = (file: string, name: string): number =>
  [...codeOf(file).matchAll(new RegExp(`\\b${name}\\b`, 'g'))].length;

test('what is exported is used in another file, and not by tests alone', () => {
  const unused: string[] = [];
  const dead: string[] = [];
  for (const file of SOURCES) {
    const readers = usersOf(file);
    for (const name of exportsOf(file)) {
      const word = new RegExp(`\\b${name}\\b`);
      const using = readers.filter((reader) => word.test(textOf(reader)));
      if (using.length === 0) unused.push(`${file} ${name}`);
      // Tests may call the pure parts of a file directly, if the file itself uses them as well.
      else if (using.every((reader) => reader.startsWith('test/')) && timesIn(file, name) < 2) {
        dead.push(`${file} ${name}`);
      }
    }
  }
  assert.deepEqual(unused, [], 'exports without a user');
  assert.deepEqual(dead, [], 'exports that only tests use');
});

test('an exported name is declared in one file only: it has one meaning', () => {
  const files = Map.groupBy(
    SOURCES.flatMap((file) => [...new Set(exportsOf(file))].map((name) => ({ name, file }))),
    ({ name }) => name,
  );
  const several = [...files].filter(([, places]) => places.length > 1);
  assert.deepEqual(
    several.map(([name, places]) => `${name}: ${places.map(({ file }) => file).join(', ')}`),
    [],
  );
});

/** The classes and types that a file declares. */
const typesOf = (file: string): { name: string; isOwn: boolean }[] =>
  [...codeOf(file).matchAll(/^(export )?(?:abstract )?(class|interface|type|enum) (\w+)/gm)].map(
    ([, exported, kind, name = '']) => ({ name, isOwn: exported === undefined && kind !== 'class' }),
  );

test('the name of a class or an exported type is that of no other type', () => {
  // Resources describe the objects of Kubernetes, with its names for them.
  const declared = SOURCES.flatMap((file) =>
    typesOf(file)
      .filter(({ isOwn }) => !isOwn || !file.startsWith('src/collectors/ksm/resources/'))
      .map((type) => ({ ...type, file })),
  );
  const several = [...Map.groupBy(declared, ({ name }) => name)].filter(
    ([, places]) => new Set(places.map(({ file }) => file)).size > 1 && places.some(({ isOwn }) => !isOwn),
  );
  assert.deepEqual(
    several.map(([name, places]) => `${name}: ${places.map(({ file }) => file).join(', ')}`),
    [],
  );
});

/**
 * Maximum number of type assertions, those of elements of buffers in loops over bytes (`bytes[at] as number`) included. It
 * may fall, never grow: use a guard, a default (`?? 0`), `satisfies` or a better type instead.
 */
const MAX_CASTS = 110;

test('type assertions do not grow in number', () => {
  const casts = SOURCES.flatMap((file) => [
    ...codeOf(file)
      .replaceAll(/^(?:import|export) [^;]*? from '[^;]*;$/gm, '')
      .matchAll(
        /(?<=[\w\])}'"`]) as (?=(?:number|string|unknown|never|object|boolean|bigint|keyof|readonly|typeof)\b|z\.|[A-Z][a-z]|[A-Z]\b|\[|\(|\{)/g,
      ),
  ]);
  assert.ok(casts.length <= MAX_CASTS, `${casts.length} assertions, ${MAX_CASTS} allowed`);
  assert.ok(casts.length > MAX_CASTS - 10, `only ${casts.length} assertions: lower MAX_CASTS`);
});

/** Maximum lines of a file. A longer one can be split. */
const MAX_LINES = 300;

test('no file of src is longer than 300 lines', () => {
  const lines = (file: string) => textOf(file).split('\n').length - 1;
  assert.deepEqual(
    SOURCES.filter((file) => lines(file) > MAX_LINES),
    [],
  );
});

/** Files that may call setImmediate themselves, with the reason. All work is divided into slices by base/turns.ts. */
const MAY_TURN: Readonly<Record<string, string>> = {
  'src/base/turns.ts': 'the scheduler',
  'src/kube/reflector.ts': 'waits until a connection is free',
  'src/net/exchange.ts': 'waits until libuv has reported a write',
};

test('only base/turns.ts divides work into slices: they share one limit', () => {
  // Also its equivalents: a timer of zero, and scheduler.yield of node:timers/promises.
  const turning = /\bsetImmediate\b|\bscheduler\b|\b(?:setTimeout|sleep)\((?:.*, )?0\)/;
  const files = SOURCES.filter((file) => turning.test(codeOf(file)));
  assert.deepEqual(files.sort(), Object.keys(MAY_TURN).sort());
});

/** Files that may look into a thrown value themselves, with the reason. */
const MAY_UNWRAP: Readonly<Record<string, string>> = {
  'src/base/error-text.ts': 'errorText and asError',
  'src/tasks/timed-run.ts': 'a thrown value that is not an Error is a fault of the program, and quoted as such',
};

test('the text of a thrown value comes from base/error-text.ts', () => {
  const unwrapping = /\b([\w.]+) instanceof Error\s*\?\s*(?:\1\s*:|(?:\w+\()?\1\.message\b)/;
  const files = SOURCES.filter((file) => unwrapping.test(codeOf(file)));
  assert.deepEqual(files.sort(), Object.keys(MAY_UNWRAP).sort());
});
