import { LogStore, type StoreReply, type StoreRequest } from './store.ts';

/** Defaults of Loki's `limits_config`. */
interface LokiLimits {
  /** `reject_old_samples_max_age`, milliseconds. */
  readonly maxAgeMs: number;
  /** `creation_grace_period`, milliseconds. */
  readonly graceMs: number;
  /** Half of `ingester.max-chunk-age`: entries that are older than the newest of their stream by more are refused. */
  readonly windowMs: number;
  readonly maxLineBytes: number;
  readonly structuredMetadata: boolean;
  /** `auth_enabled`. */
  readonly needsTenant: boolean;
}

const DEFAULTS: LokiLimits = {
  maxAgeMs: 7 * 86_400_000,
  graceMs: 600_000,
  windowMs: 3_600_000,
  maxLineBytes: 256 * 1024,
  structuredMetadata: true,
  needsTenant: false,
};
const MAX_LABELS = 15;
const MAX_NAME = 1024;
const MAX_VALUE = 2048;
const MAX_METADATA_BYTES = 64 * 1024;
const MAX_METADATA = 128;
/** `ingester.max-returned-stream-errors`. */
const MAX_LISTED = 10;

interface Entry {
  readonly timeUs: number;
  readonly line: string;
  readonly metadata: Readonly<Record<string, string>>;
}

const isTexts = (value: unknown): value is Record<string, string> =>
  typeof value === 'object' &&
  value !== null &&
  !Array.isArray(value) &&
  Object.values(value).every((one) => typeof one === 'string');

const seconds = (timeUs: number): string => `${new Date(Math.floor(timeUs / 1e6) * 1000).toISOString().slice(0, 19)}Z`;

/** A time in Go's format. */
const goTime = (timeUs: number): string => {
  const fraction = String(timeUs % 1e6)
    .padStart(6, '0')
    .replace(/0+$/, '');
  return `${seconds(timeUs).slice(0, -1).replace('T', ' ')}${fraction && `.${fraction}`} +0000 UTC`;
};

/**
 * Loki's push API in JSON, according to its documentation (grafana.com/docs/loki/latest/reference/loki-http-api/) and its source
 * (pkg/validation/validate.go, pkg/distributor/validator.go, pkg/distributor/http.go, pkg/ingester/stream.go, 2026): the
 * distributor omits entries that exceed a limit and stores the rest, with status 400 and their errors; ingesters refuse
 * entries that are too far behind the newest of their stream, and list up to ten; an existing entry is not stored twice.
 */
export class LokiStore extends LogStore {
  protected override readonly encodings = ['', 'gzip', 'deflate'];
  readonly tenants = new Set<string>();
  readonly #limits: LokiLimits;
  readonly #now: () => number;
  /** Newest time and stored entries by stream. */
  readonly #streams = new Map<string, { newestUs: number; readonly known: Set<string> }>();

  constructor(limits: Partial<LokiLimits> = {}, now: () => number = Date.now) {
    super();
    this.#limits = { ...DEFAULTS, ...limits };
    this.#now = now;
  }

  protected override unknownEncoding(encoding: string): StoreReply {
    return { status: 400, body: `Content-Encoding "${encoding}" not supported\n` };
  }

  protected override take({ method, url, headers, body }: StoreRequest): StoreReply {
    if (url.pathname !== '/loki/api/v1/push') return { status: 404, body: '404 page not found\n' };
    if (method !== 'POST') return { status: 405 };
    const tenant = headers['x-scope-orgid'];
    if (this.#limits.needsTenant && tenant === undefined) return { status: 401, body: 'no org id\n' };
    this.tenants.add(tenant === undefined ? 'fake' : String(tenant));
    if (headers['content-type'] !== 'application/json') return { status: 400, body: 'proto: illegal wireType 6\n' };
    let push: { streams?: { stream?: unknown; values?: unknown }[] };
    try {
      push = JSON.parse(body.toString('utf8'));
    } catch {
      return { status: 400, body: 'loghttp.PushRequest.Streams: unexpected end of input\n' };
    }
    if (push.streams?.length === 0)
      return { status: 422, body: 'error at least one valid stream is required for ingestion\n' };
    const refused: string[] = [];
    let behind = '';
    for (const { stream, values } of push.streams ?? []) {
      if (!isTexts(stream) || !Array.isArray(values)) return { status: 400, body: 'ReadObject: expect { or , or }\n' };
      const name = `{${Object.entries(stream)
        .sort()
        .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
        .join(', ')}}`;
      const problem = this.#labelProblem(stream, name);
      if (problem !== undefined) {
        this.violated(problem);
        refused.push(problem);
        continue;
      }
      const valid: Entry[] = [];
      for (const value of values as unknown[]) {
        const entry = this.#entryOf(value);
        if (entry === undefined) return { status: 400, body: 'loghttp.LogProtoStream: invalid entry\n' };
        const why = this.#entryProblem(entry, name);
        if (why === undefined) valid.push(entry);
        else refused.push(why);
      }
      behind += this.#ingested(valid, name, stream);
    }
    if (behind !== '') return { status: 400, body: `${behind}\n` };
    return refused.length > 0 ? { status: 400, body: `${refused.join('\n')}\n` } : { status: 204 };
  }

  #entryOf(value: unknown): Entry | undefined {
    if (!Array.isArray(value) || value.length < 2 || value.length > 3) return undefined;
    const [time, line, metadata = {}] = value as unknown[];
    if (typeof time !== 'string' || !/^\d{19}$/.test(time) || typeof line !== 'string' || !isTexts(metadata))
      return undefined;
    return { timeUs: Number(time.slice(0, -3)), line, metadata };
  }

