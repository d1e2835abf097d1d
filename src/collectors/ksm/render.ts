import { errorText } from '../../base/error-text.ts';
import type { KubeObject } from '../../kube/object.ts';
import type { Family } from '../../metrics/family.ts';
import { type Label, overLimit } from '../../metrics/label-limits.ts';
import { type PushedLabelOptions, withoutClashes } from '../../metrics/pushed-labels.ts';
import type { Relabeling } from '../../metrics/relabel/relabeling.ts';
import { escapeLabelValue, headerText, numberText } from '../../metrics/text/format.ts';
import { parseLine } from '../../metrics/text/parse.ts';
import { type Allowed, type Emit, type KubeFamily, type LabelValue, PartlyLost, type Resource } from './resource.ts';

/** What to render of a resource's objects. */
interface RenderOptions {
  /** Whether a family is wanted. */
  includes(family: KubeFamily): boolean;
  /** Selects the labels to expose; undefined omits the family of labels. */
  readonly labels?: Allowed | undefined;
  /** Selects the annotations to expose; undefined omits the family of annotations. */
  readonly annotations?: Allowed | undefined;
  /** What the push does to labels: labels that it would overwrite are renamed. No renaming when unset. */
  readonly pushed?: PushedLabelOptions | undefined;
  /** Rules for the series: families dropped by them are not rendered. No rules when unset. */
  readonly relabel?: Relabeling | undefined;
}

/** One object as text. */
export interface Rendered {
  /** Sample lines, each with its newline: all of the first family, then all of the second, and so on. */
  readonly text: string;
  /** How many lines each of the renderer's families has, in their order. */
  readonly counts: readonly number[];
  /**
   * One error per family that was lost for this object, in part or completely, or the single reason why nothing could
   * be rendered.
   */
  readonly errors: readonly Error[];
  /** Series with a label that the push sets itself; the label is renamed to `exported_…` in the text. */
  readonly renamed: number;
  /** For each series that exceeds the receivers' limits, which one and why. They are still included in the text. */
  readonly overLimit: readonly string[];
}

const NONE: readonly string[] = [];

/** Renders objects of one resource as text; created once, used for every object. */
export interface Renderer {
  readonly resource: Resource;
  /** The selected families, in the order of their lines. */
  readonly families: readonly Family[];
  /** The HELP and TYPE lines of each of `families`. */
  readonly headers: readonly string[];
  /** Never throws: anything that cannot be rendered is reported in `errors`. */
  render(object: KubeObject): Rendered;
}

/** Binds a resource to options. */
export function rendererOf(resource: Resource, options: RenderOptions): Renderer {
  const names = options.pushed?.names ?? NO_NAMES;
  const wanted = resource.families
    .filter(({ family }) => options.relabel?.admits(family.name) ?? true)
    .filter((family) => options.includes(family) && (!family.allowlisted || options[family.allowlisted]))
    .map((family) => ({ ...compileFamily(family, resource, names), allowed: pickerOf(family, options) }));
  const identityLabels = free(resource.identity.labels, names);
  return {
    resource,
    families: wanted.map(({ source }) => source.family),
    headers: wanted.map(({ source }) => headerText(source.family)),
    render(object) {
      const counts: number[] = [];
      const errors: Error[] = [];
      const lines = new Lines(options, identityLabels.length);
      try {
        lines.begin(identityText(resource, identityLabels, object));
      } catch (cause) {
        const counts = wanted.map(() => 0);
        return { text: '', counts, errors: [lost(resource.name, cause)], renamed: 0, overLimit: NONE };
      }
      for (const { source, compiled, allowed } of wanted) {
        try {
          source.samples(object, lines.emitter(compiled), allowed);
        } catch (cause) {
          if (!(cause instanceof PartlyLost)) lines.drop();
          errors.push(lost(source.family.name, cause));
        }
        if (lines.contradiction !== undefined) errors.push(lost(source.family.name, lines.contradiction));
        counts.push(lines.count);
      }
      return { text: lines.text, counts, errors, renamed: lines.renamed, overLimit: lines.overLimit };
    },
  };
}

