import assert from 'node:assert/strict';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { CollectorSpec } from '../../src/collectors/collector.ts';
import { addUdpErrors } from '../../src/collectors/log/snmp/udp-errors.ts';
import { Snapshot } from '../../src/metrics/snapshot.ts';
import { collectOnce } from '../kit/collect.ts';
import { hostTree } from '../kit/host-tree.ts';
import { linesOf } from '../kit/lines.ts';
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

interface ContainerReader {
  readonly name?: string;
  /** Where the file is, if elsewhere. */
  readonly at?: string;
  readonly others?: Readonly<Record<string, string>>;
}

/** The collector `name` of the group `container`, whose samples here are those of the root cgroup and of the machine. */
export const byContainer =
  (pattern: RegExp, { name = 'container', at, others = {} }: ContainerReader = {}): Reader =>
  async (t, path, text) => {
    const node = new V2Node(t);
    node.write('proc/1/mountinfo', '22 1 259:0 / / rw - ext4 /dev/nvme0n1 rw\n');
    for (const [other, content] of Object.entries(others)) node.write(other, content);
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

/** The datagrams dropped at the SNMP port; the host has only the file and `others`. */
export const bySnmp =
  (others: Readonly<Record<string, string>> = {}): Reader =>
  async (t, path, text) => {
    const out = new Snapshot();
    addUdpErrors(out, join(hostTree(t, { ...others, [path]: text }).rootfs, dirname(path)));
    return [samplesOfLines(linesOf(out), /./), out.errors];
  };

/** One text of a file. */
export interface Case {
  readonly what: string;
  readonly text: string;
  /** Samples by the name of the reader; none for a reader that is not listed. */
  readonly of: Readonly<Record<string, Samples>>;
  /** The end of each collector's only error; none if it has none. */
  readonly lost?: string;
}

/** A file with the collectors that read it. */
export interface SharedFile {
  readonly path: string;
  readonly readers: Readonly<Record<string, Reader>>;
  readonly cases: readonly Case[];
}

/** Tests that each reader loses what the cases say, and nothing else. */
export function testReaders(files: readonly SharedFile[]): void {
  for (const { path, readers, cases } of files) {
    for (const { what, text, of, lost } of cases) {
      for (const [name, read] of Object.entries(readers)) {
        test(`${path}, ${what}: as the collector ${name} reads it`, async (t) => {
          const [samples, errors] = await read(t, path, text);
          const ends = errors.map(({ message }) =>
            message.replace('.pressure', '').endsWith(lost ?? '?') ? lost : message,
          );
          assert.deepEqual([samples, ends], [of[name] ?? {}, lost === undefined ? [] : [lost]]);
        });
      }
    }
  }
}
