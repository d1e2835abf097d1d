import type { KubeObject } from '../../kube/object.ts';
import type { Family } from '../../metrics/family.ts';
import { escapeLabelValue, headerText, numberText } from '../../metrics/text.ts';
import { type Allowed, type Emit, type KubeFamily, type LabelValue, PartlyLost, type Resource } from './resource.ts';

/** What to tell of a resource's objects. */
export interface RenderOptions {
  /** Whether a family is wanted. */
  includes(family: KubeFamily): boolean;
  /** Picks the labels to tell; undefined leaves the family of labels out. */
  readonly labels?: Allowed | undefined;
  /** Picks the annotations to tell; undefined leaves the family of annotations out. */
  readonly annotations?: Allowed | undefined;
}

/** One object as text. */
export interface Rendered {
  /** Sample lines, each with its newline: all of the first family, then all of the second, and so on. */
  readonly text: string;
  /** How many lines each of the renderer's families has, in their order. */
  readonly counts: readonly number[];
  /** One for each family that this object lost, or the one reason why there is nothing of it. */
  readonly errors: readonly Error[];
}

/** Turns objects of one resource into text; made once, used for every object. */
export interface Renderer {
  readonly resource: Resource;
  /** The families that are wanted, in the order of their lines. */
  readonly families: readonly Family[];
  /** The HELP and TYPE lines of each of `families`. */
  readonly headers: readonly string[];
  /** Never throws: what cannot be told of an object is in its errors. */
  render(object: KubeObject): Rendered;
}

/** Binds a resource to options. */
export function rendererOf(resource: Resource, options: RenderOptions): Renderer {
  const wanted = resource.families
    .filter((family) => options.includes(family) && (!family.allowlisted || options[family.allowlisted]))
    .map((family) => ({ ...compileFamily(family, resource), allowed: pickerOf(family, options) }));
  return {
    resource,
    families: wanted.map(({ source }) => source.family),
    headers: wanted.map(({ source }) => headerText(source.family)),
    render(object) {
      const counts: number[] = [];
      const errors: Error[] = [];
      const lines = new Lines();
      try {
        lines.begin(identityText(resource, object));
      } catch (cause) {
        return { text: '', counts: wanted.map(() => 0), errors: [lost(resource.name, cause)] };
      }
      for (const { source, compiled, allowed } of wanted) {
        try {
          source.samples(object, lines.emitter(compiled), allowed);
        } catch (cause) {
          if (!(cause instanceof PartlyLost)) lines.drop();
          errors.push(lost(source.family.name, cause));
        }
        counts.push(lines.count);
      }
      return { text: lines.text, counts, errors };
    },
  };
}

/** A family with everything about its lines that no object changes. */
interface CompiledFamily {
  readonly name: string;
  /** `name{` */
  readonly head: string;
  /** `,label="` of each label; without the comma where it comes first. */
  readonly labelHeads: readonly string[];
}

const NOTHING: Allowed = () => undefined;

const pickerOf = ({ allowlisted }: KubeFamily, options: RenderOptions): Allowed =>
  (allowlisted && options[allowlisted]) || NOTHING;

function compileFamily(source: KubeFamily, resource: Resource): { source: KubeFamily; compiled: CompiledFamily } {
  const { name, labels } = source.family;
  const first = resource.identity.labels.length === 0;
  const labelHeads = labels.map((label, index) => `${first && index === 0 ? '' : ','}${label}="`);
  return { source, compiled: { name, head: `${name}{`, labelHeads } };
}

/** `namespace="a",pod="b",uid="c"`, which every series of the object begins with. */
function identityText({ identity }: Resource, object: KubeObject): string {
  if (!object.metadata?.name) throw new Error('an object without a name');
  const values = identity.values(object);
  return identity.labels.map((label, index) => `${label}="${escaped(values[index])}"`).join();
}

const lost = (what: string, cause: unknown): Error =>
  new Error(`${what}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });

/** The JSON of an object may have anything where a text belongs. */
function escaped(value: LabelValue): string {
  if (typeof value === 'string') return escapeLabelValue(value);
  return value === undefined || value === null ? '' : escapeLabelValue(String(value));
}

/** Up to this many series of one family are compared one by one; a set costs more for so few. */
const FEW = 8;

/** The lines of one object while they come. */
class Lines {
  text = '';
  /** Lines of the current family. */
  count = 0;
  #identity = '';
  #kept = '';
  #family: CompiledFamily | undefined;
  /** Series of the current family; the first is only kept when there is a second. */
  readonly #keys: string[] = [];
  #seen: Set<string> | undefined;

  begin(identity: string): void {
    this.#identity = identity;
  }

  /** Starts the next family. */
  emitter(family: CompiledFamily): Emit {
    this.#kept = this.text;
    this.#family = family;
    this.#keys.length = 0;
    this.#seen = undefined;
    this.count = 0;
    return this.#emit;
  }

  /** Forgets what the current family has brought. */
  drop(): void {
    this.text = this.#kept;
    this.count = 0;
  }

  readonly #emit: Emit = (value, ...labels) => {
    const { name, head, labelHeads } = this.#family as CompiledFamily;
    if (typeof value !== 'number' || Number.isNaN(value)) throw new TypeError(`${JSON.stringify(value)} is no number`);
    const fixed = labelHeads.length;
    if (labels.length < fixed || (labels.length - fixed) % 2 !== 0) {
      throw new Error(`BUG: ${name} takes ${fixed} label values and pairs, got ${labels.length}`);
    }
    let key = head + this.#identity;
    for (let index = 0; index < fixed; index++) key += `${labelHeads[index]}${escaped(labels[index])}"`;
    for (let index = fixed; index < labels.length; index += 2) {
      const comma = key.length === head.length ? '' : ',';
      key += `${comma}${labels[index]}="${escaped(labels[index + 1])}"`;
    }
    if (this.#isSecond(key)) return;
    this.text += `${key}} ${numberText(value)}\n`;
    this.count++;
  };

  /** Receivers refuse a whole body for one series that is there twice: two equal taints would do that. */
  #isSecond(key: string): boolean {
    const keys = this.#keys;
    if (this.#seen) {
      if (this.#seen.has(key)) return true;
      this.#seen.add(key);
      return false;
    }
    if (keys.includes(key)) return true;
    keys.push(key);
    if (keys.length > FEW) this.#seen = new Set(keys);
    return false;
  }
}
