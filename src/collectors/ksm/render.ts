import { errorText } from '../../base/error-text.ts';
import type { KubeObject } from '../../kube/object.ts';
import type { Family } from '../../metrics/family.ts';
import type { Label } from '../../metrics/label-limits.ts';
import { type PushedLabelOptions, withoutClashes } from '../../metrics/pushed-labels.ts';
import type { Relabeling } from '../../metrics/relabel/relabeling.ts';
import { headerText } from '../../metrics/text/format.ts';
import { type CompiledFamily, ObjectLines } from './object-lines.ts';
import { type Allowed, type KubeFamily, PartlyLost, type Resource } from './resource.ts';

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
export interface Rendered extends RenderNotes {
  /** Sample lines, each with its newline: all of the first family, then all of the second, and so on. */
  readonly text: string;
}

/** One object as text in memory that is used again. */
interface RenderedBytes extends RenderNotes {
  /** The text of {@link Rendered} as UTF-8, valid until any renderer renders another object. */
  readonly bytes: Buffer;
}

interface RenderNotes {
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
const NOTHING = Buffer.alloc(0);

/** Renders objects of one resource as text; created once, used for every object. */
export interface Renderer {
  readonly resource: Resource;
  /** The selected families, in the order of their lines. */
  readonly families: readonly Family[];
  /** The HELP and TYPE lines of each of `families`. */
  readonly headers: readonly string[];
  /** Never throws: anything that cannot be rendered is reported in `errors`. */
  render(object: KubeObject): Rendered;
  /** Like `render`, without a string. */
  renderBytes(object: KubeObject): RenderedBytes;
}

/** Binds a resource to options. */
export function rendererOf(resource: Resource, options: RenderOptions): Renderer {
  const names = options.pushed?.names ?? NO_NAMES;
  const wanted = resource.families
    .filter(({ family }) => options.relabel?.admits(family.name) ?? true)
    .filter((family) => options.includes(family) && (!family.allowlisted || options[family.allowlisted]))
    .map((family) => ({ ...compileFamily(family, resource, names), allowed: pickerOf(family, options) }));
  const identityLabels = free(resource.identity.labels, names);
  const identityHeads = headsOf(identityLabels, true);
  const lines = new ObjectLines(options, identityLabels.length);
  const renderBytes = (object: KubeObject): RenderedBytes => {
    const counts: number[] = [];
    const errors: Error[] = [];
    try {
      lines.begin(identityHeads, identityValues(resource, object));
    } catch (cause) {
      const counts = wanted.map(() => 0);
      return { bytes: NOTHING, counts, errors: [lost(resource.name, cause)], renamed: 0, overLimit: NONE };
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
    return { bytes: lines.bytes, counts, errors, renamed: lines.renamed, overLimit: lines.overLimit };
  };
  return {
    resource,
    families: wanted.map(({ source }) => source.family),
    headers: wanted.map(({ source }) => headerText(source.family)),
    renderBytes,
    render(object) {
      const { bytes, ...notes } = renderBytes(object);
      return { text: bytes.toString(), ...notes };
    },
  };
}

const NONE_ALLOWED: Allowed = () => undefined;

const pickerOf = ({ allowlisted }: KubeFamily, options: RenderOptions): Allowed =>
  (allowlisted && options[allowlisted]) || NONE_ALLOWED;

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
  const labelHeads = headsOf(free(labels, names), resource.identity.labels.length === 0);
  const longestName = Math.max(0, ...[...resource.identity.labels, ...labels].map(({ length }) => length));
  return { source, compiled: { name, head: Buffer.from(`${name}{`), labelHeads, longestName } };
}

/** `,label="` of each label, in UTF-8; without the comma if it is the first of a series. */
const headsOf = (labels: readonly string[], areFirst: boolean): readonly Uint8Array[] =>
  labels.map((label, index) => Buffer.from(`${areFirst && index === 0 ? '' : ','}${label}="`));

/** The values of the first labels of every series of the object. */
function identityValues({ identity }: Resource, object: KubeObject): readonly string[] {
  if (!object.metadata?.name) throw new Error('an object without a name');
  return identity.values(object);
}

const lost = (what: string, cause: unknown): Error => new Error(`${what}: ${errorText(cause)}`, { cause });
