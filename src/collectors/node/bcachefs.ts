// /sys/fs/bcachefs/<uuid>: fs/bcachefs/sysfs.c of bcachefs. No data without a mounted one.
import { zip } from '../../base/zip.ts';
import { countAttribute, parsedAttribute } from '../../host/attributes.ts';
import type { Host } from '../../host/host.ts';
import { integer } from '../../host/numbers.ts';
import { counter, type Family, gauge } from '../../metrics/family.ts';
import { NoData } from '../../metrics/outcome.ts';
import type { Snapshot } from '../../metrics/snapshot.ts';
import { defineCollector, NO_OPTIONS } from '../collector.ts';
import { parseCounter, parseHumanBytes, parseSections, parseTable, type Sections } from './bcachefs-parse.ts';
import { FamilyCache } from './family-cache.ts';

const UUID = ['uuid'];
const DEVICE = ['uuid', 'device'];
const ALGORITHM = ['uuid', 'algorithm'];
const WRITE = ['uuid', 'type'];
const IO = [...DEVICE, 'operation', 'data_type'];

const info = gauge('node_bcachefs_info', 'Always 1 for a mounted file system.', UUID);
const btreeCache = gauge('node_bcachefs_btree_cache_size_bytes', 'Memory of the B-tree cache.', UUID);
const compressed = gauge('node_bcachefs_compression_compressed_bytes', 'Bytes after compression.', ALGORITHM);
const uncompressed = gauge('node_bcachefs_compression_uncompressed_bytes', 'Bytes before compression.', ALGORITHM);
const errors = counter('node_bcachefs_errors_total', 'Errors found.', ['uuid', 'error_type']);
const writes = counter('node_bcachefs_btree_writes_total', 'Writes of B-tree nodes.', WRITE);
const writeSize = gauge('node_bcachefs_btree_write_average_size_bytes', 'Average size of a B-tree write.', WRITE);
const deviceInfo = gauge('node_bcachefs_device_info', 'Always 1; device information.', [...DEVICE, 'label', 'state']);
const bucketSize = gauge('node_bcachefs_device_bucket_size_bytes', 'Size of a bucket.', DEVICE);
const buckets = gauge('node_bcachefs_device_buckets', 'Buckets of the device.', DEVICE);
const durability = gauge(
  'node_bcachefs_device_durability',
  'Number of replicas that a copy on this device counts as.',
  DEVICE,
);
const ioDone = counter('node_bcachefs_device_io_done_bytes_total', 'Bytes read and written.', IO);
const ioErrors = counter('node_bcachefs_device_io_errors_total', 'I/O errors.', [...DEVICE, 'type']);

/** State of bcachefs. */
export const bcachefs = defineCollector({
  name: 'bcachefs',
  enabled: true,
  summary:
    'Devices, errors and operations of each mounted bcachefs, from `/sys/fs/bcachefs/<uuid>`; each of its counters as ' +
    '`node_bcachefs_<counter>_total`.',
  options: NO_OPTIONS,
  whenEmpty: 'no bcachefs is mounted',
  families: [
    ...[info, btreeCache, compressed, uncompressed, errors, writes, writeSize],
    ...[deviceInfo, bucketSize, buckets, durability, ioDone, ioErrors],
  ],
  create({ host }) {
    const folder = host.sys('fs/bcachefs');
    const families = new FamilyCache('counter', UUID);
    return (out) => {
      const names = host.foldersIfExists(folder);
      if (names.length === 0) throw new NoData(`${folder} has no mounted file system`);
      for (const uuid of names) out.attempt(uuid, () => addFileSystem(out, host, families, `${folder}/${uuid}`, uuid));
    };
  },
});

interface Table {
  readonly hasHeader: boolean;
  /** The columns after the first, which has names. */
  readonly columns: readonly (readonly [family: Family, read: (text: string) => number])[];
}

