import type { X509Certificate } from 'node:crypto';
import type { Socket } from 'node:net';
import {
  checkServerIdentity,
  connect,
  type DetailedPeerCertificate,
  type PeerCertificate,
  type SecureContext,
  TLSSocket,
} from 'node:tls';
import { errorText } from '../base/error-text.ts';
import { type CertificateFacts, certificateFacts } from './certificate.ts';
import { settle } from './dial.ts';

/** Options of a TLS session. */
export interface HandshakeOptions {
  readonly context: SecureContext;
  /** The name to request and to expect in the certificate. */
  readonly serverName: string;
  readonly protocols?: readonly string[];
}

/** The facts of a TLS session. */
export interface TlsFacts {
  /** In Go's form, such as `TLS 1.3`. */
  readonly version: string;
  /** IANA's name. */
  readonly cipher: string;
  readonly certificate?: CertificateFacts;
  /** The earliest expiry of the certificates that the server sent, Unix seconds. */
  readonly earliestExpiry?: number;
  /** The earliest expiry in the verified chain, Unix seconds; absent without a verified chain. */
  readonly chainExpiry?: number;
  /** Why the certificate is not trusted for the name. */
  readonly distrust?: string;
  readonly protocol?: string;
}

const VERSIONS: Readonly<Record<string, string>> = {
  TLSv1: 'TLS 1.0',
  'TLSv1.1': 'TLS 1.1',
  'TLSv1.2': 'TLS 1.2',
  'TLSv1.3': 'TLS 1.3',
};

/** No valid chain is longer. */
const MAX_CERTIFICATES = 20;

/**
 * Opens a TLS session on a connection. An untrusted certificate is not an error: it is part of the facts, so that its
 * dates can be reported. Callers must check `distrust` before they send data.
 */
export async function startTls(
  socket: Socket,
  { context, serverName, protocols }: HandshakeOptions,
  signal: AbortSignal,
): Promise<{ readonly socket: TLSSocket; readonly facts: TlsFacts }> {
  const isAddress = /^[\d.]+$|:/.test(serverName);
  let verdict: Verdict | undefined;
  let sent: readonly X509Certificate[] | undefined;
  const secure = await new Promise<TLSSocket>((resolve, reject) => {
    const made = connect({
      socket,
      secureContext: context,
      // An IP address is not a server name (RFC 6066).
      ...(!isAddress && { servername: serverName }),
      ...(protocols && { ALPNProtocols: [...protocols] }),
      rejectUnauthorized: false,
      // Only called for a verified chain.
      checkServerIdentity: () => {
        sent = sentBy(made);
        verdict = verdictOn(made, sent, context, serverName);
        return verdict.error;
      },
    });
    // Node requests this before the check above; it takes as long as the rest of the check, each time.
    made.getPeerCertificate = () => ({}) as DetailedPeerCertificate;
    settle(made, 'secureConnect', signal, resolve, reject);
  });
  return { socket: secure, facts: factsOf(secure, sent ?? sentBy(secure), verdict?.chainExpiry) };
}

/** The result for a verified chain. */
interface Verdict {
  readonly chainExpiry: number;
  /** Why it is not valid for the name. */
  readonly error: Error | undefined;
}

/** Cached verdicts, by trust settings, certificates and name. */
const verdicts = new WeakMap<SecureContext, Map<string, Verdict>>();

function verdictOn(
  socket: TLSSocket,
  sent: readonly X509Certificate[],
  context: SecureContext,
  serverName: string,
): Verdict {
  const ofContext = verdicts.get(context) ?? new Map<string, Verdict>();
  verdicts.set(context, ofContext);
  const key = [serverName, ...sent.map(({ fingerprint256 }) => fingerprint256)].join(' ');
  const known = ofContext.get(key);
  if (known) return known;
  const certificate = TLSSocket.prototype.getPeerCertificate.call(socket, true) as DetailedPeerCertificate;
  const verdict = { chainExpiry: earliestEnd(certificate), error: identityError(serverName, certificate) };
  if (ofContext.size >= MAX_KNOWN) ofContext.clear();
  ofContext.set(key, verdict);
  return verdict;
}

/** Go does not trust common names. */
function identityError(serverName: string, certificate: PeerCertificate): Error | undefined {
  if (certificate.subjectaltname !== undefined) return checkServerIdentity(serverName, certificate);
  return new Error('the certificate has no subject alternative names');
}

/** The certificates that the server sent, the leaf first. */
function sentBy(socket: TLSSocket): X509Certificate[] {
  const sent: X509Certificate[] = [];
  for (let one = socket.getPeerX509Certificate(); one && sent.length < MAX_CERTIFICATES; one = one.issuerCertificate) {
    sent.push(one);
  }
  return sent;
}

/** Cached facts by fingerprint: the same certificates recur in every run. */
const known = new Map<string, CertificateFacts>();
const MAX_KNOWN = 200;

function knownFacts(certificate: X509Certificate): CertificateFacts {
  const { fingerprint256 } = certificate;
  const facts = known.get(fingerprint256) ?? certificateFacts(certificate);
  if (known.size >= MAX_KNOWN) known.clear();
  known.set(fingerprint256, facts);
  return facts;
}

function factsOf(socket: TLSSocket, sent: readonly X509Certificate[], chainExpiry: number | undefined): TlsFacts {
  const version = socket.getProtocol() ?? '';
  const [leaf] = sent;
  const protocol = socket.alpnProtocol;
  return {
    version: VERSIONS[version] ?? 'unknown',
    cipher: socket.getCipher().standardName,
    ...(leaf && {
      certificate: knownFacts(leaf),
      earliestExpiry: Math.min(...sent.map(({ validToDate }) => secondsOf(validToDate))),
    }),
    ...(!socket.authorized && { distrust: distrustOf(socket) }),
    ...(socket.authorized && chainExpiry !== undefined && { chainExpiry }),
    ...(typeof protocol === 'string' && { protocol }),
  };
}

/** Follows the issuers up to the root, which the server need not have sent. */
function earliestEnd(leaf: PeerCertificate): number {
  let earliest = Number.POSITIVE_INFINITY;
  let certificate: Partial<DetailedPeerCertificate> = leaf;
  for (let count = 0; count < MAX_CERTIFICATES; count++) {
    earliest = Math.min(earliest, secondsOf(new Date(certificate.valid_to ?? '')));
    const issuer = certificate.issuerCertificate;
    if (!issuer || issuer === certificate) break;
    certificate = issuer;
  }
  return earliest;
}

const secondsOf = (date: Date): number => Math.floor(date.getTime() / 1000);

function distrustOf({ authorizationError: cause }: TLSSocket): string {
  // Typed as an Error, but a string in most cases.
  return errorText(cause);
}
