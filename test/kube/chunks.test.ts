import assert from 'node:assert/strict';
import { get, type IncomingMessage } from 'node:http';
import { test } from 'node:test';
import { chunksOf } from '../../src/kube/chunks.ts';
import { startFakeApi } from '../kit/fake-api-server.ts';
import { PODS } from './follow.ts';

async function textOf(stream: IncomingMessage, idleMs: number): Promise<string> {
  let text = '';
  for await (const chunk of chunksOf(stream, 'GET /', idleMs)) text += chunk.toString();
  return text;
}

test('a response that broke off before it is read fails at once, and one that ended can still be read', {
  timeout: 120_000,
}, async (t) => {
  const server = await startFakeApi(t);
  server.cluster.collection(PODS);
  const request = (query: string) =>
    new Promise<IncomingMessage>((resolve, reject) =>
      get(`http://127.0.0.1:${server.port}${PODS}${query}`, resolve).on('error', reject),
    );
  const broken = await request('?watch=true');
  const whole = await request('');
  const closed = new Promise((resolve) => broken.once('close', resolve));
  server.breakOff();
  await closed;
  await assert.rejects(textOf(broken, 1000), { name: 'ApiUnreachable', message: /closed before the end|aborted/ });
  assert.match(await textOf(whole, 1000), /"kind":"PodList"/);
});
