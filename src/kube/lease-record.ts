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

/** Who asks for a Lease: a name for people, and a nonce that no other process has. */
export interface Candidate {
  readonly identity: string;
  readonly process: string;
}

/**
 * Which process of that identity holds the Lease. Two replicas may have been given one identity; and a record without
 * holder was released only if this is gone too, else somebody has edited it while the holder may still believe in it.
 */
const PROCESS_ANNOTATION = 'firesteel/holder-process';

/** What the holder leaves for the next one. */
const NOTE_ANNOTATION = 'firesteel/note';

const MAX_TRANSITIONS = 2 ** 31 - 1;

/** Whether this is a Lease that can be updated; a proxy may answer 200 with something else. */
export const isLease = (value: Lease | null): value is Lease =>
  value?.kind === 'Lease' && Boolean(value.metadata?.resourceVersion);

/** The name of who holds it; empty when nobody does. */
export const holderOf = ({ spec }: Lease): string => spec?.holderIdentity ?? '';

/** How often it has changed hands. */
export function transitionsOf({ spec }: Lease): number {
  const count = spec?.leaseTransitions;
  return Number.isInteger(count) ? Math.max(0, Number(count)) : 0;
}

/** For how long its record claims to be valid, milliseconds; 0 when it does not say. */
function durationMsOf({ spec }: Lease): number {
  const seconds = spec?.leaseDurationSeconds;
  return Number.isFinite(seconds) ? Math.max(0, Number(seconds) * 1000) : 0;
}

/** No configuration allows a longer one: a record that says so was written by hand. */
const MAX_LEASE_MS = 300_000;

/**
 * For how long a record is its holder's, milliseconds. Never less than the candidate's own `durationMs`: the holder may
 * have written a longer one until somebody edited it.
 */
export const validMs = (lease: Lease, durationMs: number): number =>
  Math.max(durationMs, Math.min(durationMsOf(lease), MAX_LEASE_MS));

/** Whether this very process holds it. */
export const isHeldBy = (lease: Lease, { identity, process }: Candidate): boolean =>
  holderOf(lease) === identity && processOf(lease) === process;

/** Whether its holder gave it up in order. */
export const isReleased = (lease: Lease): boolean => holderOf(lease) === '' && processOf(lease) === undefined;

/** Everything a renewal changes, as text to compare; labels and other annotations are not part of it. */
export const recordText = (lease: Lease): string => JSON.stringify([lease.spec ?? {}, processOf(lease)]);

/** The nonce of the process that holds it. */
export const processOf = ({ metadata }: Lease): string | undefined => metadata?.annotations?.[PROCESS_ANNOTATION];

/** A new Lease, held by the candidate. */
export const newLease = (namespace: string, name: string, candidate: Candidate, durationMs: number, nowMs: number) =>
  held({ apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { namespace, name } }, candidate, {
    leaseDurationSeconds: Math.ceil(durationMs / 1000),
    acquireTime: microTime(nowMs),
    renewTime: microTime(nowMs),
    leaseTransitions: 0,
  });

/** The Lease as the candidate, which holds it, renews it. */
export const renewed = (lease: Lease, candidate: Candidate, durationMs: number, nowMs: number): Lease =>
  held(lease, candidate, {
    leaseDurationSeconds: Math.ceil(durationMs / 1000),
    renewTime: microTime(nowMs),
    leaseTransitions: transitionsOf(lease),
  });

/** The Lease as the candidate takes it over. */
export const takenOver = (lease: Lease, candidate: Candidate, durationMs: number, nowMs: number): Lease =>
  held(lease, candidate, {
    leaseDurationSeconds: Math.ceil(durationMs / 1000),
    acquireTime: microTime(nowMs),
    renewTime: microTime(nowMs),
    // The API server refuses more than 32 bits, and would do so for ever after an edit by hand.
    leaseTransitions: transitionsOf(lease) >= MAX_TRANSITIONS ? 0 : transitionsOf(lease) + 1,
  });

/** The Lease as its holder gives it up: free for all at once. */
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

/** What the holder has left there. */
export const noteOf = ({ metadata }: Lease): string | undefined => metadata?.annotations?.[NOTE_ANNOTATION];

/** The Lease with another note; as it is without one. */
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
