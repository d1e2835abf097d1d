import assert from 'node:assert/strict';
import { pino } from 'pino';
import type * as z from 'zod';
import { ThrottledLog } from '../../src/base/log.ts';
import { loadSettings } from '../../src/commands/settings.ts';
import type { ExporterSettings } from '../../src/config/exporter-settings.ts';
import { targets } from '../../src/config/identity.ts';
import type { Batch, Exporter } from '../../src/exporters/exporter.ts';
import type { CheckResult, ExporterContext, ExporterType } from '../../src/exporters/exporter-type.ts';
import { createExporter, exporterSection } from '../../src/exporters/index.ts';
import { exportMetrics } from '../../src/exporters/metrics.ts';
import { compressEach, type Encoding } from '../../src/metrics/compression.ts';
import { gauge } from '../../src/metrics/family.ts';
import { AgentRegistry } from '../../src/metrics/registry.ts';
import { Snapshot } from '../../src/metrics/snapshot.ts';
import { encodeByObject } from '../../src/metrics/text/encoder.ts';
import { samplesOf } from './samples.ts';

/** One exporter with its log and metrics. */
export interface TriedExporter {
  readonly exporter: Exporter;
  /** Lines of the log. */
  readonly lines: readonly string[];
  /** The value of one of its series; undefined if it does not exist. */
  readonly counted: (series: string) => Promise<number | undefined>;
}

/** Settings of {@link exporterTo} that are not the exporter's own. */
export interface AroundExporter {
  readonly env?: NodeJS.ProcessEnv;
  /** Spool folder; without it nothing is stored on disk. */
  readonly spoolPath?: string;
}

/** The context that all exporters share, with its log and metrics. */
export interface TriedContext extends Pick<TriedExporter, 'lines' | 'counted'> {
  readonly around: ExporterContext;
  /** The settings of the exporter `it`. */
  readonly settings: ExporterSettings | undefined;
}

/** The context of an exporter whose random numbers are 0. */
export function contextOf({ env = {}, spoolPath }: AroundExporter = {}, it?: object): TriedContext {
  const lines: string[] = [];
  const log = pino({ level: 'debug' }, { write: (line: string) => lines.push(line) });
  const registry = new AgentRegistry();
  const set = it === undefined ? [] : [`exporters.it=${JSON.stringify(it)}`];
  if (spoolPath !== undefined) set.push(`spool.path=${spoolPath}`);
  const { config } = loadSettings({ node: 'n1', set }, {});
  const around = {
    targets: targets(config),
    metrics: exportMetrics(registry),
    log: new ThrottledLog(log),
    now: Date.now,
    random: () => 0,
    env,
    spool: config.spool,
  };
  const counted = async (series: string) => samplesOf(await registry.metrics()).get(series);
  return { around, settings: config.exporters.it, lines, counted };
}

/** What a type of the list requires besides `type`, `url` and texts, or another `url`, below the address `base` of a server. */
const REQUIRED: Readonly<Record<string, (base: string) => object>> = {
  remotewrite: (base) => ({ url: `${base}/api/v1/write` }),
};

/** All types in the list, in its order. */
export const EXPORTER_TYPES: readonly string[] = exporterSection.options.map(({ shape }) => String(shape.type.value));

/**
 * The least settings of an exporter of `type` for the server at `base`; required texts are `x`. Fails when
 * {@link REQUIRED} lacks something.
 */
export function requiredSettings(type: string, base: string): { readonly type: string; readonly url: string } {
  const given = { type, url: base, ...REQUIRED[type]?.(base) };
  const texts = exporterSection
    .safeParse(given)
    .error?.issues.flatMap((issue) =>
      issue.code === 'invalid_type' && issue.expected === 'string' ? [[issue.path.join('.'), 'x'] as const] : [],
    );
  const settings = { ...given, ...Object.fromEntries(texts ?? []) };
  const { error } = exporterSection.safeParse(settings);
  const lacks = error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ');
  if (lacks !== undefined) assert.fail(`add what type ${type} requires to REQUIRED in test/kit/exporter.ts: ${lacks}`);
  return settings;
}

