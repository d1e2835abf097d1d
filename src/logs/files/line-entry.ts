import type { FileState } from '../../host/tail/tailed-file.ts';
import type { LogEntry } from '../entry.ts';

type Labels = LogEntry['labels'];

/** Data about all lines of a file, derived from its path. */
export interface FileOrigin {
  readonly labels: Labels;
  /** Whether a container runtime writes it. */
  readonly isOfPod: boolean;
}

/** The position of a line. */
interface LinePlace {
  readonly file: Pick<FileState, 'path' | 'dev' | 'ino' | 'headHash'>;
  readonly origin: FileOrigin;
  /** Offset of its first byte. */
  readonly offset: number;
  /** When it was read, microseconds since 1970. */
  readonly readUs: number;
}

const POD = /\/pods\/([^_/]+)_([^_/]+)_[^/]+\/([^/]+)\/[^/]+$/;
const CONTAINER = /\/containers\/([^_/]+)_([^_/]+)_([^/]+)-[0-9a-f]{64}\.log$/;
/** The format of the container runtime interface: time, stream, and whether the line is a part (P) or full (F). */
const RUNTIME = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d) (stdout|stderr) ([PF])(?::\S*)? /;

/** The origin of the lines of a file: the pod that it belongs to, or its path. */
export function fileOrigin(path: string, common: Labels): FileOrigin {
  const [, namespace, pod, container] = POD.exec(path) ?? [];
  if (namespace && pod && container) return { labels: { ...common, namespace, pod, container }, isOfPod: true };
  const [, ofPod, within, name] = CONTAINER.exec(path) ?? [];
  if (ofPod && within && name) {
    return { labels: { ...common, namespace: within, pod: ofPod, container: name }, isOfPod: true };
  }
  return { labels: { ...common, file: path }, isOfPod: false };
}

/**
 * A line as an entry. The prefix of the container runtime is removed from lines of pods. `own` are labels of the line,
 * which do not replace those of its origin, because their values are chosen by the author of the line.
 */
export function lineEntry(line: string, { file, origin, offset, readUs }: LinePlace, own: Labels = {}): LogEntry {
  const fields = new Map([
    ['path', file.path],
    ['offset', String(offset)],
  ]);
  const cursor = `f=${file.dev.toString(16)}-${file.ino.toString(16)}-${file.headHash.toString(16)};o=${offset.toString(16)}`;
  const labels = { ...own, ...origin.labels };
  const common = { source: 'file', priority: undefined, labels, fields, cursor } as const;
  const match = origin.isOfPod ? RUNTIME.exec(line) : null;
  if (match === null) return { ...common, timeUs: readUs, message: line };
  const [prefix, second = '', fraction = '', zone = '', stream = '', tag] = match;
  fields.set('stream', stream);
  if (tag === 'P') fields.set('partial', 'true');
  const ms = Date.parse(`${second}${zone}`);
  const timeUs = Number.isNaN(ms) ? readUs : ms * 1000 + Number(fraction.padEnd(6, '0').slice(0, 6));
  return { ...common, timeUs, message: line.slice(prefix.length) };
}
