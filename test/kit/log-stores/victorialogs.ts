import { flattened, LogStore, objectOf, type StoreReply, type StoreRequest, timeOf } from './store.ts';

const MAX_LINE_BYTES = 256 * 1024;
const MAX_FIELDS = 1000;
const MAX_NAME_BYTES = 128;

/**
 * VictoriaLogs at `/insert/jsonline`, according to its documentation (docs.victoriametrics.com/victorialogs/data-ingestion/, faq)
 * and its source (app/vlinsert/jsonline, app/vlinsert/insertutil, 2026): lines that are too long, have too many fields or
 * are not JSON are skipped with status 200; the status is 400 if no line could be read.
 */
export class VictoriaLogsStore extends LogStore {
  // Other encodings are newer: before v1.17 such bodies are skipped with status 200.
  protected override readonly encodings = ['', 'gzip'];
  /** Tenants of the requests, as `AccountID:ProjectID`. */
  readonly tenants = new Set<string>();

  protected override unknownEncoding(encoding: string): StoreReply {
    return { status: 400, body: `cannot decode jsonline request: unsupported encodingType: ${encoding}` };
  }

  protected override take({ method, url, headers, body }: StoreRequest): StoreReply {
    if (url.pathname !== '/insert/jsonline')
      return { status: 400, body: `unsupported path requested: "${url.pathname}"` };
    if (method !== 'POST') return { status: 405 };
    const tenant = [headers.accountid ?? '0', headers.projectid ?? '0'];
    for (const part of tenant) {
      if (!/^\d{1,10}$/.test(String(part)) || Number(part) >= 2 ** 32) {
        return { status: 400, body: `cannot parse tenantID from "${part}"` };
      }
    }
    this.tenants.add(tenant.join(':'));
    const timeField = url.searchParams.get('_time_field') ?? '_time';
    const messageField = url.searchParams.get('_msg_field') ?? '_msg';
    const streamFields = (url.searchParams.get('_stream_fields') ?? '').split(',');
    const lines = body.toString('utf8').split('\n');
    let read = 0;
    let failed = '';
    for (const line of lines) {
      if (line === '') continue;
      const why = this.#store(line, timeField, messageField, streamFields);
      if (why === undefined) read++;
      else failed = why;
    }
    if (failed !== '') this.violated(failed);
    if (read === 0 && failed !== '') return { status: 400, body: `cannot process jsonline request; error: ${failed}` };
    return { status: 200, headers: { 'content-type': 'application/json' } };
  }

  /** Returns the reason if the line is skipped. */
  #store(line: string, timeField: string, messageField: string, streamFields: readonly string[]): string | undefined {
    if (Buffer.byteLength(line) >= MAX_LINE_BYTES) return 'the line length exceeds -insert.maxLineSizeBytes';
    const object = objectOf(line);
    if (object === undefined) return 'cannot parse json';
    const { [timeField]: time, [messageField]: message = '', ...fields } = flattened(object);
    if (Object.keys(object).length > MAX_FIELDS) return 'exceeds -insert.maxFieldsPerLine';
    const long = Object.keys(fields).find((name) => Buffer.byteLength(name) > MAX_NAME_BYTES);
    if (long !== undefined) return `the name ${long} is cut`;
    const timeUs = timeOf(time);
    if (Number.isNaN(timeUs)) return `cannot parse timestamp ${time}`;
    const stream = streamFields.map((name) => `${name}=${fields[name] ?? ''}`).join(',');
    this.stored.push({ id: fields.cursor ?? '', timeUs, message, fields, stream });
    return undefined;
  }
}
