// Datagrams of a UDP port, decoded and authorized by net-snmp.
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import netSnmp, { type NetSnmpPdu, type NetSnmpUser } from 'net-snmp';
import { errorCode } from '../../../base/error-text.ts';
import type { SnmpUser } from './options.ts';
import { type Refusal, type SnmpVersion, type Trap, trapOf, versionOf } from './trap.ts';

/** The accepted senders of traps. Secrets: must not appear in logs, errors or pages. */
export interface Senders {
  readonly communities: readonly string[];
  readonly users: readonly (SnmpUser & { readonly authPassword: string; readonly privPassword?: string })[];
}

interface TrapReceiverOptions {
  readonly host: string | undefined;
  readonly port: number;
  /** Maximum datagrams per second; any beyond are refused. */
  readonly maxPerSecond: number;
  readonly now: () => number;
  readonly onTrap: (trap: Trap, source: string) => void;
  readonly onRefused: (why: Refusal) => void;
}

/** Maximum new engines per second: for each, the keys of its user are derived, which takes a millisecond. */
const MAX_ENGINES_PER_SECOND = 20;
/** Maximum number of cached derived keys. */
const MAX_KEYS = 1000;
const BIND_DEADLINE_MS = 5_000;
const RECEIVE_BUFFER_BYTES = 1024 * 1024;

/**
 * The library would create its own socket without limits on reading: it gets this one instead, and datagrams are passed
 * to it explicitly.
 */
const NO_SOCKET = { createSocket: () => ({ on: () => undefined, bind: () => undefined }) };

/** A socket that receives traps of all versions. */
export class TrapReceiver {
  readonly #options: TrapReceiverOptions;
  readonly #library;
  readonly #reply;
  #socket: Socket | undefined;
  #second = 0;
  #taken = 0;
  #newKeys = 0;
  #version: SnmpVersion | undefined;
  #source = '';

  constructor(options: TrapReceiverOptions) {
    this.#options = options;
    this.#library = netSnmp.createReceiver({ includeAuthentication: true, dgramModule: NO_SOCKET }, (cause, data) => {
      if (cause !== null || data === undefined) options.onRefused(refusalOf(cause, this.#version));
      else this.#decoded(data.pdu);
    });
    this.#reply = {
      send: (buffer: Buffer, offset: number, length: number, port: number, address: string) => {
        this.#socket?.send(buffer, offset, length, port, address, () => undefined);
      },
    };
  }

  /** Replaces the accepted senders. */
  set senders({ communities, users }: Senders) {
    const authorizer = this.#library.getAuthorizer();
    authorizer.communities = [...communities];
    authorizer.users = users.map(libraryUser);
    netSnmp.Authentication.authToKeyCache = {};
  }

  /** Opens the port; rejects with the error of node:dgram if it is unavailable. Does nothing if it is already open. */
  async open(signal: AbortSignal): Promise<void> {
    if (this.#socket !== undefined) return;
    const { host } = this.#options;
    if (host !== undefined) return this.#bind(host.includes(':') ? 'udp6' : 'udp4', signal);
    try {
      await this.#bind('udp6', signal);
    } catch (cause) {
      // The kernel has no IPv6.
      if (errorCode(cause) !== 'EAFNOSUPPORT') throw cause;
      await this.#bind('udp4', signal);
    }
  }

  /** The port that was opened; undefined while closed. */
  get port(): number | undefined {
    return this.#socket?.address().port;
  }

  close(): void {
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.removeAllListeners();
    // Errors while it is closed are ignored.
    socket?.on('error', () => undefined);
    socket?.close();
  }

  async #bind(type: 'udp4' | 'udp6', signal: AbortSignal): Promise<void> {
    const { host, port } = this.#options;
    const socket = createSocket({ type, recvBufferSize: RECEIVE_BUFFER_BYTES });
    this.#socket = socket;
    try {
      socket.bind({ port, ...(host !== undefined && { address: host }) });
      await once(socket, 'listening', { signal: AbortSignal.any([signal, AbortSignal.timeout(BIND_DEADLINE_MS)]) });
    } catch (cause) {
      this.close();
      throw cause;
    }
    socket.unref();
    socket.on('message', (datagram, from) => this.#take(datagram, from));
    // Reopened in the next cycle.
    socket.on('error', () => this.close());
  }

  #take(datagram: Buffer, from: RemoteInfo): void {
    const { now, maxPerSecond, onRefused } = this.#options;
    const second = Math.floor(now() / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#taken = 0;
      this.#newKeys = 0;
    }
    this.#version = versionOf(datagram);
    const isFull = this.#taken >= maxPerSecond || (this.#version === '3' && this.#newKeys >= MAX_ENGINES_PER_SECOND);
    if (this.#version === undefined) onRefused('malformed');
    else if (isFull) onRefused('rate');
    else this.#decode(datagram, from);
  }

  #decode(datagram: Buffer, from: RemoteInfo): void {
    this.#taken++;
    this.#source = from.address.startsWith('::ffff:') ? from.address.slice('::ffff:'.length) : from.address;
    const before = keyCount();
    try {
      this.#library.onMsg(this.#reply, datagram, from);
    } catch {
      this.#options.onRefused('malformed');
    }
    const after = keyCount();
    this.#newKeys += Math.max(0, after - before);
    if (after > MAX_KEYS) netSnmp.Authentication.authToKeyCache = {};
  }

  #decoded(pdu: NetSnmpPdu): void {
    const { onRefused, onTrap } = this.#options;
    // The library accepts a version 3 message with an empty user name.
    const isNobody = this.#version === '3' && (pdu.user ?? '') === '';
    const trap = this.#version && trapOf(pdu, this.#version);
    if (isNobody) onRefused('user');
    else if (trap === undefined) onRefused('malformed');
    else onTrap(trap, this.#source);
  }
}

const keyCount = (): number => Object.keys(netSnmp.Authentication.authToKeyCache).length;

/** By the class of the library's error. Its text may contain digests and communities, and is never used. */
function refusalOf(cause: (Error & { readonly code?: unknown }) | null, version: SnmpVersion | undefined): Refusal {
  const { EAuthFailure, ECouldNotDecrypt } = netSnmp.ResponseInvalidCode;
  if (cause?.name === 'RequestFailedError') return version === '3' ? 'user' : 'community';
  if (cause?.name === 'RequestInvalidError') return 'unexpected';
  return cause?.code === EAuthFailure || cause?.code === ECouldNotDecrypt ? 'authentication' : 'malformed';
}

function libraryUser({ name, auth, authPassword, priv, privPassword }: Senders['users'][number]): NetSnmpUser {
  const { AuthProtocols, PrivProtocols, SecurityLevel } = netSnmp;
  const user = { name, authProtocol: AuthProtocols[auth], authKey: authPassword };
  if (privPassword === undefined) return { ...user, level: SecurityLevel.authNoPriv };
  const level = SecurityLevel.authPriv;
  return { ...user, level, privProtocol: PrivProtocols[priv], privKey: privPassword };
}
