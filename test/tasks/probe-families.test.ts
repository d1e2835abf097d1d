// Families of probes that neither the recordings of blackbox_exporter nor the other tests have.
import assert from 'node:assert/strict';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { dns } from '../../src/tasks/types/dns.ts';
import { http } from '../../src/tasks/types/http.ts';
import { tcp } from '../../src/tasks/types/tcp.ts';
import { udp } from '../../src/tasks/types/udp.ts';
import { probe } from '../kit/probe.ts';
import { CA_FILE, tcpServer, tlsWebServer } from '../kit/probe-servers.ts';

/** A server for datagrams; resolves to its address. */
async function datagrams(context: TestContext, answer: (message: Buffer) => Buffer): Promise<string> {
  const socket: Socket = createSocket('udp4');
  context.after(() => socket.close());
  socket.on('message', (message, { port, address }) => socket.send(answer(message), port, address));
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return `127.0.0.1:${socket.address().port}`;
}

test('the certificate and the cipher of a connection with TLS, when a target was probed, and how often', async (context) => {
  const port = await tlsWebServer(context, (_, response) => response.end('ok'));
  const options = { http: { tls: { caFile: CA_FILE, minVersion: 'TLS13' } } };
  const probed = await probe(http, `https://127.0.0.1:${port}/`, options, { now: () => 1_700_000_000_500 });
  assert.equal(probed.get('probe_tls_cipher_info{cipher="TLS_AES_256_GCM_SHA384"}'), 1);
  // As openssl x509 prints it.
  const fingerprint = '00d879a7729a49f8bd0502d9c4dc8763d64a97bd428921b338c1bc67bec52e5b';
  const names = 'subject="CN=localhost,O=Test Org,C=DE",issuer="CN=testca",subjectalternative="localhost,a.example"';
  const certificate = `fingerprint_sha256="${fingerprint}",${names},serialnumber="0a1b2c3d4e5f60718293"`;
  assert.equal(probed.get(`probe_ssl_last_chain_info{${certificate}}`), 1);
  assert.equal(probed.get('firesteel_probe_last_run_timestamp_seconds'), 1_700_000_000.5);
  assert.equal(probed.get('firesteel_probe_runs_total{outcome="success"}'), 1);
  assert.equal(probed.get('firesteel_probe_runs_total{outcome="failure"}'), 0);
});

test('the serial number of a zone', async (context) => {
  const target = await datagrams(context, (query) => {
    // RFC 1035: the header and the question of the query, and one SOA record of the same name.
    const message = Buffer.from(query);
    message.writeUInt16BE(0x8180, 2);
    message.writeUInt16BE(1, 6);
    message.writeUInt16BE(0, 8);
    message.writeUInt16BE(0, 10);
    const question = message.subarray(0, message.indexOf(0, 12) + 5);
    const name = Buffer.from([0xc0, 12]);
    const data = Buffer.alloc(20);
    for (const [index, number] of [2_026_010_203, 3600, 600, 86_400, 300].entries())
      data.writeUInt32BE(number, 4 * index);
    const head = Buffer.from([0, 6, 0, 1, 0, 0, 1, 44, 0, 24]);
    return Buffer.concat([question, name, head, name, name, data]);
  });
  const probed = await probe(dns, target, { dns: { name: 'zone.example', type: 'SOA' } });
  assert.equal(probed.get('probe_success'), 1);
  assert.equal(probed.get('probe_dns_serial'), 2_026_010_203);
});

test('the phases of a datagram', async (context) => {
  const target = await datagrams(context, (message) => Buffer.concat([message, Buffer.from(' too')]));
  const probed = await probe(udp, target, { udp: { send: 'me', expect: '^me too$' } });
  assert.equal(probed.get('probe_success'), 1);
  assert.ok((probed.get('probe_udp_duration_seconds{phase="resolve"}') ?? Number.NaN) >= 0);
  assert.ok((probed.get('probe_udp_duration_seconds{phase="rtt"}') ?? Number.NaN) > 0);
});

test('an expression that does not match is named as the reason, for datagrams and dialogues', async (context) => {
  const target = await datagrams(context, (message) => message);
  const expression = (probed: ReadonlyMap<string, number>) => probed.get('probe_failed_due_to_regex');
  assert.equal(expression(await probe(udp, target, { udp: { send: 'me', expect: '^you$' } })), 1);
  assert.equal(expression(await probe(udp, target, { udp: { send: 'me', expect: '^me$' } })), 0);
  const port = await tcpServer(context, (socket) => socket.end('220 mail\r\n'));
  const judged = (expect: string) => probe(tcp, `127.0.0.1:${port}`, { tcp: { dialogue: [{ expect }] } });
  assert.equal(expression(await judged('^250')), 1);
  assert.equal(expression(await judged('^220')), 0);
});
