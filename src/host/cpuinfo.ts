// /proc/cpuinfo: proc_cpuinfo(5). Each architecture has its own fields (show_cpuinfo() of arch/*/kernel); here they are
// mapped to the names of x86.

/** Fields of other architectures that mean the same as one of x86. */
const ALIASES: ReadonlyMap<string, string> = new Map([
  // POWER: `cpu : POWER9, altivec supported`, `clock : 2200.000000MHz`.
  ['cpu', 'vendor_id'],
  ['clock', 'cpu MHz'],
  // s390x.
  ['cpu MHz dynamic', 'cpu MHz'],
  ['features', 'flags'],
  // ARM; RISC-V; MIPS; LoongArch.
  ['Features', 'flags'],
  ['hart', 'core id'],
  ['isa', 'model name'],
  ['cpu model', 'model name'],
  ['CPU Family', 'cpu family'],
  ['Model Name', 'model name'],
]);

/** `processor 0: version = 00,  identification = 2733E8,  machine = 2964` of s390x. */
const S390_PROCESSOR = /^processor\s+(\d+)\s*:/;

/**
 * The fields of each CPU by their names on x86, `processor` for its number, in the file's order. Fields given once for
 * all CPUs, such as the vendor on s390x, are added to each. A kernel for one CPU of ARM has no line `processor`: its
 * `Processor` is the model, and its number is 0.
 */
export function parseCpuinfo(text: string): Map<string, string>[] {
  const cpus: Map<string, string>[] = [];
  const common = new Map<string, string>();
  let current: Map<string, string> | undefined;
  const start = (number: string) => {
    current = new Map([...common, ['processor', number]]);
    cpus.push(current);
  };
  for (const line of text.split('\n')) {
    const colon = line.indexOf(':');
    if (colon === -1) continue;
    const field = line.slice(0, colon).trim();
    const value = line.slice(colon + 1).trim();
    const number = S390_PROCESSOR.exec(line)?.[1];
    if (field === 'Processor') common.set('model name', value);
    else if (number !== undefined) start(number);
    else if (field === 'processor') start(value);
    // s390x lists the CPUs a second time, with the fields that differ between them.
    else if (field === 'cpu number') current = cpus.find((cpu) => cpu.get('processor') === value);
    else (current ?? common).set(ALIASES.get(field) ?? field, value.replace(/^([\d.]+)MHz$/, '$1'));
  }
  if (cpus.length === 0 && common.has('model name')) start('0');
  return cpus;
}
