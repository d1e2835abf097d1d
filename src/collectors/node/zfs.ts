// /proc/spl/kstat/zfs: kstats of OpenZFS, module/os/linux/spl/spl-kstat.c there. Absent where its module is not loaded.
import { MalformedFile } from '../../host/errors.ts';
import type { Host } from '../../host/host.ts';
import { eachLine, eachRecord, type Losses, words } from '../../host/lines.ts';
import { integer } from '../../host/numbers.ts';
import { gauge } from '../../metrics/family.ts';
import type { Snapshot } from '../../metrics/snapshot.ts';
import { defineCollector, NO_OPTIONS } from '../collector.ts';
import { FamilyCache } from './family-cache.ts';

/** Files of the whole module, with what their families begin with after `node_zfs_`. */
const GROUPS: readonly (readonly [file: string, prefix: string])[] = [
  ['abdstats', 'abd'],
  ['arcstats', 'arc'],
  ['dbufstats', 'dbuf'],
  ['dmu_tx', 'dmu_tx'],
  ['dnodestats', 'dnode'],
  ['fm', 'fm'],
  ['vdev_cache_stats', 'vdev_cache'],
  ['vdev_mirror_stats', 'vdev_mirror'],
  ['xuio_stats', 'xuio'],
  ['zfetchstats', 'zfetch'],
  ['zil', 'zil'],
];

const poolState = gauge('node_zfs_zpool_state', 'Whether the pool is in this state.', ['zpool', 'state']);
const STATES = ['online', 'degraded', 'faulted', 'offline', 'removed', 'unavail', 'suspended'];

/** Statistics of ZFS. */
export const zfs = defineCollector({
  name: 'zfs',
  enabled: true,
  summary:
    'States of the ZFS pools, and the statistics below `/proc/spl/kstat/zfs` as untyped `node_zfs_<group>_<name>`, ' +
    '`node_zfs_zpool_<name>` for pools and `node_zfs_zpool_dataset_<name>` for datasets.',
  options: NO_OPTIONS,
  whenEmpty: 'no pool is imported',
  families: [poolState],
  create({ host }) {
    const folder = host.proc('spl/kstat/zfs');
    const families: Families = {
      module: new FamilyCache('untyped'),
      pool: new FamilyCache('untyped', ['zpool']),
      dataset: new FamilyCache('untyped', ['zpool', 'dataset']),
    };
    return (out) => {
      const names = new Set(host.list(folder));
      for (const [file, prefix] of GROUPS) {
        if (names.has(file)) out.attempt(file, () => addGroup(out, host, families.module, `${folder}/${file}`, prefix));
      }
      for (const pool of host.foldersIfExists(folder)) {
        out.attempt(pool, () => addPool(out, host, families, `${folder}/${pool}`, pool));
      }
    };
  },
});

/** Families by the object of the statistic; their names are only known from the files. */
interface Families {
  readonly module: FamilyCache;
  readonly pool: FamilyCache;
  readonly dataset: FamilyCache;
}

const familyName = (prefix: string, name: string): string => `node_zfs_${prefix}_${name.replace(/\W/g, '_')}`;

function addGroup(out: Snapshot, host: Host, families: FamilyCache, path: string, prefix: string): void {
  const text = host.readIfExists(path);
  if (text === undefined) return;
  for (const [name, value] of parseNamed(out, path, text).numbers) {
    out.attempt(`${path} ${name}`, () =>
      out.add(families.get(familyName(prefix, name), `Statistic ${name} of ZFS.`), value),
    );
  }
}

/** Adds the files of a pool; a pool exported in the meantime has none. */
function addPool(out: Snapshot, host: Host, families: Families, folder: string, pool: string): void {
  for (const file of host.listIfExists(folder)) {
    const path = `${folder}/${file}`;
    out.attempt(`${pool}/${file}`, () => {
      if (file === 'state') addState(out, host.attribute(path), pool);
      else if (file === 'io') addIo(out, families.pool, path, host.readIfExists(path), pool);
      else if (file.startsWith('objset-')) addDataset(out, families.dataset, path, host.readIfExists(path), pool);
    });
  }
}

function addState(out: Snapshot, state: string | undefined, pool: string): void {
  if (state === undefined) return;
  if (state === '') throw new Error('the state is empty');
  for (const name of STATES) out.add(poolState, name === state.toLowerCase() ? 1 : 0, pool, name);
}

function addIo(out: Snapshot, families: FamilyCache, path: string, text: string | undefined, pool: string): void {
  if (text === undefined) return;
  for (const [name, value] of parseIo(path, text)) {
    out.add(families.get(familyName('zpool', name), `Statistic ${name} of the pool's I/O.`), value, pool);
  }
}

function addDataset(out: Snapshot, families: FamilyCache, path: string, text: string | undefined, pool: string): void {
  if (text === undefined) return;
  const { dataset, numbers } = parseNamed(out, path, text);
  for (const [name, value] of numbers) {
    const family = families.get(familyName('zpool_dataset', name), `Statistic ${name} of the dataset.`);
    out.add(family, value, pool, dataset);
  }
}

/** KSTAT_DATA_INT64 and KSTAT_DATA_UINT64. */
const INTEGER_TYPES = new Set(['3', '4']);

/** A kstat of rows `name type data` below a line of numbers and one with these words. Throws MalformedFile. */
function parseNamed(
  lost: Losses,
  path: string,
  text: string,
): { dataset: string; numbers: [name: string, value: number][] } {
  const numbers: [string, number][] = [];
  let dataset = '';
  let header = false;
  eachRecord(lost, path, text, (line) => {
    const [name = '', type = '', data] = words(line);
    if (!header) header = name === 'name' && type === 'type' && data === 'data';
    else if (!/^\d$/.test(type)) throw new Error(`expected the type of ${name}, found ${JSON.stringify(type)}`);
    else if (INTEGER_TYPES.has(type)) numbers.push([name, integer(data)]);
    // The names of datasets may contain blanks.
    else if (name === 'dataset_name') dataset = line.replace(/^\S+\s+\S+\s+/, '').trimEnd();
  });
  if (!header) throw new MalformedFile(path, 2, 'expected the line "name type data"');
  return { dataset, numbers };
}

/** A kstat of one row of numbers below their names, from `nread` on. Throws MalformedFile. */
function parseIo(path: string, text: string): [name: string, value: number][] {
  const values: [string, number][] = [];
  let names: string[] | undefined;
  eachLine(path, text, (line) => {
    const columns = words(line);
    if (names === undefined) {
      if (columns[0] === 'nread') names = columns;
      return;
    }
    if (columns.length !== names.length) throw new Error(`${columns.length} numbers for ${names.length} names`);
    for (const [index, name] of names.entries()) values.push([name, integer(columns[index])]);
  });
  if (names === undefined) throw new MalformedFile(path, 2, 'expected a line of names, from "nread" on');
  return values;
}