  #labelProblem(labels: Record<string, string>, name: string): string | undefined {
    const names = Object.keys(labels);
    if (names.length === 0) return 'error at least one label pair is required per stream';
    if (names.some((one) => !/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(one)))
      return `error parsing labels '${name}' with error: 1`;
    if (names.length > MAX_LABELS)
      return `entry for stream '${name}' has ${names.length} label names; limit ${MAX_LABELS}`;
    if (names.some((one) => one.length > MAX_NAME)) return `stream '${name}' has label name too long: ''`;
    const isLong = Object.values(labels).some((one) => Buffer.byteLength(one) > MAX_VALUE);
    return isLong ? `stream '${name}' has label value too long: ''` : undefined;
  }

  #entryProblem({ timeUs, line, metadata }: Entry, name: string): string | undefined {
    const { maxAgeMs, graceMs, maxLineBytes, structuredMetadata } = this.#limits;
    const oldestUs = (this.#now() - maxAgeMs) * 1000;
    if (timeUs < oldestUs) {
      return `entry for stream '${name}' has timestamp too old: ${seconds(timeUs)}, oldest acceptable timestamp is: ${seconds(oldestUs)}`;
    }
    if (timeUs > (this.#now() + graceMs) * 1000)
      return `entry for stream '${name}' has timestamp too new: ${seconds(timeUs)}`;
    const bytes = Buffer.byteLength(line);
    if (bytes > maxLineBytes) {
      return `max entry size '${maxLineBytes}' bytes exceeded for stream '${name}' while adding an entry with length '${bytes}' bytes`;
    }
    const pairs = Object.entries(metadata);
    if (pairs.length > 0 && !structuredMetadata) {
      return `stream '${name}' includes structured metadata, but this feature is disallowed. Please see \`limits_config.allow_structured_metadata\` or contact your Loki administrator to enable it`;
    }
    const size = pairs.reduce((sum, [key, value]) => sum + key.length + Buffer.byteLength(value), 0);
    const problem =
      size > MAX_METADATA_BYTES
        ? `stream '${name}' has structured metadata too large: '${size}' bytes, limit: '${MAX_METADATA_BYTES}' bytes.`
        : pairs.length > MAX_METADATA
          ? `stream '${name}' has too many structured metadata labels: '${pairs.length}', limit: '${MAX_METADATA}'.`
          : undefined;
    if (problem !== undefined) this.violated(problem);
    return problem;
  }

  /** Stores entries; returns an ingester's error about the refused ones. */
  #ingested(entries: readonly Entry[], name: string, labels: Record<string, string>): string {
    const stream = this.#streams.get(name) ?? { newestUs: 0, known: new Set<string>() };
    this.#streams.set(name, stream);
    const behind: string[] = [];
    for (const { timeUs, line, metadata } of entries) {
      const cutoffUs = stream.newestUs - this.#limits.windowMs * 1000;
      if (timeUs < cutoffUs) {
        const why = `entry too far behind, entry timestamp is: ${seconds(timeUs)}, oldest acceptable timestamp is: ${seconds(cutoffUs)}`;
        behind.push(`entry with timestamp ${goTime(timeUs)} ignored, reason: '${why}',\n`);
        continue;
      }
      stream.newestUs = Math.max(stream.newestUs, timeUs);
      const key = JSON.stringify([timeUs, line, metadata]);
      if (stream.known.has(key)) continue;
      stream.known.add(key);
      const fields = { ...metadata, ...labels };
      this.stored.push({ id: metadata.cursor ?? `${timeUs} ${line}`, timeUs, message: line, fields, stream: name });
    }
    if (behind.length === 0) return '';
    const listed = behind.slice(0, MAX_LISTED).join('');
    return `${listed}user 'fake', total ignored: ${behind.length} out of ${entries.length} for stream: ${name}`;
  }
}
