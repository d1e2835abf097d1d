// The real blackbox_exporter and Firesteel on the same targets: families, labels, and all values except durations.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type * as z from 'zod';
import type { TaskType } from '../../src/tasks/task-type.ts';
import { dns } from '../../src/tasks/types/dns.ts';
import { http } from '../../src/tasks/types/http.ts';
import { ping } from '../../src/tasks/types/ping.ts';
import { tcp } from '../../src/tasks/types/tcp.ts';
import { udp } from '../../src/tasks/types/udp.ts';
import { startBlackbox, startUnpacked } from '../kit/blackbox.ts';
import { freePort } from '../kit/free-port.ts';
import { fixture, scratchFolder } from '../kit/host-tree.ts';
import { likeBlackbox } from '../kit/like-blackbox.ts';
import { probe } from '../kit/probe.ts';
import { CA_FILE, tcpServer, tlsTcpServer } from '../kit/probe-servers.ts';
import { type ProbedNginx, startProbedNginx } from '../kit/probed-nginx.ts';
import { difference, samplesOf } from '../kit/samples.ts';
import { serverAvailable } from '../kit/servers.ts';

interface Case {
  readonly type: TaskType<z.ZodObject>;
  readonly target: string;
  /** Module of blackbox_exporter. */
  readonly module: object;
  readonly options?: Readonly<Record<string, unknown>>;
  /** Families that differ, with the reason. */
  readonly exceptions?: Readonly<Record<string, string>>;
}

const CA = { tls_config: { ca_file: CA_FILE } };
const OURS = { tls: { caFile: CA_FILE } };
const UNTRUSTED = {
  probe_ssl_earliest_cert_expiry: 'we report it although the certificate is not trusted',
  probe_ssl_last_chain_info: 'we report it although the certificate is not trusted',
  probe_tls_version_info: 'we report it although the certificate is not trusted',
};
const NO_CHAIN = {
  probe_ssl_last_chain_expiry_timestamp_seconds: 'no chain was verified: blackbox_exporter reports the year 1',
};

const webCase = (
  target: string,
  module: object = {},
  options: object = {},
  exceptions: Case['exceptions'] = {},
): Case => ({
  type: http,
  target,
  module: { prober: 'http', timeout: '5s', http: { preferred_ip_protocol: 'ip4', ...module } },
  options: { ip: 'ip4', http: options },
  exceptions,
});

