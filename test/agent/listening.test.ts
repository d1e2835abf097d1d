import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startAgentProcess } from '../kit/agent.ts';

const PROGRAM = fileURLToPath(new URL('../../src/launcher.mjs', import.meta.url));
/** What the agent needs besides the network. */
const PERMISSIONS = ['--permission', '--allow-fs-read=*', '--allow-worker', '--allow-ffi'];
const DENIED = /: Node's permission model denies access to the network; start node with --allow-net\n/;

const ended = async (t: TestContext, args: readonly string[], flags: readonly string[] = PERMISSIONS) => {
  const agent = startAgentProcess(t, args, {}, flags, [], PROGRAM);
  const { code } = await agent.ended;
  return { code, errors: agent.stderr() };
};

const REFUSED: Readonly<Record<string, readonly [place: string, args: readonly string[]]>> = {
  'the agent': [
    'http.listen: cannot listen on 127.0.0.1:0',
    ['run', '--vmagent.url', 'http://127.0.0.1:9', '--http.listen', '127.0.0.1:0'],
  ],
  'the agent, by name': [
    'http.listen: cannot listen on localhost:0',
    ['run', '--vmagent.url', 'http://127.0.0.1:9', '--http.listen', 'localhost:0'],
  ],
  'a receiver': ['the receiver cannot listen on [::1]:0', ['receive', '--listen', '[::1]:0']],
  'an embedded receiver': ['the receiver cannot listen on 127.0.0.1:0', ['run', '--with-receiver']],
};

for (const [who, [place, args]] of Object.entries(REFUSED)) {
  test(`without --allow-net ${who} ends with the address and the reason`, async (t) => {
    const { code, errors } = await ended(t, args);
    assert.match(errors, DENIED);
    assert.ok(errors.includes(place), errors);
    assert.doesNotMatch(errors, /unexpected error/);
    assert.equal(code, 2);
  });
}

test('a receiver whose port is in use ends with the address and the reason', async (t) => {
  const first = startAgentProcess(t, ['receive', '--listen', '127.0.0.1:0'], {}, [], [], PROGRAM);
  await first.printed(/receiving at \S+\n/);
  const address = /receiving at http:\/\/(\S+)/.exec(first.stdout())?.[1] ?? '';
  const { code, errors } = await ended(t, ['receive', '--listen', address], []);
  assert.equal(
    errors,
    `the receiver cannot listen on ${address}: another process has that port; choose another address\n`,
  );
  assert.equal(code, 2);
});
