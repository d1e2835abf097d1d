import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { COMMANDS } from '../../src/commands/index.ts';
import { runCommand } from '../kit/command.ts';

const completion = await COMMANDS.find(({ name }) => name === 'completion')?.load();
assert.ok(completion);

const scriptOf = async (shell: string) => (await runCommand(completion, [shell])).stdout;

test('bash completes commands, and the flags of each', async () => {
  const script = await scriptOf('bash');
  const complete = (...words: string[]) => {
    const ask = `COMP_WORDS=(firesteel ${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length}; _firesteel; echo "\${COMPREPLY[@]}"`;
    const { stdout, stderr } = spawnSync('bash', ['-c', `${script}\n${ask}`], { encoding: 'utf8', timeout: 120_000 });
    assert.equal(stderr, '');
    return stdout.trim().split(' ');
  };
  assert.deepEqual(complete('ch'), ['check-config']);
  assert.deepEqual(complete('check-config', '--c'), ['--connect']);
  assert.deepEqual(complete('run', '--push.i'), ['--push.interval']);
  assert.deepEqual(complete('--ver'), ['--version']);
  for (const { name } of COMMANDS) assert.ok(complete('').includes(name), name);
});

for (const shell of ['zsh', 'fish']) {
  test(`${shell} gets each command and flag, in a valid script`, async (t) => {
    const script = await scriptOf(shell);
    for (const { name } of COMMANDS) assert.ok(script.includes(name), name);
    assert.match(script, /push\.interval/);
    const { error, status, stderr } = spawnSync(shell, ['-n'], { input: script, encoding: 'utf8', timeout: 120_000 });
    if (error) return t.skip(`no ${shell} on PATH`);
    assert.equal(status, 0, stderr);
  });
}

test('an unknown shell is refused with a list of known ones', async () => {
  await assert.rejects(runCommand(completion, ['tcsh']), /bash, zsh, fish/);
});
