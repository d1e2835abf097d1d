import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import { unpackSnappy } from '../../src/receiver/remote-write.ts';

/** One received sample. */
export interface ReceivedSample {
  readonly value: number;
  readonly stampMs: number;
  readonly isStale: boolean;
  /** When its counter started, with 2.0. */
  readonly startMs?: number;
}

/** One series of a request, in the order of the request. */
export interface ReceivedSeries {
  readonly labels: readonly (readonly [name: string, value: string])[];
  readonly samples: readonly ReceivedSample[];
  /** Only with 2.0. */
  readonly type?: number;
  readonly help?: string;
  readonly createdMs?: number;
}

/** A decoded request. */
export interface ReceivedRequest {
  readonly version: 1 | 2;
  readonly headers: IncomingHttpHeaders;
  readonly path: string;
  readonly series: readonly ReceivedSeries[];
  /** Only with 1.0. */
  readonly metadata: readonly { readonly name: string; readonly type: number; readonly help: string }[];
  readonly rawBytes: number;
}

interface Field {
  readonly number: number;
  readonly bytes: Buffer;
  readonly varint: number;
}

function fieldsOf(message: Buffer): Field[] {
  const fields: Field[] = [];
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = message.readUInt8(at++);
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  };
  while (at < message.length) {
    const tag = varint();
    const number = tag >>> 3;
    if ((tag & 7) === 0) fields.push({ number, bytes: Buffer.alloc(0), varint: varint() });
    else {
      const size = (tag & 7) === 1 ? 8 : varint();
      if (at + size > message.length) throw new Error('a field is truncated');
      fields.push({ number, bytes: message.subarray(at, at + size), varint: 0 });
      at += size;
    }
  }
  return fields;
}

function varintsOf(packed: Buffer): number[] {
  const numbers: number[] = [];
  let value = 0;
  let scale = 1;
  for (const byte of packed) {
    value += (byte & 127) * scale;
    scale *= 128;
    if (byte >= 128) continue;
    numbers.push(value);
    [value, scale] = [0, 1];
  }
  return numbers;
}

const textOf = (fields: readonly Field[], wanted: number): string =>
  fields.find(({ number }) => number === wanted)?.bytes.toString() ?? '';
const numberOf = (fields: readonly Field[], wanted: number): number =>
  fields.find(({ number }) => number === wanted)?.varint ?? 0;

function sampleOf(message: Buffer): ReceivedSample {
  const fields = fieldsOf(message);
  const bits = fields.find(({ number }) => number === 1)?.bytes ?? Buffer.alloc(8);
  const isStale = bits.readBigUInt64LE() === 0x7ff0000000000002n;
  const startMs = numberOf(fields, 3);
  return { value: bits.readDoubleLE(), stampMs: numberOf(fields, 2), isStale, ...(startMs > 0 && { startMs }) };
}

/** Decodes a request of either version. Throws if it is invalid. */
export function decodeRequest(raw: Buffer, version: 1 | 2): Pick<ReceivedRequest, 'series' | 'metadata'> {
  const fields = fieldsOf(raw);
  const of = (number: number) => fields.filter((one) => one.number === number).map(({ bytes }) => bytes);
  if (version === 1) {
    const series = of(1).map((bytes) => {
      const parts = fieldsOf(bytes);
      const labels = parts
        .filter(({ number }) => number === 1)
        .map((label) => [textOf(fieldsOf(label.bytes), 1), textOf(fieldsOf(label.bytes), 2)] as const);
      return { labels, samples: parts.filter(({ number }) => number === 2).map((one) => sampleOf(one.bytes)) };
    });
    const metadata = of(3).map((bytes) => {
      const parts = fieldsOf(bytes);
      return { name: textOf(parts, 2), type: numberOf(parts, 1), help: textOf(parts, 4) };
    });
    return { series, metadata };
  }
  const symbols = of(4).map(String);
  if (symbols[0] !== '') throw new Error('the first symbol is not empty');
  if (new Set(symbols).size !== symbols.length) throw new Error('a symbol is duplicated');
  const symbol = (ref: number): string => {
    const text = symbols[ref];
    if (text === undefined) throw new Error(`there is no symbol ${ref}`);
    return text;
  };
  const series = of(5).map((bytes) => {
    const parts = fieldsOf(bytes);
    const refs = varintsOf(parts.find(({ number }) => number === 1)?.bytes ?? Buffer.alloc(0));
    if (refs.length % 2 !== 0) throw new Error('a label has no value');
    const labels = Array.from(
      { length: refs.length / 2 },
      (_, index) => [symbol(refs[2 * index] as number), symbol(refs[2 * index + 1] as number)] as const,
    );
    const described = fieldsOf(parts.find(({ number }) => number === 5)?.bytes ?? Buffer.alloc(0));
    return {
      labels,
      samples: parts.filter(({ number }) => number === 2).map((one) => sampleOf(one.bytes)),
      type: numberOf(described, 1),
      help: symbol(numberOf(described, 3)),
      createdMs: numberOf(parts, 6),
    };
  });
  return { series, metadata: [] };
}

