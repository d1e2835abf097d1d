import type { Host } from './host.ts';
import { oneLine, words } from './lines.ts';
import { decimal } from './numbers.ts';

/**
 * Seconds since boot, from proc_uptime(5). Throws MissingFile, DeniedFile, UnreadableFile or MalformedFile: with an
 * uptime of 0, whatever the kernel dates by its own clock would be in the future.
 */
export function uptimeSeconds(host: Host): number {
  const path = host.proc('uptime');
  return oneLine(path, host.read(path), (text) => decimal(words(text)[0]));
}
