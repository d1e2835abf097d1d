import type { Host } from './host.ts';
import { oneLine } from './lines.ts';
import { integer } from './numbers.ts';

/** A file that holds one integer; undefined when {@link Host.attribute} has none. Throws MalformedFile, DeniedFile. */
export function integerAttribute(host: Host, path: string): number | undefined {
  const text = host.attribute(path);
  return text === undefined ? undefined : oneLine(path, text, integer);
}
