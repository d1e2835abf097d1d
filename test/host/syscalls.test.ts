import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { kernelUnits, parseAuxv } from '../../src/host/auxv.ts';
import { Unsupported, WrongNamespace } from '../../src/host/errors.ts';
import { decodeDriverInfo, decodeSettings, decodeStatistics } from '../../src/host/ethtool.ts';
import { Host } from '../../src/host/host.ts';
import { putU32, putU64 } from '../../src/host/native.ts';
import { Netlink } from '../../src/host/netlink-socket.ts';
import { DEFAULT_PATHS } from '../../src/host/paths.ts';
import { linkNames } from '../../src/host/rtnetlink.ts';
import { RawSocket, SyscallError } from '../../src/host/syscalls.ts';
import { decodeTimex, readTimex } from '../../src/host/timex.ts';
import { fixture, hostTree } from '../kit/host-tree.ts';

const recorded = (file: string): Buffer => readFileSync(fixture(`syscalls/${file}`));

test('the clock state is that of a running clock', () => {
  const { tickSeconds, frequencyRatio, maxErrorSeconds } = readTimex();
  assert.ok(tickSeconds > 0.009 && tickSeconds < 0.011, `tick ${tickSeconds}`);
  assert.ok(Math.abs(frequencyRatio - 1) < 0.001, `frequency ${frequencyRatio}`);
  assert.ok(maxErrorSeconds >= 0);
});

test('struct timex: nanoseconds where its status says so, scaled frequencies, the error state', () => {
  const timex = Buffer.alloc(208);
  putU64(timex, 8, BigInt.asUintN(64, -2_500_000n));
  putU64(timex, 16, 65_536n * 20n);
  putU32(timex, 40, 0x2000);
  putU64(timex, 104, 3_000n);
  putU64(timex, 88, 10_000n);
  putU32(timex, 160, 37);
  const nanoseconds = decodeTimex(0, timex);
  assert.equal(nanoseconds.offsetSeconds, -0.0025);
  assert.equal(nanoseconds.frequencyRatio, 1.00002);
  assert.equal(nanoseconds.ppsJitterSeconds, 0.000003);
  assert.deepEqual([nanoseconds.tickSeconds, nanoseconds.taiOffsetSeconds], [0.01, 37]);
  assert.equal(nanoseconds.synchronized, true);
  putU32(timex, 40, 0);
  assert.equal(decodeTimex(0, timex).offsetSeconds, -2.5, 'microseconds');
  assert.equal(decodeTimex(5, timex).synchronized, false, 'TIME_ERROR');
});

test('a refused call is a SyscallError with the errno name', () => {
  assert.throws(
    () => new RawSocket(99, 1, 0),
    (error) => error instanceof SyscallError && error.code === 'EAFNOSUPPORT',
  );
});

test('netlink knows the devices of this host', () => {
  const names = linkNames(new Netlink(new Host(DEFAULT_PATHS)));
  assert.ok([...names.values()].includes('lo'));
});

test('netlink is not used for a host with another network namespace', (t) => {
  const list = 'sk               Eth Pid        Groups   Rmem     Wmem     Dump  Locks    Drops    Inode\n';
  for (const [files, error] of [
    [{ 'proc/net/dev': '' }, Unsupported],
    [{ 'proc/1/net/netlink': `${list}00000000df69de73 0   0  00000000 0 0 0 2 0 1\n` }, WrongNamespace],
  ] as const) {
    const netlink = new Netlink(new Host(hostTree(t, files)));
    assert.equal(netlink.usable, false);
    assert.throws(() => linkNames(netlink), error);
  }
});

test('without node:ffi there is no data, and the reason is reported', () => {
  const script = `import { readTimex } from '${new URL('../../src/host/timex.ts', import.meta.url)}';
    try { readTimex(); } catch (error) { console.log(error.name, error.message); }`;
  const flags = ['--no-experimental-ffi', '--input-type=module', '--eval', script];
  const output = execFileSync(process.execPath, flags, { encoding: 'utf8', timeout: 120_000 });
  assert.match(output, /^Unsupported requires node:ffi/);
});

test('driver information and statistics of a recorded device', () => {
  assert.deepEqual(decodeDriverInfo(recorded('ethtool-driver.bin')), {
    driver: 'virtio_net',
    version: '1.0.0',
    firmwareVersion: '',
    busInfo: '0000:00:03.0',
    expansionRomVersion: '',
    statistics: 20,
  });
  const statistics = decodeStatistics(recorded('ethtool-names.bin'), recorded('ethtool-values.bin'));
  assert.equal(statistics.length, 20);
  assert.deepEqual(statistics[5], ['rx_kicks', 1662n]);
});

test('link settings: masks and autonegotiation', () => {
  const settings = Buffer.alloc(44);
  putU32(settings, 4, 0x8000_0001);
  putU32(settings, 8, 0x40);
  settings[18] = 1;
  assert.deepEqual(decodeSettings(settings), { supported: 0x8000_0001, advertised: 0x40, autonegotiate: true });
});

test('page size and clock ticks come from the auxiliary vector', () => {
  const vector = Buffer.alloc(48);
  for (const [index, value] of [6n, 65_536n, 17n, 250n, 0n, 0n].entries()) putU64(vector, index * 8, value);
  assert.deepEqual(parseAuxv(vector), { pageBytes: 65_536, ticksPerSecond: 250 });
  assert.equal(kernelUnits().ticksPerSecond, 100);
});
