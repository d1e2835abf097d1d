import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';

const ROOT = join(import.meta.dirname, '..', '..');
const PAGES = globSync(['*.md', 'docs/**/*.md', 'helm/**/*.md'], { cwd: ROOT });
const textOf = (page: string) => readFileSync(join(ROOT, page), 'utf8');

/** The anchors that GitHub creates for a page's headings. */
const anchorsOf = (page: string) =>
  new Set(
    [...textOf(page).matchAll(/^#+ (.+)$/gm)].map(([, title = '']) =>
      title
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );

test('links between pages lead to existing files and headings', () => {
  const broken: string[] = [];
  for (const page of PAGES) {
    const text = textOf(page).replaceAll(/^```[\s\S]*?^```$/gm, '');
    for (const [, target = ''] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^(?:https?|mailto):/.test(target)) continue;
      const [path = '', anchor] = target.split('#');
      const file = path === '' ? page : join(dirname(page), path);
      if (!existsSync(join(ROOT, file))) broken.push(`${page}: ${target}`);
      else if (anchor !== undefined && file.endsWith('.md') && !anchorsOf(file).has(anchor)) {
        broken.push(`${page}: ${target} (no such heading)`);
      }
    }
  }
  assert.deepEqual(broken, []);
});

/** Pages about the code; paths in the first are relative to `src/`, and without `.ts`. */
const OF_CODE = ['docs/architecture.md', 'CONTRIBUTING.md'];
const PATH = /^(?=.*\/)[a-z][\w.*-]*(?:\/[\w.*-]+)*\/?$/;
/** A word such as NAME or TYPE, for the reader to replace. */
const PLACEHOLDER = /\b[A-Z]{2,}\b/;
const OF_REPOSITORY = /^(?:bench|docs|helm|scripts|src|test)\//;

test('paths in documents are those of files or folders', () => {
  const missing: string[] = [];
  for (const page of PAGES) {
    const isOfCode = OF_CODE.includes(page);
    const text = textOf(page);
    const quoted = [...text.matchAll(/`([^`\n]+)`/g)].map(([, path = '']) => path);
    const listed = isOfCode ? [...text.matchAll(/^ {4}(src\/\S+)/gm)].map(([, path = '']) => path) : [];
    for (const path of [...quoted, ...listed]) {
      if (!PATH.test(path) || PLACEHOLDER.test(path) || path === 'text/plain') continue;
      if (!isOfCode && !OF_REPOSITORY.test(path)) continue;
      const names = [path, ...(isOfCode ? [`src/${path}`, `src/${path}.ts`] : [])];
      if (globSync(names, { cwd: ROOT }).length === 0) missing.push(`${page}: ${path}`);
    }
  }
  assert.deepEqual(missing, []);
});

/** A folder or file of the list "Folders" of docs/architecture.md, and what is said about it. */
function listedFolders(): ReadonlyMap<string, string> {
  const [, list = ''] = textOf('docs/architecture.md').split('\n## Folders\n');
  const [block = ''] = list.split('\nWhich folder may import');
  const found = new Map<string, string>();
  let last = '';
  for (const line of block.split('\n')) {
    const [, path = last, text = line] = /^ {4}(\S+\/\S*)\s(.*)$/.exec(line) ?? [];
    last = path.replace(/\/$/, '');
    found.set(last, `${found.get(last) ?? ''} ${text}`);
  }
  return found;
}

test('every folder of src is in the list of folders, and the list names only what is in them', () => {
  const listed = listedFolders();
  const folders = globSync('src/**/', { cwd: ROOT }).filter((path) => path !== 'src');
  const wrong: string[] = [];
  for (const folder of folders) {
    // A folder has a line of its own, or is named in that of a folder above it.
    let above = folder;
    while (above !== '.' && !listed.has(above)) above = dirname(above);
    const names = folder.slice(above.length).split('/').filter(Boolean);
    const text = listed.get(above) ?? '';
    const isType = text.includes(' TYPE/') && existsSync(join(ROOT, folder, 'index.ts'));
    const isNamed = isType || names.every((name) => text.includes(` ${name}/`));
    if (above === '.' || !isNamed) wrong.push(`${folder} is not listed`);
  }
  for (const [folder, text] of listed) {
    if (!folder.startsWith('src/')) continue;
    const inside = folders.filter((path) => path.startsWith(`${folder}/`));
    for (const [, name = '', ending] of text.matchAll(/(?<=[ (])([a-z][\w-]*)(\/|\.(?:ts|js|mjs))(?=[\s,;:)]|$)/g)) {
      const paths =
        ending === '/' ? [`${folder}/${name}`] : [folder, ...inside].map((path) => join(path, name + ending));
      if (!paths.some((path) => existsSync(join(ROOT, path)))) wrong.push(`${folder} has no ${name}${ending}`);
    }
  }
  assert.deepEqual(wrong, []);
});