/**
 * The exporter `it` for `url`, of a type of the list or of any other. Its random numbers are 0, so that the first wait is
 * half a second.
 */
export async function exporterTo<Schema extends z.ZodObject>(
  url: string,
  options: object = {},
  type: string | ExporterType<Schema> = 'vmagent',
  around: AroundExporter = {},
): Promise<TriedExporter> {
  if (typeof type !== 'string') {
    const { around: shared, ...seen } = contextOf(around);
    return { exporter: await type.create('it', parsedBy(type, url, options), shared), ...seen };
  }
  const context = contextOf(around, { type, url, ...options });
  assert.ok(context.settings);
  const exporter = await createExporter('it', context.settings, context.around);
  return { exporter, lines: context.lines, counted: context.counted };
}

const parsedBy = <Schema extends z.ZodObject>({ name, settings }: ExporterType<Schema>, url: string, options: object) =>
  settings.parse({ type: name, url, ...options });

/** What `check-config --connect` finds for an exporter of `type`. */
export async function checkOf<Schema extends z.ZodObject>(
  url: string,
  options: object,
  type: ExporterType<Schema>,
): Promise<readonly CheckResult[]> {
  const world = { env: {}, now: Date.now, signal: AbortSignal.timeout(60_000) };
  const { targets } = contextOf().around;
  return (await type.check?.(parsedBy(type, url, options), targets.node, world)) ?? [];
}

/** A batch of the node group with the samples of `out`. */
export const batchWith = (out: Snapshot, stampMs: number, encoding: Encoding): Promise<Batch> =>
  compressed(encodeByObject([out]), out.size, stampMs, encoding);

/** A batch of the node group with these lines, which may have labels and timestamps that {@link batchOf} does not write. */
export const batchOfLines = (stampMs: number, lines: readonly string[], encoding: Encoding = 'zstd'): Promise<Batch> =>
  compressed(
    [Buffer.from(`${lines.join('\n')}\n`)],
    lines.filter((line) => !line.startsWith('#')).length,
    stampMs,
    encoding,
  );

async function compressed(
  chunks: Iterable<Buffer>,
  samples: number,
  stampMs: number,
  encoding: Encoding,
): Promise<Batch> {
  const text = (await compressEach(chunks, [encoding], stampMs)).get(encoding);
  assert.ok(text);
  return { group: 'node', stampMs, samples, encoding, ...text };
}

/** Adds samples of the gauge `name` with these values, whose labels `device` are `d0`, `d1` and so on. */
export function addEach(out: Snapshot, name: string, values: readonly number[]): void {
  const family = gauge(name, 'Of a device.', ['device']);
  for (const [index, value] of values.entries()) out.add(family, value, `d${index}`);
}

/** A batch of the node group: samples of `of` as in {@link addEach}. */
export function batchOf(stampMs: number, values: readonly number[], encoding: Encoding = 'zstd'): Promise<Batch> {
  const out = new Snapshot();
  addEach(out, 'of', values);
  return batchWith(out, stampMs, encoding);
}

/** A batch of the node group with one sample, `stamp`, whose value is `stampMs`. */
export function batchAt(stampMs: number): Promise<Batch> {
  const out = new Snapshot();
  out.add(gauge('stamp', 'Stamp.'), stampMs);
  return batchWith(out, stampMs, 'gzip');
}

/** The series that counts samples that `it` dropped for `reason`. */
export const dropped = (reason: string) => `firesteel_export_samples_dropped_total{exporter="it",reason="${reason}"}`;

/** The series that counts retries of `it` for `reason`. */
export const retried = (reason: string) => `firesteel_export_retries_total{exporter="it",reason="${reason}"}`;

/** The series that counts acknowledged samples of `it`. */
export const SENT = 'firesteel_export_samples_sent_total{exporter="it"}';
