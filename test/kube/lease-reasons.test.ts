import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Registry } from 'prom-client';
import { createLog } from '../../src/base/log.ts';
import { ApiError, ApiUnreachable, type KubeRequest } from '../../src/kube/api.ts';
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
  let fault = async (_: AbortSignal): Promise<void> => {};
  const election = new LeaseElection(
    { ...OPTIONS, identity: 'a' },
    {
      api: {
        json: async <T>(request: KubeRequest) => {
          await timeline.sleep(delayMs, request.signal);
          await fault(request.signal);
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
  /** From now on requests get these responses in turn: an error, silence (`late`), or the correct one (`ok`). */
  const alternate = (...responses: readonly (Error | 'late' | 'ok')[]) => {
    let requests = 0;
    fault = async (signal) => {
      const response = responses[requests++ % responses.length];
      if (response === 'late') await timeline.sleep(Number.POSITIVE_INFINITY, signal);
      signal.throwIfAborted();
      if (response instanceof Error) throw response;
    };
  };
  return { timeline, election, refuse, alternate, said, lines };
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

const REFUSED = new ApiUnreachable('http://api', 'ECONNREFUSED', 'connect ECONNREFUSED 10.0.0.1:443');
const BROKEN = new ApiError('PUT /leases/ksm', 500, 'etcdserver: no leader');
const DENIED = new ApiError('PUT /leases/ksm', 403, 'no permission');

/** Responses in turn, and how many lines about them an hour may take. */
const TURNS: readonly (readonly [title: string, responses: readonly (Error | 'late' | 'ok')[], lines: number])[] = [
  ['500 and success', [BROKEN, 'ok'], 14],
  ['timeouts and refused connections', ['late', REFUSED], 12],
  ['500, 403 and success', [BROKEN, DENIED, 'ok'], 26],
  ['500 only', [BROKEN], 3],
];

for (const [title, responses, most] of TURNS) {
  test(`an hour in which the Lease alternately gets ${title} takes a few lines, without a stack`, async () => {
    const { timeline, alternate, lines } = await leader({ delayMs: 3 });
    alternate(...responses);
    await timeline.run(3_600_000);
    const failures = lines.filter((line) => line.includes('leader election'));
    assert.ok(failures.length > 0 && failures.length <= most, `${failures.length}: ${failures.join('')}`);
    assert.ok(lines.every((line) => !line.includes('stack')));
    assert.match(failures[0] ?? '', /"lease":"shop\/ksm","identity":"a","cause":"[^"]+","reason":"[^"]+"/);
    alternate('ok');
    await timeline.run(60_000);
    const [last] = lines.filter((line) => line.includes('leader election')).slice(-1);
    if (!responses.includes('ok')) assert.match(last ?? '', /leader election recovered/);
  });
}

test('a Lease that cannot be released is reported with the reason, without a stack', async () => {
  const { timeline, election, refuse, said, lines } = await leader({});
  refuse(403, 'no permission');
  const stopped = election.stop();
  await timeline.run(3000);
  await stopped;
  const { reason, err } = said('failed to release the Lease');
  assert.match(reason, /403.*no permission/);
  assert.equal(err, undefined);
  assert.ok(lines.every((line) => !line.includes('stack')));
});
