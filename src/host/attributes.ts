import { DeniedFile } from './errors.ts';
import type { Host } from './host.ts';
import { oneLine } from './lines.ts';
import { integer } from './numbers.ts';

/** A file that holds one integer; undefined when {@link Host.attribute} has none. Throws MalformedFile, DeniedFile. */
export function integerAttribute(host: Host, path: string): number | undefined {
  const text = host.attribute(path);
  return text === undefined ? undefined : oneLine(path, text, integer);
}

/** {@link Host.attribute}; also undefined when this process may not read it, as only root may read serial numbers. */
export function readableAttribute(host: Host, path: string): string | undefined {
  try {
    return host.attribute(path);
  } catch (cause) {
    if (cause instanceof DeniedFile) return undefined;
    throw cause;
  }
}
