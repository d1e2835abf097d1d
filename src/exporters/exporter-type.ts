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

/** What a receiver can do, as far as others than its exporter have to know. */
export interface ReceiverTraits {
  /** Reads zstd: text that is prepared between cycles is compressed that way. */
  readonly takesZstd: boolean;
  /** Ends series with stale markers: collectors then note which of their series have ended. */
  readonly endsSeries: boolean;
  /** Keeps the last value of a series for ever. */
  readonly keepsLastValue: boolean;
  /** Files all series of one push under one job and instance: series of another instance need a push of their own. */
  readonly onePushPerInstance: boolean;
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
  /** Where and how much to keep on disk; nothing without a path. */
  readonly spool: CoreConfig['spool'];
  readonly clock?: Clock;
  /** Stands in for the disk of `spool.path`. */
  readonly disk?: Disk;
}

/** What housekeeping at a receiver needs of the agent. */
export interface HousekeepingWorld {
  /** Whether this agent is the one to clean up. */
  readonly isMaster: () => boolean;
  /** The names of the nodes of the cluster now. */
  readonly nodes: (signal: AbortSignal) => Promise<ReadonlySet<string>>;
  /** The jobs whose series carry the name of a node as `instance`. */
  readonly nodeJobs: ReadonlySet<string>;
  readonly cluster: string | undefined;
  readonly env: NodeJS.ProcessEnv;
  readonly now: () => number;
  readonly log: ThrottledLog;
  readonly metrics: ExportMetrics;
}

/** Work beside the pushes, for as long as the exporter runs. */
export interface Housekeeping {
  start(): void;
  stop(): Promise<void>;
}

/** What can be said about a receiver's address before anything is sent there. */
export interface Precheck {
  /** The exporter can't be used. */
  readonly problems: readonly string[];
  /** It works, but somebody should know. */
  readonly warnings: readonly string[];
}

/** What a receiver's address answered. */
export interface Asked {
  readonly url: string;
  readonly takesPushes: boolean;
  /** For people: the answer, the product, what to do; holds no secret. */
  readonly text: string;
}

/** What asking a receiver needs. */
export interface AskWorld {
  readonly env: NodeJS.ProcessEnv;
  readonly now: () => number;
  readonly signal: AbortSignal;
}

/** What can be done with a kind of receiver. Methods that only a running agent needs load their code when they are called. */
export interface ExporterMethods<Settings> {
  /** What the receiver can do when configured so. */
  traits(settings: Settings): ReceiverTraits;
  /** What is wrong or risky with addresses and the proxies of the environment. */
  precheck?(name: string, settings: Settings, env: NodeJS.ProcessEnv): Precheck;
  create(name: string, settings: Settings, context: ExporterContext): Promise<Exporter>;
  /** Asks all addresses whether they take pushes, without storing anything. Never rejects. */
  ask?(settings: Settings, target: Target, world: AskWorld): Promise<readonly Asked[]>;
  /** What the leader of the state agents does at the receiver; undefined when it is switched off. */
  housekeeping?(name: string, settings: Settings, world: HousekeepingWorld): Promise<Housekeeping> | undefined;
}

/** A kind of receiver as data: the configuration's schema, its documentation and the chart's values are made of these. */
export interface ExporterType<Schema extends z.ZodObject = z.ZodObject> extends ExporterMethods<z.output<Schema>> {
  /** As in `exporters.NAME.type`. */
  readonly name: string;
  /** A strict object with `type` as a literal, {@link commonSettings} and what else this type has. */
  readonly settings: Schema;
}

/** The `type` of an exporter's settings. */
export const typeSetting = <Name extends string>(name: Name, summary: string) => z.literal(name).describe(summary);

/** Settings of every exporter. */
export const commonSettings = {
  enabled: z.boolean().default(true),
  groups: z
    .array(z.enum(GROUPS))
    .default([...GROUPS])
    .describe('The groups to send to this receiver.'),
  relabel: relabelRules().describe(
    'Relabel rules for this receiver, applied after those of the group and the global ones.',
  ),
};
