import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { parse } from 'yaml';
import { importBlackbox } from '../../src/commands/import.ts';
import { loadTaskType } from '../../src/tasks/types/index.ts';
import { runCommand } from '../kit/command.ts';

/** The modules of blackbox_exporter's own example, and more. */
const BLACKBOX = `
modules:
  http_2xx:
    prober: http
    http:
      preferred_ip_protocol: ip4
  http_post_2xx:
    prober: http
    timeout: 5s
    http:
      method: POST
      valid_status_codes: [200, 201]
      valid_http_versions: ["HTTP/1.1", "HTTP/2.0"]
      headers: { Content-Type: application/json }
      body: '{"a":1}'
      fail_if_not_ssl: true
      fail_if_body_not_matches_regexp: ["ok"]
      fail_if_header_matches: [{ header: X-Bad, regexp: ".", allow_missing: true }]
      body_size_limit: 10MB
      basic_auth: { username: user, password: secret }
      tls_config: { insecure_skip_verify: true, ca_file: /ca.crt }
      fail_if_body_json_matches_cel: body.x == 1
  tcp_connect: { prober: tcp }
  ssh_banner:
    prober: tcp
    tcp:
      query_response:
        - expect: "^SSH-2.0-([^ -]+)(?: (.*))?$"
          send: "SSH-2.0-blackbox-ssh-check"
          labels: [{ name: version, value: "\${1}" }]
  smtp_starttls:
    prober: tcp
    tcp:
      query_response:
        - expect: "^220 ([^ ]+) ESMTP (.+)$"
        - send: "EHLO prober\\r"
        - expect: "^250-STARTTLS"
        - send: "STARTTLS\\r"
        - expect: "^220"
        - starttls: true
        - send: "QUIT\\r"
  icmp_ttl5: { prober: icmp, timeout: 5s, icmp: { ttl: 5, payload_size: 28 } }
  dns_soa:
    prober: dns
    dns:
      query_name: prometheus.io
      query_type: SOA
      transport_protocol: tcp
      valid_rcodes: [NOERROR]
      validate_answer_rrs: { fail_if_not_matches_regexp: ["SOA"] }
  grpc: { prober: grpc }
`;

const TARGETS = `
- targets: [https://shop.example/]
  labels: { team: web }
- targets: [shop.example:443]
  labels: { __param_module: http_post_2xx }
- targets: ["db:5432"]
  labels: { module: tcp_connect }
- targets: ["gw:22"]
  labels: { module: ssh_banner }
- targets: ["mail:25"]
  labels: { module: smtp_starttls }
- targets: [10.0.0.1, router.example]
  labels: { module: icmp_ttl5 }
- targets: [9.9.9.9, "8.8.8.8:53"]
  labels: { module: dns_soa }
- targets: ["x:1"]
  labels: { module: grpc }
- targets: ["x:1"]
  labels: { module: gone }
`;

function files(context: TestContext, contents: Readonly<Record<string, string>>): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'firesteel-import-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  return Object.entries(contents).map(([name, content]) => {
    writeFileSync(join(folder, name), content);
    return join(folder, name);
  });
}

/** Every printed task is valid for its type. */
async function checked(printed: string): Promise<Record<string, unknown>[]> {
  const { tasks } = parse(printed) as { tasks: Record<string, unknown>[] };
  for (const task of tasks) {
    const { id, type, job, interval, timeout, labels, ...options } = task;
    const found = await loadTaskType(String(type));
    assert.ok(found, String(type));
    const result = found.options.safeParse(options);
    assert.ok(result.success, `${String(id)}: ${result.error?.message}`);
  }
  return tasks;
}

test('modules and a list of targets are converted to tasks', async (context) => {
  const { code, stdout, stderr } = await runCommand(
    importBlackbox,
    files(context, { 'b.yml': BLACKBOX, 't.yml': TARGETS }),
  );
  const tasks = await checked(stdout);
  assert.deepEqual(
    tasks.map(({ id, type }) => `${id} ${type}`),
    [
      'http_2xx http',
      'http_post_2xx http',
      'tcp_connect tcp',
      'ssh_banner tcp',
      'smtp_starttls tcp',
      'icmp_ttl5 ping',
      'dns_soa dns',
    ],
  );
  assert.deepEqual(tasks[0], {
    id: 'http_2xx',
    type: 'http',
    ip: 'ip4',
    interval: '60s',
    labels: { team: 'web' },
    targets: ['https://shop.example/'],
  });
  assert.deepEqual(tasks[1]?.http, {
    method: 'POST',
    status: [200, 201],
    versions: ['1.1', '2'],
    headers: { 'Content-Type': 'application/json' },
    payload: '{"a":1}',
    auth: { username: 'user', passwordFile: '/etc/firesteel/probe-password' },
    header: { notMatch: [{ name: 'X-Bad', pattern: '.', allowMissing: true }] },
    body: { match: ['ok'], limit: '10MiB' },
    ssl: 'required',
    tls: { caFile: '/ca.crt', insecureSkipVerify: true },
  });
  assert.equal(code, 1);
  for (const part of ['fail_if_body_json_matches_cel', 'password has to be in a file', 'prober grpc', 'module gone']) {
    assert.ok(stderr.includes(part), part);
  }
  assert.ok(!stdout.includes('secret') && !stderr.includes('secret'));
});

test('a Prometheus configuration keeps its jobs and intervals; targets are split into parts of a hundred', async (context) => {
  const targets = `
scrape_configs:
  - job_name: web-probes
    scrape_interval: 30s
    params: { module: [http_2xx] }
    static_configs:
      - targets: [${Array.from({ length: 150 }, (_, index) => `http://host-${index}/`).join(', ')}]
`;
  const { code, stdout } = await runCommand(importBlackbox, files(context, { 'b.yml': BLACKBOX, 't.yml': targets }));
  const tasks = await checked(stdout);
  assert.equal(code, 0);
  assert.deepEqual(
    tasks.map(({ id, job, interval, targets: list }) => [id, job, interval, (list as string[]).length]),
    [
      ['web-probes-http_2xx', 'web-probes', '30s', 100],
      ['web-probes-http_2xx-2', 'web-probes', '30s', 50],
    ],
  );
});

test('targets by module, and invalid files', async (context) => {
  const [blackbox = '', targets = '', bad = ''] = files(context, {
    'b.yml': BLACKBOX,
    't.yml': 'tcp_connect: ["a:1"]',
    'bad.yml': 'modules: { x: { prober: 1 } }',
  });
  assert.equal((await checked((await runCommand(importBlackbox, [blackbox, targets])).stdout)).length, 1);
  await assert.rejects(runCommand(importBlackbox, [bad, targets]), /bad\.yml:1:\d+: modules\.x\.prober/);
  await assert.rejects(runCommand(importBlackbox, ['/no/such/file', targets]), /cannot read \/no\/such\/file: ENOENT/);
  await assert.rejects(runCommand(importBlackbox, [blackbox]), /needs two files/);
  await assert.rejects(
    runCommand(importBlackbox, [targets, blackbox]),
    /b\.yml is the configuration of blackbox_exporter, and comes first: firesteel import \S+b\.yml \S+t\.yml/,
  );
  await assert.rejects(
    runCommand(importBlackbox, [blackbox, blackbox]),
    /b\.yml: has modules.* must contain the targets/,
  );
});
