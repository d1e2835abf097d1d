import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Registry } from 'prom-client';
import { createLog } from '../../src/base/log.ts';
import { ApiError, type KubeRequest } from '../../src/kube/api.ts';
import { LeaseElection } from '../../src/kube/lease.ts';
import type { LeasePeers } from '../../src/kube/lease-peers.ts';
import { Timeline } from '../kit/timeline.ts';
import { LeaseServer } from './lease-simulation.ts';

const OPTIONS = { namespace: 'shop', name: 'ksm', durationMs: 15_000, renewDeadlineMs: 10_000, retryMs: 2000 };

/** A leader in virtual time whose requests take `delayMs`, and what it logs; timers fire `earlyMs` too early. */
async function leader({ delayMs = 0, earlyMs = 0, peers }: { delayMs?: number; earlyMs?: number; peers?: LeasePeers }) {
  const timeline = new Timeline();
  const server = new LeaseServer();
  const lines: string[] = [];
  const election = new LeaseElection(
    { ...OPTIONS, identity: 'a' },
    {
      api: {
        json: async <T>(request: KubeRequest) => {
          await timeline.sleep(delayMs, request.signal);
          return structuredClone(server.answer(request)) as T;
        },
      },
      registry: new Registry(),
      log: createLog('info', { write: (line: string) => void lines.push(line) }),
      monotonicMs: () => timeline.now,
      wallMs: () => timeline.now,
      random: () => 0.5,
      sleep: (ms, signal) => timeline.sleep(Math.max(Math.min(ms, 0.5), ms - earlyMs), signal),
      peers,
    },
  );
  election.start();
  await timeline.run(1000);
  assert.equal(election.isLeader(), true);
  /** From now on each renewal gets this response; the Lease can still be read. */
  const refuse = (status: number, text: string) => {
    const { answer } = server;
    server.answer = (request) => {
      if (request.method === 'PUT') throw new ApiError(`PUT ${request.path}`, status, text);
      return answer.call(server, request);
    };
  };
  const said = (text: string) => lines.map((line) => JSON.parse(line)).find(({ msg }) => msg.includes(text));
  return { timeline, election, refuse, said };
}

const ALONE: LeasePeers = {
  consent: async () => ({ against: undefined }),
  isLed: async () => false,
  ended: async () => false,
};

test('a leader whose renewals are refused, and which continues without the Lease, says why, not that the API server is unreachable', async () => {
  const { timeline, election, refuse, said } = await leader({ peers: ALONE });
  refuse(500, 'etcdserver: no leader');
  await timeline.run(20_000);
  assert.equal(election.status.withoutLease, true);
  const { msg, reason } = said('continues without the Lease');
  assert.match(reason, /500 etcdserver: no leader/);
  assert.match(msg, /^the Lease cannot be renewed, and no other state agent reaches the API server:/);
});

for (const status of [409, 500]) {
  test(`a timer that fires a millisecond early does not hide that each renewal got ${status}`, async () => {
    const { timeline, refuse, said } = await leader({ delayMs: 3, earlyMs: 1 });
    refuse(status, 'the text of the response');
    await timeline.run(20_000);
    assert.match(said('lost leadership').reason, /not renewed in time: PUT .* the text of the response/);
  });
}
