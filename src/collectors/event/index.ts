import { Counter, type Registry } from 'prom-client';
import type { Log } from '../../base/log.ts';
import type { KubeApi } from '../../kube/api.ts';
import type { EventObject } from '../../kube/event.ts';
import { FailureLog } from '../../kube/failure-log.ts';
import { Reflector } from '../../kube/reflector.ts';
import { REAL_TIMING } from '../../kube/retry.ts';
import { NoData } from '../../metrics/outcome.ts';
import type { Producer } from '../../metrics/scope.ts';
import { addEventCount } from './event-samples.ts';
import { eventFamilies } from './families.ts';
import { type Occurrence, occurrenceOf } from './occurrence.ts';
import { Receipts } from './receipts.ts';
import type { EventSection } from './section.ts';
import { type EventPosition, type EventResult, EventTally } from './tally.ts';

/**
 * The counters do not advance until the Lease has the position of the last push that was delivered, for at most this
 * long: the default of `election.renewDeadline`, after which a leader that can't renew its Lease has ended.
 */
const LONGEST_HOLD_MS = 10_000;

/** The note that the leader stores on the Lease for the next one. */
interface EventNotes {
  /** Undefined when the stored note is still correct. `isLast` when everything has been pushed. */
  note(isLast: boolean): string | undefined;
  /** Reports the note currently on the Lease. */
  noted(text: string | undefined): void;
}

/** The event collector of a cluster, ready to start. */
interface Events {
  readonly producer: Producer;
  readonly notes: EventNotes;
  /** Follows the pushes of the group `event`. */
  readonly tracking: (exporters: readonly string[]) => (exporter: string) => void;
  start(): void;
  /** This agent has become leader. */
  begin(): void;
  /** This agent is no longer leader. */
  end(): void;
  stop(): Promise<void>;
}

interface EventWorld {
  readonly api: KubeApi;
  readonly log: Log;
  /** For the self metrics. */
  readonly registry: Registry;
  readonly monotonicMs: () => number;
  /** Whether the leader is elected with a Lease. */
  readonly isElected: boolean;
  /** Receives each event that the leader counts. */
  readonly onEvent?: ((event: EventObject, by: number) => void) | undefined;
  /** Called when there is a new note for the Lease: a push has been delivered. */
  readonly onPushed?: (() => void) | undefined;
}

