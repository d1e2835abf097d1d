// Prometheus remote write 1.0, only as far as it takes to end series:
// https://prometheus.io/docs/specs/prw/remote_write_spec/ and prompb/types.proto. The text format has no way to mark a
// series as stale.

/** A series as labels, including `__name__`. */
export type SeriesLabels = readonly (readonly [name: string, value: string])[];

/**
 * The NaN that marks a series as stale (StaleNaN of prometheus/model/value). JavaScript's own NaN has different bits.
 */
const STALE_BITS = 0x7ff0000000000002n;

/** A WriteRequest with a stale marker at `stampMs` for each series. */
export function staleMarkers(series: readonly SeriesLabels[], stampMs: number): Buffer {
  const sample = staleSample(stampMs);
  return Buffer.concat(
    series.map((labels) => {
      // Receivers expect labels in the order of their names' bytes.
      const sorted = [...labels].sort(([one], [other]) => (one < other ? -1 : 1));
      return field(1, Buffer.concat([...sorted.map(([name, value]) => field(1, label(name, value))), sample]));
    }),
  );
}

/** Sample { double value = 1; int64 timestamp = 2 } as field 2 of a TimeSeries. */
function staleSample(stampMs: number): Buffer {
  const value = Buffer.alloc(9);
  value[0] = (1 << 3) | 1;
  value.writeBigUInt64LE(STALE_BITS, 1);
  return field(2, Buffer.concat([value, Buffer.from([2 << 3]), varint(stampMs)]));
}

const label = (name: string, value: string): Buffer =>
  Buffer.concat([field(1, Buffer.from(name)), field(2, Buffer.from(value))]);

/** A length-delimited field. */
const field = (number: number, content: Buffer): Buffer =>
  Buffer.concat([Buffer.from([(number << 3) | 2]), varint(content.length), content]);

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  bytes.push(rest);
  return Buffer.from(bytes);
}

/** Longest literal of an element with two length bytes. */
const LITERAL = 65_536;

/**
 * The snappy block format without compression: the length, then literals. Remote write has no other encoding that all
 * receivers support, and markers are few. https://github.com/google/snappy/blob/main/format_description.txt
 */
export function snappyLiterals(content: Buffer): Buffer {
  const parts: Buffer[] = [varint(content.length)];
  for (let start = 0; start < content.length; start += LITERAL) {
    const literal = content.subarray(start, start + LITERAL);
    const head = Buffer.from([61 << 2, 0, 0]);
    head.writeUInt16LE(literal.length - 1, 1);
    parts.push(head, literal);
  }
  return Buffer.concat(parts);
}
