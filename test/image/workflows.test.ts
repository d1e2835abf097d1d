import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parseDocument } from 'yaml';
import { VERSION } from '../../src/config/version.ts';
import { IMAGE } from './image-root.ts';

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));
const read = (path: string) => readFileSync(join(PROJECT, path), 'utf8');

interface Step {
  readonly uses?: string;
  readonly run?: string;
}

interface Job {
  readonly 'runs-on'?: string;
  readonly 'timeout-minutes'?: number;
  readonly needs?: readonly string[];
  readonly steps: readonly Step[];
}

interface Workflow {
  readonly on?: unknown;
  readonly permissions?: unknown;
  readonly jobs: Readonly<Record<string, Job>>;
}

const manifest = JSON.parse(read('package.json')) as {
  readonly scripts: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
};

for (const path of globSync('.github/workflows/*.yml', { cwd: PROJECT })) {
  test(`${path} is valid for GitHub, and runs only existing scripts and files`, () => {
    const document = parseDocument(read(path), { uniqueKeys: true });
    assert.deepEqual([...document.errors, ...document.warnings], []);
    const { on, permissions, jobs } = document.toJS() as Workflow;
    assert.ok(on && permissions && Object.keys(jobs).length > 0);
    for (const [name, job] of Object.entries(jobs)) {
      assert.ok(job['runs-on'] && (job['timeout-minutes'] ?? 0) > 0, `${name} has a machine and a time limit`);
      for (const needed of job.needs ?? []) assert.ok(needed in jobs, `${name} needs ${needed}`);
      for (const { uses, run = '' } of job.steps) {
        if (uses !== undefined) assert.match(uses, /^[\w.-]+\/[\w./-]+@(?:v\d[\d.]*|[0-9a-f]{40})$/);
        for (const [, script = ''] of run.matchAll(/npm run ([\w:-]+)/g)) assert.ok(script in manifest.scripts, script);
        for (const [file] of run.matchAll(/\.github\/[\w.-]+/g)) assert.ok(existsSync(join(PROJECT, file)), file);
        assert.doesNotMatch(run, /\$\{\{\s*(?:secrets|github\.event)/, 'a value in a script could be run as one');
      }
    }
  });
}

test('the Dockerfile has the same Node version, version and user as everything else', () => {
  const dockerfile = read('Dockerfile');
  assert.equal(/^FROM node:([\d.]+)-/m.exec(dockerfile)?.[1], manifest.devDependencies.node);
  assert.equal(/^ARG VERSION=(.+)$/m.exec(dockerfile)?.[1], VERSION);
  assert.equal(IMAGE.user, '65534:65534');
  assert.deepEqual(Object.keys(IMAGE.env), [
    'PATH',
    'MALLOC_ARENA_MAX',
    'NODE_COMPILE_CACHE',
    'NODE_COMPILE_CACHE_PORTABLE',
  ]);
});

test('the build stage gets every file that it needs, and nothing else', () => {
  const ignore = read('.dockerignore').split('\n');
  const needed = ['package.json', 'package-lock.json', 'Dockerfile', 'LICENSE', 'scripts', 'src'];
  for (const name of needed) {
    assert.ok(ignore.includes(`!${name}`), `${name} is not in .dockerignore`);
  }
  const listed = ignore.filter((line) => line.startsWith('!')).map((line) => line.slice(1));
  assert.deepEqual(
    listed.filter((name) => !existsSync(join(PROJECT, name))),
    [],
  );
  assert.equal(
    ignore.find((line) => !line.startsWith('#')),
    '*',
  );
});
