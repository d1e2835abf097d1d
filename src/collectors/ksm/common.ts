import { decimalOrNone } from '../../host/numbers.ts';
import type { KubeObject, OwnerReference } from '../../kube/object.ts';
import { counter, gauge } from '../../metrics/family.ts';
import { mapLabels } from './label-names.ts';
import type { Emit, KubeFamily, LabelValue, Resource, Stability } from './resource.ts';

/** A condition in an object's `status.conditions`. */
export interface Condition {
  readonly type?: string;
  readonly status?: string;
  readonly reason?: string;
  readonly lastTransitionTime?: string | null;
}

/** A list in the API: absent, null or present. */
export type List<T> = readonly T[] | null | undefined;

/** `namespace` and the name under `label`; `more` for resources whose series also have the uid. */
export const namespaced = (label: string, ...more: readonly 'uid'[]): Resource['identity'] => ({
  labels: ['namespace', label, ...more],
  values: ({ metadata }) => {
    const values = [metadata?.namespace ?? '', metadata?.name ?? ''];
    if (more.length > 0) values.push(metadata?.uid ?? '');
    return values;
  },
});

/** Only the name, under `label`, for most objects without a namespace. */
export const clusterWide = (label: string): Resource['identity'] => ({
  labels: [label],
  values: ({ metadata }) => [metadata?.name ?? ''],
});

/** A gauge with at most one series per object and no labels of its own; none when `read` returns undefined or null. */
export const single = <O extends KubeObject>(
  name: string,
  stability: Stability,
  help: string,
  read: (object: O) => number | null | undefined,
): KubeFamily<O> => ({
  family: gauge(name, help),
  stability,
  samples(object, emit) {
    const found = read(object);
    if (found !== undefined && found !== null) emit(found);
  },
});

/** A gauge with any number of series per object. */
export const series = <O extends KubeObject>(
  name: string,
  stability: Stability,
  help: string,
  labels: readonly string[],
  samples: (object: O, emit: Emit) => void,
  more: Partial<Pick<KubeFamily, 'optIn' | 'extraLabels'>> = {},
): KubeFamily<O> => ({ family: gauge(name, help, labels), stability, samples, ...more });

/** Like {@link series}, but a counter. */
export const counterSeries = <O extends KubeObject>(
  name: string,
  stability: Stability,
  help: string,
  labels: readonly string[],
  samples: (object: O, emit: Emit) => void,
): KubeFamily<O> => ({ family: counter(name, help, labels), stability, samples });

/** A gauge that is always 1 and carries its information in labels; none when `read` returns undefined. */
export const info = <O extends KubeObject>(
  name: string,
  stability: Stability,
  help: string,
  labels: readonly string[],
  read: (object: O) => readonly LabelValue[] | undefined,
): KubeFamily<O> =>
  series(name, stability, help, labels, (object, emit) => {
    const values = read(object);
    if (values) emit(1, ...values);
  });

/** `<prefix>_info` without labels of its own: the object exists. */
export const plainInfo = (prefix: string, stability: Stability = 'STABLE'): KubeFamily =>
  single(`${prefix}_info`, stability, 'Always 1: the object exists.', () => 1);

/** Objects whose status contains the numbers `Field`. */
type Counted<Field extends string> = KubeObject & {
  readonly status?: Readonly<Partial<Record<Field, number | null>>> | null;
};

/** `<prefix>_status_<suffix>` for each row of suffix, field of `status` and help; 0 when the field is absent. */
export const statusCounts = <Field extends string>(
  prefix: string,
  rows: readonly (readonly [suffix: string, field: Field, help: string])[],
): KubeFamily<Counted<Field>>[] =>
  rows.map(([suffix, field, help]) =>
    single(`${prefix}_status_${suffix}`, 'STABLE', help, ({ status }) => status?.[field] ?? 0),
  );

/** `<prefix>_created`. */
export const created = (prefix: string, stability: Stability = 'STABLE'): KubeFamily =>
  single(`${prefix}_created`, stability, 'When the object was created, in seconds since 1970.', ({ metadata }) =>
    unixSeconds(metadata?.creationTimestamp),
  );

/** `<prefix>_deletion_timestamp`. */
export const deletionTimestamp = (prefix: string, stability: Stability = 'ALPHA'): KubeFamily =>
  single(
    `${prefix}_deletion_timestamp`,
    stability,
    'When deletion of the object was requested, in seconds since 1970.',
    ({ metadata }) => unixSeconds(metadata?.deletionTimestamp),
  );

/** `<prefix>_metadata_resource_version`. */
export const resourceVersion = (prefix: string, stability: Stability = 'ALPHA'): KubeFamily =>
  single(
    `${prefix}_metadata_resource_version`,
    stability,
    'The resourceVersion of the object, set by the API server at its last change.',
    ({ metadata }) => decimalOrNone(metadata?.resourceVersion),
  );

/** `<prefix>_metadata_generation`; 0 when the object has none. */
export const generation = (prefix: string): KubeFamily =>
  single(
    `${prefix}_metadata_generation`,
    'STABLE',
    'Generation of the object, incremented when its desired state changes.',
    ({ metadata }) => metadata?.generation ?? 0,
  );

/** `<prefix>_labels`: the allowed labels as `label_*`. */
export const labels = (prefix: string, stability: Stability = 'STABLE'): KubeFamily => ({
  family: gauge(`${prefix}_labels`, 'Labels of the object, as labels of this series.'),
  stability,
  allowlisted: 'labels',
  extraLabels: ['label_*'],
  samples: ({ metadata }, emit, allowed) => emit(1, ...mapLabels('label', allowed(metadata?.labels))),
});

