import { lstatSync, mkdirSync, readFileSync, renameSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';

const completed = new Set<string>();

/**
 * Restores what copies of a fixture tree lose: symbolic links, which some tools replace by files with the target as text
 * (LINKS.txt: `path -> target` per line), and empty folders, which git drops (EMPTY_DIRS.txt: one path per line). Does
 * nothing if everything is present. Test files run concurrently, so each link is created atomically.
 */
export function completeTree(root: string): void {
  if (completed.has(root)) return;
  for (const folder of linesOf(join(root, 'EMPTY_DIRS.txt'))) mkdirSync(join(root, folder), { recursive: true });
  for (const line of linesOf(join(root, 'LINKS.txt'))) {
    const [name = '', target = ''] = line.split(' -> ');
    const path = join(root, name);
    if (lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink()) continue;
    const draft = join(dirname(path), `.link-${process.pid}`);
    mkdirSync(dirname(path), { recursive: true });
    symlinkSync(target, draft);
    renameSync(draft, path);
  }
  completed.add(root);
}

const linesOf = (path: string): string[] =>
  readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '');