/** Builds the event collector; sends no request to the cluster before `start`. */
export function createEvents(
  section: EventSection,
  { api, log, registry, monotonicMs, isElected, onEvent, onPushed }: EventWorld,
): Events {
  const seen = new Counter<'result'>({
    name: 'firesteel_kube_events_seen_total',
    help: 'Events received, by result: counted, remembered (by a standby), old, filtered, overflow.',
    labelNames: ['result'],
    registers: [registry],
  });
  const tally = new EventTally({
    maxSeries: section.maxSeries,
    withComponent: section.reportingComponent,
    handsOver: isElected,
    wants: filterOf(section),
    onCounted: onEvent,
  });
  const reflectors = followed(section, api, log, tally, (result) => seen.inc({ result }));
  const families = eventFamilies(section);
  /** The position that the Lease has. */
  let from: EventPosition | undefined;
  /** The position of the last push that was delivered, and since when the Lease lacks it. */
  let pushed: EventPosition | undefined;
  let isUnnotedSince: number | undefined;
  let receipts: Receipts<EventPosition> | undefined;
  let isLeader: boolean = false;
  const settle = () => {
    if (reflectors.every(({ synced }) => synced)) tally.listed();
  };
  const followPushes = (): Receipts<EventPosition> => {
    const made: Receipts<EventPosition> = new Receipts((position) => {
      if (made !== receipts || position.version <= (pushed ?? from ?? NOTHING).version) return;
      pushed = position;
      isUnnotedSince ??= monotonicMs();
      onPushed?.();
    });
    return made;
  };
  const isHeld = () => isElected && isUnnotedSince !== undefined && monotonicMs() - isUnnotedSince < LONGEST_HOLD_MS;
  /** The position of the counters. */
  let counted: EventPosition = NOTHING;
  return {
    producer: {
      group: 'event',
      name: 'events',
      whenEmpty: 'no event has occurred since this agent became leader',
      failure: () => reflectors.find(({ failure }) => failure !== undefined)?.failure?.error.message,
      collect(out) {
        settle();
        if (!isLeader) throw new NoData('another state agent is the leader');
        for (const one of tally.series) addEventCount(out, families, one);
      },
    },
    notes: {
      note(isLast) {
        // By the end it is no longer leader, and has done its last push.
        if ((!isLeader && !isLast) || pushed === undefined) return undefined;
        return pushed.version === from?.version ? undefined : textOf(pushed);
      },
      noted(text) {
        from = positionOf(text);
        if (from === undefined) return;
        tally.pushed(from);
        if (pushed === undefined || from.version >= pushed.version) isUnnotedSince = undefined;
      },
    },
    tracking(exporters) {
      if (!isLeader || receipts === undefined) return () => undefined;
      if (!isHeld()) {
        const position = tally.advance();
        if (reflectors.every(({ listing }) => !listing)) counted = position;
      }
      // As long as nothing was counted there is nothing to push.
      return receipts.begin(tally.isEmpty ? [] : exporters, counted);
    },
    start() {
      for (const reflector of reflectors) reflector.start();
    },
    begin() {
      settle();
      isLeader = true;
      pushed = undefined;
      isUnnotedSince = undefined;
      receipts = followPushes();
      tally.begin(from);
    },
    end() {
      isLeader = false;
      tally.end();
    },
    async stop() {
      await Promise.all(reflectors.map((reflector) => reflector.stop()));
    },
  };
}

/** One reflector for the cluster, or one per namespace. */
function followed(
  { namespaces }: EventSection,
  api: KubeApi,
  log: Log,
  tally: EventTally,
  onSeen: (result: EventResult) => void,
): Reflector<EventObject>[] {
  const paths =
    namespaces.length === 0 ? ['/api/v1/events'] : namespaces.map((one) => `/api/v1/namespaces/${one}/events`);
  const failures = new FailureLog(log, REAL_TIMING.wallMs);
  const created: Reflector<EventObject>[] = paths.map(
    (path) =>
      new Reflector<EventObject>(
        api,
        { path, kind: 'Event' },
        {
          onUpsert(key, event) {
            if (created.every(({ synced }) => synced)) tally.listed();
            const { uid = '', resourceVersion, creationTimestamp } = event.metadata ?? {};
            const createdMs = creationTimestamp ? Date.parse(creationTimestamp) : Number.NaN;
            const createdSeconds = Number.isNaN(createdMs) ? undefined : createdMs / 1000;
            const about = { uid: uid ?? '', version: Number(resourceVersion), createdSeconds };
            onSeen(tally.upsert(key, about, occurrenceOf(event), event));
          },
          onDelete: (key) => tally.remove(key),
        },
        failures,
        REAL_TIMING,
      ),
  );
  return created;
}

/** Before the first event. */
const NOTHING: EventPosition = { version: 0, seconds: 0 };

function filterOf({ types, reasons, kinds }: EventSection): (occurrence: Occurrence) => boolean {
  const wants = (list: readonly string[], value: string) => list.length === 0 || list.includes(value);
  return ({ type, reason, kind }) => wants(types, type) && wants(reasons, reason) && wants(kinds, kind);
}

const textOf = ({ version, seconds }: EventPosition): string => `${version} ${new Date(seconds * 1000).toISOString()}`;

/** Undefined for a note that no agent wrote. */
function positionOf(text: string | undefined): EventPosition | undefined {
  const [, version = '', time = ''] = /^(\d{1,19}) (\S+)$/.exec(text ?? '') ?? [];
  const ms = Date.parse(time);
  return version === '' || Number.isNaN(ms) ? undefined : { version: Number(version), seconds: ms / 1000 };
}
