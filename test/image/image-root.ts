import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type ImageConfig, readImageConfig } from '../../scripts/image-config.ts';
import { scratchFolder } from '../kit/host-tree.ts';

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));

/** How the image runs, according to the Dockerfile. */
export const IMAGE: ImageConfig = readImageConfig(readFileSync(join(PROJECT, 'Dockerfile'), 'utf8'));

/** Writes the image's root file system to a folder that is removed after the test; `report` is the output. */
export function layOutImage(context: TestContext): { readonly root: string; readonly report: string } {
  const root = join(scratchFolder(context), 'root');
  const args = ['--disable-warning=ExperimentalWarning', join(PROJECT, 'scripts/image-root.ts'), root];
  const report = execFileSync(process.execPath, args, { encoding: 'utf8', timeout: 240_000 });
  return { root, report };
}
