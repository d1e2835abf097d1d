import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { errorCode } from '../../base/error-text.ts';

/** Maximum number of files followed per pattern. */
const MAX_FILES = 10_000;

/** Whether a path has a wildcard. */
const isWild = (segment: string): boolean => /[*?[]/.test(segment);

/** The expression for one segment of a path: `*` and `?` do not match a leading dot, as in a shell. */
function expressionOf(segment: string): RegExp {
  const expression = segment
    .replace(/[.+^${}()|\\]/g, '\\$&')
    .replaceAll('*', '[^/]*')
    .replaceAll('?', '[^/]');
  return new RegExp(`^${/^[*?[]/.test(segment) ? '(?!\\.)' : ''}${expression}$`);
}

/**
 * The files whose paths match `pattern`, with `*`, `?` and `[…]` within its segments; sorted, at most
 * {@link MAX_FILES}. Unreadable folders are passed to `failed`; absent ones match nothing.
 */
export function filesMatching(pattern: string, failed: (path: string, cause: unknown) => void): string[] {
  const segments = pattern.split('/').filter((segment) => segment !== '');
  let found = ['/'];
  for (const [depth, segment] of segments.entries()) {
    const isLast = depth === segments.length - 1;
    if (!isWild(segment)) {
      found = found.map((folder) => join(folder, segment));
      continue;
    }
    const expression = expressionOf(segment);
    const next: string[] = [];
    for (const folder of found) {
      for (const name of namesIn(folder, failed)) {
        if (next.length >= MAX_FILES) break;
        if (expression.test(name)) next.push(join(folder, name));
      }
    }
    found = isLast ? next : next.filter((path) => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true);
  }
  return found.slice(0, MAX_FILES);
}

/** Sorted names in a folder; none when it is absent or unreadable, which is passed to `failed`. */
export function namesIn(folder: string, failed: (path: string, cause: unknown) => void): string[] {
  try {
    return readdirSync(folder).sort();
  } catch (cause) {
    const code = errorCode(cause);
    if (code !== 'ENOENT' && code !== 'ENOTDIR') failed(folder, cause);
    return [];
  }
}