function webCases(nginx: ProbedNginx): Record<string, Case> {
  const plain = (path: string) => `http://127.0.0.1:${nginx.plain}${path}`;
  const tls = (port: number, path = '/page.txt') => `https://127.0.0.1:${port}${path}`;
  const client = { certFile: fixture('probe-tls/client.crt'), keyFile: fixture('probe-tls/client.key') };
  return {
    'a page': webCase(plain('/page.txt')),
    'a target without scheme': webCase(`127.0.0.1:${nginx.plain}/page.txt`),
    'by name': webCase(`http://localhost:${nginx.plain}/page.txt`),
    'a refused connection': webCase('http://127.0.0.1:9/'),
    'no such name': webCase('http://does-not-exist.invalid/'),
    'status 404': webCase(plain('/missing')),
    'status 404, which is expected': webCase(plain('/missing'), { valid_status_codes: [404] }, { status: [404] }),
    'status 204': webCase(plain('/empty')),
    'status 500 and a body that would match': webCase(
      plain('/broken'),
      { fail_if_body_not_matches_regexp: ['broken'] },
      { body: { match: ['broken'] } },
    ),
    HEAD: webCase(plain('/page.txt'), { method: 'HEAD' }, { method: 'HEAD' }),
    'POST with a payload': webCase(
      plain('/method'),
      { method: 'POST', body: 'a=b' },
      { method: 'POST', payload: 'a=b' },
    ),
    'a redirect': webCase(plain('/moved')),
    'two redirects': webCase(plain('/moved-for-good')),
    'a redirect that is not followed': webCase(
      plain('/moved'),
      { follow_redirects: false },
      { followRedirects: false },
    ),
    'an expected redirect that is not followed': webCase(
      plain('/moved'),
      { follow_redirects: false, valid_status_codes: [302] },
      { followRedirects: false, status: [302] },
    ),
    'redirects in a circle': webCase(
      plain('/circle'),
      {},
      {},
      { probe_http_redirects: 'we count the followed ones, 10; blackbox_exporter 11' },
    ),
    'a redirect to an unknown name': webCase(plain('/to-nowhere')),
    'a redirect to TLS': webCase(plain('/to-tls'), CA, OURS),
    'a redirect from TLS': webCase(tls(nginx.tls13, '/to-plain'), CA, OURS),
    'a cookie': webCase(plain('/cookie')),
    'a body that matches': webCase(
      plain('/page.txt'),
      { fail_if_body_not_matches_regexp: ['version \\d+'] },
      { body: { match: ['version \\d+'] } },
    ),
    'a body that must not match': webCase(
      plain('/page.txt'),
      { fail_if_body_matches_regexp: ['version \\d+'] },
      { body: { notMatch: ['version \\d+'] } },
    ),
    'a header that matches': webCase(
      plain('/header'),
      { fail_if_header_not_matches: [{ header: 'X-Version', regexp: '^1' }] },
      { header: { match: [{ name: 'X-Version', pattern: '^1' }] } },
    ),
    'a header that is missing': webCase(
      plain('/page.txt'),
      { fail_if_header_not_matches: [{ header: 'X-Version', regexp: '^1' }] },
      { header: { match: [{ name: 'X-Version', pattern: '^1' }] } },
    ),
    'a header that must not match': webCase(
      plain('/header'),
      { fail_if_header_matches: [{ header: 'X-Version', regexp: '^1' }] },
      { header: { notMatch: [{ name: 'X-Version', pattern: '^1' }] } },
    ),
    'no credentials': webCase(plain('/private')),
    'a compressed body': webCase(
      plain('/packed'),
      { compression: 'gzip', headers: { 'Accept-Encoding': 'gzip' } },
      { compression: 'gzip' },
    ),
    'a body that is too large': webCase(plain('/packed'), { body_size_limit: '1KB' }, { body: { limit: '1KiB' } }),
    'a different version than expected': webCase(
      plain('/page.txt'),
      { valid_http_versions: ['HTTP/2.0'] },
      { versions: ['2'] },
    ),
    'TLS is required': webCase(plain('/page.txt'), { fail_if_not_ssl: true }, { ssl: 'required' }),
    'TLS is forbidden': webCase(tls(nginx.tls13), { ...CA, fail_if_ssl: true }, { ...OURS, ssl: 'forbidden' }),
    'TLS 1.2': webCase(tls(nginx.tls12), CA, OURS),
    'TLS 1.3': webCase(tls(nginx.tls13), CA, OURS),
    'TLS by name': webCase(`https://localhost:${nginx.tls13}/page.txt`, CA, OURS),
    'HTTP/2': webCase(tls(nginx.http2), CA, OURS),
    'HTTP/2, not offered': webCase(tls(nginx.http2), { ...CA, enable_http2: false }, { ...OURS, http2: false }),
    'HTTP/2, status 404': webCase(tls(nginx.http2, '/missing'), CA, OURS),
    'not trusted': webCase(tls(nginx.tls13), {}, {}, UNTRUSTED),
    'not trusted, which is accepted': webCase(
      tls(nginx.tls13),
      { tls_config: { insecure_skip_verify: true } },
      { tls: { insecureSkipVerify: true } },
      NO_CHAIN,
    ),
    'a client certificate': webCase(
      tls(nginx.mutual),
      { tls_config: { ca_file: CA_FILE, cert_file: client.certFile, key_file: client.keyFile } },
      { tls: { caFile: CA_FILE, ...client } },
    ),
    'no client certificate': webCase(tls(nginx.mutual), CA, OURS),
    'an expired certificate': webCase(tls(nginx.expired), CA, OURS, UNTRUSTED),
    'an expired certificate, which is accepted': webCase(
      tls(nginx.expired),
      { tls_config: { insecure_skip_verify: true } },
      { tls: { insecureSkipVerify: true } },
      NO_CHAIN,
    ),
    'a certificate for another name': webCase(tls(nginx.wrongName), CA, OURS, UNTRUSTED),
    'a certificate for the configured name': webCase(
      tls(nginx.wrongName),
      { tls_config: { ca_file: CA_FILE, server_name: 'other.example' } },
      { tls: { caFile: CA_FILE, serverName: 'other.example' } },
    ),
    'a certificate without names': webCase(`https://localhost:${nginx.noNames}/page.txt`, CA, OURS, UNTRUSTED),
    'a certificate with unusual names': webCase(tls(nginx.oddNames), CA, OURS),
    'TLS on a plain port': webCase(tls(nginx.plain), CA, OURS),
  };
}