/** `<prefix>_annotations`: the allowed annotations as `annotation_*`. */
export const annotations = (prefix: string, stability: Stability = 'ALPHA'): KubeFamily => ({
  family: gauge(`${prefix}_annotations`, 'Annotations of the object, as labels of this series.'),
  stability,
  allowlisted: 'annotations',
  extraLabels: ['annotation_*'],
  samples: ({ metadata }, emit, allowed) => emit(1, ...mapLabels('annotation', allowed(metadata?.annotations))),
});

const NO_OWNER: OwnerReference = {};

/**
 * `<prefix>_owner` with owner_kind, owner_name and owner_is_controller: one series per owner, or one with empty labels.
 */
export const owner = (prefix: string, stability: Stability): KubeFamily =>
  series(
    `${prefix}_owner`,
    stability,
    'Owners of the object.',
    ['owner_kind', 'owner_name', 'owner_is_controller'],
    ({ metadata }, emit) => {
      for (const reference of owners(metadata?.ownerReferences)) {
        const isController = reference === NO_OWNER ? '' : String(reference.controller ?? false);
        emit(1, reference.kind, reference.name, isController);
      }
    },
  );

/** The owners, or one empty owner without any, so that every object has an owner series. */
export const owners = (references: List<OwnerReference>): readonly OwnerReference[] =>
  references && references.length > 0 ? references : [NO_OWNER];

/** Three samples with `true`, `false` and `unknown` as last label; the one that equals `status` is 1. */
export function emitCondition(emit: Emit, status: string | undefined, ...before: readonly LabelValue[]): void {
  emit(status === 'True' ? 1 : 0, ...before, 'true');
  emit(status === 'False' ? 1 : 0, ...before, 'false');
  emit(status === 'Unknown' ? 1 : 0, ...before, 'unknown');
}

/** `<prefix>_status_condition` with condition and status: three series per condition of the object. */
export const statusConditions = <O extends KubeObject>(
  prefix: string,
  stability: Stability,
  read: (object: O) => List<Condition>,
): KubeFamily<O> =>
  series(
    `${prefix}_status_condition`,
    stability,
    'Conditions of the object: 1 for the current status of each.',
    ['condition', 'status'],
    (object, emit) => {
      for (const { type, status } of read(object) ?? []) emitCondition(emit, status, type);
    },
  );

/** One sample for each of `states`, 1 for the current one; none when the object has no state. */
export function emitStates(emit: Emit, states: readonly string[], current: LabelValue): void {
  if (!current) return;
  for (const state of states) emit(state === current ? 1 : 0, state);
}

/** 1 for true, 0 for false and unset. */
export const flag = (set: boolean | null | undefined): number => (set === true ? 1 : 0);

/** Go's zero time in Unix seconds, which kube-state-metrics reports where it does not check whether a time is set. */
export const ZERO_TIME = -62_135_596_800;

const RFC3339 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:\d{2})$/;

/** An RFC 3339 time in whole seconds since 1970; undefined when it is absent, Go's zero time, or not a time. */
export function unixSeconds(time: string | null | undefined): number | undefined {
  if (!time) return undefined;
  const usual = typeof time === 'string' ? secondsOf(time) : Number.NaN;
  if (!Number.isNaN(usual)) return usual;
  if (!RFC3339.test(time)) return undefined;
  const seconds = Math.floor(Date.parse(time) / 1000);
  return Number.isNaN(seconds) || seconds === ZERO_TIME ? undefined : seconds;
}

/** Length of `2026-11-20T13:00:00Z`. */
const USUAL_LENGTH = 20;
const ZERO_CODE = 0x30;
/** Days before each month of a year that begins in March, so that a leap day comes last. */
const DAYS_BEFORE = [306, 337, 0, 31, 61, 92, 122, 153, 184, 214, 245, 275] as const;

/**
 * A time as the API server writes it, in UTC and whole seconds; NaN for anything else, which needs Date.parse. A pod
 * has a dozen of them, which takes ten times as long.
 */
function secondsOf(time: string): number {
  if (time.length !== USUAL_LENGTH || time[4] !== '-' || time[7] !== '-' || time[10] !== 'T') return Number.NaN;
  if (time[13] !== ':' || time[16] !== ':' || time[19] !== 'Z') return Number.NaN;
  const year = 100 * twoDigits(time, 0) + twoDigits(time, 2);
  const month = twoDigits(time, 5);
  const day = twoDigits(time, 8);
  const hour = twoDigits(time, 11);
  const minute = twoDigits(time, 14);
  const second = twoDigits(time, 17);
  const before = DAYS_BEFORE[month - 1];
  const isUsual = year >= 1970 && day >= 1 && day <= 28 && hour < 24 && minute < 60 && second < 60;
  if (!isUsual || before === undefined) return Number.NaN;
  const years = month <= 2 ? year - 1 : year;
  const leapDays = Math.floor(years / 4) - Math.floor(years / 100) + Math.floor(years / 400);
  // 719,468 days from 1 March of the year 0 to 1970.
  const days = 365 * years + leapDays + before + day - 1 - 719_468;
  return ((days * 24 + hour) * 60 + minute) * 60 + second;
}

/** NaN unless both are digits. */
function twoDigits(text: string, at: number): number {
  const [tens, ones] = [text.charCodeAt(at) - ZERO_CODE, text.charCodeAt(at + 1) - ZERO_CODE];
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? 10 * tens + ones : Number.NaN;
}

/** Like {@link unixSeconds}, but Go's zero time when absent: for families whose series always exist. */
export const unixSecondsOrZeroTime = (time: string | null | undefined): number | undefined =>
  time ? unixSeconds(time) : ZERO_TIME;
