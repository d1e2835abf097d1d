// What cgroups did with block devices: io.stat of v2 and the blkio files of v1.
import { eachRecord, type Losses, words } from '../../host/lines.ts';
import { count } from '../../host/numbers.ts';
import { type DeviceUse, scaled } from './reading.ts';

const MICROSECONDS = 1e6;
const DEVICE = /^(\d+):(\d+)$/;
/** What kernels write for a device that is being removed. */
const UNKNOWN = '(unknown)';

/**
 * The lines of io.stat: `254:0 rbytes=1 wbytes=2 rios=3 …`. A device that did nothing has only its number, on some
 * kernels without the end of its line (`253:0 8:0 rbytes=…`): what follows belongs to the last one.
 */
export function parseIoStat(path: string, text: string, lost: Losses): DeviceUse[] {
  const devices: DeviceUse[] = [];
  // Without I/O there is no line.
  if (text === '') return devices;
  eachRecord(lost, path, text, (line) => {
    const device = deviceOf(words(line));
    if (device !== undefined) devices.push(device);
  });
  return devices;
}

/** The device of a line; undefined for one that did nothing or is no longer known. Throws Error. */
function deviceOf(fields: readonly string[]): DeviceUse | undefined {
  const { device, rest } = splitDevices(fields);
  if (device === UNKNOWN || rest.length === 0) return undefined;
  const [, major = '', minor = ''] = DEVICE.exec(device) ?? [];
  const values = new Map<string, string>();
  for (const pair of rest) {
    const equals = pair.indexOf('=');
    if (equals <= 0) throw new Error(`expected key=value, found ${JSON.stringify(pair.slice(0, 40))}`);
    values.set(pair.slice(0, equals), pair.slice(equals + 1));
  }
  const value = (key: string) => (values.has(key) ? count(values.get(key)) : undefined);
  const readBytes = value('rbytes');
  const writeBytes = value('wbytes');
  return {
    major,
    minor,
    bytes: operations({ Read: readBytes, Write: writeBytes }),
    readBytes,
    writeBytes,
    reads: value('rios'),
    writes: value('wios'),
    costUsage: scaled(value('cost.usage'), MICROSECONDS),
    costWait: scaled(value('cost.wait'), MICROSECONDS),
    costIndebt: scaled(value('cost.indebt'), MICROSECONDS),
    costIndelay: scaled(value('cost.indelay'), MICROSECONDS),
  };
}

/** Counts by operation: Read, Write, Sync, Async, Discard, Total. */
type Operations = ReadonlyMap<string, number>;

const operations = (counts: Readonly<Record<string, number | undefined>>): Operations =>
  new Map(Object.entries(counts).filter((entry): entry is [string, number] => entry[1] !== undefined));

/** The lines of a blkio file, `254:0 Read 123`, by device; the sum of all, `Total 123`, is left out. */
export function parseOperations(path: string, text: string, lost: Losses): Map<string, Operations> {
  const devices = new Map<string, Map<string, number>>();
  if (text === '') return devices;
  eachRecord(lost, path, text, (line) => {
    const fields = words(line);
    if (fields[0] === 'Total' && fields.length === 2) return;
    const { device, rest } = splitDevices(fields);
    const [operation = '', number, ...more] = rest;
    if (device === UNKNOWN || rest.length === 0) return;
    if (more.length > 0) throw new Error('expected device, operation and count');
    const known = devices.get(device) ?? new Map<string, number>();
    devices.set(device, known.set(operation, count(number)));
  });
  return devices;
}

/** The counters of a device: numbers of requests and bytes, from two files of v1. */
export function deviceUses(serviced: ReadonlyMap<string, Operations>, bytes: ReadonlyMap<string, Operations>) {
  const uses: DeviceUse[] = [];
  for (const device of new Set([...bytes.keys(), ...serviced.keys()])) {
    const [major = '', minor = ''] = device.split(':');
    const own = bytes.get(device) ?? new Map<string, number>();
    const requests = serviced.get(device);
    uses.push({
      major,
      minor,
      bytes: own,
      readBytes: own.get('Read'),
      writeBytes: own.get('Write'),
      reads: requests?.get('Read'),
      writes: requests?.get('Write'),
    });
  }
  return uses;
}

/** The last of the devices with which a line begins, and what follows. Throws Error for any other line. */
function splitDevices(fields: readonly string[]): { device: string; rest: readonly string[] } {
  let length = 0;
  while (length < fields.length && (DEVICE.test(fields[length] ?? '') || fields[length] === UNKNOWN)) length++;
  const device = fields[length - 1];
  if (device === undefined) {
    throw new Error(`expected a device like 8:0, found ${JSON.stringify(fields.join(' ').slice(0, 40))}`);
  }
  return { device, rest: fields.slice(length) };
}
