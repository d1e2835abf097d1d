import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { createLog } from '../../src/base/log.ts';
import { identityOptions } from '../../src/pods/options.ts';
import { createIdentitySource } from '../../src/pods/sources.ts';
import { startAgentProcess } from '../kit/agent.ts';
import { startFakeApi, TOKEN_REVIEWS } from '../kit/fake-api-server.ts';
import { fixture, scratchFolder } from '../kit/host-tree.ts';
import { loadRecordedCluster } from '../kit/recorded-cluster.ts';

const NODE_AGENT = 'system:serviceaccount:monitoring:firesteel-node';
const TOKENS = { ours: 'token-of-a-node-agent', theirs: 'token-of-somebody-else', none: 'token-of-nobody' };

test('node agents query the state agent over TLS with tokens that the API server knows', {
  timeout: 120_000,
}, async (t) => {
  const api = await startFakeApi(t);
  loadRecordedCluster(api.cluster);
  api.users.set(TOKENS.ours, NODE_AGENT).set(TOKENS.theirs, 'system:serviceaccount:default:default');
  const folder = scratchFolder(t);
  const kubeconfig = join(folder, 'kubeconfig');
  writeFileSync(kubeconfig, api.kubeconfig());
  const settings = {
    'collectors.ksm': { enabled: true, kubeconfig, resources: ['pods'] },
    'collectors.node.enabled': false,
    'collectors.process.enabled': false,
    'election.enabled': false,
    'http.tls': { certFile: fixture('tls/first-server.crt'), keyFile: fixture('tls/first-server.key') },
    'http.podInfoTokenReview': { users: [NODE_AGENT] },
  };
  const set = Object.entries(settings).flatMap(([path, value]) => ['--set', `${path}=${JSON.stringify(value)}`]);
  const agent = startAgentProcess(t, ['run', '--node', 'state-0', '--http.listen', '127.0.0.1:0', ...set]);
  await agent.printed(/"msg":"started"/);
  const url = /"http":"(https:[^"]+)"/.exec(agent.stderr())?.[1] ?? assert.fail(agent.stderr());
  const reviews = () => api.requests.filter(({ path }) => path === TOKEN_REVIEWS).length;

  /** The response to a node agent with that token. */
  const ask = async (token: string, caFile = fixture('tls/first-ca.crt')) => {
    const tokenFile = join(folder, token);
    writeFileSync(tokenFile, `${token}\n`);
    const options = { ...identityOptions.parse({}), source: 'state', url, caFile, tokenFile } as const;
    const source = await createIdentitySource(options, 'node1', createLog('silent'));
    try {
      return await source?.pods(AbortSignal.timeout(60_000));
    } finally {
      source?.close();
    }
  };
  /** The response, once the pods are listed. */
  const askWhenReady = async (token: string) => {
    for (;;) {
      const answer = await ask(token).catch((error: Error) => error);
      if (!(answer instanceof Error && /503/.test(answer.message))) return answer;
      await setTimeout(50);
    }
  };

  const pods = await askWhenReady(TOKENS.ours);
  assert.ok(Array.isArray(pods), String(pods));
  assert.equal(pods.length, 13);
  assert.ok(pods.some(({ name, workloadName }) => name === 'db-0' && workloadName === 'db'));
  await assert.rejects(ask(TOKENS.theirs), /401/);
  await assert.rejects(ask(TOKENS.none), /401/);
  await assert.rejects(ask(TOKENS.ours, fixture('tls/second-ca.crt')), /certificate|SELF_SIGNED|verify/i);
  const asked = reviews();
  assert.equal((await ask(TOKENS.ours))?.length, 13);
  assert.equal(reviews(), asked, 'a result is cached for a while');

  api.fail('create', { status: 500, body: 'etcd is down' }, { times: 100, path: TOKEN_REVIEWS });
  await assert.rejects(ask('token-never-seen'), /503/);
  assert.equal((await ask(TOKENS.ours))?.length, 13);
  api.heal();
  await assert.rejects(ask('token-never-seen'), /401/);
  for (const token of Object.values(TOKENS)) assert.doesNotMatch(agent.stdout() + agent.stderr(), new RegExp(token));
});
