// Queueing disciplines over NETLINK_ROUTE: include/uapi/linux/pkt_sched.h, gen_stats.h. Pure.
import { nulTerminated, u32, u64 } from './native.ts';
import { attribute } from './netlink.ts';

/** A queueing discipline and its counters. */
interface Qdisc {
  /** Index of its device. */
  readonly link: number;
  /** Whether it is the root of its device, not part of another one. */
  readonly isRoot: boolean;
  readonly kind: string;
  readonly bytes: bigint;
  readonly packets: number;
  readonly queueLength: number;
  readonly backlogBytes: number;
  readonly drops: number;
  readonly requeues: number;
  readonly overlimits: number;
}

const TCMSG_BYTES = 20;
const TCA_KIND = 1;
const TCA_STATS2 = 7;
const TCA_STATS_BASIC = 1;
const TCA_STATS_QUEUE = 3;
const TC_H_ROOT = 0xffffffff;
/** struct gnet_stats_basic and gnet_stats_queue of a discipline that does not count. */
const NO_BASIC = Buffer.alloc(16);
const NO_QUEUE = Buffer.alloc(20);

/** Decodes a payload of RTM_NEWQDISC: struct tcmsg and attributes. */
export function decodeQdisc(payload: Buffer): Qdisc {
  const parent = u32(payload, 12);
  const statistics = attribute(payload, TCMSG_BYTES, TCA_STATS2) ?? Buffer.alloc(0);
  const basic = attribute(statistics, 0, TCA_STATS_BASIC) ?? NO_BASIC;
  const queue = attribute(statistics, 0, TCA_STATS_QUEUE) ?? NO_QUEUE;
  return {
    link: u32(payload, 4),
    isRoot: parent === 0 || parent === TC_H_ROOT,
    kind: nulTerminated(attribute(payload, TCMSG_BYTES, TCA_KIND) ?? Buffer.alloc(0)),
    bytes: u64(basic, 0),
    packets: u32(basic, 8),
    queueLength: u32(queue, 0),
    backlogBytes: u32(queue, 4),
    drops: u32(queue, 8),
    requeues: u32(queue, 12),
    overlimits: u32(queue, 16),
  };
}
