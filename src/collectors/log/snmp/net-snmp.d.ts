// The part of net-snmp that the receiver of traps uses; the library has no types of its own.
declare module 'net-snmp' {
  import type { RemoteInfo } from 'node:dgram';

  export interface NetSnmpVarbind {
    readonly oid: string;
    /** ASN.1 tag. */
    readonly type: number;
    /** Depending on the tag: a number, an OID or an address as text, a Buffer, a boolean, or null. */
    readonly value: unknown;
  }

  export interface NetSnmpPdu {
    /** ASN.1 tag: 0xa4 trap of version 1, 0xa6 inform, 0xa7 trap of version 2. */
    readonly type: number;
    readonly enterprise?: string;
    readonly agentAddr?: string;
    readonly generic?: number;
    readonly specific?: number;
    readonly upTime?: number;
    readonly varbinds: readonly NetSnmpVarbind[];
    /** Name of the sender's user, for version 3; '' without one. */
    readonly user?: string;
  }

  export interface NetSnmpUser {
    readonly name: string;
    readonly level: number;
    readonly authProtocol: number;
    readonly authKey: string;
    readonly privProtocol?: number;
    readonly privKey?: string;
  }

  export interface NetSnmpSocket {
    send(
      buffer: Buffer,
      offset: number,
      length: number,
      port: number,
      address: string,
      done: (cause: Error | null) => void,
    ): void;
  }

  export interface NetSnmpAuthorizer {
    communities: string[];
    users: NetSnmpUser[];
  }

  export interface NetSnmpReceiver {
    getAuthorizer(): NetSnmpAuthorizer;
    /** Processes a datagram; responds to informs and discovery through `socket`. */
    onMsg(socket: NetSnmpSocket, datagram: Buffer, from: RemoteInfo): void;
  }

  export interface NetSnmpReceiverOptions {
    readonly includeAuthentication: boolean;
    /** Creates the sockets instead of node:dgram. */
    readonly dgramModule: { createSocket(): { on(): void; bind(): void } };
  }

  const netSnmp: {
    createReceiver(
      options: NetSnmpReceiverOptions,
      callback: (cause: Error | null, data?: { readonly pdu: NetSnmpPdu }) => void,
    ): NetSnmpReceiver;
    readonly AuthProtocols: Readonly<Record<'md5' | 'sha' | 'sha224' | 'sha256' | 'sha384' | 'sha512', number>>;
    readonly PrivProtocols: Readonly<Record<'des' | 'aes' | 'aes256b' | 'aes256r', number>>;
    readonly SecurityLevel: Readonly<Record<'authNoPriv' | 'authPriv', number>>;
    readonly ResponseInvalidCode: Readonly<Record<string, number>>;
    /** Keys of users by the engines that they were derived for; never emptied by the library. */
    readonly Authentication: { authToKeyCache: Record<string, Buffer> };
  };
  // biome-ignore lint/style/noDefaultExport: a CommonJS module is imported by its default export
  export default netSnmp;
}
