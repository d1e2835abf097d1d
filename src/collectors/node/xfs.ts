// /sys/fs/xfs/<device>/stats/stats: "Runtime statistics" on xfs.org, fs/xfs/xfs_stats.c of the kernel. Nothing without
// mounted XFS.
import { eachRecord, type Losses, words } from '../../host/lines.ts';
import { count as countOf } from '../../host/numbers.ts';
import { counter, type Family } from '../../metrics/family.ts';
import { defineCollector, NO_OPTIONS } from '../collector.ts';

const count = (name: string, help: string) => counter(name, help, ['device']);

/** Families by the first word of their line, in the order of its numbers; the kernel's counts wrap at 2^32. */
const lines: ReadonlyMap<string, readonly Family[]> = new Map([
  [
    'extent_alloc',
    [
      count('node_xfs_extent_allocation_extents_allocated_total', 'Extents allocated.'),
      count('node_xfs_extent_allocation_blocks_allocated_total', 'Blocks allocated.'),
      count('node_xfs_extent_allocation_extents_freed_total', 'Extents freed.'),
      count('node_xfs_extent_allocation_blocks_freed_total', 'Blocks freed.'),
    ],
  ],
  [
    'abt',
    [
      count('node_xfs_allocation_btree_lookups_total', 'Lookups in the allocation B-tree.'),
      count('node_xfs_allocation_btree_compares_total', 'Comparisons in the allocation B-tree.'),
      count('node_xfs_allocation_btree_records_inserted_total', 'Records inserted into the allocation B-tree.'),
      count('node_xfs_allocation_btree_records_deleted_total', 'Records deleted from the allocation B-tree.'),
    ],
  ],
  [
    'blk_map',
    [
      count('node_xfs_block_mapping_reads_total', 'Block map requests for reads.'),
      count('node_xfs_block_mapping_writes_total', 'Block map requests for writes.'),
      count('node_xfs_block_mapping_unmaps_total', 'Block unmap requests, as for deletions.'),
      count('node_xfs_block_mapping_extent_list_insertions_total', 'Insertions into extent lists.'),
      count('node_xfs_block_mapping_extent_list_deletions_total', 'Deletions from extent lists.'),
      count('node_xfs_block_mapping_extent_list_lookups_total', 'Lookups in extent lists.'),
      count('node_xfs_block_mapping_extent_list_compares_total', 'Comparisons in extent lists.'),
    ],
  ],
  [
    'bmbt',
    [
      count('node_xfs_block_map_btree_lookups_total', 'Lookups in block map B-trees.'),
      count('node_xfs_block_map_btree_compares_total', 'Comparisons in block map B-trees.'),
      count('node_xfs_block_map_btree_records_inserted_total', 'Records inserted into block map B-trees.'),
      count('node_xfs_block_map_btree_records_deleted_total', 'Records deleted from block map B-trees.'),
    ],
  ],
  [
    'dir',
    [
      count('node_xfs_directory_operation_lookup_total', 'Names looked up in directories.'),
      count('node_xfs_directory_operation_create_total', 'Entries created in directories.'),
      count('node_xfs_directory_operation_remove_total', 'Entries removed from directories.'),
      count('node_xfs_directory_operation_getdents_total', 'Reads of directories.'),
    ],
  ],
  [
    'ig',
    [
      count('node_xfs_inode_operation_attempts_total', 'Lookups in the inode cache.'),
      count('node_xfs_inode_operation_found_total', 'Lookups that found the inode in the cache.'),
      count('node_xfs_inode_operation_recycled_total', 'Lookups that found the inode being recycled.'),
      count('node_xfs_inode_operation_missed_total', 'Lookups that did not find the inode in the cache.'),
      count('node_xfs_inode_operation_duplicates_total', 'Inodes that another thread had already cached.'),
      count('node_xfs_inode_operation_reclaims_total', 'Inodes removed from the cache.'),
      count('node_xfs_inode_operation_attribute_changes_total', 'Changes to the attributes of inodes.'),
    ],
  ],
  ['rw', [count('node_xfs_write_calls_total', 'Write calls.'), count('node_xfs_read_calls_total', 'Read calls.')]],
  [
    'vnodes',
    [
      count('node_xfs_vnode_active_total', 'Vnodes in use.'),
      count('node_xfs_vnode_allocate_total', 'Calls to vn_alloc.'),
      count('node_xfs_vnode_get_total', 'Calls to vn_get.'),
      count('node_xfs_vnode_hold_total', 'Calls to vn_hold.'),
      count('node_xfs_vnode_release_total', 'Calls to vn_rele.'),
      count('node_xfs_vnode_reclaim_total', 'Calls to vn_reclaim.'),
      count('node_xfs_vnode_remove_total', 'Calls to vn_remove.'),
    ],
  ],
]);

/** Operations of XFS. */
export const xfs = defineCollector({
  name: 'xfs',
  enabled: true,
  summary: 'Operations of each mounted XFS, from `/sys/fs/xfs/<device>/stats/stats`.',
  options: NO_OPTIONS,
  whenEmpty: 'no XFS is mounted',
  families: [...lines.values()].flat(),
  create({ host }) {
    const folder = host.sys('fs/xfs');
    return (out) => {
      for (const device of host.listIfExists(folder)) {
        const path = `${folder}/${device}/stats/stats`;
        // Next to the devices there are folders with totals and for debugging.
        if (!host.exists(path)) continue;
        out.attempt(device, () => {
          const text = host.readIfExists(path);
          if (text === undefined) return;
          for (const [family, value] of parseXfsStats(out, path, text)) out.add(family, value, device);
        });
      }
    };
  },
});

/** The counts that have a family: lines such as `rw 28 0`. */
function parseXfsStats(lost: Losses, path: string, text: string): [Family, number][] {
  const values: [Family, number][] = [];
  eachRecord(lost, path, text, (line) => {
    const [keyword = '', ...counts] = words(line);
    const families = lines.get(keyword) ?? [];
    const numbers = families.map((family, index): [Family, number] => [family, countOf(counts[index])]);
    values.push(...numbers);
  });
  return values;
}