async function portCases(context: TestContext): Promise<Record<string, Case>> {
  const banner = await tcpServer(context, (socket) => socket.write('SSH-2.0-OpenSSH_9.2p1\r\n'));
  const chat = await tcpServer(context, (socket) => {
    socket.write('220 hello mx1\r\n');
    socket.on('data', (data) => socket.write(data.toString().startsWith('EHLO mx1') ? '250 ok\r\n' : '500 no\r\n'));
  });
  const ends = await tcpServer(context, (socket) => socket.end('bye\r\n'));
  const secure = await tlsTcpServer(context, (socket) => socket.write('ready\r\n'));
  const tcpCase = (
    port: number,
    module: object = {},
    options: object = {},
    exceptions: Case['exceptions'] = {},
  ): Case => ({
    type: tcp,
    target: `127.0.0.1:${port}`,
    module: { prober: 'tcp', timeout: '5s', tcp: module },
    options: { tcp: options },
    exceptions,
  });
  return {
    'a port': tcpCase(banner),
    'a closed port': tcpCase(9),
    'a banner': tcpCase(banner, { query_response: [{ expect: '^SSH-2.0-' }] }, { dialogue: [{ expect: '^SSH-2.0-' }] }),
    'a dialogue': tcpCase(
      chat,
      { query_response: [{ expect: '^220 hello (.*)', send: 'EHLO $1' }, { expect: '^250' }] },
      { dialogue: [{ expect: '^220 hello (.*)', send: 'EHLO $1' }, { expect: '^250' }] },
    ),
    'a different banner': tcpCase(ends, { query_response: [{ expect: '^220' }] }, { dialogue: [{ expect: '^220' }] }),
    'a port with TLS': tcpCase(
      secure,
      { tls: true, ...CA, query_response: [{ expect: '^ready' }] },
      { ...OURS, dialogue: [{ expect: '^ready' }] },
    ),
    'a port with an untrusted certificate': tcpCase(secure, { tls: true }, { tls: {} }, UNTRUSTED),
    'an echo': { type: ping, target: '127.0.0.1', module: { prober: 'icmp', timeout: '5s' } },
    'an echo of IPv6': { type: ping, target: '::1', module: { prober: 'icmp', timeout: '5s' } },
    'an echo to an unknown name': {
      type: ping,
      target: 'does-not-exist.invalid',
      module: { prober: 'icmp', timeout: '5s' },
    },
  };
}

function nameCases(port: number): Record<string, Case> {
  const nameCase = (module: { query_name: string } & Record<string, unknown>, options: object): Case => ({
    type: dns,
    target: `127.0.0.1:${port}`,
    module: { prober: 'dns', timeout: '5s', dns: module },
    options: { dns: options },
  });
  const www = { query_name: 'www.zone.example', query_type: 'A' };
  const ours = { name: 'www.zone.example', type: 'A' };
  return {
    'an address': nameCase(www, ours),
    'an address over TCP': nameCase({ ...www, transport_protocol: 'tcp' }, { ...ours, transport: 'tcp' }),
    'a name that does not exist': nameCase(
      { query_name: 'nobody.zone.example', query_type: 'A' },
      { name: 'nobody.zone.example', type: 'A' },
    ),
    'a name that must not exist': nameCase(
      { query_name: 'nobody.zone.example', query_type: 'A', valid_rcodes: ['NXDOMAIN'] },
      { name: 'nobody.zone.example', type: 'A', rcodes: ['NXDOMAIN'] },
    ),
    'the start of a zone': nameCase(
      { query_name: 'zone.example', query_type: 'SOA' },
      { name: 'zone.example', type: 'SOA' },
    ),
    'what is refused': nameCase(
      { query_name: 'elsewhere.test', query_type: 'A' },
      { name: 'elsewhere.test', type: 'A' },
    ),
    'records that match': nameCase(
      {
        ...www,
        validate_answer_rrs: { fail_if_not_matches_regexp: ['^www\\.zone\\.example\\.\t.*\tIN\tA\t192\\.0\\.2\\.\\d'] },
      },
      { ...ours, answer: { match: ['^www\\.zone\\.example\\.\t.*\tIN\tA\t192\\.0\\.2\\.\\d'] } },
    ),
    'records that must not match': nameCase(
      { ...www, validate_answer_rrs: { fail_if_matches_regexp: ['192\\.0\\.2\\.2$'] } },
      { ...ours, answer: { notMatch: ['192\\.0\\.2\\.2$'] } },
    ),
    'texts that match': nameCase(
      {
        query_name: 'txt.zone.example',
        query_type: 'TXT',
        validate_answer_rrs: { fail_if_not_matches_regexp: ['"v=spf1 -all"'] },
      },
      { name: 'txt.zone.example', type: 'TXT', answer: { match: ['"v=spf1 -all"'] } },
    ),
    'a server that does not exist': {
      ...nameCase(www, ours),
      target: '127.0.0.1:9',
    },
  };
}

