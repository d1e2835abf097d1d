/** Datagrams received but dropped by the kernel, by the kernel's name of the error. */
interface UdpErrors {
  readonly protocol: 'udp' | 'udp6';
  readonly error: string;
  readonly count: number;
}

/** InErrors is their sum, and therefore omitted. */
const ERRORS: ReadonlySet<string> = new Set(['RcvbufErrors', 'InCsumErrors', 'MemErrors']);

const COUNT = /^\d{1,20}$/;

/** From `/proc/net/snmp`: a line of names, then one of values, for each protocol. */
export function udpErrorsOf(snmp: string): UdpErrors[] {
  const rows = snmp.split('\n').filter((line) => line.startsWith('Udp: '));
  const names = rows[0]?.split(/\s+/) ?? [];
  const values = rows[1]?.split(/\s+/) ?? [];
  return names.flatMap((error, index) => errorsOf('udp', error, values[index]));
}

/** From `/proc/net/snmp6`: one name and value per line; the file is absent without IPv6. */
export const udp6ErrorsOf = (snmp6: string): UdpErrors[] =>
  snmp6.split('\n').flatMap((line) => {
    const [name = '', value] = line.split(/\s+/);
    return name.startsWith('Udp6') ? errorsOf('udp6', name.slice('Udp6'.length), value) : [];
  });

const errorsOf = (protocol: UdpErrors['protocol'], error: string, value: string | undefined): UdpErrors[] =>
  ERRORS.has(error) && value !== undefined && COUNT.test(value) ? [{ protocol, error, count: Number(value) }] : [];
