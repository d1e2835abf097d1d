import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { secretCheck } from '../../src/http/bearer.ts';
import { leaseRoutes } from '../../src/http/lease.ts';
import { startHttp } from '../../src/http/server.ts';
import { CONSENT_PATH, HOLDER_PATH, PeerClient, SHARD_PATH } from '../../src/kube/peer-client.ts';
import { fixture, scratchFolder } from '../kit/host-tree.ts';
import { hungReceiver } from '../kit/hung-receiver.ts';
import { rawServer } from '../kit/raw-server.ts';
import { eventually } from './follow.ts';

const QUESTION = { lease: 'shop/ksm', proof: 'p', previous: '', transitions: 1 };
const TLS = { certFile: fixture('tls/first-server.crt'), keyFile: fixture('tls/first-server.key') };
/** Watches the holder until stopped; records each change of its presence. */
function view(isWanted = true) {
  const presence: boolean[] = [];
  return { presence, isWanted: () => isWanted, onPresence: (isPresent: boolean) => void presence.push(isPresent) };
}

/** A candidate that always gives this response. */
async function candidate(t: TestContext, answer: string, options: { tls?: typeof TLS; token?: string } = {}) {
  const asked: object[] = [];
  const guard = options.token && {
    check: secretCheck({ read: () => options.token ?? '' }),
    onError: (cause: unknown) => assert.fail(String(cause)),
  };
  const released = new AbortController();
  const { consent, holder, shard } = leaseRoutes(
    {
      released: released.signal,
      answer(question) {
        asked.push(question);
        return answer;
      },
      isHolder: ({ lease, proof }) => !released.signal.aborted && lease === QUESTION.lease && proof === QUESTION.proof,
    },
    () => ({ shard: 0, totalShards: 1, isMaster: true, isSettled: true, isStopping: false }),
    guard || undefined,
  );
  const routes = { [CONSENT_PATH]: consent, [HOLDER_PATH]: holder, [SHARD_PATH]: shard };
  const server = await startHttp('127.0.0.1:0', routes, (_, cause) => assert.fail(String(cause)), { tls: options.tls });
  let isOpen: boolean = true;
  const close = async () => {
    if (isOpen) await server.close();
    isOpen = false;
  };
  t.after(close);
  return { peer: new URL(server.url).host, asked, close, release: () => released.abort() };
}

test('all have to agree, and a peer that does not is named', async (t) => {
  const [granted, leads] = [await candidate(t, 'granted'), await candidate(t, 'leads')];
  const ask = (...peers: string[]) => new PeerClient({ peers }).consent(QUESTION, 2000);
  assert.deepEqual(await ask(granted.peer), { against: undefined });
  assert.deepEqual(granted.asked, [QUESTION]);
  assert.deepEqual(await ask(granted.peer, leads.peer), { against: `${leads.peer}: leads` });
  for (const word of ['reaches', 'stranger', 'yes', '']) {
    const { peer } = await candidate(t, word);
    assert.match((await ask(peer)).against ?? '', word === 'reaches' || word === 'stranger' ? /./ : /unknown answer/);
  }
  const [report] = await new PeerClient({ peers: [leads.peer, '127.0.0.1:1'] }).reports(2000);
  assert.deepEqual(report, { shard: 0, totalShards: 1, isMaster: true, isSettled: true, isStopping: false });
  const gone = await candidate(t, 'leads');
  await gone.close();
  assert.deepEqual(await ask(granted.peer, gone.peer), { against: undefined }, 'its process has ended');
  const hung = new URL(await hungReceiver(t)).host;
  assert.match((await new PeerClient({ peers: [hung] }).consent(QUESTION, 300)).against ?? '', /no answer/);
  assert.match((await ask('no-such-name.invalid:1')).against ?? '', /no-such-name/);
});

test('a peer that switches to another protocol gives no answer', { timeout: 20_000 }, async (t) => {
  const url = await rawServer(t, (socket) =>
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: other\r\n\r\n'),
  );
  const { against } = await new PeerClient({ peers: [new URL(url).host] }).consent(QUESTION, 2000);
  assert.match(against ?? '', /no answer \(the connection was closed without a usable response\)/);
});

