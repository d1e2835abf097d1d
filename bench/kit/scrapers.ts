import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RealServer } from '../../test/kit/servers.ts';
import { type Measured, type Probed, startProbedAgent } from './processes.ts';

/** As in the image. */
const NODE_FLAGS = ['--max-semi-space-size=1', '--expose-gc'];

/** An agent that scrapes `hosts` at /metrics every `interval` seconds, and pushes to `sink`. */
export interface Scraping {
  readonly hosts: readonly string[];
  readonly interval: number;
  readonly sink: string;
}

/** Starts the built agent. */
export async function startFiresteel({ hosts, interval, sink }: Scraping): Promise<Probed> {
  const { file, remove } = configFile({
    node: 'worker-1',
    push: { interval: `${interval}s` },
    http: { enabled: false },
    collectors: { node: { enabled: false }, container: { enabled: false }, process: { enabled: false } },
    scrape: {
      interval: `${interval}s`,
      timeout: `${interval}s`,
      limits: { body: '64MiB', samples: 1_000_000 },
      targets: hosts.map((host, index) => ({ job: `app-${index}`, urls: [`http://${host}/metrics`] })),
    },
  });
  const agent = await startProbedAgent(sink, ['--config', file], NODE_FLAGS);
  const { end } = agent;
  return Object.assign(agent, { end: () => end().finally(remove) });
}

/** Starts the real vmagent with the same targets. */
export async function startVmagent({ hosts, interval, sink }: Scraping): Promise<Pick<Measured, 'pid' | 'end'>> {
  const { file, folder, remove } = configFile({
    global: { scrape_interval: `${interval}s`, scrape_timeout: `${interval}s` },
    scrape_configs: hosts.map((host, index) => ({ job_name: `app-${index}`, static_configs: [{ targets: [host] }] })),
  });
  const vmagent = await RealServer.create(
    'vmagent',
    (port) => [
      `-httpListenAddr=127.0.0.1:${port}`,
      `-promscrape.config=${file}`,
      `-remoteWrite.url=${sink}/api/v1/write`,
      `-remoteWrite.tmpDataPath=${folder}/vmagent`,
    ],
    '/health',
  );
  await vmagent.start();
  return { pid: vmagent.pid, end: () => vmagent.stop('SIGKILL').finally(remove) };
}

function configFile(config: object) {
  const folder = mkdtempSync(join(tmpdir(), 'firesteel-scrape-'));
  const file = join(folder, 'config.yaml');
  writeFileSync(file, JSON.stringify(config));
  return { file, folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}
