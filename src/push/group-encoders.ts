import { relabeledPrepared } from '../metrics/relabel/members.ts';
import type { Relabeling } from '../metrics/relabel/relabeling.ts';
import { type CollectedGroup, GroupEncoder } from './group-encoder.ts';

/** What a cycle collected of a group, before its receivers are known. */
export type Collected = Omit<CollectedGroup, 'encodings'>;

/** The encoders of one group: one for all receivers without their own rules, and one for each receiver with rules. */
export class GroupEncoders {
  readonly #common = new GroupEncoder();
  /** Keys for the producers of the snapshots, by position. */
  readonly #own = new WeakMap<Relabeling, { readonly encoder: GroupEncoder; readonly owners: object[] }>();

  /** The data of a group for receivers with these rules, and its encoder. */
  async relabeled(
    collected: Collected,
    relabeling: Relabeling | undefined,
  ): Promise<{ readonly encoder: GroupEncoder; readonly seen: Collected }> {
    if (relabeling === undefined) return { encoder: this.#common, seen: collected };
    const { encoder, owners } = this.#own.get(relabeling) ?? { encoder: new GroupEncoder(), owners: [] };
    this.#own.set(relabeling, { encoder, owners });
    const snapshots = [];
    for (const [index, snapshot] of collected.snapshots.entries()) {
      const owner = owners[index] ?? {};
      owners[index] = owner;
      snapshot.close();
      await relabeling.prepare(snapshot, owner);
      snapshots.push(relabeling.see(snapshot, owner));
    }
    const prepared = [];
    for (const part of collected.prepared) prepared.push(await relabeledPrepared(part, relabeling));
    const births = (collected.births ?? []).flatMap(({ key, stampMs }) =>
      relabeledKeys([key], relabeling).map((seen) => ({ key: seen, stampMs })),
    );
    return { encoder, seen: { ...collected, snapshots, prepared, births } };
  }
}

/** Series keys after relabeling, without dropped ones. */
export const relabeledKeys = (keys: readonly string[], relabeling: Relabeling): string[] =>
  keys.flatMap((key) => relabeling.keyOf(key, /^[^{]*/.exec(key)?.[0] ?? '') ?? []);
