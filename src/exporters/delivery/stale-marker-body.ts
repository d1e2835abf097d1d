import { byName } from '../../base/by-name.ts';
import { Bytes, fieldTag } from '../prompb/bytes.ts';

// Prometheus remote write 1.0, only what is needed to mark series as stale:
// https://prometheus.io/docs/specs/prw/remote_write_spec/ and prompb/types.proto. The text format has no way to mark a
// series as stale.

/** A series as labels, including `__name__`. */
export type SeriesLabels = readonly (readonly [name: string, value: string])[];

const SMALL_BYTES = 4096;

/** Fields of WriteRequest, TimeSeries and Label. */
const SERIES = fieldTag(1);
const [LABEL, SAMPLE] = [fieldTag(1), fieldTag(2)];
const [NAME, VALUE] = [fieldTag(1), fieldTag(2)];

/** A WriteRequest with a stale marker at `stampMs` for each series. */
export function staleMarkers(series: readonly SeriesLabels[], stampMs: number): Buffer {
  const [request, one, label] = [new Bytes(SMALL_BYTES), new Bytes(SMALL_BYTES), new Bytes(SMALL_BYTES)];
  for (const labels of series) {
    one.clear();
    // Receivers expect labels in the order of their names' bytes.
    for (const [name, value] of [...labels].sort(byName)) {
      label.clear();
      label.text(NAME, name);
      label.text(VALUE, value);
      one.field(LABEL, label.view());
    }
    one.sample(SAMPLE, 'stale', stampMs);
    request.field(SERIES, one.view());
  }
  return request.view();
}

/** Longest literal of an element with two length bytes. */
const LITERAL = 65_536;

/**
 * The snappy block format without compression: the length, then literals. Remote write has no other encoding that all
 * receivers support, and markers are few: not worth loading prompb/snappy.ts with its table.
 * https://github.com/google/snappy/blob/main/format_description.txt
 */
export function snappyLiterals(content: Buffer): Buffer {
  const payload = new Bytes(content.length + SMALL_BYTES);
  payload.varint(content.length);
  for (let start = 0; start < content.length; start += LITERAL) {
    const literal = content.subarray(start, start + LITERAL);
    payload.byte(61 << 2);
    payload.byte((literal.length - 1) & 255);
    payload.byte((literal.length - 1) >>> 8);
    payload.raw(literal);
  }
  return payload.view();
}
