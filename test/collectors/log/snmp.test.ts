import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { accessSync, constants, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { snmpSection } from '../../../src/collectors/log/section.ts';
import { versionOf } from '../../../src/collectors/log/snmp/trap.ts';
import { addUdpErrors } from '../../../src/collectors/log/snmp/udp-errors.ts';
import { Snapshot } from '../../../src/metrics/snapshot.ts';
import { freePort } from '../../kit/free-port.ts';
import { hostTree, scratchFolder } from '../../kit/host-tree.ts';
import { linesOf } from '../../kit/lines.ts';
import { LogGroup, totalOf } from '../../kit/log-group.ts';
import { netSnmp, send, session } from '../../kit/snmp-sender.ts';

const COMMUNITY = 'secret-community';
const AUTH = 'auth-password-1';
const PRIV = 'priv-password-2';

/** A group that receives traps, with one community and one user of version 3. */
async function receiving(context: TestContext, more: object = {}) {
  const folder = scratchFolder(context);
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), `${text}\n`);
    return join(folder, name);
  };
  const port = await freePort();
  const authPasswordFile = file('auth', AUTH);
  const user = { name: 'ops', auth: 'sha256' as const, priv: 'aes' as const, authPasswordFile };
  const snmp = {
    ...{ enabled: true, listen: `127.0.0.1:${port}`, communityFiles: [file('community', COMMUNITY)] },
    users: [{ ...user, privPasswordFile: file('priv', PRIV) }],
    ...more,
  };
  const start = async () => {
    const group = await LogGroup.start({ snmp }, { folder: join(folder, 'state') });
    context.after(() => group.stop());
    await group.cycle();
    return group;
  };
  return { port, folder, snmp, start, group: await start() };
}

/** Runs cycles until `name` is `count`; returns the samples. */
async function counted(group: LogGroup, name: string, count: number): Promise<ReadonlyMap<string, number>> {
  for (let tries = 0; tries < 3000; tries++) {
    const samples = await group.cycle();
    if (totalOf(samples, name) >= count) return samples;
    await delay(50);
  }
  throw new Error(`${name} did not reach ${count}`);
}

const USER = {
  ...{ name: 'ops', level: netSnmp.SecurityLevel.authPriv },
  ...{ authProtocol: netSnmp.AuthProtocols.sha256, authKey: AUTH },
  ...{ privProtocol: netSnmp.PrivProtocols.aes, privKey: PRIV },
};
const LINK_DOWN = '1.3.6.1.6.3.1.1.5.3';
const traps = (oid: string, name: string, version: string) =>
  `snmp_traps_total{source="127.0.0.1",trap_oid="${oid}",name="${name}",version="${version}"}`;
const refused = (reason: string) => `snmp_traps_refused_total{reason="${reason}"}`;

test('traps of versions 1, 2c and 3 and informs are counted by sender, OID, name and version', async (context) => {
  const names = { '1.3.6.1.4.1.8072.2.3.0.1': 'heartbeat' };
  const { port, group } = await receiving(context, { names });
  const v1 = session(context, port, { version: 0, community: COMMUNITY });
  const v2 = session(context, port, { version: 1, community: COMMUNITY });
  const v3 = session(context, port, { user: USER });
  await send(v1, 2);
  await send(v1, '1.3.6.1.4.1.8072.4.9');
  await send(v2, LINK_DOWN);
  await send(v2, '1.3.6.1.4.1.8072.2.3.0.1', [], 'inform');
  await send(v3, LINK_DOWN);
  const samples = await counted(group, 'snmp_traps_total', 5);
  assert.equal(samples.get(traps(LINK_DOWN, 'linkDown', '1')), 1);
  assert.equal(samples.get(traps('1.3.6.1.4.1.8072.4.0.9', '', '1')), 1);
  assert.equal(samples.get(traps(LINK_DOWN, 'linkDown', '2c')), 1);
  assert.equal(samples.get(traps('1.3.6.1.4.1.8072.2.3.0.1', 'heartbeat', '2c')), 1);
  assert.equal(samples.get(traps(LINK_DOWN, 'linkDown', '3')), 1);
  assert.equal(totalOf(samples, 'snmp_traps_refused_total'), 0);
  assert.equal(typeof samples.get('snmp_traps_udp_errors_total{protocol="udp",error="RcvbufErrors"}'), 'number');
});

