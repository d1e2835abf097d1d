import type { X509Certificate } from 'node:crypto';
import { goName } from './certificate-name.ts';
import { type DerValue, derOid, derValues } from './der.ts';

/** The certificate data shown by dashboards for blackbox_exporter, in Go's formats. */
export interface CertificateFacts {
  /** SHA-256 of the certificate in lower-case hex. */
  readonly fingerprint: string;
  readonly subject: string;
  readonly issuer: string;
  /** DNS names of the certificate, joined by commas. */
  readonly dnsNames: string;
  /** Lower-case hex, two digits per byte. */
  readonly serialNumber: string;
  /** Whether it has names to verify. A common name does not count. */
  readonly hasAltNames: boolean;
}

const SUBJECT_ALT_NAME = '2.5.29.17';
const OCTET_STRING = 4;
const DNS_NAME = 0x82;
const VERSION = 0xa0;
const EXTENSIONS = 0xa3;

/** Reads a certificate. Throws RangeError when it is not DER, which can't happen after OpenSSL has parsed it. */
export function certificateFacts(certificate: X509Certificate): CertificateFacts {
  const [whole] = derValues(certificate.raw);
  const [signed] = derValues(contentOf(whole));
  const fields = derValues(contentOf(signed));
  const at = fields[0]?.tag === VERSION ? 1 : 0;
  const names = altNames(fields);
  return {
    fingerprint: certificate.fingerprint256.replaceAll(':', '').toLowerCase(),
    subject: goName(contentOf(fields[at + 4])),
    issuer: goName(contentOf(fields[at + 2])),
    dnsNames: (names ?? [])
      .filter(({ tag }) => tag === DNS_NAME)
      .map(({ content }) => Buffer.from(content).toString('latin1'))
      .join(','),
    // Go prints the magnitude: a leading zero only marks a positive number.
    serialNumber: Buffer.from(contentOf(fields[at]))
      .toString('hex')
      .replace(/^(?:00)+/, ''),
    hasAltNames: names !== undefined,
  };
}

const contentOf = (value: DerValue | undefined): Uint8Array => value?.content ?? new Uint8Array();

/** The entries of the extension; undefined without it. */
function altNames(fields: readonly DerValue[]): DerValue[] | undefined {
  const extensions = fields.find(({ tag }) => tag === EXTENSIONS);
  const [list] = derValues(contentOf(extensions));
  for (const { content } of derValues(contentOf(list))) {
    const parts = derValues(content);
    if (derOid(contentOf(parts[0])) !== SUBJECT_ALT_NAME) continue;
    const octets = parts.find(({ tag }) => tag === OCTET_STRING);
    const [sequence] = derValues(contentOf(octets));
    return derValues(contentOf(sequence));
  }
  return undefined;
}
