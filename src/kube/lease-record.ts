import type { KubeObject } from './object.ts';

/** A Lease of coordination.k8s.io/v1, as the API server sends it. */
export interface Lease extends KubeObject {
  readonly spec?: LeaseSpec | null;
}

interface LeaseSpec {
  readonly holderIdentity?: string | null;
  readonly leaseDurationSeconds?: number | null;
  readonly acquireTime?: string | null;
  readonly renewTime?: string | null;
  readonly leaseTransitions?: number | null;
}

/** A candidate for a Lease: a human-readable name, and a nonce that no other process has. */
export interface Candidate {
  readonly identity: string;
  readonly process: string;
}

/**
 * Which process with that identity holds the Lease. Two replicas may have the same identity. A record without a holder
 * counts as released only if this annotation is absent too; otherwise it was edited by hand, and the holder may still
 * consider itself leader.
 */
const PROCESS_ANNOTATION = 'firesteel/holder-process';

/** The note that the holder leaves for the next one. */
const NOTE_ANNOTATION = 'firesteel/note';

const MAX_TRANSITIONS = 2 ** 31 - 1;

/** Whether this is a Lease that can be updated; a proxy may respond with 200 and something else. */
export const isLease = (value: Lease | null): value is Lease =>
  value?.kind === 'Lease' && Boolean(value.metadata?.resourceVersion);

/** The name of the holder; empty without one. */
export const holderOf = ({ spec }: Lease): string => spec?.holderIdentity ?? '';

/** How often the Lease has changed holders. */
export function transitionsOf({ spec }: Lease): number {
  const count = spec?.leaseTransitions;
  return Number.isInteger(count) ? Math.max(0, Number(count)) : 0;
}

/** How long the record claims to be valid, in milliseconds; 0 when it does not say. */
function durationMsOf({ spec }: Lease): number {
  const seconds = spec?.leaseDurationSeconds;
  return Number.isFinite(seconds) ? Math.max(0, Number(seconds) * 1000) : 0;
}

/** No configuration allows a longer duration: a record with a longer one was written by hand. */
const MAX_LEASE_MS = 300_000;

/**
 * How long a record protects its holder, in milliseconds. Never less than the candidate's own `durationMs`: the holder
 * may have written a longer one before the record was edited.
 */
export const validMs = (lease: Lease, durationMs: number): number =>
  Math.max(durationMs, Math.min(durationMsOf(lease), MAX_LEASE_MS));

/** Whether this process holds the Lease. */
export const isHeldBy = (lease: Lease, { identity, process }: Candidate): boolean =>
  holderOf(lease) === identity && processOf(lease) === process;

/** Whether its holder released it properly. */
export const isReleased = (lease: Lease): boolean => holderOf(lease) === '' && processOf(lease) === undefined;

/** Everything a renewal changes, as text for comparison; excludes labels and other annotations. */
export const recordText = (lease: Lease): string => JSON.stringify([lease.spec ?? {}, processOf(lease)]);

/** The nonce of the holding process. */
export const processOf = ({ metadata }: Lease): string | undefined => metadata?.annotations?.[PROCESS_ANNOTATION];

/** A new Lease, held by the candidate. */
export const newLease = (namespace: string, name: string, candidate: Candidate, durationMs: number, nowMs: number) =>
  held({ apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { namespace, name } }, candidate, {
    leaseDurationSeconds: Math.ceil(durationMs / 1000),
    acquireTime: microTime(nowMs),
    renewTime: microTime(nowMs),
    leaseTransitions: 0,
  });

/** The Lease as renewed by the candidate, its holder. */
export const renewed = (lease: Lease, candidate: Candidate, durationMs: number, nowMs: number): Lease =>
  held(lease, candidate, {
    leaseDurationSeconds: Math.ceil(durationMs / 1000),
    renewTime: microTime(nowMs),
    leaseTransitions: transitionsOf(lease),
  });

/** The Lease as taken over by the candidate. */
export const takenOver = (lease: Lease, candidate: Candidate, durationMs: number, nowMs: number): Lease =>
  held(lease, candidate, {
    leaseDurationSeconds: Math.ceil(durationMs / 1000),
    acquireTime: microTime(nowMs),
    renewTime: microTime(nowMs),
    // The API server rejects more than 32 bits, and would keep rejecting every takeover after an edit by hand.
    leaseTransitions: transitionsOf(lease) >= MAX_TRANSITIONS ? 0 : transitionsOf(lease) + 1,
  });

/** The Lease as released by its holder: immediately free for all candidates. */
export function released(lease: Lease, nowMs: number): Lease {
  const { [PROCESS_ANNOTATION]: _, ...annotations } = lease.metadata?.annotations ?? {};
  return {
    ...lease,
    metadata: { ...lease.metadata, annotations },
    spec: {
      ...lease.spec,
      holderIdentity: '',
      leaseDurationSeconds: 1,
      acquireTime: microTime(nowMs),
      renewTime: microTime(nowMs),
    },
  };
}

/** The note that the holder has stored. */
export const noteOf = ({ metadata }: Lease): string | undefined => metadata?.annotations?.[NOTE_ANNOTATION];

/** The Lease with the new note; unchanged when `note` is undefined. */
export const withNote = (lease: Lease, note: string | undefined): Lease =>
  note === undefined
    ? lease
    : {
        ...lease,
        metadata: { ...lease.metadata, annotations: { ...lease.metadata?.annotations, [NOTE_ANNOTATION]: note } },
      };

const held = (lease: Lease, { identity, process }: Candidate, spec: LeaseSpec): Lease => ({
  ...lease,
  metadata: { ...lease.metadata, annotations: { ...lease.metadata?.annotations, [PROCESS_ANNOTATION]: process } },
  spec: { ...lease.spec, holderIdentity: identity, ...spec },
});

/** Kubernetes' MicroTime: exactly six digits of a second. */
const microTime = (ms: number): string => new Date(ms).toISOString().replace('Z', '000Z');
