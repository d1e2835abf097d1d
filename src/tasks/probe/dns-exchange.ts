import { createSocket } from 'node:dgram';
import { dial } from '../../net/dial.ts';
import { type DnsAnswer, type DnsQuestion, decodeAnswer, encodeQuestion } from '../../net/dns-message.ts';
import type { Address } from '../../net/literal-address.ts';
import { type HandshakeOptions, startTls, type TlsFacts } from '../../net/tls-session.ts';

/** Transport of a query. */
export interface DnsConnection {
  readonly address: Address;
  readonly port: number;
  readonly signal: AbortSignal;
  /** Called when the connection is established. */
  onConnect(): void;
}

/** Sends one query over UDP. Responses to other queries are ignored. Rejects with the error of the socket. */
export function askUdp(question: DnsQuestion, { address, port, signal, onConnect }: DnsConnection): Promise<DnsAnswer> {
  const socket = createSocket(address.family === 6 ? 'udp6' : 'udp4');
  return new Promise<DnsAnswer>((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    socket.on('error', reject);
    socket.on('message', (message) => {
      if (message.length < 12 || message.readUInt16BE(0) !== question.id) return;
      try {
        resolve(decodeAnswer(message));
      } catch (cause) {
        reject(cause);
      }
    });
    socket.connect(port, address.address, (cause?: Error) => {
      if (cause) return reject(cause);
      onConnect();
      socket.send(encodeQuestion(question));
    });
  }).finally(() => socket.close());
}

/** Sends one query over TCP, or over TLS if `tls` is set; `onTls` gets the session, and throws if it is not trusted. */
export async function askTcp(
  question: DnsQuestion,
  { address, port, signal, onConnect }: DnsConnection,
  tls?: {
    readonly handshake: HandshakeOptions;
    readonly onTls: (facts: TlsFacts) => void;
    readonly onStart: () => void;
  },
): Promise<DnsAnswer> {
  let socket = await dial(address, port, signal);
  try {
    if (tls) {
      tls.onStart();
      const secure = await startTls(socket, tls.handshake, signal);
      socket = secure.socket;
      tls.onTls(secure.facts);
    }
    onConnect();
    const message = encodeQuestion(question);
    const length = Buffer.alloc(2);
    length.writeUInt16BE(message.length);
    return await new Promise<DnsAnswer>((resolve, reject) => {
      let waiting: Buffer = Buffer.alloc(0);
      const abort = () => reject(signal.reason);
      if (signal.aborted) return abort();
      signal.addEventListener('abort', abort, { once: true });
      socket.on('error', reject);
      socket.on('close', () =>
        reject(Object.assign(new Error('the name server closed the connection'), { code: 'ECONNRESET' })),
      );
      socket.on('data', (chunk: Buffer) => {
        waiting = Buffer.concat([waiting, chunk]);
        if (waiting.length < 2 || waiting.length < 2 + waiting.readUInt16BE(0)) return;
        try {
          resolve(decodeAnswer(waiting.subarray(2, 2 + waiting.readUInt16BE(0))));
        } catch (cause) {
          reject(cause);
        }
      });
      socket.write(Buffer.concat([length, message]));
    });
  } finally {
    socket.destroy();
  }
}
