// /proc/cpuinfo: proc_cpuinfo(5). Each architecture has its own fields (show_cpuinfo() of arch/*/kernel); here they are
// mapped to the names of x86.
import { errorText } from '../base/error-text.ts';
import { MalformedFile } from './errors.ts';
import { eachRecord, type Losses } from './lines.ts';
import { count } from './numbers.ts';

/** Fields of other architectures that mean the same as one of x86. */
const ALIASES: ReadonlyMap<string, string> = new Map([
  // POWER: `cpu : POWER9, altivec supported`, `clock : 2200.000000MHz`.
  ['cpu', 'vendor_id'],
  ['clock', 'cpu MHz'],
  // s390x.
  ['cpu MHz dynamic', 'cpu MHz'],
  ['features', 'flags'],
  // ARM; RISC-V; MIPS; LoongArch, some as MIPS.
  ['Features', 'flags'],
  ['hart', 'core id'],
  ['isa', 'model name'],
  ['package', 'physical id'],
  ['core', 'core id'],
  ['cpu model', 'model name'],
  ['CPU Family', 'cpu family'],
  ['Model Name', 'model name'],
  ['CPU MHz', 'cpu MHz'],
]);

/** `processor 0: version = 00,  identification = 2733E8,  machine = 2964` of s390x. */
const S390_PROCESSOR = /^processor\s+(\d+)\s*:/;

/** The clock of POWER. */
const MEGAHERTZ = /^([\d.]+)MHz$/;

/** On POWER, the first field about the machine, after those of the last CPU; another one is the machine's `model`. */
const MACHINE = 'timebase';

/** Fields with a number, by which CPUs are counted. */
const IDS: ReadonlySet<string> = new Set(['physical id', 'core id']);

/**
 * The wanted fields of each CPU by their names on x86, and `processor` for its number, in the file's order. Fields given
 * once for all CPUs, such as the vendor on s390x, are added to each. A kernel for one CPU of ARM has no line
 * `processor`: its `Processor` is the model, and its number is 0. A CPU without a number, or listed twice, is recorded
 * as a loss, as is the first line with a wanted id that is not a number. Throws MalformedFile when most lines are
 * malformed.
 */
export function parseCpuinfo(
  lost: Losses,
  path: string,
  text: string,
  wanted: { has(field: string): boolean },
): Map<string, string>[] {
  const cpus = new Map<string, Map<string, string>>();
  const common = new Map<string, string>();
  let current: Map<string, string> | undefined = common;
  const start = (number: string) => {
    // What follows belongs to no CPU if its line is malformed.
    current = undefined;
    const cpu = String(count(number));
    if (cpus.has(cpu)) throw new Error(`CPU ${cpu} is listed twice`);
    current = new Map([...common, ['processor', cpu]]);
    cpus.set(cpu, current);
  };
  /** Of machines whose firmware does not number its cores, all CPUs have the same wrong id, which is one loss. */
  const wrongIds = new Set<string>();
  const isId = (name: string, value: string, line: number): boolean => {
    try {
      count(value);
      return true;
    } catch (cause) {
      if (!wrongIds.has(name)) lost.lose(path, new MalformedFile(path, line, errorText(cause)));
      wrongIds.add(name);
      return false;
    }
  };
  eachRecord(lost, path, text, (line, lineNumber) => {
    const colon = line.indexOf(':');
    if (colon === -1) return;
    const field = line.slice(0, colon).trimEnd();
    const value = () => line.slice(colon + 1).trim();
    const number = field.startsWith('processor ') ? S390_PROCESSOR.exec(line)?.[1] : undefined;
    if (number !== undefined) start(number);
    else if (field === 'processor') start(value());
    else if (field === MACHINE) current = undefined;
    else if (field === 'Processor') common.set('model name', value());
    // s390x lists the CPUs a second time, with the fields that differ between them.
    else if (field === 'cpu number') current = cpus.get(value());
    else if (current) {
      const name = ALIASES.get(field) ?? field;
      if (!wanted.has(name)) return;
      if (IDS.has(name) && !isId(name, value(), lineNumber)) return;
      current.set(name, value().replace(MEGAHERTZ, '$1'));
    }
  });
  if (cpus.size === 0 && common.has('model name')) start('0');
  return [...cpus.values()];
}
