// Generic netlink: include/uapi/linux/genetlink.h. Families of messages get their numbers when their module is loaded.
import { nulTerminated, u16 } from './native.ts';
import { attribute } from './netlink.ts';
import type { DumpKind, Netlink } from './netlink-socket.ts';

const NETLINK_GENERIC = 16;
/** Bytes of struct genlmsghdr, which begins each payload: attributes come after it. */
export const GENERIC_HEADER_BYTES = 4;
const GENL_ID_CTRL = 16;
const CTRL_CMD_GETFAMILY = 3;
const CTRL_ATTR_FAMILY_ID = 1;
const CTRL_ATTR_FAMILY_NAME = 2;

/** A dump of `command` of a family, with attributes that narrow it down. */
export function genericDump(family: number, command: number, ...attributes: readonly Buffer[]): DumpKind {
  const header = Buffer.alloc(GENERIC_HEADER_BYTES);
  header[0] = command;
  header[1] = 1; // version
  return { family: NETLINK_GENERIC, type: family, header: Buffer.concat([header, ...attributes]) };
}

/**
 * The number of the family called `name`; undefined when the kernel has none, or has not loaded its module. Throws as
 * {@link Netlink.dump}.
 */
export function genericFamily(netlink: Netlink, name: string): number | undefined {
  let found: number | undefined;
  netlink.dump(genericDump(GENL_ID_CTRL, CTRL_CMD_GETFAMILY), (payload) => {
    const id = attribute(payload, GENERIC_HEADER_BYTES, CTRL_ATTR_FAMILY_ID);
    const itsName = attribute(payload, GENERIC_HEADER_BYTES, CTRL_ATTR_FAMILY_NAME);
    if (id !== undefined && id.length >= 2 && itsName !== undefined && nulTerminated(itsName) === name) {
      found = u16(id, 0);
    }
  });
  return found;
}