/** The response of a {@link RemoteWriteReceiver}. */
export interface ReceiverAnswer {
  readonly code: number;
  readonly text?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Responds like a receiver of the request's version, and records everything that a sender must not do. */
export class RemoteWriteReceiver {
  readonly url: string;
  /** All requests, including refused ones. */
  readonly requests: ReceivedRequest[] = [];
  /** Samples that were accepted, by series. */
  readonly stored = new Map<string, ReceivedSample[]>();
  /** Violations of the specification. */
  readonly violations: string[] = [];
  /** The response to send instead; undefined to accept. */
  answer: (request: ReceivedRequest) => ReceiverAnswer | undefined = () => undefined;
  /** Called for each request with samples that were too old. */
  onRefused: () => void = () => undefined;
  /** Whether it supports 2.0; otherwise it decodes every request as 1.0, like old receivers. */
  speaksSecond = true;

  private constructor(port: number) {
    this.url = `http://127.0.0.1:${port}/api/v1/write`;
  }

  static async start(context: TestContext): Promise<RemoteWriteReceiver> {
    const server = createServer(async (request, response) => {
      const chunks: Buffer[] = [];
      try {
        for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
      } catch {
        // The upload was truncated.
        return;
      }
      const { code, text = '', headers = {} } = receiver.#receive(request, Buffer.concat(chunks));
      response.writeHead(code, headers).end(text);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const receiver = new RemoteWriteReceiver((server.address() as AddressInfo).port);
    context.after(() => {
      server.close();
      server.closeAllConnections();
    });
    return receiver;
  }

  /** Distinct series. */
  get size(): number {
    return this.stored.size;
  }

  #receive({ headers, method, url: path = '' }: IncomingMessage, packed: Buffer): ReceiverAnswer {
    this.#expect(method === 'POST', `method ${method}`);
    const isSecond = headers['x-prometheus-remote-write-version'] === '2.0.0';
    const type = `application/x-protobuf${isSecond ? ';proto=io.prometheus.write.v2.Request' : ''}`;
    const isFirst = headers['x-prometheus-remote-write-version'] === '0.1.0';
    this.#expect(isSecond || isFirst, `version ${headers['x-prometheus-remote-write-version']}`);
    this.#expect(headers['content-type'] === type, `content type ${headers['content-type']}`);
    this.#expect(headers['content-encoding'] === 'snappy', `encoding ${headers['content-encoding']}`);
    this.#expect((headers['user-agent'] ?? '') !== '', 'no user agent');
    const raw = unpackSnappy(packed, 32 * 1024 * 1024);
    const version = isSecond ? 2 : 1;
    const request: ReceivedRequest = { version, headers, path, rawBytes: raw.length, ...decodeRequest(raw, version) };
    this.requests.push(request);
    this.#check(request);
    const answer = this.answer(request);
    if (answer) return answer;
    // A request in 2.0 has no field of 1.0: for an old receiver it is empty.
    if (isSecond && !this.speaksSecond) return { code: 204 };
    return this.#store(request);
  }

  #store({ series, version }: ReceivedRequest): ReceiverAnswer {
    let written = 0;
    let refused = '';
    for (const { labels, samples } of series) {
      const key = JSON.stringify(labels);
      const known = this.stored.get(key) ?? [];
      this.stored.set(key, known);
      for (const sample of samples) {
        const last = known.at(-1);
        if (last && sample.stampMs < last.stampMs) refused = `out of order sample: ${key}`;
        else {
          if (last?.stampMs !== sample.stampMs) known.push(sample);
          written++;
        }
      }
    }
    const counted = { 'X-Prometheus-Remote-Write-Samples-Written': String(written) };
    const counts = version === 2 ? { headers: counted } : {};
    if (refused !== '') this.onRefused();
    return refused === '' ? { code: 204, ...counts } : { code: 400, text: refused, ...counts };
  }

  #check({ series, rawBytes, version }: ReceivedRequest): void {
    const samples = series.reduce((sum, one) => sum + one.samples.length, 0);
    this.#expect(
      samples <= 2001 && rawBytes <= 1024 * 1024 + 4096,
      `${samples} samples, ${rawBytes} bytes in a request`,
    );
    const seen = new Set<string>();
    for (const { labels, samples: own } of series) {
      const key = JSON.stringify(labels);
      this.#expect(!seen.has(key), `twice in one request: ${key}`);
      seen.add(key);
      const names = labels.map(([name]) => name);
      const sorted = [...new Set(names)].sort((one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other)));
      this.#expect(names.join() === sorted.join(), `labels are not sorted and unique: ${names}`);
      const name = labels.find(([label]) => label === '__name__')?.[1] ?? '';
      this.#expect(/^[a-zA-Z_:][a-zA-Z0-9_:]*$/.test(name), `name: ${key}`);
      this.#expect(
        names.every((label) => label === '__name__' || /^(?!__)[a-zA-Z_][a-zA-Z0-9_]*$/.test(label)),
        `label names: ${key}`,
      );
      this.#expect(
        labels.every(([name, value]) => name !== '' && value !== ''),
        `an empty label: ${key}`,
      );
      this.#expect(
        own.every(({ startMs, stampMs }) => startMs === undefined || (version === 2 && startMs <= stampMs)),
        `starts: ${JSON.stringify(own)}`,
      );
      const stamps = own.map(({ stampMs }) => stampMs);
      this.#expect(own.length > 0, `no sample: ${key}`);
      this.#expect(
        stamps.every((stamp, index) => index === 0 || stamp > (stamps[index - 1] as number)),
        `times: ${stamps}`,
      );
    }
  }

  #expect(isRight: boolean, problem: string): void {
    if (!isRight) this.violations.push(problem);
  }
}
