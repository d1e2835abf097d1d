// The metadata service of clouds in every notation: refused by every type of probe.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Names } from '../../src/net/names.ts';
import { dns } from '../../src/tasks/types/dns.ts';
import { http } from '../../src/tasks/types/http.ts';
import { ping } from '../../src/tasks/types/ping.ts';
import { tcp } from '../../src/tasks/types/tcp.ts';
import { udp } from '../../src/tasks/types/udp.ts';
import { fixture } from '../kit/host-tree.ts';
import { startNameServer } from '../kit/name-server.ts';
import { probe, reasonOf } from '../kit/probe.ts';
import { webServer } from '../kit/probe-servers.ts';

const HOSTS = [
  '169.254.169.254',
  '169.254.0.1',
  '2852039166',
  '0xa9fea9fe',
  '0xA9.0xFE.0xA9.0xFE',
  '0251.0376.0251.0376',
  '169.254.43518',
  '169.16689662',
  '[::ffff:169.254.169.254]',
  '[::ffff:a9fe:a9fe]',
  '[0:0:0:0:0:ffff:a9fe:a9fe]',
  '[::a9fe:a9fe]',
  '[64:ff9b::169.254.169.254]',
  '[64:ff9b:1::a9fe:a9fe]',
  '[2002:a9fe:a9fe::1]',
  '[2001:0:1:2:3:4:5601:5601]',
  '[fe80::5efe:a9fe:a9fe]',
  '[fd00:ec2::254]',
  '[fd00:0ec2:0:0::0254]',
];

const REFUSED = { probe_success: 0, reason: 'denied' };

for (const host of HOSTS) {
  test(`${host} is refused`, async () => {
    const found = async (probed: Awaited<ReturnType<typeof probe>>) => ({
      probe_success: probed.get('probe_success'),
      reason: reasonOf(probed),
    });
    const bare = host.replace(/^\[(.*)\]$/, '$1');
    assert.deepEqual(await found(await probe(http, `http://${host}/latest/meta-data/`)), REFUSED);
    assert.deepEqual(await found(await probe(tcp, `${host}:80`)), REFUSED);
    assert.deepEqual(await found(await probe(udp, `${host}:53`)), REFUSED);
    assert.deepEqual(await found(await probe(dns, host, { dns: { name: 'a.example' } })), REFUSED);
    assert.deepEqual(await found(await probe(ping, bare)), REFUSED);
    const behindProxy = { http: { proxy: 'http://127.0.0.1:9' } };
    assert.deepEqual(await found(await probe(http, `http://${host}/`, behindProxy)), REFUSED);
    assert.deepEqual(
      await found(await probe(http, 'http://a.example/', { http: { proxy: `http://${host}:3128` } })),
      REFUSED,
    );
  });
}

test('by name, also if only one of its addresses is denied', async (context) => {
  const server = await startNameServer(context, {
    'metadata.example': { a: ['169.254.169.254'] },
    'mixed.example': { a: ['127.0.0.1', '169.254.169.254'] },
    'sixth.example': { aaaa: ['fd00:0ec2:0000:0000:0000:0000:0000:0254'] },
    'mapped.example': { aaaa: ['0000:0000:0000:0000:0000:ffff:a9fe:a9fe'] },
  });
  const names = new Names({ port: server.port, resolvConfFile: fixture('none'), hostsFile: fixture('none') });
  context.after(() => names.close());
  for (const name of server.names.keys()) {
    assert.equal(reasonOf(await probe(http, `http://${name}/`, {}, { names })), 'denied', name);
    assert.equal(reasonOf(await probe(tcp, `${name}:80`, {}, { names })), 'denied', name);
  }
});

test('by a redirect, by address and by name', async (context) => {
  const server = await startNameServer(context, { 'metadata.example': { a: ['169.254.169.254'] } });
  const names = new Names({ port: server.port, resolvConfFile: fixture('none'), hostsFile: fixture('none') });
  context.after(() => names.close());
  let asked = 0;
  const port = await webServer(context, ({ url = '' }, response) => {
    asked++;
    response.writeHead(302, { location: decodeURIComponent(url.slice(1)) }).end();
  });
  const targets = [...HOSTS.map((host) => `http://${host}/latest/`), 'http://metadata.example/', '//2852039166/'];
  for (const target of targets) {
    const probed = await probe(http, `http://127.0.0.1:${port}/${encodeURIComponent(target)}`, {}, { names });
    assert.equal(reasonOf(probed), 'denied', target);
    assert.equal(probed.get('probe_http_redirects'), 1);
    assert.equal(probed.get('probe_http_status_code'), 0, 'of the last hop');
  }
  assert.equal(asked, targets.length);
});

test('addresses next to a denied range, or allowed ones, are not refused', async () => {
  for (const host of ['127.0.0.1', '0x7f.1', '2130706433', '[::ffff:127.0.0.1]']) {
    assert.equal(reasonOf(await probe(http, `http://${host}:9/`)), 'connect_refused', host);
  }
});