test('a candidate learns of a leader whichever peer it is; silence, refusals and other answers are no leader', async (t) => {
  const [leads, reaches, granted] = await Promise.all(['leads', 'reaches', 'granted'].map((one) => candidate(t, one)));
  assert.ok(leads && reaches && granted);
  const hung = new URL(await hungReceiver(t)).host;
  const isLed = (...peers: string[]) => new PeerClient({ peers }).isLed(QUESTION, 300);
  assert.equal(await isLed(reaches.peer, hung, '127.0.0.1:1', leads.peer), true);
  assert.equal(await isLed(reaches.peer, granted.peer, hung, '127.0.0.1:1'), false);
  assert.equal(await isLed('no-such-name.invalid:1'), false);
});

test('over TLS only the own certificate is accepted, and the token is checked', async (t) => {
  const { peer } = await candidate(t, 'granted', { tls: TLS, token: 'right' });
  const ask = (certFile: string, token: string) =>
    new PeerClient({ peers: [peer], certFile, token: () => token }).consent(QUESTION, 3000);
  assert.deepEqual(await ask(TLS.certFile, 'right'), { against: undefined });
  assert.match((await ask(TLS.certFile, 'wrong')).against ?? '', /status 401/);
  assert.match((await ask(fixture('tls/second-server.crt'), 'right')).against ?? '', /no answer/);
  const missing = join(scratchFolder(t), 'missing.crt');
  assert.match((await ask(missing, 'right')).against ?? '', /ENOENT/);
  writeFileSync(missing, 'no certificate');
  assert.notEqual((await ask(missing, 'right')).against, undefined);
  const pipe = join(scratchFolder(t), 'pipe.crt');
  execFileSync('mkfifo', [pipe]);
  assert.match((await ask(pipe, 'right')).against ?? '', /not a regular file/);
});

test('the end of the holder is detected immediately; a stranger reports nothing about it', {
  timeout: 120_000,
}, async (t) => {
  const { peer, close } = await candidate(t, 'leads');
  const client = new PeerClient({ peers: [peer] });
  const { signal } = new AbortController();
  assert.equal(await client.ended({ ...QUESTION, proof: 'of another one' }, view(), signal), false);
  assert.equal(await client.ended(QUESTION, view(false), signal), false, 'no watcher remains');
  const stop = new AbortController();
  const stopped = client.ended(QUESTION, view(), stop.signal);
  stop.abort();
  assert.equal(await stopped, false);
  const last = view();
  const ended = client.ended(QUESTION, last, signal);
  await eventually(() => last.presence.length === 1, 'the connection');
  await close();
  assert.equal(await ended, true);
  assert.deepEqual(last.presence, [true, false]);
});

test('a holder that gives up the Lease counts as ended, although its process is still running', {
  timeout: 120_000,
}, async (t) => {
  const { peer, release } = await candidate(t, 'leads');
  const standby = view();
  const ended = new PeerClient({ peers: [peer] }).ended(QUESTION, standby, new AbortController().signal);
  await eventually(() => standby.presence.length === 1, 'the connection');
  release();
  assert.equal(await ended, true);
  assert.deepEqual(standby.presence, [true, false]);
});

test('a holder whose process resets connections while it ends has ended', { timeout: 120_000 }, async (t) => {
  let connections = 0;
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    connections++;
    if (connections === 1) {
      socket.once('data', () => {
        socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\n \r\n');
        setTimeout(() => socket.resetAndDestroy(), 100);
      });
    } else {
      socket.resetAndDestroy();
      if (connections === 3) server.close();
    }
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const client = new PeerClient({ peers: [`127.0.0.1:${(server.address() as AddressInfo).port}`] });
  assert.equal(await client.ended(QUESTION, view(), new AbortController().signal), true);
  assert.equal(connections, 3);
});
