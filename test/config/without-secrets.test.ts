import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withoutSecrets } from '../../src/config/without-secrets.ts';

test('possible secrets are hidden; names of files, addresses and numbers stay', () => {
  const given = {
    exporters: {
      vm: {
        url: 'https://me:pw@vm:8428/x?token=abc',
        auth: { username: 'me', passwordFile: '/etc/pw', password: 'pw' },
        headers: { Authorization: 'Bearer abcdefgh' },
        tokenSeconds: 3,
      },
    },
    tasks: [{ type: 'exec', command: ['x', '--key=1'], env: { A: 'b' }, targets: ['http://a/?k=v', 'tcp://b:1'] }],
    log: ['GET http://a/b?c=d: 401 for Bearer abcdefgh.ij', 'Basic facts'],
  };
  assert.deepEqual(withoutSecrets(given), {
    exporters: {
      vm: {
        url: 'https://<hidden>@vm:8428/x?<hidden>',
        auth: { username: 'me', passwordFile: '/etc/pw', password: '<hidden>' },
        headers: { Authorization: '<hidden>' },
        tokenSeconds: '<hidden>',
      },
    },
    tasks: [
      {
        type: 'exec',
        command: ['<hidden>', '<hidden>'],
        env: { A: '<hidden>' },
        targets: ['http://a/?<hidden>', 'tcp://b:1'],
      },
    ],
    log: ['GET http://a/b?<hidden> 401 for Bearer <hidden>', 'Basic facts'],
  });
});

const SECRET_KEYS = ['X-Api-Header', 'password', 'passwd', 'accessToken', 'clientSecret', 'authorization', 'Cookie'];
const MORE_SECRET_KEYS = ['credentials', 'apiKey', 'api_key', 'env', 'body', 'command', 'params', 'args'];

for (const key of [...SECRET_KEYS, ...MORE_SECRET_KEYS]) {
  test(`what is below ${key} is hidden, and paths of files are shown`, () => {
    const given = { [key]: { a: ['x', { b: 1 }], someFile: '/etc/a' }, other: 'x' };
    const expected = { [key]: { a: ['<hidden>', { b: '<hidden>' }], someFile: '/etc/a' }, other: 'x' };
    assert.deepEqual(withoutSecrets(given), expected);
    assert.deepEqual(withoutSecrets({ [key]: 'x' }), { [key]: '<hidden>' });
  });
}
