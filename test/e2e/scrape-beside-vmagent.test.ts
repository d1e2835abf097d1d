import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { startLocalAgent } from '../kit/local-agent.ts';
import { serverAvailable, startServer } from '../kit/servers.ts';
import { startVictoriaMetrics, type VictoriaMetrics } from '../kit/victoria-metrics.ts';
import { bytesOf, GOOD, OTHERWISE, type ServedPage, type Stored } from '../scrape/pages.ts';

const OPTIONS = { timeout: 300_000 };

/** Real programs that expose their own metrics, if they are on PATH. */
async function startPrograms(t: TestContext, folder: string): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  const start = async (name: string, args: (port: number) => readonly string[], ready: string) => {
    if (serverAvailable(t, name)) found.set(name, await startServer(t, name, args, ready));
  };
  await start('prometheus-pushgateway', (port) => [`--web.listen-address=127.0.0.1:${port}`], '/-/ready');
  await start('prometheus-node-exporter', (port) => [`--web.listen-address=127.0.0.1:${port}`], '/');
  await start(
    'prometheus',
    (port) => {
      writeFileSync(`${folder}/prometheus.yml`, 'global: {}\n');
      return [
        `--config.file=${folder}/prometheus.yml`,
        `--storage.tsdb.path=${folder}/prometheus`,
        `--web.listen-address=127.0.0.1:${port}`,
      ];
    },
    '/-/ready',
  );
  return found;
}

