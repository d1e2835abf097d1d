// /proc/net/rpc/nfs and nfsd: lines of a keyword and numbers, net/sunrpc/stats.c and fs/nfsd/stats.c of the kernel.
import { eachRecord, type Losses, words } from '../../host/lines.ts';
import { count } from '../../host/numbers.ts';
import type { Family } from '../../metrics/family.ts';
import type { Snapshot } from '../../metrics/snapshot.ts';

/** Procedures of NFSv2, RFC 1094, in their order. */
export const V2_METHODS: readonly string[] = words(
  `Null GetAttr SetAttr Root Lookup ReadLink Read WrCache Write Create Remove Rename Link SymLink MkDir RmDir ReadDir FsStat`,
);

/** Procedures of NFSv3, RFC 1813, in their order. */
export const V3_METHODS: readonly string[] = words(
  `Null GetAttr SetAttr Lookup Access ReadLink Read Write Create MkDir SymLink MkNod Remove RmDir Rename Link ReadDir ` +
    `ReadDirPlus FsStat FsInfo PathConf Commit`,
);

/** Procedures of the Linux client of NFSv4, include/linux/nfs4.h, in their order. */
export const V4_CLIENT_METHODS: readonly string[] = words(
  `Null Read Write Commit Open OpenConfirm OpenNoattr OpenDowngrade Close Setattr FsInfo Renew SetClientID ` +
    `SetClientIDConfirm Lock Lockt Locku Access Getattr Lookup LookupRoot Remove Rename Link Symlink Create Pathconf ` +
    `StatFs ReadLink ReadDir ServerCaps DelegReturn GetACL SetACL FsLocations ReleaseLockowner Secinfo FsidPresent ` +
    `ExchangeID CreateSession DestroySession Sequence GetLeaseTime ReclaimComplete LayoutGet GetDeviceInfo LayoutCommit ` +
    `LayoutReturn SecinfoNoName TestStateID FreeStateID GetDeviceList BindConnToSession DestroyClientID Seek Allocate ` +
    `DeAllocate LayoutStats Clone`,
);

/** Operations of NFSv4 from number 3 on, RFC 7530 §16; an empty name for those that are not exported. */
export const V4_OPERATIONS: readonly string[] = [
  ...words('Access Close Commit Create DelegPurge DelegReturn GetAttr GetFH Link Lock Lockt Locku Lookup LookupRoot'),
  ...words('Nverify Open OpenAttr OpenConfirm OpenDgrd PutFH'),
  '',
  '',
  ...words('Read ReadDir ReadLink Remove Rename Renew RestoreFH SaveFH SecInfo SetAttr SetClientID SetClientIDConfirm'),
  ...words('Verify Write RelLockOwner'),
];

/** One number of a line, counted from 0. */
export type RpcField = readonly [keyword: string, index: number, family: Family, ...labels: string[]];

/**
 * A line with one number per method: the version of NFS, the index of the first number that is used, and the names of the
 * methods from there on.
 */
export type RpcMethods = readonly [keyword: string, version: string, first: number, names: readonly string[]];

/** What is exported of a file, and its keywords. */
interface RpcTables {
  readonly fields: readonly RpcField[];
  readonly methods: readonly RpcMethods[];
  readonly requests: Family;
  readonly known: ReadonlySet<string>;
}

/** Adds the samples of a file of /proc/net/rpc, as described by its `tables`. */
export function addRpc(
  out: Snapshot,
  path: string,
  text: string,
  { fields, methods, requests, known }: RpcTables,
): void {
  const lines = parseRpc(out, path, text);
  for (const keyword of lines.keys()) if (!known.has(keyword)) out.lose(path, `unknown line ${keyword}`);
  for (const [keyword, index, family, ...labels] of fields) {
    const value = lines.get(keyword)?.[index];
    if (value !== undefined) out.add(family, value, ...labels);
  }
  for (const [keyword, version, first, names] of methods) {
    const counts = lines.get(keyword) ?? [];
    for (const [index, method] of names.entries()) {
      const value = counts[first + index];
      if (method !== '' && value !== undefined) out.add(requests, value, method, version);
    }
  }
}

/** The lines by keyword. */
type RpcLines = ReadonlyMap<string, readonly number[]>;

/** Lines such as `rpc 18628 3 1 2 0`; a `proc…` line begins with the number of numbers that follow. */
function parseRpc(lost: Losses, path: string, text: string): RpcLines {
  const lines = new Map<string, readonly number[]>();
  eachRecord(lost, path, text, (line) => {
    const [keyword = '', ...columns] = words(line);
    // The times of thread use after the first two are fractions, and have been zeros since 2.6.31.
    const numbers = (keyword === 'th' ? columns.slice(0, 2) : columns).map(count);
    if (!keyword.startsWith('proc')) {
      lines.set(keyword, numbers);
      return;
    }
    const [announced, ...counts] = numbers;
    if (announced !== counts.length)
      throw new Error(`${keyword} announces ${announced} numbers but has ${counts.length}`);
    lines.set(keyword, counts);
  });
  return lines;
}
