import { COMMON_RESPONSES, classifyBy } from '../entries/classify.ts';
import type { EncodedEntries, EntryVerdict, LogReply, RejectedEntry } from '../entries/protocol.ts';
import type { ResponseRule } from '../http/responses.ts';
import { lineBytes } from './streams.ts';

/** Responses of Loki that name no entry or concern all of them; the first match applies. */
const RESPONSES: readonly ResponseRule[] = [
  { when: 204, page: false, action: 'done', reason: 'ok' },
  {
    when: [200, 499],
    text: /ingestion blocked/i,
    action: 'pause',
    reason: 'blocked',
    hint: 'the operator of Loki has blocked this tenant',
  },
  {
    when: 400,
    text: /structured metadata, but this feature is disallowed/i,
    action: 'pause',
    reason: 'metadata_disallowed',
    hint: 'set structuredMetadata: false, or allow_structured_metadata in Loki',
  },
  {
    when: 400,
    text: /missing required labels/i,
    action: 'pause',
    reason: 'labels_required',
    hint: 'Loki requires labels on all streams (enforced_labels): add them to labels',
  },
  { when: [400, 599], text: /larger than max|body too large/i, action: 'split', reason: 'too_large' },
  { when: 400, text: /structured metadata/i, action: 'drop', reason: 'metadata' },
  { when: 400, text: /label (?:names?|value)/i, action: 'drop', reason: 'labels' },
  { when: 400, text: /timestamp too new/i, action: 'drop', reason: 'too_new' },
  { when: 400, text: /too old|too far behind|out of order/i, action: 'drop', reason: 'too_old' },
  { when: 400, text: /max entry size/i, action: 'drop', reason: 'line_too_long' },
  ...COMMON_RESPONSES,
];

/** An entry of a push. */
interface PushedEntry {
  readonly timeUs: number;
  /** As it was sent. */
  readonly value: Buffer;
}

/** An entry that Loki names by its time, stream or length. */
interface Named400 {
  readonly reason: string;
  /**
   * Whether the other entries of the upload are stored. Loki's distributor checks all entries, then stores the rest;
   * ingesters reject entries one by one, and the response does not wait for the others.
   */
  readonly restIsStored: boolean;
  readonly pattern: RegExp;
  /** Whether a match refers to an entry. */
  readonly isMeant: (entry: PushedEntry, match: RegExpExecArray, isInStream: boolean) => boolean;
}

const NAMED: readonly Named400[] = [
  {
    reason: 'too_old',
    restIsStored: true,
    pattern: /has timestamp too old: [^,]{1,64}, oldest acceptable timestamp is: ([^\s',]{1,40})/g,
    isMeant: ({ timeUs }, [, oldest]) => timeUs < microseconds(oldest),
  },
  {
    reason: 'too_new',
    restIsStored: true,
    pattern: /has timestamp too new: ([^\s',]{1,40})/g,
    isMeant: ({ timeUs }, [, time], isInStream) => isInStream && isSecondOf(timeUs, time),
  },
  {
    reason: 'line_too_long',
    restIsStored: true,
    pattern: /max entry size '(\d{1,12})' bytes exceeded/gi,
    isMeant: ({ value }, [, most]) => lineBytes(value) > Number(most),
  },
  {
    reason: 'too_old',
    restIsStored: false,
    pattern: /entry too far behind[^']{0,200}oldest acceptable timestamp is: ([^\s',]{1,40})/g,
    isMeant: ({ timeUs }, [, oldest], isInStream) => isInStream && timeUs < microseconds(oldest),
  },
  {
    reason: 'out_of_order',
    restIsStored: false,
    // Go's format: 2019-10-25 07:47:51.624904 +0000 UTC.
    pattern:
      /entry with timestamp (\S{10}) (\S{8,18}) \+0000 UTC ignored, reason: 'entry (?:out of order|too far behind)'/g,
    isMeant: ({ timeUs }, [, date, time], isInStream) => isInStream && timeUs === microseconds(`${date}T${time}Z`),
  },
];

/** The results of the entries of a push in a response of Loki. */
export function classifyPush(reply: LogReply, entries: EncodedEntries): EntryVerdict {
  const text = reply.body ?? reply.text;
  if (reply.code !== 400 || reply.isPage === true) return classifyBy(RESPONSES, reply);
  const streams = streamsIn(text);
  const rejected = new Map<number, string>();
  let restIsStored = true;
  for (const rule of NAMED) {
    for (const match of text.matchAll(rule.pattern)) {
      for (let index = 0; index < entries.count; index++) {
        const entry = { timeUs: entries.timeUs(index), value: entries.bytes(index) };
        if (rejected.has(index) || !rule.isMeant(entry, match, isIn(streams, entries.key(index)))) continue;
        rejected.set(index, rule.reason);
        restIsStored &&= rule.restIsStored;
      }
    }
  }
  if (rejected.size === 0) return classifyBy(RESPONSES, reply);
  const list: RejectedEntry[] = [...rejected].map(([index, reason]) => ({ index, reason }));
  if (restIsStored) return { kind: 'accepted', rejected: list };
  return {
    kind: 'accepted',
    rejected: list,
    again: [...new Array(entries.count).keys()].filter((index) => !rejected.has(index)),
  };
}

const STREAM = /\{((?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\]|\\.)*",? ?)+)\}/g;
const PAIR = /([a-zA-Z_][a-zA-Z0-9_]*)=("(?:[^"\\]|\\.)*")/g;

/** The labels of the streams that a response names; Loki may have added some. */
function streamsIn(text: string): ReadonlyMap<string, string>[] {
  return [...text.matchAll(STREAM)].map(
    ([, pairs = '']) => new Map([...pairs.matchAll(PAIR)].map(([, name = '', value = '']) => [name, unquoted(value)])),
  );
}

/** Unquotes a Go string; unchanged where JSON has no such escape. */
function unquoted(text: string): string {
  try {
    return String(JSON.parse(text));
  } catch {
    return text.slice(1, -1);
  }
}

/** Whether the stream of an entry, as JSON, is one of the named streams, or none is named. */
function isIn(streams: readonly ReadonlyMap<string, string>[], stream: string): boolean {
  if (streams.length === 0) return true;
  const own: Record<string, string> = JSON.parse(stream);
  return streams.some((one) => Object.entries(own).every(([name, value]) => one.get(name) === value));
}

/** RFC 3339 as microseconds since 1970; NaN for anything else. */
function microseconds(text = ''): number {
  const [, whole, fraction = '', zone = ''] =
    /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/.exec(text) ?? [];
  return whole === undefined
    ? Number.NaN
    : Date.parse(whole + zone) * 1000 + Number(fraction.padEnd(6, '0').slice(0, 6));
}

/** Loki names the time of such an entry in whole seconds. */
const isSecondOf = (timeUs: number, time: string | undefined): boolean => {
  const from = Math.floor(microseconds(time) / 1e6) * 1e6;
  return timeUs >= from && timeUs < from + 1e6;
};