test('unknown communities and users, wrong passwords and damaged datagrams are rejected by reason', async (context) => {
  const { port, group } = await receiving(context);
  await send(session(context, port, { version: 1, community: 'public' }), LINK_DOWN);
  await send(session(context, port, { user: { ...USER, name: 'eve' } }), LINK_DOWN);
  await send(session(context, port, { user: { ...USER, authKey: 'wrong-password' } }), LINK_DOWN);
  // An unknown user, and an unencrypted trap.
  await send(session(context, port, { user: { name: '', level: netSnmp.SecurityLevel.noAuthNoPriv } }), LINK_DOWN);
  await send(session(context, port, { user: { ...USER, level: netSnmp.SecurityLevel.authNoPriv } }), LINK_DOWN);
  const socket = createSocket('udp4');
  context.after(() => socket.close());
  const raw = promisify((datagram: Buffer, done: (cause: Error | null) => void) =>
    socket.send(datagram, port, '127.0.0.1', done),
  );
  await raw(Buffer.from('GET / HTTP/1.1\r\n'));
  await raw(Buffer.from([0x30, 0x03, 0x02, 0x01, 0x01]));
  const samples = await counted(group, 'snmp_traps_refused_total', 7);
  assert.equal(totalOf(samples, 'snmp_traps_total'), 0);
  assert.equal(samples.get(refused('community')), 1);
  assert.equal(samples.get(refused('user')), 3);
  assert.equal(samples.get(refused('authentication')), 1);
  assert.equal(samples.get(refused('malformed')), 2);
});

test('datagrams of random bytes and truncated traps crash nothing', async (context) => {
  const { port, group } = await receiving(context, { maxPerSecond: 10_000 });
  const socket = createSocket('udp4');
  const whole: Buffer[] = [];
  const tap = createSocket('udp4').on('message', (datagram) => whole.push(datagram));
  context.after(() => [socket, tap].map((one) => one.close()));
  await new Promise<void>((resolve) => tap.bind(0, '127.0.0.1', resolve));
  await send(session(context, tap.address().port, { version: 1, community: COMMUNITY }), LINK_DOWN);
  await send(session(context, tap.address().port, { user: USER }), LINK_DOWN);
  for (let tries = 0; whole.length < 2 && tries < 3000; tries++) await delay(20);
  let sent = 0;
  for (const datagram of whole) {
    for (let at = 0; at < datagram.length; at++) {
      const damaged = Buffer.from(datagram);
      damaged[at] = (damaged[at] as number) ^ 0x55;
      for (const one of [damaged, datagram.subarray(0, at)]) {
        await new Promise((resolve) => socket.send(one, port, '127.0.0.1', resolve));
        // The kernel queues some hundred datagrams.
        if (sent++ % 50 === 0) await delay(1);
      }
    }
  }
  await send(session(context, port, { version: 1, community: COMMUNITY }), LINK_DOWN);
  const samples = await counted(group, 'snmp_traps_total', 1);
  const seen = totalOf(samples, 'snmp_traps_total') + totalOf(samples, 'snmp_traps_refused_total');
  // Reports in response to damaged requests are neither.
  assert.ok(seen > sent / 2 && seen <= sent + 1, `${seen} of ${sent}`);
});

test('counts survive a restart and a reload, and series are bounded', async (context) => {
  const { port, group, snmp, start } = await receiving(context, { maxSeries: 3 });
  const v2 = session(context, port, { version: 1, community: COMMUNITY });
  for (let index = 1; index <= 6; index++) await send(v2, `1.3.6.1.4.1.9.${index}`);
  const samples = await counted(group, 'snmp_traps_total', 6);
  assert.equal([...samples.keys()].filter((key) => key.startsWith('snmp_traps_total{')).length, 4);
  const other = '{source="__other__",trap_oid="__other__",name="__other__",version="__other__"}';
  assert.equal(samples.get(`snmp_traps_total${other}`), 3);
  // The port passes to the next receiver.
  await group.configure({ snmp: { ...snmp, maxPerSecond: 500 } });
  await group.cycle();
  assert.deepEqual(
    group.results.flatMap(({ errors }) => errors),
    [],
  );
  await send(v2, '1.3.6.1.4.1.9.1');
  await counted(group, 'snmp_traps_total', 7);
  group.stop();
  const next = await start();
  assert.equal(totalOf(await next.cycle(), 'snmp_traps_total'), 7);
  await send(v2, '1.3.6.1.4.1.9.1');
  await counted(next, 'snmp_traps_total', 8);
});

test('secrets are reread when their files change, and never exposed', async (context) => {
  const { port, folder, group } = await receiving(context);
  writeFileSync(join(folder, 'community'), 'another-community\n');
  writeFileSync(join(folder, 'auth'), '');
  await group.cycle();
  const errors = group.results.flatMap((result) => result.errors);
  assert.match(String(errors[0]), /user ops: cannot read the secret file|secret file .* is empty/);
  assert.doesNotMatch(JSON.stringify(errors.map(String)), /password|-community/);
  await send(session(context, port, { version: 1, community: COMMUNITY }), LINK_DOWN);
  await send(session(context, port, { version: 1, community: 'another-community' }), LINK_DOWN);
  await counted(group, 'snmp_traps_refused_total', 1);
  await counted(group, 'snmp_traps_total', 1);
});

test('a port in use fails the collector with the reason, until it is free', async (context) => {
  const taken = createSocket('udp4').unref();
  const port = await freePort();
  await new Promise<void>((resolve) => taken.bind(port, '127.0.0.1', resolve));
  const { group } = await receiving(context, { listen: `127.0.0.1:${port}` });
  const failures = () => group.results.flatMap(({ errors }) => errors);
  assert.match(String(failures()[0]), /EADDRINUSE/);
  taken.close();
  await once(taken, 'close');
  await group.cycle();
  assert.deepEqual(failures(), []);
});

