import * as z from 'zod';
import type { Clock } from '../base/clock.ts';
import type { ThrottledLog } from '../base/log.ts';
import type { Target } from '../config/identity.ts';
import { relabelRules } from '../config/relabel-schema.ts';
import type { CoreConfig } from '../config/schema.ts';
import { GROUPS, type Group } from '../metrics/group.ts';
import type { Exporter } from './exporter.ts';
import type { ExportMetrics } from './metrics.ts';
import type { Disk } from './spool/disk.ts';

/** Capabilities of a receiver that matter outside of its exporter. */
interface ReceiverTraits {
  /** Supports zstd: text prepared between cycles is compressed with it. */
  readonly acceptsZstd: boolean;
  /** Supports stale markers: collectors then record which of their series have vanished. */
  readonly endsSeries: boolean;
  /** Drops series that exceed `limits` without an error. */
  readonly limitsLabels: boolean;
}

/** What all exporters share. */
export interface ExporterContext {
  readonly targets: Readonly<Record<Group, Target>>;
  readonly metrics: ExportMetrics;
  readonly log: ThrottledLog;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly random: () => number;
  readonly env: NodeJS.ProcessEnv;
  /** Where and how much to spool to disk. Without a path, nothing is spooled. */
  readonly spool: CoreConfig['spool'];
  readonly clock?: Clock;
  /** Replaces the disk of `spool.path`, in tests. */
  readonly disk?: Disk;
}

/** What housekeeping at a receiver needs from the agent. */
export interface HousekeepingWorld {
  /** Whether this agent is the one that cleans up. */
  readonly isLeader: () => boolean;
  /** The names of the current nodes of the cluster. */
  readonly nodes: (signal: AbortSignal) => Promise<ReadonlySet<string>>;
  /** The jobs whose series have a node name as `instance`. */
  readonly nodeJobs: ReadonlySet<string>;
  readonly cluster: string | undefined;
  readonly env: NodeJS.ProcessEnv;
  readonly now: () => number;
  readonly log: ThrottledLog;
  readonly metrics: ExportMetrics;
}

/** Background work alongside the pushes, for as long as the exporter runs. */
interface Housekeeping {
  start(): void;
  stop(): Promise<void>;
}

/** Findings about a receiver's address before anything is sent to it. */
export interface Precheck {
  /** The exporter is unusable. */
  readonly problems: readonly string[];
  /** It works, but deserves a warning. */
  readonly warnings: readonly string[];
}

/** The response of a receiver's address. */
export interface CheckResult {
  readonly url: string;
  readonly acceptsPushes: boolean;
  /** Human-readable: the response, the product, the advice. Contains no secrets. */
  readonly text: string;
}

/** What checking a receiver needs. */
export interface CheckWorld {
  readonly env: NodeJS.ProcessEnv;
  readonly now: () => number;
  readonly signal: AbortSignal;
}

/** The operations of a kind of receiver. Methods that only a running agent needs load their code when called. */
export interface ExporterMethods<Settings> {
  /** The capabilities of the receiver with these settings. */
  traits(settings: Settings): ReceiverTraits;
  /** Problems and risks of the addresses and of the proxies in the environment, found before {@link create}. */
  precheck?(name: string, settings: Settings, env: NodeJS.ProcessEnv): Precheck;
  create(name: string, settings: Settings, context: ExporterContext): Promise<Exporter>;
  /** Checks whether all addresses accept pushes, without storing anything. Never rejects. */
  check?(settings: Settings, target: Target, world: CheckWorld): Promise<readonly CheckResult[]>;
  /** Housekeeping by the leader of the state agents at the receiver. Undefined when disabled. */
  housekeeping?(name: string, settings: Settings, world: HousekeepingWorld): Promise<Housekeeping> | undefined;
}

/**
 * A kind of receiver as data. The configuration schema, its documentation and the chart's values are generated from
 * these.
 */
export interface ExporterType<Schema extends z.ZodObject = z.ZodObject> extends ExporterMethods<z.output<Schema>> {
  /** As in `exporters.NAME.type`. */
  readonly name: string;
  /** A strict object with `type` as a literal, {@link commonSettings} and the settings of this type. */
  readonly settings: Schema;
}

/** The `type` of an exporter's settings. */
export const typeSetting = <Name extends string>(name: Name, summary: string) => z.literal(name).describe(summary);

/** Settings of every exporter. */
export const commonSettings = {
  enabled: z.boolean().default(true).describe('Whether this exporter is used.'),
  groups: z
    .array(z.enum(GROUPS))
    .default([...GROUPS])
    .describe('The groups to send to this receiver.'),
  relabel: relabelRules().describe(
    'Relabel rules for this receiver, applied after those of the group and the global ones.',
  ),
};