/** nginx with the pages as files, or a server in Node if nginx is missing. */
async function servePages(t: TestContext, pages: Readonly<Record<string, ServedPage>>): Promise<string> {
  const server = createServer((request, response) => {
    const page = pages[(request.url ?? '').slice(1)];
    if (page === undefined) return response.writeHead(404).end();
    response.writeHead(page.status ?? 200, {
      'content-type': page.type ?? 'text/plain; version=0.0.4',
      ...(page.gzip && { 'content-encoding': 'gzip' }),
    });
    return response.end(bytesOf(page));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** The same pages from nginx, as static files. */
async function servedByNginx(
  t: TestContext,
  folder: string,
  pages: Readonly<Record<string, ServedPage>>,
): Promise<string | undefined> {
  if (!serverAvailable(t, 'nginx')) return undefined;
  const prefix = join(folder, 'nginx');
  mkdirSync(join(prefix, 'pages'), { recursive: true });
  for (const [name, page] of Object.entries(pages))
    writeFileSync(join(prefix, 'pages', name), Buffer.from(page.body as string));
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  const url = await startServer(
    t,
    'nginx',
    (port) => {
      const paths = temporary.map((name) => `${name}_temp_path ${prefix}/${name};`).join(' ');
      writeFileSync(
        join(prefix, 'nginx.conf'),
        `daemon off; master_process off; pid ${prefix}/pid; error_log ${prefix}/error.log; events {}
http { access_log off; ${paths} gzip on; gzip_types text/plain; default_type text/plain;
  server { listen 127.0.0.1:${port}; root ${prefix}/pages; } }`,
      );
      return ['-p', prefix, '-c', `${prefix}/nginx.conf`, '-e', `${prefix}/error.log`];
    },
    '/plain',
  );
  return new URL(url).host;
}

interface Place {
  readonly job: string;
  readonly host: string;
  readonly path: string;
}

/** Series about a scrape; vmagent has more of these, and different ones. */
const OF_THE_SCRAPE = /^(?:up|scrape_.*)$/;

/** The newest samples of all series of a job, without those of the scrape. */
async function storedOf(vm: VictoriaMetrics, job: string): Promise<Map<string, number>> {
  const stored = new Map<string, number>();
  for (const { metric, values } of await vm.export(`{job="${job}"}`)) {
    if (OF_THE_SCRAPE.test(String(metric.__name__))) continue;
    stored.set(JSON.stringify(Object.entries(metric).sort()), values.at(-1) ?? Number.NaN);
  }
  return stored;
}

test(
  'compared with a real vmagent: the same series and values from the same pages, except for differences listed with a reason',
  OPTIONS,
  async (t) => {
    for (const name of ['victoria-metrics', 'vmagent']) if (!serverAvailable(t, name)) return;
    const folders = ['ours', 'theirs'].map((name) => mkdtempSync(join(tmpdir(), `firesteel-${name}-`)));
    t.after(() => {
      for (const folder of folders) rmSync(folder, { recursive: true, force: true });
    });
    const [ours, theirs] = await Promise.all(folders.map((folder) => startVictoriaMetrics(t, folder)));
    assert.ok(ours && theirs);
    const both: readonly VictoriaMetrics[] = [ours, theirs];
    const programs = await startPrograms(t, folders[1] ?? '');
    programs.set('victoria-metrics', theirs.url);
    const pages = { ...GOOD, ...OTHERWISE };
    const host = await servePages(t, pages);
    const static_ = Object.fromEntries(Object.entries(pages).filter(([, page]) => page.gzip !== true));
    const nginx = await servedByNginx(t, folders[1] ?? '', static_);
    const places: Place[] = [
      ...[...programs].map(([job, url]) => ({ job, host: new URL(url).host, path: '/metrics' })),
      ...Object.keys(pages).map((name) => ({ job: `page-${name}`, host, path: `/${name}` })),
      ...(nginx === undefined
        ? []
        : Object.keys(static_).map((name) => ({ job: `nginx-${name}`, host: nginx, path: `/${name}` }))),
      { job: 'missing', host, path: '/missing' },
      { job: 'refused', host: '127.0.0.1:1', path: '/metrics' },
    ];
    assert.ok(places.length >= 30, `${places.length} pages`);

    const config = {
      global: { scrape_interval: '5s', scrape_timeout: '5s' },
      scrape_configs: places.map(({ job, host: address, path }) => ({
        job_name: job,
        metrics_path: path,
        static_configs: [{ targets: [address] }],
      })),
    };
    writeFileSync(`${folders[1]}/scrape.yaml`, JSON.stringify(config));
    await startServer(
      t,
      'vmagent',
      (port) => [
        `-httpListenAddr=127.0.0.1:${port}`,
        `-promscrape.config=${folders[1]}/scrape.yaml`,
        `-remoteWrite.url=${theirs.url}/api/v1/write`,
        `-remoteWrite.tmpDataPath=${folders[1]}/vmagent`,
      ],
      '/health',
    );
    const { get } = await startLocalAgent(t, () => ({
      node: 'n1',
      push: { interval: '1s', phase: '0s' },
      http: { listen: '127.0.0.1:0' },
      collectors: { node: { enabled: false }, container: { enabled: false }, process: { enabled: false } },
      identity: { scrape: { labels: {} } },
      limits: { labels: 40 },
      scrape: {
        interval: '5s',
        timeout: '5s',
        targets: places.map(({ job, host: address, path }) => ({ job, urls: [`http://${address}${path}`] })),
      },
      exporters: { vm: { type: 'vmagent', url: ours.url } },
    }));
    assert.ok(get);
    for (const vm of both) {
      await vm.until(
        'count(count_over_time(up{job!="firesteel"}[5m]) >= 2)',
        ([found]) => found?.value === places.length,
        120_000,
      );
      // On a busy machine the first scrapes may take too long.
      const good = new Set(Object.keys(GOOD).map((name) => `page-${name}`));
      await vm.until(
        'up == 1',
        (found) => found.filter(({ metric }) => good.has(metric.job ?? '')).length === good.size,
        120_000,
      );
    }

    const differences: string[] = [];
    const compare = async (job: string, withValues: boolean) => {
      const [one, other] = await Promise.all([storedOf(ours, job), storedOf(theirs, job)]);
      for (const key of new Set([...one.keys(), ...other.keys()])) {
        const [a, b] = [one.get(key), other.get(key)];
        const isSame = withValues ? Object.is(a, b) : (a === undefined) === (b === undefined);
        if (!isSame) differences.push(`${job}: ${key.slice(0, 300)}: ours ${a}, vmagent ${b}`);
      }
      return one.size;
    };
    const up = async (vm: VictoriaMetrics, job: string) => (await vm.export(`up{job="${job}"}`))[0]?.values.at(-1);
    for (const name of Object.keys(GOOD)) {
      for (const job of [`page-${name}`, ...(nginx !== undefined && static_[name] ? [`nginx-${name}`] : [])]) {
        await compare(job, true);
        assert.equal(await up(ours, job), 1, job);
        assert.equal(await up(theirs, job), 1, job);
      }
    }
    for (const [name, { ours: own, theirs: their, why }] of Object.entries(OTHERWISE)) {
      for (const vm of both) {
        const expected: Stored = vm === ours ? own : their;
        const job = `page-${name}`;
        const found = { up: await up(vm, job), series: (await storedOf(vm, job)).size };
        assert.deepEqual(found, expected, `${vm === ours ? 'ours' : 'vmagent'}, ${name}: ${why}`);
      }
    }
    for (const job of ['missing', 'refused']) {
      assert.deepEqual([await up(ours, job), await up(theirs, job)], [0, 0], job);
    }
    // Running programs: series that appear between two scrapes may be in only one of the two.
    for (const job of programs.keys()) assert.ok((await compare(job, false)) > 10, job);
    const lasting = differences.filter((line) => !/^(?:prometheus|victoria-metrics)[^:]*:/.test(line));
    t.diagnostic(
      `${places.length} pages; ${differences.length - lasting.length} series of programs in only one of the two`,
    );
    assert.deepEqual(lasting, []);

    // The series about each scrape.
    const auto = [
      'up',
      'scrape_duration_seconds',
      'scrape_samples_scraped',
      'scrape_samples_post_metric_relabeling',
      'scrape_series_added',
      'scrape_timeout_seconds',
      'scrape_response_size_bytes',
    ];
    for (const vm of both) {
      const names = new Set((await vm.export('{job="page-large"}')).map(({ metric }) => metric.__name__));
      for (const name of auto) assert.ok(names.has(name), `${vm === ours ? 'ours' : 'vmagent'}: ${name}`);
    }
    for (const name of ['scrape_samples_scraped', 'scrape_samples_post_metric_relabeling']) {
      const last: (number | undefined)[] = [];
      for (const vm of both) last.push((await vm.export(`${name}{job="page-large"}`))[0]?.values.at(-1));
      assert.deepEqual(last, [5000, 5000], name);
    }
  },
);