/** Tables of a file system. */
const TABLES: ReadonlyMap<string, Table> = new Map([
  [
    'btree_write_stats',
    {
      hasHeader: true,
      columns: [
        [writes, integer],
        [writeSize, parseHumanBytes],
      ],
    },
  ],
  [
    'compression_stats',
    {
      hasHeader: true,
      columns: [
        [compressed, parseHumanBytes],
        [uncompressed, parseHumanBytes],
      ],
    },
  ],
  ['errors', { hasHeader: false, columns: [[errors, integer]] }],
]);

/** Each table, device and counter is a separate unit. A file system that has just been unmounted has no files. */
function addFileSystem(out: Snapshot, host: Host, families: FamilyCache, folder: string, uuid: string): void {
  const files = host.listIfExists(folder);
  if (files.length > 0) out.add(info, 1, uuid);
  for (const file of files) {
    const path = `${folder}/${file}`;
    out.attempt(`${uuid} ${file}`, () => {
      const table = TABLES.get(file);
      if (table) addTable(out, table, path, host.readIfExists(path), uuid);
      else if (file === 'btree_cache_size') addIfThere(out, btreeCache, bytesAttribute(host, path), uuid);
      else if (file === 'counters') addCounters(out, host, families, path, uuid);
      else if (/^dev-\d+$/.test(file)) addDevice(out, host, path, uuid, file.slice('dev-'.length));
    });
  }
}

function addTable(
  out: Snapshot,
  { hasHeader, columns }: Table,
  path: string,
  text: string | undefined,
  uuid: string,
): void {
  // Without errors the file of errors is empty.
  if (!text) return;
  const readers = columns.map(([, read]) => read);
  for (const { name, numbers } of parseTable(out, path, text, hasHeader, readers)) {
    for (const [[family], number] of zip(columns, numbers)) out.add(family, number, uuid, name);
  }
}

function addCounters(out: Snapshot, host: Host, families: FamilyCache, folder: string, uuid: string): void {
  for (const file of host.listIfExists(folder)) {
    out.attempt(`${uuid} ${file}`, () => {
      const path = `${folder}/${file}`;
      const text = host.readIfExists(path);
      if (text === undefined) return;
      const name = `node_bcachefs_${file.replace(/_*\W[\W_]*/g, '_')}_total`;
      out.add(families.get(name, `Counter ${file} since file system creation.`), parseCounter(path, text), uuid);
    });
  }
}

/** Every device has a state; one without has just been removed. */
function addDevice(out: Snapshot, host: Host, folder: string, uuid: string, device: string): void {
  const state = host.attribute(`${folder}/state`);
  if (state === undefined) return;
  out.add(deviceInfo, 1, uuid, device, host.attribute(`${folder}/label`) ?? '', state);
  const number = (family: Family, file: string, read: (host: Host, path: string) => number | undefined) =>
    out.attempt(`${folder}/${file}`, () => addIfThere(out, family, read(host, `${folder}/${file}`), uuid, device));
  number(bucketSize, 'bucket_size', bytesAttribute);
  number(buckets, 'nbuckets', countAttribute);
  number(durability, 'durability', countAttribute);
  const sectionsOf = (file: string, title: RegExp): Sections =>
    out.attempt(`${folder}/${file}`, () =>
      parseSections(`${folder}/${file}`, host.readIfExists(`${folder}/${file}`) ?? '', title),
    ) ?? new Map();
  for (const [operation, rows] of sectionsOf('io_done', /^(read|write):$/)) {
    for (const [type, bytes] of rows) out.add(ioDone, bytes, uuid, device, operation, type);
  }
  // Another section counts since a date that changes.
  const sinceCreation = sectionsOf('io_errors', /^IO errors since (.*)/).get('filesystem creation');
  for (const [type, count] of sinceCreation ?? []) out.add(ioErrors, count, uuid, device, type);
}

function addIfThere(out: Snapshot, family: Family, value: number | undefined, ...labels: readonly string[]): void {
  if (value !== undefined) out.add(family, value, ...labels);
}

const bytesAttribute = (host: Host, path: string): number | undefined => parsedAttribute(host, path, parseHumanBytes);
