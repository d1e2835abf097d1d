import { Journal } from '../../host/journal/journal.ts';
import { KernelMessages, type OpenKmsg } from '../../host/kmsg.ts';
import { JournalSource } from '../journal/journal-source.ts';
import type { LogSourceType, SavedPosition } from '../source.ts';
import type { LogWorld } from '../world.ts';
import { KmsgSource } from './kmsg-source.ts';

/**
 * Messages of the kernel: from the journal if there is one, otherwise from /dev/kmsg, which `openKmsg` opens; never
 * both.
 */
export const kernelSource = (
  world: LogWorld,
  openKmsg: () => OpenKmsg = () => new KernelMessages(),
): LogSourceType => ({
  name: 'kernel',
  open(saved) {
    if (readsKmsg(world, saved)) return new KmsgSource(world, openKmsg, saved);
    const { start, maxAge, priority } = world.logs.kernel;
    const filters = { priority, units: [], identifiers: [], matches: [{ _TRANSPORT: 'kernel' }] };
    const options = { paths: world.logs.journal.paths, start, maxAge, ...filters };
    return new JournalSource('kernel', world, options, saved);
  },
});

/** Whether /dev/kmsg is read: the source of a saved position is kept, so that nothing is shipped from both. */
function readsKmsg({ logs: { kernel, journal } }: LogWorld, saved: SavedPosition | undefined): boolean {
  if (saved !== undefined) return 'sequence' in JSON.parse(saved.position);
  if (kernel.source !== 'auto') return kernel.source === 'kmsg';
  const files = new Journal({ paths: journal.paths, start: 'now' });
  try {
    return files.scan().found === 0;
  } finally {
    files.close();
  }
}
