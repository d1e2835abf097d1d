import type { Host } from './host.ts';

/** Seconds since boot, from proc_uptime(5); 0 if the file is absent or malformed. Throws DeniedFile or UnreadableFile. */
export const uptimeSeconds = (host: Host): number =>
  Number.parseFloat(host.readIfExists(host.proc('uptime')) ?? '') || 0;
