import { lstatSync, mkdirSync, readFileSync, renameSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';

const completed = new Set<string>();

/**
 * Puts back what copies of a tree of fixtures lose: symbolic links, which some tools turn into files with the target
 * as text (LINKS.txt: `path -> target` a line), and empty folders, which git drops (EMPTY_DIRS.txt: a path a line).
 * Does nothing where all is there. Test files run at the same time, so that each link appears in one step.
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
