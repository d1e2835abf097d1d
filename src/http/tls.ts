import type { Server as TlsServer } from 'node:https';
import { errorText } from '../base/error-text.ts';
import { readRegular } from '../base/files.ts';
import { ConfigError } from '../config/config-error.ts';

/** Files of the server's certificate and its key. */
export interface ServerTls {
  readonly certFile: string;
  readonly keyFile: string;
}

/** Mounted certificates are renewed in place, long before the old ones end. */
const REREAD_CERTIFICATE_MS = 60_000;

/** No chain of certificates is larger. */
const LIMITS = { maxBytes: 1024 * 1024 };

/** Reads the certificate and its key. Throws ConfigError. */
export function readCertificate({ certFile, keyFile }: ServerTls): { cert: Buffer; key: Buffer } {
  try {
    return { cert: readRegular(certFile, LIMITS).content, key: readRegular(keyFile, LIMITS).content };
  } catch (cause) {
    throw new ConfigError([`http.tls: cannot read the certificate or its key: ${errorText(cause)}`]);
  }
}

/**
 * Loads renewed certificates until the server closes; an invalid one leaves the old one in place, and `onError` gets
 * the error.
 */
export function followCertificate(
  server: TlsServer,
  tls: ServerTls,
  onError: (path: string, cause: unknown) => void,
): void {
  const timer = setInterval(() => {
    try {
      server.setSecureContext(readCertificate(tls));
    } catch (cause) {
      onError(tls.certFile, cause);
    }
  }, REREAD_CERTIFICATE_MS);
  timer.unref();
  server.once('close', () => clearInterval(timer));
}
