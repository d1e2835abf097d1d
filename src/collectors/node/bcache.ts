// /sys/fs/bcache/<uuid>: Documentation/admin-guide/bcache.rst of the kernel. Absent where the module is not loaded.
import * as z from 'zod';
import { parsedAttribute } from '../../host/attributes.ts';
import type { Host } from '../../host/host.ts';
import { decimal } from '../../host/numbers.ts';
import { recordsOfFile } from '../../host/records.ts';
import { counter, type Family, gauge } from '../../metrics/family.ts';
import type { Snapshot } from '../../metrics/snapshot.ts';
import { defineCollector } from '../collector.ts';

type Table = readonly (readonly [source: string, family: Family])[];

const setLevel = (name: string, help: string) => gauge(name, help, ['uuid']);
const backingLevel = (name: string, help: string) => gauge(name, help, ['uuid', 'backing_device']);
const backingTotal = (name: string, help: string) => counter(name, help, ['uuid', 'backing_device']);
const cacheTotal = (name: string, help: string) => counter(name, help, ['uuid', 'cache_device']);

/** Files of the whole set. */
const setFiles: Table = [
  [
    'average_key_size',
    setLevel('node_bcache_average_key_size_sectors', 'Average data per key of the B-tree, in sectors.'),
  ],
  ['btree_cache_size', setLevel('node_bcache_btree_cache_size_bytes', 'Memory of the B-tree cache.')],
  [
    'cache_available_percent',
    setLevel('node_bcache_cache_available_percent', 'Share of the cache without dirty data.'),
  ],
  ['congested', setLevel('node_bcache_congested', 'How congested the cache is.')],
  ['root_usage_percent', setLevel('node_bcache_root_usage_percent', "How full the B-tree's root is.")],
  ['tree_depth', setLevel('node_bcache_tree_depth', 'Depth of the B-tree.')],
  [
    'internal/active_journal_entries',
    setLevel('node_bcache_active_journal_entries', 'Journal entries newer than the index.'),
  ],
  ['internal/btree_nodes', setLevel('node_bcache_btree_nodes', 'Nodes of the B-tree.')],
  [
    'internal/cache_read_races',
    counter('node_bcache_cache_read_races_total', 'Reads whose bucket was reused during the read.', ['uuid']),
  ],
];
const readDuration = setLevel('node_bcache_btree_read_average_duration_seconds', 'Average time of a B-tree read.');

/** Files of a backing device. */
const backingFiles: Table = [
  ['dirty_data', backingLevel('node_bcache_dirty_data_bytes', 'Dirty data of the device in the cache.')],
  ['stats_total/bypassed', backingTotal('node_bcache_bypassed_bytes_total', 'Bytes that bypassed the cache.')],
  ['stats_total/cache_hits', backingTotal('node_bcache_cache_hits_total', 'Requests served from the cache.')],
  ['stats_total/cache_misses', backingTotal('node_bcache_cache_misses_total', 'Requests not served from the cache.')],
  [
    'stats_total/cache_bypass_hits',
    backingTotal('node_bcache_cache_bypass_hits_total', 'Cache hits of requests that were meant to bypass the cache.'),
  ],
  [
    'stats_total/cache_bypass_misses',
    backingTotal(
      'node_bcache_cache_bypass_misses_total',
      'Cache misses of requests that were meant to bypass the cache.',
    ),
  ],
  [
    'stats_total/cache_miss_collisions',
    backingTotal('node_bcache_cache_miss_collisions_total', 'Cache misses that raced with a write of the same data.'),
  ],
];
const readaheads = backingTotal('node_bcache_cache_readaheads_total', 'Readaheads.');

/** Lines of writeback_rate_debug. */
const writebackLines: Table = [
  ['rate', backingLevel('node_bcache_writeback_rate', 'Target writeback rate in bytes per second.')],
  ['target', backingLevel('node_bcache_dirty_target_bytes', 'Target amount of dirty data.')],
  ['proportional', backingLevel('node_bcache_writeback_rate_proportional_term', "The controller's proportional term.")],
  ['integral', backingLevel('node_bcache_writeback_rate_integral_term', "The controller's integral term.")],
  ['change', backingLevel('node_bcache_writeback_change', 'Last change of the writeback rate.')],
];

/** Files of a cache device. */
const cacheFiles: Table = [
  ['io_errors', gauge('node_bcache_io_errors', 'I/O errors, decayed by their half-life.', ['uuid', 'cache_device'])],
  ['metadata_written', cacheTotal('node_bcache_metadata_written_bytes_total', 'Bytes of metadata written.')],
  ['written', cacheTotal('node_bcache_written_bytes_total', 'Bytes of data written.')],
];

/** Lines of priority_stats. */
const priorityLines: Table = [
  [
    'Unused',
    gauge('node_bcache_priority_stats_unused_percent', 'Share of the cache without data.', ['uuid', 'cache_device']),
  ],
  [
    'Metadata',
    gauge('node_bcache_priority_stats_metadata_percent', 'Share of the cache used by metadata.', [
      'uuid',
      'cache_device',
    ]),
  ],
];

