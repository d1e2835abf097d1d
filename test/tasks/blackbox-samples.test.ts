// Reproduces each recorded response of blackbox_exporter with local servers: families, labels, values.
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import type * as z from 'zod';
import { Names } from '../../src/net/names.ts';
import type { TaskType } from '../../src/tasks/task-type.ts';
import { dns } from '../../src/tasks/types/dns.ts';
import { http } from '../../src/tasks/types/http.ts';
import { ping } from '../../src/tasks/types/ping.ts';
import { tcp } from '../../src/tasks/types/tcp.ts';
import { freePort } from '../kit/free-port.ts';
import { fixture } from '../kit/host-tree.ts';
import { likeBlackbox } from '../kit/like-blackbox.ts';
import { startNameServer } from '../kit/name-server.ts';
import { probe } from '../kit/probe.ts';
import { CA_FILE, certificate, tcpServer, tlsTcpServer, tlsWebServer, webServer } from '../kit/probe-servers.ts';
import { difference, samplesOf } from '../kit/samples.ts';

interface Sample {
  readonly type: TaskType<z.ZodObject>;
  target(context: TestContext): Promise<string>;
  readonly options?: Readonly<Record<string, unknown>>;
  readonly timeoutMs?: number;
  /** Series of the sample that we do not have, or have differently, with the reason. */
  readonly exceptions?: Readonly<Record<string, string>>;
}

const LAST_MODIFIED = 'Wed, 01 Jul 2026 00:00:00 GMT';

/** The certificate of the samples is not available; ours has the same names. */
function withOurCertificate(text: string): string {
  const { fingerprint256, validToDate } = new X509Certificate(certificate('server').cert);
  return text
    .replaceAll(/fingerprint_sha256="\w+"/g, `fingerprint_sha256="${fingerprint256.replaceAll(':', '').toLowerCase()}"`)
    .replaceAll(/^(probe_ssl_\w+) 1\.798485076e\+09$/gm, `$1 ${validToDate.getTime() / 1000}`);
}

const KEPT = 'we report it although the certificate is not trusted (#1119)';

const web =
  (
    status: number,
    body: string,
    headers: Readonly<Record<string, string>> = { 'content-length': String(body.length) },
  ) =>
  async (context: TestContext) =>
    `http://127.0.0.1:${await webServer(context, (_, response) => response.writeHead(status, headers).end(body))}`;

const secure = async (context: TestContext) => {
  const headers = { 'content-length': '12', 'last-modified': LAST_MODIFIED };
  return `https://127.0.0.1:${await tlsWebServer(context, (_, response) => response.writeHead(200, headers).end('hello, world'))}`;
};

const closedPort = async () => `127.0.0.1:${await freePort()}`;

const SAMPLES: Readonly<Record<string, Sample>> = {
  'http-200': { type: http, target: web(200, 'ok') },
  'http-500': { type: http, target: web(500, 'bad') },
  'http-chunked': { type: http, target: web(200, 'chunks', { 'transfer-encoding': 'chunked' }) },
  'http-redirect': {
    type: http,
    target: async (context) => {
      const port = await webServer(context, ({ url }, response) => {
        if (url === '/target') response.writeHead(200, { 'content-length': '2' }).end('ok');
        else response.writeHead(302, { location: '/target' }).end();
      });
      return `http://127.0.0.1:${port}/`;
    },
  },
  'http-refused': { type: http, target: async () => `http://${await closedPort()}` },
  'http-regex-fail': {
    type: http,
    target: web(200, 'ok'),
    options: { http: { body: { match: ['nothing like this'] } } },
  },
  'http-timeout': {
    type: http,
    target: async (context) => `http://127.0.0.1:${await webServer(context, () => undefined)}`,
    timeoutMs: 300,
  },
  'http-unresolved': { type: http, target: async () => 'http://does-not-exist.invalid/' },
  'https-ok': { type: http, target: secure, options: { http: { tls: { caFile: CA_FILE } } } },
  'https-insecure': {
    type: http,
    target: secure,
    options: { http: { tls: { insecureSkipVerify: true } } },
    exceptions: {
      probe_ssl_last_chain_expiry_timestamp_seconds:
        'no chain was verified: blackbox_exporter reports the year 1 (#653)',
    },
  },
  'https-untrusted': {
    type: http,
    target: secure,
    exceptions: {
      probe_ssl_earliest_cert_expiry: KEPT,
      probe_ssl_last_chain_info: KEPT,
      probe_tls_version_info: KEPT,
    },
  },
  'icmp-ok': { type: ping, target: async () => '127.0.0.1' },
  'icmp-unresolved': { type: ping, target: async () => 'does-not-exist.invalid' },
  'tcp-ok': { type: tcp, target: async (context) => `127.0.0.1:${await tcpServer(context, () => undefined)}` },
  'tcp-banner': {
    type: tcp,
    target: async (context) =>
      `127.0.0.1:${await tcpServer(context, (socket) => socket.write('SSH-2.0-OpenSSH_9.2p1\r\n'))}`,
    options: { tcp: { dialogue: [{ expect: '^SSH-2.0-' }] } },
  },
  'tcp-refused': { type: tcp, target: closedPort },
  'tcp-tls': {
    type: tcp,
    target: async (context) => `127.0.0.1:${await tlsTcpServer(context, () => undefined)}`,
    options: { tcp: { tls: { caFile: CA_FILE } } },
  },
  'dns-refused': { type: dns, target: closedPort, options: { dns: { name: 'example.org', type: 'A' } } },
};

for (const [name, { type, target, options, timeoutMs = 5000, exceptions = {} }] of Object.entries(SAMPLES)) {
  test(`the same samples as blackbox_exporter: ${name}`, async (context) => {
    const server = await startNameServer(context, {});
    const folder = fixture('blackbox');
    const names = new Names({
      port: server.port,
      resolvConfFile: `${folder}/no-such-file`,
      hostsFile: `${folder}/none`,
    });
    context.after(() => names.close());
    const probed = await probe(type, await target(context), options, { timeoutMs, names });
    const expected = samplesOf(withOurCertificate(readFileSync(`${folder}/${name}.prom`, 'utf8')));
    const differing = new Set(Object.keys(exceptions));
    assert.deepEqual(difference(likeBlackbox(probed, differing), likeBlackbox(expected, differing)), []);
    for (const [family, reason] of Object.entries(exceptions)) {
      const isThere = [...probed.keys()].some((key) => key.startsWith(family));
      assert.equal(isThere, reason === KEPT, `${family}: ${reason}`);
    }
  });
}