/** A family with the constant parts of its lines. */
interface CompiledFamily {
  readonly name: string;
  /** `name{` */
  readonly head: string;
  /** `,label="` of each label; without the comma for the first. */
  readonly labelHeads: readonly string[];
  /** Length of the longest label name common to all of its series. */
  readonly longestName: number;
}

const NOTHING: Allowed = () => undefined;

const pickerOf = ({ allowlisted }: KubeFamily, options: RenderOptions): Allowed =>
  (allowlisted && options[allowlisted]) || NOTHING;

const NO_NAMES: ReadonlySet<string> = new Set();

/** Label names changed such that the push does not overwrite them. */
const free = (labels: readonly string[], names: ReadonlySet<string>): readonly string[] =>
  withoutClashes(
    labels.map((label): Label => [label, label]),
    names,
  ).map(([label]) => label);

function compileFamily(
  source: KubeFamily,
  resource: Resource,
  names: ReadonlySet<string>,
): { source: KubeFamily; compiled: CompiledFamily } {
  const { name, labels } = source.family;
  const first = resource.identity.labels.length === 0;
  const labelHeads = free(labels, names).map((label, index) => `${first && index === 0 ? '' : ','}${label}="`);
  const longestName = Math.max(0, ...[...resource.identity.labels, ...labels].map(({ length }) => length));
  return { source, compiled: { name, head: `${name}{`, labelHeads, longestName } };
}

/** `namespace="a",pod="b",uid="c"`, the first labels of every series of the object. */
function identityText({ identity }: Resource, labels: readonly string[], object: KubeObject): string {
  if (!object.metadata?.name) throw new Error('an object without a name');
  const values = identity.values(object);
  return labels.map((label, index) => `${label}="${escaped(values[index])}"`).join();
}

const lost = (what: string, cause: unknown): Error => new Error(`${what}: ${errorText(cause)}`, { cause });

/** The JSON of an object may contain any type where a string is expected. */
function escaped(value: LabelValue): string {
  if (typeof value === 'string') return escapeLabelValue(value);
  return value === undefined || value === null ? '' : escapeLabelValue(String(value));
}

/** Up to this many series of one family are compared one by one; a set is more expensive for so few. */
const FEW = 8;

/** Maximum number of UTF-8 bytes for a UTF-16 unit. */
const MAX_BYTES = 3;

/** Maximum length of a series in a message, in characters. */
const MAX_SHOWN = 200;

/** Collects the lines of one object. */
class Lines {
  text = '';
  /** Lines of the current family. */
  count = 0;
  /** A series of the current family that was emitted with two values; the first is used. */
  contradiction: string | undefined;
  renamed = 0;
  overLimit: readonly string[] = NONE;
  readonly #names: ReadonlySet<string>;
  readonly #limits: PushedLabelOptions['limits'];
  readonly #relabel: Relabeling | undefined;
  /** Labels that are not a family's own: the name, those of the push, those that identify the object. */
  readonly #common: number;
  #identity = '';
  #kept = '';
  #family: CompiledFamily | undefined;
  /** Series of the current family; the first is stored only when there is a second. */
  readonly #keys: string[] = [];
  readonly #values: number[] = [];
  #seen: Map<string, number> | undefined;

  constructor({ pushed, relabel }: Pick<RenderOptions, 'pushed' | 'relabel'>, identityLabels: number) {
    this.#relabel = relabel;
    this.#names = pushed?.names ?? NO_NAMES;
    this.#limits = pushed?.limits;
    this.#common = 1 + this.#names.size + identityLabels;
  }

  begin(identity: string): void {
    this.#identity = identity;
  }

  /** Starts the next family. */
  emitter(family: CompiledFamily): Emit {
    this.#kept = this.text;
    this.#family = family;
    this.#keys.length = 0;
    this.#values.length = 0;
    this.#seen = undefined;
    this.contradiction = undefined;
    this.count = 0;
    return this.#emit;
  }

  /** Discards the lines of the current family. */
  drop(): void {
    this.text = this.#kept;
    this.contradiction = undefined;
    this.count = 0;
  }

