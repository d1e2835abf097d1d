import { fileStamp, readRegular, whyUnread } from '../base/files.ts';

/** TLS settings of a client. The files may be replaced at any time, as mounted secrets are. */
interface ClientTls {
  readonly caFile?: string | undefined;
  readonly certFile?: string | undefined;
  readonly keyFile?: string | undefined;
  /** The name expected in the certificate, if not that of the host. */
  readonly serverName?: string | undefined;
  readonly insecureSkipVerify: boolean;
}

/** No bundle of certificates is larger. */
const MAX_BYTES = 4 * 1024 * 1024;

/** The options for an https.Agent. Throws an Error that names the file if one can't be read. */
export const secureOptions = (tls: ClientTls | undefined) => ({
  ...(tls?.caFile !== undefined && { ca: contentOf(tls.caFile) }),
  ...(tls?.certFile !== undefined && { cert: contentOf(tls.certFile) }),
  ...(tls?.keyFile !== undefined && { key: contentOf(tls.keyFile) }),
  ...(tls?.serverName !== undefined && { servername: tls.serverName }),
  rejectUnauthorized: !(tls?.insecureSkipVerify ?? false),
});

/** Changes when one of the files changes. */
export const tlsStamp = (tls: ClientTls | undefined): string =>
  [tls?.caFile, tls?.certFile, tls?.keyFile].map((path) => (path === undefined ? '' : fileStamp(path))).join('|');

function contentOf(path: string): Buffer {
  try {
    return readRegular(path, { maxBytes: MAX_BYTES }).content;
  } catch (cause) {
    throw new Error(`cannot read the TLS file ${path}: ${whyUnread(cause)}`);
  }
}
