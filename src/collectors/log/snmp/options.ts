import * as z from 'zod';
import { filePath } from '../../../config/units.ts';

const LISTEN = /^(?:\[([0-9a-fA-F:]+)\]|([0-9a-fA-F.]*)):(\d{1,5})$/;
const OID = /^\d+(?:\.\d+)+$/;

const snmpUser = z.strictObject({
  name: z.string().min(1).max(32).describe('Security name of the sender.'),
  auth: z
    .enum(['md5', 'sha', 'sha224', 'sha256', 'sha384', 'sha512'])
    .default('sha256')
    .describe('Authentication protocol.'),
  authPasswordFile: filePath('File with the authentication password, 8 characters or more.'),
  priv: z
    .enum(['des', 'aes', 'aes256b', 'aes256r'])
    .default('aes')
    .describe('Privacy (encryption) protocol; AES-256 in the variant of Blumenthal (`b`) or Reeder (`r`).'),
  privPasswordFile: filePath(
    'File with the privacy password; if set, traps of this sender must be encrypted.',
  ).optional(),
});

/** One of `collectors.snmp.users`. */
export type SnmpUser = z.output<typeof snmpUser>;

export const snmpOptions = z.strictObject({
  listen: z
    .string()
    .regex(LISTEN, 'expected ADDRESS:PORT or :PORT')
    .default(':1162')
    .describe(
      'UDP address to listen on for traps; `:1162` for all IPv4 and IPv6 addresses. Ports below 1024 need CAP_NET_BIND_SERVICE.',
    ),
  communityFiles: z
    .array(filePath('File with one community.'))
    .max(100)
    .default([])
    .describe('Files with the accepted communities of versions 1 and 2c, one per file; others are refused.'),
  users: z.array(snmpUser).max(100).default([]).describe('Accepted senders of version 3; they must authenticate.'),
  names: z
    .record(z.string(), z.string().min(1).max(64))
    .refine((names) => Object.keys(names).every((oid) => OID.test(oid)), {
      error: 'expected OIDs in digits, such as 1.3.6.1.4.1.9.9.41.2.0.1',
    })
    .default({})
    .describe('Values of the label `name` by the OID of the trap, in addition to those of the standard traps.'),
  maxSeries: z
    .int()
    .min(1)
    .max(10_000)
    .default(1000)
    .describe('Maximum number of series; the rest are counted as `__other__`.'),
  maxPerSecond: z
    .int()
    .min(1)
    .max(10_000)
    .default(1000)
    .describe('Maximum datagrams per second; any beyond are not decoded, and count as refused.'),
});

export type SnmpOptions = z.output<typeof snmpOptions>;

/** Host and port of `listen`; without a host all addresses. */
export function listenAddress(listen: string): { readonly host: string | undefined; readonly port: number } {
  const [, v6, v4, port] = LISTEN.exec(listen) ?? [];
  return { host: v6 || v4 || undefined, port: Number(port) };
}
