import { isUtf8 } from 'node:buffer';
import type { NetSnmpPdu, NetSnmpVarbind } from 'net-snmp';

/** Versions of SNMP, as in the label `version`. */
export type SnmpVersion = '1' | '2c' | '3';

/** One value of a trap. */
interface Varbind {
  readonly oid: string;
  /** Numbers, addresses and OIDs as text; bytes for an octet string that is not text. */
  readonly value: string | Uint8Array;
}

/** A trap or inform of any version. */
export interface Trap {
  readonly version: SnmpVersion;
  /** The value of snmpTrapOID.0; for version 1 derived as in RFC 3584, 3.1. */
  readonly oid: string;
  /** Hundredths of a second since the sender's start. */
  readonly uptime: number | undefined;
  /** Address of the agent given in version 1, which may differ from the sender's. */
  readonly agentAddress: string | undefined;
  /** Without sysUpTime.0 and snmpTrapOID.0. */
  readonly varbinds: readonly Varbind[];
}

/** Why a datagram was refused. */
export const REFUSALS = ['community', 'user', 'authentication', 'malformed', 'unexpected', 'rate'] as const;
export type Refusal = (typeof REFUSALS)[number];

const SYS_UPTIME = '1.3.6.1.2.1.1.3.0';
const TRAP_OID = '1.3.6.1.6.3.1.1.4.1.0';
const STANDARD_TRAPS = '1.3.6.1.6.3.1.1.5';
const ENTERPRISE_SPECIFIC = 6;

/** Names of the traps of SNMPv2-MIB and IF-MIB, by OID. */
export const STANDARD_NAMES: Readonly<Record<string, string>> = {
  [`${STANDARD_TRAPS}.1`]: 'coldStart',
  [`${STANDARD_TRAPS}.2`]: 'warmStart',
  [`${STANDARD_TRAPS}.3`]: 'linkDown',
  [`${STANDARD_TRAPS}.4`]: 'linkUp',
  [`${STANDARD_TRAPS}.5`]: 'authenticationFailure',
  [`${STANDARD_TRAPS}.6`]: 'egpNeighborLoss',
};

const V1_TRAP = 0xa4;
const INFORM = 0xa6;
const V2_TRAP = 0xa7;
/** RFC 2578, 3.5: at most 128 numbers of at most 2^32-1. */
const OID = /^\d{1,10}(?:\.\d{1,10}){1,127}$/;

/** The version at the start of a datagram; undefined if it is not SNMP. */
export function versionOf(datagram: Uint8Array): SnmpVersion | undefined {
  if (datagram[0] !== 0x30) return undefined;
  const length = datagram[1] ?? 0;
  const start = length < 0x80 ? 2 : 2 + (length & 0x7f);
  if (datagram[start] !== 0x02 || datagram[start + 1] !== 1) return undefined;
  return ({ 0: '1', 1: '2c', 3: '3' } as const)[datagram[start + 2] ?? -1];
}

/** The trap in a decoded PDU; undefined if it lacks required values. */
export function trapOf(pdu: NetSnmpPdu, version: SnmpVersion): Trap | undefined {
  if (pdu.type === V1_TRAP) return trapOfV1(pdu);
  if (pdu.type !== V2_TRAP && pdu.type !== INFORM) return undefined;
  let oid: unknown;
  let uptime: unknown;
  const varbinds: Varbind[] = [];
  for (const one of pdu.varbinds) {
    if (one.oid === TRAP_OID) oid ??= one.value;
    else if (one.oid === SYS_UPTIME) uptime ??= one.value;
    else varbinds.push(varbindOf(one));
  }
  if (typeof oid !== 'string' || !OID.test(oid)) return undefined;
  return { version, oid, uptime: numberOf(uptime), agentAddress: undefined, varbinds };
}

function trapOfV1({ enterprise, generic, specific, agentAddr, upTime, varbinds }: NetSnmpPdu): Trap | undefined {
  if (typeof enterprise !== 'string' || typeof generic !== 'number' || generic < 0) return undefined;
  const isSpecific = generic >= ENTERPRISE_SPECIFIC;
  const oid = isSpecific ? `${enterprise}.0.${specific ?? 0}` : `${STANDARD_TRAPS}.${generic + 1}`;
  if (!OID.test(oid)) return undefined;
  const agentAddress = typeof agentAddr === 'string' && agentAddr !== '0.0.0.0' ? agentAddr : undefined;
  return { version: '1', oid, uptime: numberOf(upTime), agentAddress, varbinds: varbinds.map(varbindOf) };
}

const numberOf = (value: unknown): number | undefined => (typeof value === 'number' ? value : undefined);

const OCTET_STRING = 4;
const COUNTER64 = 70;

function varbindOf({ oid, type, value }: NetSnmpVarbind): Varbind {
  if (value === null || value === undefined) return { oid, value: '' };
  if (!Buffer.isBuffer(value)) return { oid, value: String(value) };
  if (type === COUNTER64) return { oid, value: BigInt(`0x0${value.toString('hex')}`).toString() };
  const isText = type === OCTET_STRING && isUtf8(value) && !value.some((byte) => byte < 0x20 && !isSpace(byte));
  return { oid, value: isText ? value.toString('utf8') : Uint8Array.from(value) };
}

const isSpace = (byte: number): boolean => byte === 0x09 || byte === 0x0a || byte === 0x0d;
