import type { TestContext } from 'node:test';
import type { CollectedSamples } from '../../../src/exporters/exporter.ts';
import { counter } from '../../../src/metrics/family.ts';
import { Snapshot } from '../../../src/metrics/snapshot.ts';
import { exporterTo } from '../../kit/exporter.ts';

const things = counter('things_total', 'Things.', ['thing']);

/** Cycles of a group with the same `count` series, whose values are the number of the cycle. */
export class Cycles {
  readonly count: number;
  readonly #sinceMs: number;
  #last: Snapshot | undefined;
  #cycle = 0;

  constructor(count: number, sinceMs = 0) {
    this.count = count;
    this.#sinceMs = sinceMs;
  }

  next(more: Partial<CollectedSamples> = {}): CollectedSamples {
    const out = new Snapshot(this.#last);
    this.#cycle++;
    for (let thing = 0; thing < this.count; thing++) out.add(things, this.#cycle, `t${thing}`);
    out.close();
    this.#last = out;
    return {
      group: 'node',
      stampMs: this.#sinceMs + this.#cycle * 1000,
      snapshots: [out],
      prepared: [],
      births: [],
      ...more,
    };
  }
}

/** A running exporter for `url`; it ends with the test. */
export async function started(t: TestContext, url: string, options: object = {}, spoolPath?: string) {
  const tried = await exporterTo(url, options, 'remotewrite', spoolPath === undefined ? {} : { spoolPath });
  tried.exporter.start();
  t.after(() => tried.exporter.close(0));
  const push = (samples: CollectedSamples) => tried.exporter.deliverSamples?.(samples);
  return { ...tried, push };
}
