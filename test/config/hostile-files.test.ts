import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { readText } from '../../src/base/files.ts';
import { parseCustomResourceConfig } from '../../src/collectors/ksm/custom/config.ts';
import { readProcessNames } from '../../src/collectors/process/config-file.ts';
import { checkConfig } from '../../src/commands/check-config.ts';
import { SecretFile } from '../../src/config/secret-file.ts';
import { readCertificate } from '../../src/http/tls.ts';
import { runCommand } from '../kit/command.ts';
import { scratchFolder } from '../kit/host-tree.ts';

/** Configurations that name a file of another format. */
const REFERENCES: Readonly<Record<string, (path: string) => string>> = {
  'collectors.ksm.customResourceStateFile': (path) =>
    `collectors: { ksm: { enabled: true, customResourceStateFile: ${path} } }\n`,
  'collectors.process.configFile': (path) => `collectors: { process: { enabled: true, configFile: ${path} } }\n`,
};

/** Each is a line of the configuration, and exit code 2. */
async function checkReferences(path: string, reason: RegExp): Promise<void> {
  for (const [setting, configuration] of Object.entries(REFERENCES)) {
    const config = `${path}-${setting}.yaml`;
    writeFileSync(config, configuration(path));
    const { code, stderr } = await runCommand(checkConfig, [config]);
    assert.equal(code, 2, `${setting}: ${stderr}`);
    assert.match(stderr, reason);
    assert.ok(stderr.includes(setting) && stderr.includes(path), stderr);
    assert.doesNotMatch(stderr, /^ +at /m);
  }
}

/** Objects in place of a file, and the message about them. */
const ODD: Readonly<Record<string, [make: (path: string) => void, reason: RegExp]>> = {
  'a pipe': [(path) => assert.equal(spawnSync('mkfifo', [path]).status, 0), /not a regular file/],
  'a device that never ends': [(path) => symlinkSync('/dev/zero', path), /not a regular file/],
  'a folder': [(path) => mkdirSync(path), /EISDIR|not a regular file/],
  'a link to itself': [(path) => symlinkSync(path, path), /ELOOP/],
  'a gigabyte': [
    (path) => {
      writeFileSync(path, '');
      truncateSync(path, 2 ** 30);
    },
    /larger than/,
  ],
};

const READERS: Readonly<Record<string, (path: string) => unknown>> = {
  'names of processes': readProcessNames,
  'a secret': (path) => new SecretFile(path).read(),
  'a certificate': (path) => readCertificate({ certFile: path, keyFile: path }),
};

for (const [what, [make, reason]] of Object.entries(ODD)) {
  test(`${what} in place of a file is refused immediately, and never read completely`, {
    timeout: 120_000,
  }, async (t) => {
    const path = join(scratchFolder(t), 'file');
    make(path);
    const before = process.memoryUsage().rss;
    const { code, stderr } = await runCommand(checkConfig, [path]);
    assert.equal(code, 2);
    assert.match(stderr, reason);
    for (const [name, read] of Object.entries(READERS)) assert.throws(() => read(path), reason, name);
    await checkReferences(path, reason);
    assert.ok(process.memoryUsage().rss - before < 200e6);
  });
}

test('kernel files without a size are read', () => {
  assert.match(readText('/proc/self/status', 65_536), /^Name:/);
  assert.throws(() => readText('/proc/self/status', 10), /larger than 10 bytes/);
});

const bomb = (levels: number) => {
  const level = (index: number) =>
    `a${index}: &a${index} [${Array(10)
      .fill(`*a${index - 1}`)
      .join(', ')}]`;
  return ['a0: &a0 [x]', ...Array.from({ length: levels }, (_, index) => level(index + 1))].join('\n');
};

const HOSTILE: Readonly<Record<string, [text: string, reason: RegExp]>> = {
  'aliases that multiply': [bomb(12), /:1:1: Excessive alias count/],
  'an alias of itself': ['a: &a [*a]', /:1:1: nested deeper than 64/],
  'deep lists': ['['.repeat(20_000) + ']'.repeat(20_000), /nest|deep/i],
  'deep mappings': [Array.from({ length: 900 }, (_, depth) => `${' '.repeat(depth)}a:`).join('\n'), /nest|deep/i],
  'just too deep': [`a: ${'['.repeat(64)}${']'.repeat(64)}`, /nested deeper than 64/],
  'a function': ['node: !!js/function "function () {}"', /:1:7: Unresolved tag/],
  'an object of Python': ['node: !!python/object:os.system ls', /Unresolved tag/],
  'a custom tag': ['node: !secret x', /:1:7: Unresolved tag/],
};

for (const [what, [text, reason]] of Object.entries(HOSTILE)) {
  test(`${what}: a line of the configuration and exit code 2`, { timeout: 120_000 }, async (t) => {
    const path = join(scratchFolder(t), 'firesteel.yaml');
    writeFileSync(path, text);
    const { code, stderr } = await runCommand(checkConfig, [path]);
    assert.equal(code, 2);
    assert.ok(stderr.startsWith(`${path}:`), stderr);
    assert.match(stderr, reason);
    assert.throws(() => readProcessNames(path), reason);
    await checkReferences(path, reason);
    assert.throws(() => parseCustomResourceConfig(text), /nest|deep|alias|tag/i);
  });
}

test('absurd sizes are refused, realistic ones are accepted', async (t) => {
  const path = join(scratchFolder(t), 'firesteel.yaml');
  for (const [size, expected] of [
    [`${'9'.repeat(40)}GiB`, 2],
    [`${'9'.repeat(400)}B`, 2],
    ['2000000GiB', 2],
    ['1000GiB', 0],
  ] as const) {
    writeFileSync(path, `spool: { maxBytes: ${size} }\n`);
    const { code, stderr } = await runCommand(checkConfig, [path]);
    assert.equal(code, expected, `${size}: ${stderr}`);
    if (expected === 2) assert.match(stderr, /spool\.maxBytes: must be at most/);
  }
});