  readonly #emit: Emit = (value, ...labels) => {
    const { name, head, labelHeads } = this.#family as CompiledFamily;
    if (typeof value !== 'number' || Number.isNaN(value))
      throw new TypeError(`${JSON.stringify(value)} is not a number`);
    const fixed = labelHeads.length;
    if (labels.length < fixed || (labels.length - fixed) % 2 !== 0) {
      throw new Error(`BUG: ${name} takes ${fixed} label values and pairs, got ${labels.length}`);
    }
    let key = head + this.#identity;
    for (let index = 0; index < fixed; index++) key += `${labelHeads[index]}${escaped(labels[index])}"`;
    const own = labels.length > fixed ? this.#renamed(labels, fixed) : labels;
    let longestName = this.#family?.longestName ?? 0;
    for (let index = fixed; index < own.length; index += 2) {
      const comma = key.length === head.length ? '' : ',';
      longestName = Math.max(longestName, own[index]?.length ?? 0);
      key += `${comma}${own[index]}="${escaped(own[index + 1])}"`;
    }
    if (this.#relabel) {
      const seen = this.#relabel.keyOf(closed(key), name);
      if (seen === undefined) return;
      key = seen.endsWith('}') ? seen.slice(0, -1) : `${seen}{`;
    }
    if (this.#isSecond(key, value)) return;
    const limits = this.#limits;
    if (limits) {
      const count = this.#common + fixed + (own.length - fixed) / 2;
      if (count > limits.labels) this.#exceeds(key, `${count} labels, the limit is ${limits.labels}`);
      else if (longestName > limits.nameBytes || key.length * MAX_BYTES > limits.valueBytes) this.#measure(key, limits);
    }
    this.text += `${closed(key)} ${numberText(value)}\n`;
    this.count++;
  };

  /** The labels with those after the first `fixed`, in pairs, renamed such that the push overwrites none of them. */
  #renamed(labels: readonly LabelValue[], fixed: number): readonly LabelValue[] {
    let clashes = false;
    for (let index = fixed; index < labels.length; index += 2) clashes ||= this.#names.has(labels[index] as string);
    if (!clashes) return labels;
    const pairs: Label[] = [];
    for (let index = fixed; index < labels.length; index += 2) {
      pairs.push([labels[index] as string, labels[index + 1] ?? '']);
    }
    this.renamed++;
    // In a fixed order, so that equal series have equal text.
    const sorted = [...withoutClashes(pairs, this.#names)].sort(([one], [other]) => (one < other ? -1 : 1));
    return [...labels.slice(0, fixed), ...sorted.flat()];
  }

  /** Checks a series that may have a label over the limits. */
  #measure(key: string, limits: NonNullable<PushedLabelOptions['limits']>): void {
    const parsed = parseLine(`${key}} 0`);
    const excess = parsed?.kind === 'sample' && overLimit(parsed.name, parsed.labels, limits, this.#names.size);
    if (excess) this.#exceeds(key, excess);
  }

  #exceeds(key: string, what: string): void {
    const series = key.length > MAX_SHOWN ? `${key.slice(0, MAX_SHOWN)}…` : `${key}}`;
    this.overLimit = [...this.overLimit, `${series} has ${what}`];
  }

  /** Receivers reject an entire request if one series occurs twice, which two equal taints would cause. */
  #isSecond(key: string, value: number): boolean {
    const first = this.#valueOf(key);
    if (first !== undefined) {
      if (first !== value)
        this.contradiction ??= `${key}} has conflicting values ${first} and ${value}; keeping the first`;
      return true;
    }
    if (this.#seen) {
      this.#seen.set(key, value);
      return false;
    }
    const keys = this.#keys;
    keys.push(key);
    this.#values.push(value);
    if (keys.length > FEW) this.#seen = new Map(keys.map((one, index) => [one, this.#values[index] as number]));
    return false;
  }

  /** The value emitted for a series of the current family. */
  #valueOf(key: string): number | undefined {
    if (this.#seen) return this.#seen.get(key);
    const index = this.#keys.indexOf(key);
    return index === -1 ? undefined : this.#values[index];
  }
}

/** The key with its closing bracket. */
const closed = (key: string): string => `${key}}`;