/** unbound as the authority for one zone; resolves when it responds. */
async function startUnbound(context: TestContext, folder: string): Promise<number> {
  const port = await freePort();
  const file = join(folder, 'unbound.conf');
  writeFileSync(
    file,
    `server:
  interface: 127.0.0.1@${port}
  port: ${port}
  username: ""
  chroot: ""
  directory: "${folder}"
  pidfile: ""
  use-syslog: no
  do-daemonize: no
  module-config: "iterator"
  local-zone: "." refuse
  local-zone: "zone.example." static
  local-data: "zone.example. 300 IN SOA ns.zone.example. admin.zone.example. 2026010203 3600 600 86400 300"
  local-data: "www.zone.example. 300 IN A 192.0.2.1"
  local-data: "www.zone.example. 300 IN A 192.0.2.2"
  local-data: 'txt.zone.example. 300 IN TXT "v=spf1 -all"'
remote-control:
  control-enable: no
`,
  );
  const child = startUnpacked(context, 'unbound', ['-c', file]);
  let said = '';
  child.stderr?.on('data', (chunk) => {
    said += chunk;
  });
  const options = { dns: { name: 'zone.example', type: 'SOA' } };
  for (let tries = 0; tries < 600 && child.exitCode === null; tries++) {
    const probed = await probe(dns, `127.0.0.1:${port}`, options, { timeoutMs: 1000 });
    if (probed.get('probe_success') === 1) return port;
    await delay(100);
  }
  throw new Error(`unbound does not respond: ${said}`);
}

test('the same results as blackbox_exporter on real servers', { timeout: 240_000 }, async (context) => {
  if (!['prometheus-blackbox-exporter', 'nginx', 'unbound'].every((name) => serverAvailable(context, name))) return;
  const folder = scratchFolder(context);
  const nginx = await startProbedNginx(context, folder);
  const cases = {
    ...webCases(nginx),
    ...(await portCases(context)),
    ...nameCases(await startUnbound(context, folder)),
  };
  const modules = Object.fromEntries(Object.entries(cases).map(([name, { module }]) => [name, module]));
  const blackbox = await startBlackbox(context, folder, modules);
  for (const [name, { type, target, options, exceptions = {} }] of Object.entries(cases)) {
    await context.test(name, async () => {
      const theirs = samplesOf(await blackbox.probe(name, target));
      const ours = await probe(type, target, options);
      const differing = new Set(Object.keys(exceptions));
      assert.deepEqual(difference(likeBlackbox(ours, differing), likeBlackbox(theirs, differing)), []);
      assert.ok(theirs.size >= 6, 'it responded');
    });
  }
});

test('chronyd responds to an NTP datagram, and a closed port fails immediately', async (context) => {
  if (!serverAvailable(context, 'chronyd')) return;
  const folder = scratchFolder(context);
  const port = await freePort();
  const file = join(folder, 'chrony.conf');
  writeFileSync(
    file,
    `port ${port}\nallow 127.0.0.1\nlocal stratum 5\nbindaddress 127.0.0.1\ncmdport 0\npidfile ${folder}/pid\n`,
  );
  const child = startUnpacked(context, 'chronyd', ['-d', '-x', '-U', '-u', 'root', '-f', file]);
  // Mode 3 of NTP version 4; its first byte comes back as mode 4.
  const options = { udp: { sendHex: `23${'00'.repeat(47)}`, expect: '^\\$' } };
  for (let tries = 0; ; tries++) {
    const probed = await probe(udp, `127.0.0.1:${port}`, options, { timeoutMs: 2000 });
    if (probed.get('probe_success') === 1) break;
    assert.ok(tries < 600 && child.exitCode === null, 'chronyd answers');
    await delay(100);
  }
  child.kill();
});
