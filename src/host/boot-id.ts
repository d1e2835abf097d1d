import type { Host } from './host.ts';

/** The id of the current boot, as the journal writes it, without dashes; undefined if the file is absent. */
export const bootIdOf = (host: Host): string | undefined =>
  host.readIfExists(host.proc('sys/kernel/random/boot_id'))?.trim().replaceAll('-', '');
