import { createSecureContext, type SecureContext } from 'node:tls';
import { errorText } from '../../base/error-text.ts';
import { fileStamp, readText, whyUnread } from '../../base/files.ts';
import { parseDuration } from '../../config/units.ts';
import type { HandshakeOptions, TlsFacts } from '../../net/tls-session.ts';
import { ProbeFailure } from './failure.ts';
import { TLS } from './families.ts';
import type { TlsOptions } from './options.ts';
import type { Put } from './probe.ts';

const MAX_FILE_BYTES = 1024 * 1024;

const VERSIONS = { TLS10: 'TLSv1', TLS11: 'TLSv1.1', TLS12: 'TLSv1.2', TLS13: 'TLSv1.3' } as const;

/**
 * Key exchanges, cheapest first. OpenSSL's own order begins with ML-KEM, whose keys take longer to generate than the
 * rest of a handshake; a server that requires it requests it.
 */
const GROUPS = 'X25519:P-256:P-384:P-521:X25519MLKEM768';

/** The TLS settings of one task. Certificates and keys are read again when their files have changed. */
export class TlsSettings {
  readonly #options: TlsOptions;
  #stamp: string | undefined;
  #context: SecureContext | undefined;

  constructor(options: TlsOptions) {
    this.#options = options;
  }

  /** For a connection to `host`. Throws ProbeFailure when a file can't be used. */
  handshake(host: string, protocols?: readonly string[]): HandshakeOptions {
    const serverName = this.#options.serverName ?? host.replace(/^\[(.*)\]$/, '$1');
    return { context: this.#current(), serverName, ...(protocols && { protocols }) };
  }

  /** Throws ProbeFailure for a certificate that is not trusted or ends too soon. */
  check({ distrust, earliestExpiry }: TlsFacts, nowMs: number): void {
    if (distrust !== undefined && !this.#options.insecureSkipVerify) {
      throw new ProbeFailure('certificate', `the certificate is not trusted: ${distrust}`);
    }
    const { minExpiry } = this.#options;
    const leastMs = parseDuration(minExpiry) ?? 0;
    if (leastMs === 0 || earliestExpiry === undefined || earliestExpiry * 1000 - nowMs >= leastMs) return;
    const end = new Date(earliestExpiry * 1000).toISOString();
    throw new ProbeFailure('certificate', `a certificate expires at ${end}, but must remain valid for ${minExpiry}`);
  }

  #current(): SecureContext {
    const { caFile, certFile, keyFile, minVersion, maxVersion } = this.#options;
    const files = [caFile, certFile, keyFile];
    const stamp = files.map((path) => (path === undefined ? '' : fileStamp(path))).join(' ');
    if (this.#context && stamp === this.#stamp) return this.#context;
    const [ca, cert, key] = files.map((path) => (path === undefined ? undefined : contentOf(path)));
    try {
      const made = createSecureContext({
        ...(ca !== undefined && { ca }),
        ...(cert !== undefined && { cert }),
        ...(key !== undefined && { key }),
        minVersion: VERSIONS[minVersion],
        maxVersion: VERSIONS[maxVersion],
        ecdhCurve: GROUPS,
        // OpenSSL refuses versions before 1.2 at security level 1.
        ...(/^TLS1[01]$/.test(minVersion) && { ciphers: 'DEFAULT@SECLEVEL=0' }),
      });
      this.#context = made;
      this.#stamp = stamp;
      return made;
    } catch (cause) {
      const names = files.filter((path) => path !== undefined).join(', ');
      throw new ProbeFailure('internal', `the TLS settings cannot be used (${names}): ${errorText(cause)}`, { cause });
    }
  }
}

function contentOf(path: string): string {
  try {
    return readText(path, MAX_FILE_BYTES);
  } catch (cause) {
    throw new ProbeFailure('internal', `cannot read ${path}: ${whyUnread(cause)}`, { cause });
  }
}

/** Adds the data of a TLS session, including one whose certificate is not trusted. */
export function reportTls(put: Put, { version, cipher, certificate, earliestExpiry, chainExpiry }: TlsFacts): void {
  if (earliestExpiry !== undefined) put(TLS.earliestExpiry, earliestExpiry);
  if (chainExpiry !== undefined && Number.isFinite(chainExpiry)) put(TLS.chainExpiry, chainExpiry);
  if (certificate) {
    const { fingerprint, subject, issuer, dnsNames, serialNumber } = certificate;
    put(TLS.chainInfo, 1, fingerprint, subject, issuer, dnsNames, serialNumber);
  }
  put(TLS.version, 1, version);
  put(TLS.cipher, 1, cipher);
}
