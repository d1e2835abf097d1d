// pci.ids: https://pci-ids.ucw.cz/. Vendors, below each its devices, below each subsystems; then classes `C`, below
// each subclasses and programming interfaces. Each name is preceded by an id and two blanks, with one tab per level.
import { MissingFile } from '../../host/errors.ts';
import type { Host } from '../../host/host.ts';

/** The ids that a device reports: hexadecimal digits without `0x`, four of each and six of the class. */
export interface PciDeviceIds {
  readonly classId: string;
  readonly vendor: string;
  readonly device: string;
  readonly subsystemVendor: string;
  readonly subsystemDevice: string;
}

const USUAL_FILES = ['/usr/share/misc/pci.ids', '/usr/share/hwdata/pci.ids'];

/** Names of PCI devices. Of the file, 1.5 MB with 40,000 of them, only the requested names are stored. */
export class PciNames {
  readonly #host: Host;
  readonly #paths: readonly string[];
  readonly #known = new Map<string, readonly string[]>();

  /** `file` is a path of this process; without it the usual paths of the host are tried. */
  constructor(host: Host, file: string | undefined) {
    this.#host = host;
    this.#paths = file === undefined ? USUAL_FILES.map((path) => host.root(path)) : [file];
  }

  /**
   * The names of vendor, device, subsystem vendor, subsystem device and class; ids replace missing names. Throws
   * MissingFile, DeniedFile or UnreadableFile if the file is unavailable.
   */
  of(ids: PciDeviceIds): readonly string[] {
    const key = Object.values(ids).join(' ');
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const names = findNames(this.#read(), ids);
    this.#known.set(key, names);
    return names;
  }

  #read(): string {
    for (const path of this.#paths) {
      const text = this.#host.readIfExists(path);
      if (text !== undefined) return text;
    }
    throw new MissingFile(this.#paths.join(' or '));
  }
}

/** The result of {@link PciNames.of}, from the text of the file. */
export function findNames(text: string, ids: PciDeviceIds): readonly string[] {
  const { classId, vendor, device, subsystemVendor, subsystemDevice } = ids;
  const vendorBlock = block(text, `\n${vendor}  `, '\n');
  const deviceBlock = block(vendorBlock, `\n\t${device}  `, '\n\t');
  const classBlock = block(text, `\nC ${classId.slice(0, 2)}  `, '\n');
  const subclassBlock = block(classBlock, `\n\t${classId.slice(2, 4)}  `, '\n\t');
  return [
    title(vendorBlock) ?? vendor,
    title(deviceBlock) ?? device,
    title(block(text, `\n${subsystemVendor}  `, '\n')) ?? subsystemVendor,
    title(block(deviceBlock, `\n\t\t${subsystemVendor} ${subsystemDevice}  `, '\n\t\t')) ?? subsystemDevice,
    title(block(subclassBlock, `\n\t\t${classId.slice(4, 6)}  `, '\n\t\t')) ??
      title(subclassBlock) ??
      title(classBlock) ??
      `Unknown class (${classId})`,
  ];
}

/** From the name that follows `heading` to the next line that is no deeper than it; empty when there is none. */
function block(text: string, heading: string, level: string): string {
  const at = `\n${text}`.indexOf(heading);
  if (at === -1) return '';
  const start = at - 1 + heading.length;
  const deeper = `${level}\t`;
  for (let end = text.indexOf('\n', start); end !== -1; end = text.indexOf('\n', end + 1)) {
    const isComment = text[end + 1] === '#';
    const isBlank = text[end + 1] === '\n';
    if (!isComment && !isBlank && !text.startsWith(deeper, end)) return text.slice(start, end);
  }
  return text.slice(start);
}

const title = (text: string): string | undefined => (text === '' ? undefined : text.split('\n', 1)[0]?.trim());
