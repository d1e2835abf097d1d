import type { IncomingHttpHeaders } from 'node:http';
import { errorText } from '../../base/error-text.ts';
import type { Matching } from '../../config/re2/pattern.ts';
import { ProbeFailure } from './failure.ts';

/** An expression for the values of one header. */
interface HeaderCheck {
  readonly name: string;
  readonly pattern: Matching;
  /** Whether a response without the header passes. */
  readonly allowMissing: boolean;
}

/**
 * Throws ProbeFailure `header`. A header with several values passes if one of them matches, as in blackbox_exporter.
 */
export function checkHeaders(
  headers: IncomingHttpHeaders,
  match: readonly HeaderCheck[],
  notMatch: readonly HeaderCheck[],
): void {
  for (const { name, pattern, allowMissing } of notMatch) {
    const values = valuesOf(headers, name);
    if (values.length === 0 && !allowMissing) throw new ProbeFailure('header', `the response has no header ${name}`);
    if (values.some((value) => pattern.test(value))) {
      throw new ProbeFailure('header', `the header ${name} matches ${pattern.source}`);
    }
  }
  for (const { name, pattern, allowMissing } of match) {
    const values = valuesOf(headers, name);
    if (values.length === 0 && allowMissing) continue;
    if (values.length === 0) throw new ProbeFailure('header', `the response has no header ${name}`);
    if (!values.some((value) => pattern.test(value))) {
      throw new ProbeFailure('header', `the header ${name} does not match ${pattern.source}`);
    }
  }
}

function valuesOf(headers: IncomingHttpHeaders, name: string): readonly string[] {
  const found = headers[name.toLowerCase()];
  return found === undefined ? [] : Array.isArray(found) ? found : [found];
}

/** Throws ProbeFailure `body`. */
export function checkText(text: string, match: readonly Matching[], notMatch: readonly Matching[]): void {
  for (const pattern of notMatch) {
    if (pattern.test(text)) throw new ProbeFailure('body', `the body matches ${pattern.source}`);
  }
  for (const pattern of match) {
    if (!pattern.test(text)) throw new ProbeFailure('body', `the body does not match ${pattern.source}`);
  }
}

/** The condition for one value of a JSON document. */
interface JsonCheck {
  /** RFC 6901; empty for the whole document. */
  readonly pointer: string;
  readonly equals?: string | number | boolean | null | undefined;
  readonly match?: Matching | undefined;
}

/** Throws ProbeFailure `body`. Without `equals` and `match` a value only has to exist. */
export function checkJson(text: string, checks: readonly JsonCheck[]): void {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (cause) {
    throw new ProbeFailure('body', `the body is not JSON: ${errorText(cause)}`, { cause });
  }
  for (const { pointer, equals, match } of checks) {
    const found = at(document, pointer);
    if (found === undefined) throw new ProbeFailure('body', `the body has no value at ${pointer}`);
    const shown = JSON.stringify(found).slice(0, 100);
    if (equals !== undefined && found !== equals) {
      throw new ProbeFailure('body', `${pointer} of the body is ${shown}, expected ${JSON.stringify(equals)}`);
    }
    if (match && !match.test(typeof found === 'string' ? found : JSON.stringify(found))) {
      throw new ProbeFailure('body', `${pointer} of the body is ${shown}, expected ${match.source}`);
    }
  }
}

/** The value at a JSON pointer (RFC 6901). */
function at(document: unknown, pointer: string): unknown {
  let value = document;
  for (const part of pointer.split('/').slice(1)) {
    const key = part.replaceAll('~1', '/').replaceAll('~0', '~');
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    value = Reflect.get(value, key);
  }
  return value;
}
