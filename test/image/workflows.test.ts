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

/** Packages of Debian 13 whose programs have other names, and these; `apt-get download` and `dpkg -c` show them. */
const PROGRAMS: Readonly<Record<string, readonly string[]>> = {
  'victoria-metrics': ['victoria-metrics', 'vmagent', 'vmalert', 'vmalert-tool', 'vmauth'],
  'etcd-server': ['etcd'],
  'nginx-light': ['nginx'],
  chrony: ['chronyd'],
  systemd: ['systemd-journald'],
};

test('the job with real servers installs the packages with the programs that tests require, and helm', () => {
  const { jobs } = parseDocument(read('.github/workflows/ci.yml')).toJS() as Workflow;
  const runs = Object.values(jobs).flatMap(({ steps }) => steps.map(({ run = '' }) => run));
  const [, list = ''] = /--no-install-recommends (.*)/.exec(runs.join('\n')) ?? [];
  const installed = new Set(list.split(' ').flatMap((name) => PROGRAMS[name] ?? [name]));
  // Names of programs that are in a package with another name.
  for (const [name, programs] of Object.entries(PROGRAMS)) {
    for (const program of programs) if (program !== name) assert.ok(!list.split(' ').includes(program), program);
  }
  const required = globSync('test/**/*.test.ts', { cwd: PROJECT })
    .flatMap((path) => [...read(path).matchAll(/\bserverAvailable\(\w+, '([\w-]+)'\)/g)])
    .map(([, program = '']) => program);
  assert.ok(required.length > 10);
  assert.deepEqual(
    [...new Set(required)].filter((program) => program !== 'helm' && !installed.has(program)),
    [],
  );
});

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
