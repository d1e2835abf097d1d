import type { TestContext } from 'node:test';
import type { CollectorSpec } from '../../src/collectors/collector.ts';
import { collectOnce } from '../kit/collect.ts';
import { hostTree } from '../kit/host-tree.ts';
import { containerCycles, V2Node } from './container/kit.ts';
import { ProcTree } from './process/proc-tree.ts';

/** Samples by series. */
export type Samples = Readonly<Record<string, number>>;

/** The samples to compare and all errors of one collector when the file at `path` has this text. */
export type Reader = (
  context: TestContext,
  path: string,
  text: string,
) => Promise<readonly [Samples, readonly Error[]]>;

/** The samples of lines `name{labels} value` whose series match. */
function samplesOfLines(lines: readonly string[], pattern: RegExp): Samples {
  const samples = lines.map((line): [string, number] => {
    const blank = line.lastIndexOf(' ');
    return [line.slice(0, blank).replace(/^\w+$/, '$&{}'), Number(line.slice(blank + 1))];
  });
  return Object.fromEntries(samples.filter(([series]) => pattern.test(series)));
}

/** A node collector; the host has only the file and `others`. */
export const byNode =
  (spec: CollectorSpec, pattern: RegExp, options: object = {}, others: Readonly<Record<string, string>> = {}): Reader =>
  async (t, path, text) => {
    const { lines, result } = await collectOnce(spec, hostTree(t, { ...others, [path]: text }), options);
    return [samplesOfLines(lines, pattern), result.errors];
  };

/** The collector `name` of the group `container`, whose samples here are those of the root cgroup and of the machine. */
export const byContainer =
  (pattern: RegExp, { name = 'container', at }: { name?: string; at?: string } = {}): Reader =>
  async (t, path, text) => {
    const node = new V2Node(t);
    node.write('proc/1/mountinfo', '22 1 259:0 / / rw - ext4 /dev/nvme0n1 rw\n');
    node.write(at ?? path, text);
    const { samples, results } = await containerCycles(node.paths, { families: 'kubelet' })();
    const found = [...samples]
      .filter(([series]) => pattern.test(series) && (!series.includes('id="') || series.includes('id="/"')))
      .map(([series, value]) => [series.replace(/(?:id="\/",?)/, '').replace(',}', '}'), value]);
    return [Object.fromEntries(found), results.find(({ collector }) => collector === name)?.errors ?? []];
  };

/** The process collector, with one process `web` of pid 7. */
export const byProcess =
  (pattern: RegExp): Reader =>
  async (t, path, text) => {
    const tree = new ProcTree(t);
    tree.set(7, { comm: 'web', swapKib: 3 });
    tree.write(path, text);
    const { collected } = await tree.collector({ process_names: [{ name: '{{.Comm}}', cmdline: ['.+'] }] })();
    return [samplesOfLines(collected.lines, pattern), collected.result.errors];
  };