const options = z.strictObject({
  priorityStats: z
    .boolean()
    .default(false)
    .describe(
      'Export the shares of the cache without data and used by metadata; expensive, as the kernel sorts all buckets.',
    ),
});

/** Caches of block devices. */
export const bcache = defineCollector({
  name: 'bcache',
  enabled: true,
  summary: 'Caches of block devices, from `/sys/fs/bcache/<uuid>`.',
  options,
  whenEmpty: 'no bcache set is registered',
  families: [
    ...[...setFiles, ...backingFiles, ...writebackLines, ...cacheFiles, ...priorityLines].map(([, family]) => family),
    readDuration,
    readaheads,
  ],
  create({ host }, { priorityStats }) {
    const folder = host.sys('fs/bcache');
    return (out) => {
      // Next to the sets there are files for registering devices.
      for (const uuid of host.listIfExists(folder)) {
        if (uuid.includes('-')) out.attempt(uuid, () => addSet(out, host, `${folder}/${uuid}`, priorityStats, uuid));
      }
    };
  },
});

/** An attribute's number; undefined for one that the kernel no longer has, or one that is unreadable. */
const numberOf = (out: Snapshot, host: Host, path: string): number | undefined =>
  out.attempt(path, () => parsedAttribute(host, path, parseHuman));

function addFiles(out: Snapshot, host: Host, folder: string, table: Table, ...labels: readonly string[]): void {
  for (const [file, family] of table) {
    const value = numberOf(out, host, `${folder}/${file}`);
    if (value !== undefined) out.add(family, value, ...labels);
  }
}

/** Adds from a file of lines `name: value`. */
function addLines(out: Snapshot, host: Host, path: string, table: Table, ...labels: readonly string[]): void {
  const lines = new Map<string, string>();
  recordsOfFile(out, host, path, (line) => {
    const colon = line.indexOf(':');
    if (colon === -1) throw new Error('expected a name, a colon and a value');
    lines.set(
      line.slice(0, colon).trim(),
      line
        .slice(colon + 1)
        .trim()
        .replace(/\/sec$|%$/, ''),
    );
  });
  for (const [name, family] of table) {
    const text = lines.get(name);
    if (text !== undefined) out.attempt(`${path} ${name}`, () => out.add(family, parseHuman(text), ...labels));
  }
}

/** The set itself and each of its devices are separate units. A set that has just been stopped has no files. */
function addSet(out: Snapshot, host: Host, folder: string, priorities: boolean, uuid: string): void {
  const files = host.listIfExists(folder);
  if (files.length > 0) out.attempt(uuid, () => addTotals(out, host, folder, uuid));
  for (const file of files) {
    const path = `${folder}/${file}`;
    out.attempt(`${uuid} ${file}`, () => {
      if (/^bdev\d+$/.test(file)) addBacking(out, host, path, uuid, file);
      if (/^cache\d+$/.test(file)) addCache(out, host, path, priorities, uuid, file);
    });
  }
}

function addTotals(out: Snapshot, host: Host, folder: string, uuid: string): void {
  addFiles(out, host, folder, setFiles, uuid);
  // Nanoseconds, despite its name.
  const nanoseconds = numberOf(out, host, `${folder}/internal/btree_read_average_duration_us`);
  if (nanoseconds !== undefined) out.add(readDuration, nanoseconds * 1e-9, uuid);
}

function addBacking(out: Snapshot, host: Host, folder: string, ...labels: readonly string[]): void {
  addFiles(out, host, folder, backingFiles, ...labels);
  const ahead = numberOf(out, host, `${folder}/stats_total/cache_readaheads`);
  if (ahead) out.add(readaheads, ahead, ...labels);
  addLines(out, host, `${folder}/writeback_rate_debug`, writebackLines, ...labels);
}

function addCache(out: Snapshot, host: Host, folder: string, priorities: boolean, ...labels: readonly string[]): void {
  addFiles(out, host, folder, cacheFiles, ...labels);
  if (priorities) addLines(out, host, `${folder}/priority_stats`, priorityLines, ...labels);
}

const UNITS = 'kMGTPEZY';

/**
 * A number as bcache prints it: plain, or `1.1M`, where what follows the point counts 1024ths of the unit, scaled by
 * 10.24. Throws NotANumber.
 */
export function parseHuman(text: string): number {
  const power = UNITS.indexOf(text.at(-1) ?? '') + 1;
  if (power === 0) return Math.trunc(decimal(text));
  const [whole, fraction = '0'] = text.slice(0, -1).split('.');
  const magnitude = Math.abs(decimal(whole)) + decimal(fraction) / 10.24;
  return Math.trunc(magnitude * 1024 ** power) * (text.startsWith('-') ? -1 : 1);
}
