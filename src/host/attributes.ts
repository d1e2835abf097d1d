import { DeniedFile } from './errors.ts';
import type { Host } from './host.ts';
import { oneLine } from './lines.ts';
import { count, integer } from './numbers.ts';

/**
 * What `parse` makes of a file of one line; undefined when {@link Host.attribute} has none. Throws MalformedFile,
 * DeniedFile.
 */
export function parsedAttribute<Value>(host: Host, path: string, parse: (text: string) => Value): Value | undefined {
  const text = host.attribute(path);
  return text === undefined ? undefined : oneLine(path, text, parse);
}

/** A {@link parsedAttribute} that is an integer. */
export const integerAttribute = (host: Host, path: string): number | undefined => parsedAttribute(host, path, integer);

/** Like {@link integerAttribute}, for a number that is never negative. Throws MalformedFile for one that is. */
export const countAttribute = (host: Host, path: string): number | undefined => parsedAttribute(host, path, count);

/** {@link Host.attribute}; also undefined when this process may not read it, as only root may read serial numbers. */
export function readableAttribute(host: Host, path: string): string | undefined {
  try {
    return host.attribute(path);
  } catch (cause) {
    if (cause instanceof DeniedFile) return undefined;
    throw cause;
  }
}