test('datagrams over the rate limit are rejected without decoding', async (context) => {
  const { port, group } = await receiving(context, { maxPerSecond: 5 });
  const v2 = session(context, port, { version: 1, community: COMMUNITY });
  for (let index = 0; index < 200; index++) await send(v2, LINK_DOWN);
  const samples = await counted(group, 'snmp_traps_refused_total', 1);
  assert.ok((samples.get(refused('rate')) ?? 0) > 0);
});

test('parses the version of a datagram', () => {
  assert.equal(versionOf(Buffer.from('3003020100', 'hex')), '1');
  assert.equal(versionOf(Buffer.from('3082001002010104', 'hex')), '2c');
  assert.equal(versionOf(Buffer.from('308110020103', 'hex')), '3');
  for (const bytes of ['', '30', '3003020102', '3103020100', '30ff'])
    assert.equal(versionOf(Buffer.from(bytes, 'hex')), undefined);
});

test('the kernel’s counts of dropped datagrams are those of UDP, not of UDP-Lite', (t) => {
  const snmp = [
    'Tcp: InErrs',
    'Tcp: 9',
    'Udp: InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors SndbufErrors InCsumErrors IgnoredMulti MemErrors',
    'Udp: 2000 12 7 1999 5 0 2 0 0',
    'UdpLite: RcvbufErrors',
    'UdpLite: 4',
  ].join('\n');
  const snmp6 = 'Ip6InReceives\t1\nUdp6RcvbufErrors                \t3\nUdpLite6RcvbufErrors\t8\n';
  const out = new Snapshot();
  addUdpErrors(out, join(hostTree(t, { 'proc/net/snmp': snmp, 'proc/net/snmp6': snmp6 }).procfs, 'net'));
  assert.deepEqual(linesOf(out), [
    'snmp_traps_udp_errors_total{protocol="udp",error="RcvbufErrors"} 5',
    'snmp_traps_udp_errors_total{protocol="udp",error="InCsumErrors"} 2',
    'snmp_traps_udp_errors_total{protocol="udp",error="MemErrors"} 0',
    'snmp_traps_udp_errors_total{protocol="udp6",error="RcvbufErrors"} 3',
  ]);
});

test('a configuration without senders is rejected, as are invalid addresses and OIDs', () => {
  const problems = (section: object) => snmpSection.safeParse(section).error?.issues.map(({ message }) => message);
  assert.match(String(problems({ enabled: true })), /communityFiles or users/);
  assert.match(String(problems({ listen: 'port' })), /ADDRESS:PORT/);
  assert.match(String(problems({ names: { linkDown: 'x' } })), /OIDs in digits/);
  assert.equal(problems({ enabled: true, communityFiles: ['/c'], listen: '[::1]:162' }), undefined);
});

test("Debian's snmptrap and snmpinform are understood in all versions", async (context) => {
  const onPath = (process.env.PATH ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, 'snmptrap'), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
  if (!onPath) {
    context.skip('snmptrap is not on PATH (apt-get install snmp); the traps above are of net-snmp for Node.js');
    return;
  }
  const { port, group } = await receiving(context);
  const run = promisify(execFile);
  const target = `127.0.0.1:${port}`;
  const v3 = ['-v3', '-l', 'authPriv', '-u', 'ops', '-a', 'SHA-256', '-A', AUTH, '-x', 'AES', '-X', PRIV];
  const value = ['1.3.6.1.2.1.2.2.1.1.7', 'i', '7', '1.3.6.1.2.1.31.1.1.1.1.7', 's', 'eth0'];
  // An inform that is not acknowledged within a second is sent again, and counts again.
  const patient = ['-t', '20', '-r', '0'];
  const commands: readonly (readonly string[])[] = [
    ['snmptrap', '-v1', '-c', COMMUNITY, target, '1.3.6.1.4.1.8072', '10.1.2.3', '2', '0', '', ...value],
    ['snmptrap', '-v2c', '-c', COMMUNITY, target, '', LINK_DOWN, ...value],
    ['snmptrap', '-e', '0x8000000001020304', ...v3, target, '', LINK_DOWN, ...value],
    ['snmpinform', ...patient, '-v2c', '-c', COMMUNITY, target, '', LINK_DOWN, ...value],
    ['snmpinform', ...patient, ...v3, target, '', LINK_DOWN, ...value],
  ];
  for (const [program = '', ...args] of commands) await run(program, args, { timeout: 120_000 });
  const samples = await counted(group, 'snmp_traps_total', 5);
  assert.equal(samples.get(traps(LINK_DOWN, 'linkDown', '1')), 1);
  assert.equal(samples.get(traps(LINK_DOWN, 'linkDown', '2c')), 2);
  assert.equal(samples.get(traps(LINK_DOWN, 'linkDown', '3')), 2);
});
