import * as z from 'zod';
import { errorText } from '../base/error-text.ts';
import { Pattern } from './re2/pattern.ts';

const DURATION_UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const DURATION = /^(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+$/;
const BYTE_UNITS: Readonly<Record<string, number>> = {
  B: 1,
  kB: 1e3,
  MB: 1e6,
  GB: 1e9,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
};
const BYTES = /^(\d+)(B|kB|MB|GB|KiB|MiB|GiB)$/;

/** Milliseconds of `15s`, `1m30s`, `250ms`, `1h`, `0s`; undefined for any other text. */
export function parseDuration(text: string): number | undefined {
  if (!DURATION.test(text)) return undefined;
  let milliseconds = 0;
  for (const [, amount, unit = ''] of text.matchAll(/(\d+(?:\.\d+)?)(ms|[smhd])/g)) {
    milliseconds += Number(amount) * (DURATION_UNITS[unit] ?? 0);
  }
  return Math.round(milliseconds);
}

/** `milliseconds` in the notation of {@link parseDuration}: `1m30s`. */
export function durationText(milliseconds: number): string {
  let rest = milliseconds;
  let text = '';
  for (const unit of ['h', 'm', 's', 'ms']) {
    const size = DURATION_UNITS[unit] ?? 1;
    const count = Math.floor(rest / size);
    if (count > 0) text += `${count}${unit}`;
    rest -= count * size;
  }
  return text || '0s';
}

/** Bytes of `256MiB`, `1kB`, `10B`; undefined for any other text. */
export function parseBytes(text: string): number | undefined {
  const match = BYTES.exec(text);
  return match ? Number(match[1]) * (BYTE_UNITS[match[2] ?? ''] ?? 1) : undefined;
}

/** `count` bytes in the notation of {@link parseBytes}, exactly: `256MiB`. */
export function bytesText(count: number): string {
  const units = ['GiB', 'GB', 'MiB', 'MB', 'KiB', 'kB'];
  const unit = units.find((one) => count > 0 && count % (BYTE_UNITS[one] ?? 1) === 0) ?? 'B';
  return `${count / (BYTE_UNITS[unit] ?? 1)}${unit}`;
}

/** The schemas of durations and sizes, with the functions that format their values for the configuration. */
export const unitTexts = z.registry<{ readonly text: (value: number) => string }>();

/** A duration in the configuration: text such as `15s` in, milliseconds out. */
export const duration = (minimum = 0, maximum = 7 * 86_400_000) =>
  z
    .string('expected a duration with its unit, such as 15s, 1m30s or 250ms')
    .regex(DURATION, 'expected a duration with its unit, such as 15s, 1m30s or 250ms')
    .transform((text) => parseDuration(text) ?? 0)
    .pipe(
      z
        .number()
        .min(minimum, `must be at least ${durationText(minimum)}`)
        .max(maximum, `must be at most ${durationText(maximum)}`),
    )
    .register(unitTexts, { text: durationText });

/** A pebibyte. */
const MAX_BYTES = 2 ** 50;

/** A size in the configuration: text such as `256MiB` in, bytes out. */
export const bytes = (minimum = 1) =>
  z
    .string('expected a size with its unit, such as 64KiB, 256MiB or 1GB')
    .regex(BYTES, 'expected a size with its unit, such as 64KiB, 256MiB or 1GB')
    .transform((text) => Math.min(parseBytes(text) ?? 0, Number.MAX_VALUE))
    .pipe(
      z
        .number()
        .min(minimum, `must be at least ${minimum} bytes`)
        .max(MAX_BYTES, 'must be at most 1048576GiB: no machine has more'),
    )
    .register(unitTexts, { text: bytesText });

/**
 * A regular expression of the configuration, written as for node_exporter (Go's RE2). It is not anchored implicitly.
 * Expressions that RE2 refuses are refused here too: one copied from a dashboard or chart must have the same meaning
 * here.
 */
export const pattern = () =>
  z.string().transform((source, context) => {
    try {
      return Pattern.of(source);
    } catch (cause) {
      context.addIssue({ code: 'custom', message: errorText(cause) });
      return z.NEVER;
    }
  });

/** The path of a file or folder. */
export const filePath = (what: string) => z.string().min(1).describe(what);

/** A path with wildcards within its segments. */
export const fileGlob = z
  .string()
  .startsWith('/', 'paths must be absolute')
  .refine((path) => !path.includes('**'), '** is not supported: name each level, with * where needed');

/** A label of the Encoding Standard. */
export const encodingName = z.string().refine((name) => {
  try {
    return new TextDecoder(name) !== undefined;
  } catch {
    return false;
  }
}, 'unknown encoding; supported examples: utf-8, latin1, gbk, gb18030, big5, shift_jis, euc-kr, utf-16le');
